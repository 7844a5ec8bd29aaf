"""Decisions that also heed the judges.

The panel is asked only about chains that the checks let pass: a chain that the measurements refute
stays rejected whatever a judge says, and costs nothing. A low score adds a reason; where only judges
that could not be read would have decided, the chain is unscored. `decided_by` tells a decision of the
checks alone from one in which judges had their say. Applying results twice gives the same as once.
"""

from collections.abc import Sequence

import polars as pl

from mgrd.judging import PanelResult
from mgrd.selection.policy import BY_CHECKS, BY_JUDGES, JUDGE_UNSCORED, decision_of, policy_sha
from mgrd.settings import Arm, GroundingSpec, PanelSpec
from schemas import DECISIONS

JUDGE_GROUNDING = "judge_grounding"
JUDGE_COHERENCE = "judge_coherence"
JUDGE_REASONS = frozenset({JUDGE_GROUNDING, JUDGE_COHERENCE, JUDGE_UNSCORED})


def passed_checks(decisions: pl.DataFrame) -> pl.Series:
    """`trace_id` of the chains against which only a judge, or nothing, has spoken."""
    return decisions.filter(pl.col("reasons").list.set_difference(list(JUDGE_REASONS)).list.len() == 0)["trace_id"]


def judge_decisions(
    decisions: pl.DataFrame, results: Sequence[PanelResult], *, policy: GroundingSpec, panel: PanelSpec, arm: Arm
) -> pl.DataFrame:
    """The decisions with the panel's reasons; a chain that passed the checks and has no result is unscored."""
    said = {result.trace_id: judge_reasons(result, panel) for result in results}
    passed = set(passed_checks(decisions))
    reasons: list[list[str]] = []
    for trace_id, before in decisions.select("trace_id", "reasons").iter_rows():
        checks = [reason for reason in before if reason not in JUDGE_REASONS]
        reasons.append(checks + (said.get(trace_id, [JUDGE_UNSCORED]) if trace_id in passed else []))
    by = [BY_JUDGES if trace_id in passed else BY_CHECKS for trace_id in decisions["trace_id"]]
    return decisions.with_columns(
        decision=pl.Series([decision_of(found, arm) for found in reasons], dtype=pl.String),
        reasons=pl.Series(reasons, dtype=pl.List(pl.String)),
        decided_by=pl.Series(by, dtype=pl.String),
        policy_sha=pl.lit(policy_sha(arm, policy, panel)),
    ).select(DECISIONS.arrow.names)


def judge_reasons(result: PanelResult, panel: PanelSpec) -> list[str]:
    """What the panel holds against a chain: low scores, else that nobody can tell."""
    reached = {
        JUDGE_GROUNDING: result.reaches("acoustic_grounding", panel.min_grounding),
        JUDGE_COHERENCE: result.reaches("logical_coherence", panel.min_coherence),
    }
    low = [reason for reason, holds in reached.items() if holds is False]
    if not low and None in reached.values():
        return [JUDGE_UNSCORED]
    return low
