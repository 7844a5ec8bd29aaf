"""The training mixture of a round (eq. 5): kept chains, of this round or all so far, with text replay."""

import polars as pl

from mgrd.settings.training import TrainingSpec


def mix_rows(kept: pl.DataFrame, text: pl.DataFrame, spec: TrainingSpec, seed: int) -> pl.DataFrame:
    """Rows to train on: all kept chains, and text-reasoning rows that make up `spec.text_share` of the whole.

    Text rows are drawn without replacement while there are enough. The order is fixed by the seed.
    """
    wanted = round(kept.height * spec.text_share / (1 - spec.text_share))
    replay = (
        text.sort("row_id").sample(n=wanted, with_replacement=wanted > text.height, shuffle=True, seed=seed)
        if text.height
        else text
    )
    return pl.concat([kept.sort("row_id"), replay]).sample(fraction=1.0, shuffle=True, seed=seed)
