"""How far two raters of the same chains agree beyond chance."""

from dataclasses import dataclass

import polars as pl

from mgrd.evaluation.agreement import cohen_kappa


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa over `n` chains that both raters judged; None when one rater never varied or nothing is shared."""

    rater: str
    n: int
    kappa: float | None


def human_agreement(
    overrides: pl.DataFrame, decisions: pl.DataFrame, verdicts: pl.DataFrame, min_grounding: float
) -> list[Agreement]:
    """Agreement of the measured check and of every judge with the reviewers, on whether a chain is grounded.

    A reviewer's newest word on a chain counts, `unsure` does not; with several reviewers the newest of all.
    """
    human = {
        row["trace_id"]: row["verdict"] == "grounded"
        for row in overrides.sort("made_at", "override_id").iter_rows(named=True)
        if row["verdict"] in {"grounded", "not_grounded"}
    }
    raters: dict[str, list[tuple[bool, bool]]] = {"measured check": []}
    for trace_id, grounded in decisions.select("trace_id", "grounded").iter_rows():
        if trace_id in human:
            raters["measured check"].append((human[trace_id], grounded))
    for row in verdicts.sort("judge", "trace_id").iter_rows(named=True):
        scores = raters.setdefault(f"judge {row['judge']}", [])
        if row["scored"] and row["acoustic_grounding"] is not None and row["trace_id"] in human:
            scores.append((human[row["trace_id"]], row["acoustic_grounding"] >= min_grounding))
    return [Agreement(rater, len(pairs), _kappa(pairs)) for rater, pairs in raters.items()]


def _kappa(pairs: list[tuple[bool, bool]]) -> float | None:
    """Of (human, rater) pairs."""
    cells = ((True, True), (False, True), (True, False), (False, False))
    return cohen_kappa(*(pairs.count(cell) for cell in cells))
