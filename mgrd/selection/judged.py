"""Decisions that also heed the judge.

The judge is asked only about chains that the checks let pass: a chain that the measurements refute
stays rejected whatever a judge says, and costs nothing. A low score adds a reason; a judge that could
not be read leaves the chain unscored. Applying verdicts twice gives the same decisions as once.
"""

import polars as pl

from mgrd.selection.policy import JUDGE_UNSCORED, decision_of, policy_sha
from mgrd.settings import Arm, GroundingSpec, JudgeSpec
from schemas import DECISIONS

JUDGE_GROUNDING = "judge_grounding"
JUDGE_COHERENCE = "judge_coherence"
JUDGE_REASONS = frozenset({JUDGE_GROUNDING, JUDGE_COHERENCE, JUDGE_UNSCORED})


def passed_checks(decisions: pl.DataFrame) -> pl.Series:
    """`trace_id` of the chains against which only a judge, or nothing, has spoken."""
    return decisions.filter(pl.col("reasons").list.set_difference(list(JUDGE_REASONS)).list.len() == 0)["trace_id"]


def judge_decisions(
    decisions: pl.DataFrame, verdicts: pl.DataFrame, *, policy: GroundingSpec, judge: JudgeSpec, arm: Arm
) -> pl.DataFrame:
    """The decisions with the judge's reasons; a chain that passed the checks and has no verdict is unscored."""
    said = {row["trace_id"]: _reasons(row, judge) for row in verdicts.iter_rows(named=True)}
    passed = set(passed_checks(decisions))
    reasons: list[list[str]] = []
    for trace_id, before in decisions.select("trace_id", "reasons").iter_rows():
        checks = [reason for reason in before if reason not in JUDGE_REASONS]
        reasons.append(checks + (said.get(trace_id, [JUDGE_UNSCORED]) if trace_id in passed else []))
    return decisions.with_columns(
        decision=pl.Series([decision_of(found, arm) for found in reasons], dtype=pl.String),
        reasons=pl.Series(reasons, dtype=pl.List(pl.String)),
        policy_sha=pl.lit(policy_sha(arm, policy, judge)),
    ).select(DECISIONS.arrow.names)


def _reasons(verdict: dict[str, float | bool | None], judge: JudgeSpec) -> list[str]:
    grounding, coherence = verdict["acoustic_grounding"], verdict["logical_coherence"]
    if not verdict["scored"] or grounding is None or coherence is None:
        return [JUDGE_UNSCORED]
    low = {JUDGE_GROUNDING: grounding < judge.min_grounding, JUDGE_COHERENCE: coherence < judge.min_coherence}
    return [reason for reason, holds in low.items() if holds]
