"""The decision on a chain: kept, rejected or unscored, with every reason, by one pure function over all signals.

The criteria are those of the report: correct where a ground truth exists, and grounded in the acoustics.
A reason holds a chain back or is stored as a warning, as `spec.policy.reasons` says. A reviewer's vote comes
last and settles what it speaks of. The arms `correct-only` and `unfiltered` drop criteria to serve as
controls; the reasons are stored whatever the arm, so the funnel of a control still tells what the filter
would have said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mgrd.arms import Arm
from mgrd.ids import content_key
from mgrd.judging.panel import PanelResult
from mgrd.settings import PolicySpec

WRONG_ANSWER = "wrong_answer"
NO_EVIDENCE = "no_evidence"
CLAIMS_UNREAD = "claims_unread"
"""The model that reads claims gave nothing that can be read."""
LOW_SCORE = "low_score"
JUDGE_GROUNDING = "judge_grounding"
JUDGE_COHERENCE = "judge_coherence"
JUDGE_UNSCORED = "judge_unscored"
SILENCE_MARGIN = "silence_margin"
SWAP_MARGIN = "swap_margin"
ANSWER_UNMOVED = "answer_unmoved"
REVIEWER = "reviewer_not_grounded"
"""A reviewer voted that the chain is not grounded; no setting turns this into a warning."""

UNDECIDED = frozenset({NO_EVIDENCE, CLAIMS_UNREAD, JUDGE_UNSCORED})
"""Reasons that say what is missing to decide; alone they hold nothing against the chain."""


@dataclass(frozen=True, slots=True)
class Counterfact:
    """What the clip adds to the chain: mean log-probability per token over silence and over another clip (nats).

    `moved` says whether the answer changes with the sound; None where the question has no choices.
    """

    silence_margin: float
    swap_margin: float | None
    moved: bool | None


@dataclass(frozen=True, slots=True)
class Vote:
    """What the reviewers settled: grounded or not, and whether the answer is right where they said so."""

    grounded: bool
    correct: bool | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """All that is known of a chain; `checks` are the codes of the scorer, or what is missing to check.

    `judged` is None where no judge is asked; a judge that could not be read is a result without scores.
    """

    correct: bool | None
    checks: tuple[str, ...]
    score: float
    judged: PanelResult | None = None
    counterfact: Counterfact | None = None
    vote: Vote | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """The decision; `reasons` hold the chain back, `warnings` were found and do not count."""

    decision: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    decided_by: str


def policy_sha(arm: Arm, policy: PolicySpec, *signals: object) -> str:
    """What decided: the arm, the policy, and the identity of each further signal, such as the judge's."""
    return content_key("policy", arm, policy.model_dump(), *signals)


def decide(signals: Signals, policy: PolicySpec, arm: Arm = "filtered") -> Ruling:
    """The decision and all reasons, whichever of them the arm heeds."""
    found = list(_found(signals, policy))
    if signals.vote is not None:
        settled = _settled(signals.vote, signals.correct)
        overruled = tuple(reason for reason in found if reason not in settled)
        return Ruling(decision_of(settled, arm), settled, overruled, "override")
    reasons = tuple(reason for reason in found if getattr(policy.reasons, reason, "reject") == "reject")
    warnings = tuple(reason for reason in found if reason not in reasons)
    return Ruling(decision_of(reasons, arm), reasons, warnings, _decided_by(signals, policy))


def decision_of(reasons: Sequence[str], arm: Arm) -> str:
    """What the arm makes of the reasons against a chain."""
    if arm == "unfiltered":
        return "kept"
    if arm == "correct-only":
        return "rejected" if WRONG_ANSWER in reasons else "kept"
    if not reasons:
        return "kept"
    return "unscored" if UNDECIDED.issuperset(reasons) else "rejected"


def grounding_score(supported: int, contradicted: int, surrogate_share: float) -> float:
    """How well a chain's claims hold, in [0, 1): supported / (supported + contradicted + 1) * (1 - surrogate share).

    The one refuted claim that is added keeps a single claim that holds from being certain.
    """
    return supported / (supported + contradicted + 1) * (1 - surrogate_share)


def _found(signals: Signals, policy: PolicySpec) -> Iterable[str]:
    """Reasons of every signal, in the order in which the signals come to be."""
    if signals.correct is False:
        yield WRONG_ANSWER
    yield from signals.checks
    if signals.score < policy.min_score and UNDECIDED.isdisjoint(signals.checks):
        yield LOW_SCORE
    if signals.judged is not None:
        yield from _judge_reasons(signals.judged, policy)
    if signals.counterfact is not None:
        yield from _counterfactual_reasons(signals.counterfact, policy)


def _judge_reasons(judged: PanelResult, policy: PolicySpec) -> Iterable[str]:
    grounding, coherence = _reached(judged, policy)
    if grounding is False:
        yield JUDGE_GROUNDING
    if coherence is False:
        yield JUDGE_COHERENCE
    if None in (grounding, coherence):
        yield JUDGE_UNSCORED


def _reached(judged: PanelResult, policy: PolicySpec) -> tuple[bool | None, bool | None]:
    return (
        judged.reaches("acoustic_grounding", policy.min_judge_grounding),
        judged.reaches("logical_coherence", policy.min_judge_coherence),
    )


def _counterfactual_reasons(counterfact: Counterfact, policy: PolicySpec) -> Iterable[str]:
    if counterfact.silence_margin <= policy.min_silence_margin:
        yield SILENCE_MARGIN
    if counterfact.swap_margin is not None and counterfact.swap_margin <= policy.min_swap_margin:
        yield SWAP_MARGIN
    if counterfact.moved is False:
        yield ANSWER_UNMOVED


def _settled(vote: Vote, correct: bool | None) -> tuple[str, ...]:
    right = vote.correct if vote.correct is not None else correct
    return (*((WRONG_ANSWER,) if right is False else ()), *(() if vote.grounded else (REVIEWER,)))


def _decided_by(signals: Signals, policy: PolicySpec) -> str:
    read = signals.judged is not None and None not in _reached(signals.judged, policy)
    return "+".join(
        ["checks", *(["judge"] if read else []), *(["counterfactual"] if signals.counterfact is not None else [])]
    )
