"""The one scorer: what a chain claims, whether the clip bears it out, and whether it may be kept.

Filter, reward, evaluation and review call this and nothing else, so that they cannot drift apart. It
knows nothing of the answer's correctness: that is the caller's criterion beside this one.
GROUNDING_VERSION changes whenever a verdict may change.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mgrd.audio.facts import Fact
from mgrd.grounding.claim import Claim
from mgrd.grounding.claims import extract_claims
from mgrd.grounding.conclusions import concludes
from mgrd.grounding.leaks import find_leaks, split_chain
from mgrd.grounding.relevance import is_relevant, relevant_attributes
from mgrd.grounding.surrogate import Surrogates, find_surrogates
from mgrd.grounding.verify import Evidence, Verification, resolve_time, verify_claim
from mgrd.settings import GroundingSpec

GROUNDING_VERSION = "11"
MIN_WEIGHT = 0.5  # claims hedged more than once neither help nor harm
NO_SUPPORTED, CONTRADICTED, SURROGATE = "no_supported_claim", "contradicted_claim", "surrogate"
IRRELEVANT = "irrelevant_claims"

Verified = tuple[Claim, Verification]
Counts = tuple[int, int, int]
"""How many claims that carry enough weight are supported, contradicted, unverifiable."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim with its verdict by the evidence and, where truth is known by construction, by truth."""

    claim: Claim
    verification: Verification
    truth: Verification | None


@dataclass(frozen=True, slots=True)
class Grounding:
    """The scorer's reading of one chain. `reasons` is empty exactly when `grounded`."""

    claims: tuple[Checked, ...]
    supported: int
    contradicted: int
    unverifiable: int
    surrogate_share: float
    surrogate: bool
    reasons: tuple[str, ...]
    grounded: bool
    truth_grounded: bool | None
    truth_supported: int | None
    truth_contradicted: int | None


def score_chain(
    *,
    raw_text: str,
    reasoning: str | None,
    answer: str | None,
    question: str | None,
    choices: Sequence[str] | None,
    facts: Sequence[Fact] | Evidence,
    truth: Sequence[Fact] | Evidence | None = None,
    policy: GroundingSpec | None = None,
    claims: Sequence[Claim] | None = None,
) -> Grounding:
    """Score a chain against a clip's facts, and against constructed truth when there is any.

    `reasoning` None or blank means that there is no chain. Offsets of claims are characters of `reasoning`.
    `claims` are those of another extractor (mgrd.grounding.llm_claims); without them the grammar reads the chain.
    Claims inside surrogate clauses are no evidence and are left out.
    """
    policy = policy or GroundingSpec.model_validate({})
    chain = reasoning or ""
    surrogates = find_surrogates(chain)
    claims = _heard_claims(extract_claims(chain) if claims is None else claims, surrogates)
    evidence = facts if isinstance(facts, Evidence) else Evidence(facts)
    known = truth if isinstance(truth, Evidence) or truth is None else Evidence(truth)
    checked = tuple(_check(claim, evidence, known) for claim in claims)
    leaks = find_leaks(raw_text, reasoning, answer, question, choices, claims[0].start if claims else None)
    asked = relevant_attributes(question, choices) if policy.relevant else None
    concluded = {c.claim for c in checked if concludes(chain, c.claim.start, c.claim.end, answer)}

    def judged(verified: Sequence[Verified]) -> tuple[Counts, tuple[str, ...]]:
        beside = _beside(verified, asked, concluded)
        return _counts(verified), _reasons(_of_premises(verified, concluded), beside, surrogates.share, leaks, policy)

    counts, reasons = judged([(c.claim, c.verification) for c in checked])
    true = judged([(c.claim, c.truth) for c in checked if c.truth is not None]) if known is not None else None
    return Grounding(
        claims=checked,
        supported=counts[0],
        contradicted=counts[1],
        unverifiable=counts[2],
        surrogate_share=surrogates.share,
        surrogate=surrogates.share > policy.max_surrogate_share,
        reasons=reasons,
        grounded=not reasons,
        truth_grounded=None if true is None else not true[1],
        truth_supported=None if true is None else true[0][0],
        truth_contradicted=None if true is None else true[0][1],
    )


def score_text(
    chain: str,
    facts: Sequence[Fact] | Evidence,
    truth: Sequence[Fact] | None = None,
    policy: GroundingSpec | None = None,
    *,
    answer: str | None = None,
    question: str | None = None,
    choices: Sequence[str] | None = None,
) -> Grounding:
    """`score_chain` for a chain as text, think tags allowed. Offsets are characters of `chain` as given."""
    reasoning, offset = split_chain(chain)
    grounding = score_chain(
        raw_text=chain, reasoning=reasoning, answer=answer, question=question, choices=choices,
        facts=facts, truth=truth, policy=policy,
    )  # fmt: skip
    return _shifted(grounding, offset)


def _shifted(grounding: Grounding, offset: int) -> Grounding:
    """The same with the claims' offsets moved by `offset` characters."""
    if not offset:
        return grounding
    moved = tuple(
        replace(c, claim=replace(c.claim, start=c.claim.start + offset, end=c.claim.end + offset))
        for c in grounding.claims
    )
    return replace(grounding, claims=moved)


def _heard_claims(claims: Sequence[Claim], surrogates: Surrogates) -> list[Claim]:
    if not surrogates.spans:
        return list(claims)
    return [claim for claim in claims if not any(claim.overlaps(*span) for span in surrogates.spans)]


def _check(claim: Claim, evidence: Evidence, truth: Evidence | None) -> Checked:
    known = evidence.first("duration") or (truth.first("duration") if truth else None)
    duration = known.value if known else _last_end(evidence)
    span = resolve_time(claim, duration)
    verification = verify_claim(claim, evidence, duration)
    true = verify_claim(claim, truth, duration) if truth is not None else None
    if claim.time_start is not None:
        start, end = span if span is not None else (None, None)
        claim = replace(claim, time_start=start, time_end=end, time_unit="s" if span else None)
    return Checked(claim, verification, true)


def _last_end(evidence: Evidence) -> float:
    return max((fact.end for facts in evidence.by_name.values() for fact in facts), default=0.0)


def _counts(verified: Sequence[Verified]) -> Counts:
    """(supported, contradicted, unverifiable) among claims that carry enough weight."""
    verdicts = [v.verdict for claim, v in verified if claim.weight >= MIN_WEIGHT]
    return verdicts.count("supported"), verdicts.count("contradicted"), verdicts.count("unverifiable")


def _of_premises(verified: Sequence[Verified], concluded: set[Claim]) -> Counts:
    """The counts, with the supported claims that only restate the answer left out: they are no evidence for it."""
    _, contradicted, unverifiable = _counts(verified)
    return _counts([(c, v) for c, v in verified if c not in concluded])[0], contradicted, unverifiable


def _beside(verified: Sequence[Verified], asked: frozenset[str] | None, concluded: set[Claim]) -> bool:
    """Whether all supported claims speak of something else than what was asked.

    A conclusion that restates the answer makes no relevant evidence of what stands before it.
    """
    held = [claim for claim, v in verified if claim.weight >= MIN_WEIGHT and v.verdict == "supported"]
    told = [claim for claim in held if claim not in concluded] or held
    return asked is not None and bool(told) and not any(is_relevant(c.said, c.attribute, asked) for c in told)


def _reasons(counts: Counts, beside: bool, share: float, leaks: list[str], policy: GroundingSpec) -> tuple[str, ...]:
    reasons = list(leaks)
    if counts[0] < policy.min_supported and "no_reasoning" not in leaks:
        reasons.append(NO_SUPPORTED)
    if beside and counts[0] >= policy.min_supported:
        reasons.append(IRRELEVANT)
    if counts[1] > policy.max_contradicted:
        reasons.append(CONTRADICTED)
    if share > policy.max_surrogate_share:
        reasons.append(SURROGATE)
    return tuple(reasons)
