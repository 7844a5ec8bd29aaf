"""Each signal by itself, as calibration compares it with people: a verdict (grounded or not) and a score per chain.

Only what speaks of the grounding counts: a wrong answer is no matter of it, and a reviewer's vote is what the
signals are held against.
"""

from collections.abc import Mapping

import polars as pl

from mgrd.judging.panel import PanelResult
from mgrd.selection.decisions import passed_checks, stored_signals
from mgrd.selection.policy import UNDECIDED, WRONG_ANSWER, Counterfact, Signals, decide
from mgrd.settings import PolicySpec

SCHEMA = pl.Schema({"trace_id": pl.String, "verdict": pl.Boolean, "score": pl.Float64})


def signal_frames(
    decisions: pl.DataFrame,
    policy: PolicySpec,
    judged: Mapping[str, PanelResult] | None,
    counterfacts: Mapping[str, Counterfact],
) -> dict[str, pl.DataFrame]:
    """Name -> frame of `trace_id`, `verdict` and `score`: the whole policy, and each signal it is made of.

    The policy's score is the grounding score, 0 where the policy rejects: what `min_score` would be set on. The
    judge's is its acoustic grounding, on the chains that passed the checks; each judge of a panel is told apart by
    `judge_frames`. Where a judge is set and was not asked, for the answer was wrong, the policy's word is open.
    """
    asked = set(passed_checks(decisions, policy)) if judged is not None else frozenset()
    rows: dict[str, list[tuple[str, bool | None, float | None]]] = {}
    for row in decisions.iter_rows(named=True):
        key = row["trace_id"]
        said = (judged or {}).get(key, PanelResult(key, 0, 0)) if key in asked else None
        checks = stored_signals(row)
        alone = grounded(checks, policy)
        whole = grounded(stored_signals(row, said, counterfacts.get(key)), policy)
        if judged is not None and said is None and whole:
            whole = None
        rows.setdefault("policy", []).append((key, whole, checks.score if whole else 0.0))
        rows.setdefault("checks", []).append((key, alone, checks.score))
        if said is not None:
            reached = said.reaches("acoustic_grounding", policy.min_judge_grounding)
            rows.setdefault("judge", []).append((key, reached, said.scores.get("acoustic_grounding")))
        if (counterfact := counterfacts.get(key)) is not None:
            likelier = counterfact.silence_margin > policy.min_silence_margin
            rows.setdefault("counterfactual", []).append((key, likelier, counterfact.silence_margin))
    return {name: pl.DataFrame(found, schema=SCHEMA, orient="row") for name, found in rows.items()}


def grounded(signals: Signals, policy: PolicySpec) -> bool | None:
    """Whether the policy finds nothing against the chain but a wrong answer; None where it cannot tell."""
    against = set(decide(signals, policy).reasons) - {WRONG_ANSWER}
    return None if against and UNDECIDED.issuperset(against) else not against


def judge_frames(verdicts: pl.DataFrame, policy: PolicySpec) -> dict[str, pl.DataFrame]:
    """The same for each judge by itself, from VERDICTS rows; of several prompts' verdicts on a chain the last row."""
    rows = verdicts.unique(["judge", "trace_id"], keep="last", maintain_order=True)
    grounding = pl.when(pl.col("scored")).then(pl.col("acoustic_grounding"))
    frames = rows.select(
        "judge", "trace_id", verdict=grounding >= policy.min_judge_grounding, score=grounding
    ).partition_by("judge", as_dict=True, include_key=False, maintain_order=True)
    return {f"judge {name}": frame for (name,), frame in frames.items()}
