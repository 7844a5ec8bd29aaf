"""Rows of decisions: a chain's signals gathered from the tables, and what the policy makes of them.

`ground_traces` checks the chains and decides by the checks alone. `decide_traces` decides again once there are
verdicts, counterfactuals or overrides; it starts from the stored findings of the checks, never from an earlier
decision, so deciding twice gives the same as once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from mgrd.arms import Arm
from mgrd.audio.facts import Fact
from mgrd.audio.lookup import FactsFile
from mgrd.grounding.llm_claims import Extraction
from mgrd.grounding.scorer import Grounding, score_chain
from mgrd.grounding.verify import Evidence
from mgrd.ids import content_key
from mgrd.judging.panel import PanelResult
from mgrd.selection.policy import (
    CLAIMS_UNREAD,
    NO_EVIDENCE,
    Counterfact,
    Ruling,
    Signals,
    Vote,
    decide,
    grounding_score,
    policy_sha,
)
from mgrd.settings import PolicySpec
from mgrd.store import frame_of
from schemas import CLAIMS, DECISIONS

Row = Mapping[str, object]
RECENT_CLIPS = 64
TRACE_COLUMNS = (
    *("trace_id", "round", "purpose", "question_id", "clip_id"), *("raw_text", "reasoning", "answer", "correct"),
)  # fmt: skip
"""What the checks need of a trace."""
ASKED = ("question_id", "text", "choices")
"""What they need of its question."""


def ground_traces(
    traces: pl.DataFrame,
    questions: pl.DataFrame,
    evidence: Mapping[str, Sequence[Fact]],
    truth: Mapping[str, Sequence[Fact]],
    *,
    policy: PolicySpec,
    arm: Arm,
    extractions: Mapping[str, Extraction] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Score every trace and decide by the checks: (claims, decisions) frames in their schemas.

    `evidence` and `truth` map clip_id to facts, `extractions` trace_id to the claims that a model read (None: the
    grammar reads). A trace whose clip has no evidence, or whose claims could not be read, is `unscored`: nothing is
    held against a chain that could not be checked.
    """
    asked = questions.select("question_id", question=pl.col("text"), choices="choices")
    measured, built = _Recent(evidence), _Recent(truth)
    claims: list[dict[str, object]] = []
    decisions: list[dict[str, object]] = []
    sha = policy_sha(arm, policy)
    for trace in traces.join(asked, on="question_id", how="left", maintain_order="left").iter_rows(named=True):
        facts = measured.of(trace["clip_id"])
        read = (extractions or {}).get(trace["trace_id"])
        grounding = score_chain(
            raw_text=trace["raw_text"],
            reasoning=trace["reasoning"],
            answer=trace["answer"],
            question=trace["question"],
            choices=trace["choices"],
            facts=facts or (),
            truth=built.of(trace["clip_id"]),
            policy=policy,
            claims=None if read is None else read.claims,
        )
        missing = NO_EVIDENCE if facts is None else CLAIMS_UNREAD if read is not None and not read.readable else None
        signals = signals_of(grounding, trace["correct"], missing)
        claims += claim_rows(grounding, trace, "grammar" if read is None else "llm")
        decisions.append(_decision_row(trace, grounding, signals, decide(signals, policy, arm), sha))
    return frame_of(CLAIMS, claims), frame_of(DECISIONS, decisions)


@dataclass(frozen=True, slots=True)
class GroundChains:
    """`ground_traces` as work on rows alone: traces (`TRACE_COLUMNS`) that stand beside their questions (`ASKED`)."""

    evidence: FactsFile
    truth: FactsFile
    policy: PolicySpec
    arm: Arm

    def __call__(
        self, rows: pl.DataFrame, extractions: Mapping[str, Extraction] | None = None
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        questions = rows.select(ASKED).unique("question_id", maintain_order=True)
        return ground_traces(
            rows.select(TRACE_COLUMNS), questions, self.evidence, self.truth,
            policy=self.policy, arm=self.arm, extractions=extractions,
        )  # fmt: skip


class _Recent:
    """The evidence of the clips that were asked for last: a clip's chains stand together."""

    def __init__(self, facts: Mapping[str, Sequence[Fact]]) -> None:
        self._facts = facts
        self._known: dict[str | None, Evidence | None] = {}

    def of(self, clip_id: str | None) -> Evidence | None:
        if clip_id not in self._known:
            if len(self._known) >= RECENT_CLIPS:
                self._known.pop(next(iter(self._known)))
            found = None if clip_id is None else self._facts.get(clip_id)
            self._known[clip_id] = None if found is None else Evidence(found)
        return self._known[clip_id]


def signals_of(grounding: Grounding, correct: bool | None, missing: str | None = None) -> Signals:
    """The signals of the checks alone; `missing` is the code of what could not be checked, and then all there is."""
    score = grounding_score(grounding.supported, grounding.contradicted, grounding.surrogate_share)
    return Signals(correct, grounding.reasons if missing is None else (missing,), score)


def stored_signals(
    row: Row, judged: PanelResult | None = None, counterfact: Counterfact | None = None, vote: Vote | None = None
) -> Signals:
    """The signals of a decisions row, with those from other tables."""
    correct, checks, score = row["correct"], row["checks"], row["score"]
    assert correct is None or isinstance(correct, bool)
    assert isinstance(checks, list)
    assert isinstance(score, float)
    return Signals(correct, tuple(checks), score, judged, counterfact, vote)


def decide_traces(
    decisions: pl.DataFrame,
    *,
    policy: PolicySpec,
    arm: Arm,
    judged: Mapping[str, PanelResult] | None = None,
    counterfacts: Mapping[str, Counterfact] | None = None,
    votes: Mapping[str, Vote] | None = None,
    sha: str,
) -> pl.DataFrame:
    """The decisions by all signals (trace_id -> signal). `judged` is None where no judge is set.

    With a judge, a chain that passed the checks and has no verdict is unscored.
    """
    rulings: list[Ruling] = []
    asked = set(passed_checks(decisions, policy)) if judged is not None else frozenset()
    for row in decisions.iter_rows(named=True):
        key = row["trace_id"]
        said = (judged or {}).get(key, PanelResult(key, 0, 0)) if key in asked else None
        rulings.append(
            decide(stored_signals(row, said, (counterfacts or {}).get(key), (votes or {}).get(key)), policy, arm)
        )
    return decisions.with_columns(
        decision=pl.Series([ruling.decision for ruling in rulings], dtype=pl.String),
        reasons=pl.Series([list(ruling.reasons) for ruling in rulings], dtype=pl.List(pl.String)),
        warnings=pl.Series([list(ruling.warnings) for ruling in rulings], dtype=pl.List(pl.String)),
        decided_by=pl.Series([ruling.decided_by for ruling in rulings], dtype=pl.String),
        policy_sha=pl.lit(sha),
    ).select(DECISIONS.arrow.names)


def passed_checks(decisions: pl.DataFrame, policy: PolicySpec) -> pl.Series:
    """`trace_id` of the chains that the checks let pass, whatever the arm: those that a judge is asked about."""
    passed = [
        row["trace_id"] for row in decisions.iter_rows(named=True) if not decide(stored_signals(row), policy).reasons
    ]
    return pl.Series("trace_id", passed, dtype=pl.String)


def counterfacts_of(counterfactuals: pl.DataFrame) -> dict[str, Counterfact]:
    """trace_id -> signal of a counterfactuals frame."""
    rows = counterfactuals.select(
        "trace_id",
        "silence_margin",
        "swap_margin",
        moved=pl.col("silence_flips") | pl.col("swap_flips").fill_null(False),
    )
    return {trace_id: Counterfact(silence, swap, moved) for trace_id, silence, swap, moved in rows.iter_rows()}


def claim_rows(grounding: Grounding, trace: Row, extractor: str = "grammar") -> list[dict[str, object]]:
    """The claims table's rows of one trace; what several readers found alike is one claim."""
    rows: dict[str, dict[str, object]] = {}
    for checked in grounding.claims:
        claim, verification = checked.claim, checked.verification
        said = (claim.start, claim.end, claim.claimed, claim.negated, claim.subject)
        key = content_key("claim", trace["trace_id"], *said)
        rows.setdefault(
            key,
            {
                "claim_id": key,
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
                "extractor": extractor,
                "verdict": verification.verdict,
                "measured": verification.measured,
                "tolerance": verification.tolerance,
                "reliability": verification.reliability,
                "truth_verdict": None if checked.truth is None else checked.truth.verdict,
                "question_id": trace["question_id"],
                "note": verification.note,
            },
        )
    return list(rows.values())


def _decision_row(trace: Row, grounding: Grounding, signals: Signals, ruling: Ruling, sha: str) -> dict[str, object]:
    return {
        "trace_id": trace["trace_id"],
        "round": trace["round"],
        "purpose": trace["purpose"],
        "question_id": trace["question_id"],
        "decision": ruling.decision,
        "reasons": list(ruling.reasons),
        "warnings": list(ruling.warnings),
        "checks": list(signals.checks),
        "decided_by": ruling.decided_by,
        "correct": trace["correct"],
        "grounded": grounding.grounded,
        "surrogate": grounding.surrogate,
        "supported": grounding.supported,
        "contradicted": grounding.contradicted,
        "unverifiable": grounding.unverifiable,
        "surrogate_share": grounding.surrogate_share,
        "score": signals.score,
        "truth_grounded": grounding.truth_grounded,
        "truth_supported": grounding.truth_supported,
        "truth_contradicted": grounding.truth_contradicted,
        "policy_sha": sha,
    }
