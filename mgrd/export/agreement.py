"""How far two raters of the same chains agree beyond chance."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa over `n` chains that both raters judged; None when one rater never varied or nothing is shared."""

    rater: str
    n: int
    kappa: float | None


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Cohen's kappa (Cohen 1960), (observed - chance) / (1 - chance); None without pairs or when chance is 1."""
    if not pairs:
        return None
    n = len(pairs)
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum(a == b for a, b in pairs) / n
    chance = sum(left[label] * right[label] for label in left) / n**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


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
    return [Agreement(rater, len(pairs), cohen_kappa(pairs)) for rater, pairs in raters.items()]
