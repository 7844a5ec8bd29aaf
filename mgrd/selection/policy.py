"""The decision on each chain: kept, rejected or unscored, with every reason.

The criteria are those of the report: correct where a ground truth exists, and grounded in the
acoustics. The arms `correct-only` and `unfiltered` drop criteria to serve as controls; the reasons
are stored whatever the arm, so the funnel of a control still tells what the filter would have said.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from mgrd.audio.facts import Fact
from mgrd.grounding.scorer import Grounding, score_chain
from mgrd.ids import content_key
from mgrd.judging import panel_identity
from mgrd.settings import Arm, GroundingSpec, PanelSpec
from mgrd.store import frame_of
from schemas import CLAIMS, DECISIONS

WRONG_ANSWER = "wrong_answer"
NO_EVIDENCE = "no_evidence"
JUDGE_UNSCORED = "judge_unscored"
UNDECIDED = frozenset({NO_EVIDENCE, JUDGE_UNSCORED})
"""Reasons that say what is missing to decide; alone they hold nothing against the chain."""


BY_CHECKS, BY_JUDGES = "checks", "checks+judges"
"""Who decided: the deterministic checks alone, or these and what a panel of judges said."""


def policy_sha(arm: Arm, policy: GroundingSpec, panel: PanelSpec | None = None) -> str:
    """What decided: the arm, the checks' policy, and the panel with its thresholds or none."""
    judged = panel and {**panel_identity(panel), **panel.model_dump(include={"min_grounding", "min_coherence"})}
    return content_key("policy", arm, policy.model_dump(), judged)


def ground_traces(
    traces: pl.DataFrame,
    questions: pl.DataFrame,
    evidence: Mapping[str, Sequence[Fact]],
    truth: Mapping[str, Sequence[Fact]],
    *,
    policy: GroundingSpec,
    arm: Arm,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Score every trace and decide on it: (claims, decisions) frames in their schemas.

    `evidence` and `truth` map clip_id to facts. A trace whose clip has no evidence is `unscored`:
    nothing is held against a chain that could not be checked.
    """
    asked = questions.select("question_id", question=pl.col("text"), choices="choices")
    claims: list[dict[str, object]] = []
    decisions: list[dict[str, object]] = []
    sha = policy_sha(arm, policy)
    for trace in traces.join(asked, on="question_id", how="left", maintain_order="left").iter_rows(named=True):
        facts = evidence.get(trace["clip_id"])
        grounding = score_chain(
            raw_text=trace["raw_text"],
            reasoning=trace["reasoning"],
            answer=trace["answer"],
            question=trace["question"],
            choices=trace["choices"],
            facts=facts or (),
            truth=truth.get(trace["clip_id"]),
            policy=policy,
        )
        decision, reasons = decide(grounding, trace["correct"], measured=facts is not None, arm=arm)
        claims += claim_rows(grounding, trace)
        decisions.append(_decision_row(trace, grounding, decision, reasons, sha))
    return frame_of(CLAIMS, claims), frame_of(DECISIONS, decisions)


def decide(grounding: Grounding, correct: bool | None, *, measured: bool, arm: Arm) -> tuple[str, list[str]]:
    """The decision and all reasons against the chain, whichever of them the arm heeds."""
    wrong = [WRONG_ANSWER] if correct is False else []
    unchecked = arm == "filtered" and not measured and not wrong
    reasons = [NO_EVIDENCE] if unchecked else wrong + list(grounding.reasons)
    return decision_of(reasons, arm), reasons


def decision_of(reasons: Sequence[str], arm: Arm) -> str:
    """What the arm makes of the reasons against a chain."""
    if arm == "unfiltered":
        return "kept"
    if arm == "correct-only":
        return "rejected" if WRONG_ANSWER in reasons else "kept"
    if not reasons:
        return "kept"
    return "unscored" if UNDECIDED.issuperset(reasons) else "rejected"


def claim_rows(grounding: Grounding, trace: Mapping[str, object]) -> list[dict[str, object]]:
    """The claims table's rows of one trace."""
    rows: list[dict[str, object]] = []
    for checked in grounding.claims:
        claim, verification = checked.claim, checked.verification
        rows.append(
            {
                "claim_id": content_key("claim", trace["trace_id"], claim.start, claim.end, claim.claimed),
                "trace_id": trace["trace_id"],
                "round": trace["round"],
                "purpose": trace["purpose"],
                "start": claim.start,
                "end": claim.end,
                "text": claim.text,
                "attribute": claim.attribute,
                "relation": claim.relation,
                "claimed": claim.claimed,
                "value": claim.value,
                "unit": claim.unit,
                "time_start": claim.time_start,
                "time_end": claim.time_end,
                "negated": claim.negated,
                "weight": claim.weight,
                "extractor": "grammar",
                "verdict": verification.verdict,
                "measured": verification.measured,
                "tolerance": verification.tolerance,
                "reliability": verification.reliability,
                "truth_verdict": None if checked.truth is None else checked.truth.verdict,
            }
        )
    return rows


def _decision_row(
    trace: Mapping[str, object], grounding: Grounding, decision: str, reasons: list[str], sha: str
) -> dict[str, object]:
    return {
        "trace_id": trace["trace_id"],
        "round": trace["round"],
        "purpose": trace["purpose"],
        "question_id": trace["question_id"],
        "decision": decision,
        "reasons": reasons,
        "correct": trace["correct"],
        "grounded": grounding.grounded,
        "surrogate": grounding.surrogate,
        "supported": grounding.supported,
        "contradicted": grounding.contradicted,
        "unverifiable": grounding.unverifiable,
        "surrogate_share": grounding.surrogate_share,
        "truth_grounded": grounding.truth_grounded,
        "truth_supported": grounding.truth_supported,
        "truth_contradicted": grounding.truth_contradicted,
        "decided_by": BY_CHECKS,
        "policy_sha": sha,
    }
