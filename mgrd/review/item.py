"""One chain as its page shows it: the document behind `mgrd explain`, with times to light up and marks to hover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mgrd.report.examples import ClaimView, Piece, mark_pieces, view_claim
from mgrd.report.explain import explain_rows, measured_fact
from mgrd.review.gauges import Gauge, draw_gauge
from mgrd.review.mirror import Mirror
from mgrd.review.verdicts import standing_of
from mgrd.settings import PolicySpec
from schemas import CLAIMS, EVIDENCE, PANELS, TRACES

NEARLY_WHOLE = 0.95


@dataclass(frozen=True, slots=True)
class Region:
    """The part of the clip that a claim speaks of, in seconds; `said` is False where it is the measured fact's."""

    start: float
    end: float
    said: bool
    whole: bool = False
    """It is the clip from end to end."""


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A claim to show: in words, with its place in the clip and what the reviewer says of it."""

    claim_id: str
    view: ClaimView
    region: Region
    gauge: Gauge | None
    weight: float
    silence_gain: float | None


@dataclass(frozen=True, slots=True)
class Item:
    """All that the page of a chain shows."""

    found: Mapping[str, Any]
    pieces: Sequence[Piece]
    claims: Sequence[ClaimLine]
    panel: Mapping[str, Any] | None
    cost: float
    standing: Sequence[Mapping[str, Any]]
    earlier: str | None
    later: str | None
    thresholds: Mapping[str, float]


def open_item(mirror: Mirror, trace_id: str) -> Item:
    """The chain and everything known of it, by index look-ups. Raises DataError when there is no such chain."""
    found = explain_rows(mirror.rows, trace_id)
    duration = found["clip"]["duration"] if found["clip"] else 0.0
    evidence = mirror.rows(EVIDENCE, "clip_id", found["clip_id"])
    facts = evidence[0]["facts"] if evidence else []
    raw = {row["claim_id"]: row for row in mirror.rows(CLAIMS, "trace_id", trace_id)}
    claims = [
        ClaimLine(
            claim["claim_id"],
            view_claim(claim["number"], raw[claim["claim_id"]]),
            find_region(claim, facts, duration),
            draw_gauge(claim, facts),
            claim["weight"],
            claim["silence_gain"],
        )
        for claim in found["claims"]
    ]
    spans = [(span["start"], span["end"]) for span in found["surrogates"]]
    panels = mirror.rows(PANELS, "trace_id", trace_id)
    near = mirror.reader.execute(
        "SELECT earlier, (SELECT trace_id FROM items n WHERE n.question_id = i.question_id AND n.purpose = i.purpose "
        "AND n.sample_index = i.sample_index AND n.round > i.round ORDER BY n.round LIMIT 1) AS later "
        "FROM items i WHERE trace_id = ?",
        (trace_id,),
    ).fetchone()
    return Item(
        found=found,
        pieces=mark_pieces(found["reasoning"] or "", found["claims"], spans),
        claims=claims,
        panel=panels[0] if panels else None,
        cost=sum(verdict["cost"] for verdict in found["verdicts"]),
        standing=standing_of(mirror, trace_id),
        earlier=near and near["earlier"],
        later=near and near["later"],
        thresholds=_thresholds(mirror.workspace.settings.spec.policy),
    )


def find_region(claim: Mapping[str, Any], facts: Sequence[Mapping[str, Any]], duration: float) -> Region:
    """Where the claim says it is; else where the fact was measured that speaks to it; else the whole clip."""
    if claim["time"] and None not in claim["time"]:
        start, end = (min(max(0.0, second), duration) for second in claim["time"])
        return _region(start, max(end, start), duration, said=True)
    wanted = measured_fact(claim["attribute"])
    places = [(fact["start"], fact["end"]) for fact in facts if fact["name"] == wanted]
    if places:
        return _region(
            max(0.0, min(start for start, _ in places)),
            min(duration, max(end for _, end in places)),
            duration,
            said=False,
        )
    return Region(0.0, duration, said=False, whole=True)


def _region(start: float, end: float, duration: float, *, said: bool) -> Region:
    return Region(start, end, said, whole=end - start >= NEARLY_WHOLE * duration)


def _thresholds(policy: PolicySpec) -> dict[str, float]:
    return {
        "score": policy.min_score,
        "acoustic_grounding": policy.min_judge_grounding,
        "logical_coherence": policy.min_judge_coherence,
        "silence_margin": policy.min_silence_margin,
    }


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim in two rounds: only before, only after, or in both with what became of its verdict."""

    before: ClaimLine | None
    after: ClaimLine | None

    @property
    def change(self) -> str:
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        return "same" if self.before.view.verdict == self.after.view.verdict else "changed"


def pair_claims(before: Sequence[ClaimLine], after: Sequence[ClaimLine]) -> list[Pair]:
    """The claims of two chains side by side: the same words claimed first, then the same attribute, in their order."""
    left = list(before)
    pairs: list[Pair] = []
    matched: dict[int, ClaimLine] = {}
    for same in (_words, _attribute):
        for index, claim in enumerate(after):
            twin = next((one for one in left if same(one) == same(claim)), None)
            if index not in matched and twin is not None:
                matched[index] = twin
                left.remove(twin)
    pairs += [Pair(matched.get(index), claim) for index, claim in enumerate(after)]
    return pairs + [Pair(one, None) for one in left]


def _words(claim: ClaimLine) -> str:
    return claim.view.claimed


def _attribute(claim: ClaimLine) -> str:
    return claim.view.claimed.partition(":")[0]


def find_pair(mirror: Mirror, trace_id: str) -> tuple[str | None, str]:
    """(the chain of the round before, this one): the same question, purpose and sample."""
    found = mirror.reader.execute("SELECT earlier FROM items WHERE trace_id = ?", (trace_id,)).fetchone()
    if found and found["earlier"]:
        return found["earlier"], trace_id
    trace = mirror.rows(TRACES, "trace_id", trace_id)
    return None, trace[0]["trace_id"] if trace else trace_id
