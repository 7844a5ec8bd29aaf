"""From training rows to batches: rendering, grouping by clip, order.

Rows of one clip go into the same batch, so that its audio tokens are computed once for all of them.
The order is drawn from the seed alone.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from mgrd.errors import TrainingError
from mgrd.models.render import RenderedExample, Renderer
from mgrd.training.features import FeatureCache

COLUMNS = ("row_id", "clip_id", "prompt", "reasoning", "answer", "weight")
"""What training reads of a row."""


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A rendered row: its clip (None for text-only), ids with loss mask, and its weight in the loss."""

    row_id: str
    clip_id: str | None
    example: RenderedExample
    weight: float


def render_rows(
    rows: pl.DataFrame, renderer: Renderer, features: FeatureCache, positions: int | None = None
) -> list[TrainingRow]:
    """Rows of the table `distilled`, rendered, without those of weight 0.

    Raises TrainingError when none is left, or when one has more tokens than the decoder has `positions`.
    """
    rendered = [
        TrainingRow(
            row["row_id"],
            row["clip_id"],
            renderer.example(
                row["prompt"],
                0 if row["clip_id"] is None else features.windows(row["clip_id"]),
                row["reasoning"],
                row["answer"],
            ),
            row["weight"],
        )
        for row in rows.select(COLUMNS).iter_rows(named=True)
        if row["weight"] > 0
    ]
    if not rendered:
        raise TrainingError("there are no rows to train on; check the selection of the last round")
    longest = max(rendered, key=lambda row: len(row.example.ids))
    if positions is not None and len(longest.example.ids) > positions:
        raise TrainingError(
            f"row {longest.row_id} has {len(longest.example.ids)} tokens, the decoder {positions} positions; "
            "lower spec.sampling.max_new_tokens, or split its clip at ingest (spec.ingest.window_seconds)"
        )
    return rendered


def _by_clip(rows: list[TrainingRow]) -> dict[str, list[TrainingRow]]:
    """Rows of each clip; a row without one stands alone."""
    groups: dict[str, list[TrainingRow]] = defaultdict(list)
    for row in rows:
        groups[row.clip_id or f"text {row.row_id}"].append(row)
    return groups


def shard_batch(batch: list[TrainingRow], count: int) -> list[list[TrainingRow]]:
    """At most `count` shards of about equal token numbers; rows of a clip stay together."""
    groups = _by_clip(batch)
    sizes = {
        key: len(group[0].example.prompt.prefix)
        + sum(len(row.example.prompt.rest) + len(row.example.completion) for row in group)
        for key, group in groups.items()
    }
    shards: list[list[TrainingRow]] = [[] for _ in range(count)]
    loads = [0] * count
    for key in sorted(groups, key=lambda key: (-sizes[key], key)):
        lightest = loads.index(min(loads))
        shards[lightest] += groups[key]
        loads[lightest] += sizes[key]
    return [shard for shard in shards if shard]


def cut_rows(rows: list[TrainingRow], limit: int) -> list[list[TrainingRow]]:
    """Parts of at most `limit` rows (0: all in one), rows of like length together so that little is padding.

    Rows of a clip stay together where the limit allows.
    """
    if not limit or len(rows) <= limit:
        return [rows]
    groups = _by_clip(rows)
    longest = {key: max(len(row.example.ids) for row in group) for key, group in groups.items()}
    ordered = [row for key in sorted(groups, key=lambda key: (longest[key], key)) for row in groups[key]]
    return [ordered[start : start + limit] for start in range(0, len(ordered), limit)]


def draw_batches(rows: list[TrainingRow], batch_rows: int, steps: int, seed: int) -> Iterator[list[TrainingRow]]:
    """`steps` batches of `batch_rows` rows; epochs in new random orders, rows of a clip side by side.

    Every row is used once before any row is used again.
    """
    rng = np.random.default_rng(seed)
    groups = _by_clip(rows)
    clips = [groups[key] for key in sorted(groups)]
    waiting: list[TrainingRow] = []
    for _ in range(steps):
        while len(waiting) < batch_rows:
            for index in rng.permutation(len(clips)):
                group = clips[index]
                waiting += [group[place] for place in rng.permutation(len(group))]
        yield waiting[:batch_rows]
        del waiting[:batch_rows]
