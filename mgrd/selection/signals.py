"""Each signal by itself, as calibration compares it with people: a verdict (grounded or not) and a score per chain.

Only what speaks of the grounding counts: a wrong answer is no matter of it, and a reviewer's vote is what the
signals are held against.
"""

from collections.abc import Mapping

import polars as pl

from mgrd.selection.decisions import UNREAD, passed_checks, stored_signals
from mgrd.selection.policy import UNDECIDED, WRONG_ANSWER, Counterfact, Judged, Signals, decide
from mgrd.settings import PolicySpec

SCHEMA = pl.Schema({"trace_id": pl.String, "verdict": pl.Boolean, "score": pl.Float64})


def signal_frames(
    decisions: pl.DataFrame,
    policy: PolicySpec,
    judged: Mapping[str, Judged] | None,
    counterfacts: Mapping[str, Counterfact],
) -> dict[str, pl.DataFrame]:
    """Name -> frame of `trace_id`, `verdict` and `score`: the whole policy, and each signal it is made of.

    The policy's score is the grounding score, 0 where the policy rejects: what `min_score` would be set on.
    """
    asked = set(passed_checks(decisions, policy)) if judged is not None else frozenset()
    rows: dict[str, list[tuple[str, bool | None, float | None]]] = {}
    for row in decisions.iter_rows(named=True):
        key = row["trace_id"]
        said = (judged or {}).get(key, UNREAD) if key in asked else None
        checks = stored_signals(row)
        alone = grounded(checks, policy)
        whole = grounded(stored_signals(row, said, counterfacts.get(key)), policy)
        rows.setdefault("policy", []).append((key, whole, checks.score if whole else 0.0))
        rows.setdefault("checks", []).append((key, alone, checks.score))
        if (counterfact := counterfacts.get(key)) is not None:
            likelier = counterfact.silence_margin > policy.min_silence_margin
            rows.setdefault("counterfactual", []).append((key, likelier, counterfact.silence_margin))
    return {name: pl.DataFrame(found, schema=SCHEMA, orient="row") for name, found in rows.items()}


def grounded(signals: Signals, policy: PolicySpec) -> bool | None:
    """Whether the policy finds nothing against the chain but a wrong answer; None where it cannot tell."""
    against = set(decide(signals, policy).reasons) - {WRONG_ANSWER}
    return None if against and UNDECIDED.issuperset(against) else not against
