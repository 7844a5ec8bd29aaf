"""Which chains the report shows, and each of them laid out for reading: words, claims, verdicts.

The choice is a rule, not a taste: the same tables give the same chains, spread over decisions,
skills and reasons, one clip each. Nothing is left out because it looks bad.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from mgrd.grounding.tolerances import ALL_ATTRIBUTES
from mgrd.ids import content_key
from mgrd.report.explain import measured_unit
from mgrd.report.html import visible
from mgrd.report.inputs import ReportInputs, Span
from mgrd.report.status import REPORTED_SPLIT
from schemas.traces import EVALUATE

COUNT = 10
WORST_FIRST = ("contradicted", "supported", "unverifiable", "surrogate")
"""Which mark a word gets that several claims share."""

EDGES = " \t\n,;"


@dataclass(frozen=True, slots=True)
class Tag:
    """Stands behind a marked stretch: the claim's number (0: a surrogate stretch) and its verdict."""

    number: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the chain: its mark (empty: none), the tags of what ends with it, the claims that cover it."""

    text: str
    mark: str
    tags: tuple[Tag, ...]
    claims: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim in words: what was said, what was measured beside it, and where; times in seconds of the clip."""

    number: int
    verdict: str
    text: str
    claimed: str
    measured: str
    reliability: str
    truth: str
    note: str
    start: float | None
    end: float | None


@dataclass(frozen=True, slots=True)
class Choice:
    text: str
    right: bool
    given: bool


@dataclass(frozen=True, slots=True)
class Example:
    """A chain with all that a reader needs to judge it. `clip` is None for a text task."""

    number: int
    trace: Mapping[str, Any]
    question: Mapping[str, Any]
    clip: Mapping[str, Any] | None
    decision: str
    reasons: tuple[str, ...]
    surrogate_share: float
    choices: tuple[Choice, ...]
    pieces: tuple[Piece, ...]
    claims: tuple[ClaimView, ...]
    rows: tuple[Mapping[str, Any], ...]
    """The CLAIMS rows of `claims`, in their order."""


def choose_examples(inputs: ReportInputs, count: int = COUNT) -> list[str]:
    """Trace ids of at most `count` held-out test chains of the last round that has some.

    One after the other, each time the chain whose clip, decision, skill and reasons were shown
    least so far; among equals one with claims, then by hash.
    """
    rows = _candidates(inputs)
    shown: Counter[tuple[str, object]] = Counter()
    chosen: list[str] = []
    while rows and len(chosen) < count:
        best = min(rows, key=lambda row: _shown_so_far(row, shown))
        rows.remove(best)
        chosen.append(best["trace_id"])
        shown.update(_traits(best))
    return chosen


def example_views(inputs: ReportInputs, trace_ids: Sequence[str]) -> list[Example]:
    """The chosen chains in their order, ready to draw."""
    traces = _by_key(inputs.traces, "trace_id", trace_ids)
    decisions = _by_key(inputs.decisions, "trace_id", trace_ids)
    questions = _by_key(inputs.questions, "question_id", [row["question_id"] for row in traces.values()])
    clips = _by_key(inputs.clips, "clip_id", [row["clip_id"] for row in traces.values() if row["clip_id"]])
    claims = inputs.claims.filter(pl.col("trace_id").is_in(list(trace_ids))).sort("start", "end", "claim_id")
    by_trace: dict[str, list[dict[str, Any]]] = {}
    for claim in claims.iter_rows(named=True):
        by_trace.setdefault(claim["trace_id"], []).append(claim)
    views = []
    for number, key in enumerate(trace_ids, start=1):
        trace, decision = traces[key], decisions[key]
        question = questions[trace["question_id"]]
        found = by_trace.get(key, [])
        reasoning = trace["reasoning"] or ""
        views.append(
            Example(
                number=number,
                trace=trace,
                question=question,
                clip=clips.get(trace["clip_id"]),
                decision=decision["decision"],
                reasons=tuple(decision["reasons"]),
                surrogate_share=decision["surrogate_share"],
                choices=tuple(
                    Choice(text, text == question["answer"], text == trace["choice"]) for text in question["choices"]
                ),
                pieces=tuple(mark_pieces(reasoning, found, inputs.surrogate_spans(reasoning) if reasoning else ())),
                claims=tuple(view_claim(i, claim) for i, claim in enumerate(found, start=1)),
                rows=tuple(found),
            )
        )
    return views


def mark_pieces(reasoning: str, claims: Sequence[Mapping[str, Any]], surrogate: Sequence[Span]) -> list[Piece]:
    """The reasoning cut wherever a claim or a surrogate span begins or ends; the texts join to the whole.

    Claims carry numbers by their order, from 1. Spans outside the text are cut to it.
    """
    length = len(reasoning)
    spans = [(claim["start"], claim["end"], claim["verdict"], i) for i, claim in enumerate(claims, start=1)]
    spans += [(*_without_edges(reasoning, start, end), "surrogate", 0) for start, end in surrogate]
    spans = [(max(0, start), min(length, end), verdict, i) for start, end, verdict, i in spans]
    spans = [span for span in spans if span[0] < span[1]]
    edges = sorted({0, length, *(span[0] for span in spans), *(span[1] for span in spans)})
    pieces = []
    for start, end in pairwise(edges):
        marks = {verdict for low, high, verdict, _ in spans if low <= start and end <= high}
        mark = next((verdict for verdict in WORST_FIRST if verdict in marks), "")
        tags = tuple(Tag(i, verdict) for _, high, verdict, i in spans if high == end)
        covering = tuple(i for low, high, _, i in spans if i and low <= start and end <= high)
        pieces.append(Piece(visible(reasoning[start:end]), mark, tags, covering))
    return pieces


def _without_edges(text: str, start: int, end: int) -> Span:
    """The span without the commas and blanks around its words."""
    words = text[start:end]
    return start + len(words) - len(words.lstrip(EDGES)), end - len(words) + len(words.rstrip(EDGES))


def _candidates(inputs: ReportInputs) -> list[dict[str, Any]]:
    held_out = inputs.traces.filter((pl.col("purpose") == EVALUATE) & (pl.col("split") == REPORTED_SPLIT))
    # A round whose evaluation was stopped has chains without decisions: the one before it is shown then.
    decided = held_out.join(inputs.decisions.select("trace_id", "decision", "reasons"), on="trace_id")
    rows = (
        decided.filter(pl.col("round") == pl.col("round").max())
        .join(inputs.questions.select("question_id", "skill"), on="question_id")
        .join(inputs.claims.group_by("trace_id").len("claims"), on="trace_id", how="left")
        .select("trace_id", "clip_id", "decision", "skill", "reasons", "claims")
    )
    return sorted(rows.to_dicts(), key=lambda row: content_key("example", row["trace_id"]))


def _traits(row: Mapping[str, Any]) -> list[tuple[str, object]]:
    traits: list[tuple[str, object]] = [(name, row[name]) for name in ("clip_id", "decision", "skill")]
    return [*traits, *(("reason", reason) for reason in row["reasons"])]


def _shown_so_far(row: Mapping[str, Any], shown: Counter[tuple[str, object]]) -> tuple[object, ...]:
    clip, decision, skill, *reasons = (shown[trait] for trait in _traits(row))
    return (clip > 0, decision, skill, max(reasons, default=0), not row["claims"])


def _by_key(frame: pl.DataFrame, key: str, wanted: Sequence[str]) -> dict[str, dict[str, Any]]:
    rows = frame.filter(pl.col(key).is_in(list(wanted)))
    return {row[key]: row for row in rows.iter_rows(named=True)}


def view_claim(number: int, claim: Mapping[str, Any]) -> ClaimView:
    """A CLAIMS row in words."""
    unit = measured_unit(claim["attribute"], claim["unit"])
    name = claim["attribute"]
    words = claim["claimed"].removeprefix(f"{name} ")
    stated = words if claim["value"] is None else f"{words} ({_quantity(claim['value'], unit)})"
    return ClaimView(
        number=number,
        verdict=claim["verdict"],
        text=visible(claim["text"]),
        claimed=visible(f"{name.replace('_', ' ')}: {'not ' if claim['negated'] else ''}{stated}"),
        measured=_measured(claim, unit),
        reliability="" if claim["reliability"] is None else f"{claim['reliability']:.2f}",
        truth=claim["truth_verdict"] or "",
        note=visible(claim["note"] or ""),
        start=claim["time_start"],
        end=claim["time_end"],
    )


def _measured(claim: Mapping[str, Any], unit: str) -> str:
    if claim["measured"] is None:
        return ""
    valued = claim["value"] is not None  # of a word, the tolerance is the edge of its band
    tolerance = f" ± {claim['tolerance']:.3g}" if valued and claim["tolerance"] else ""
    attribute = ALL_ATTRIBUTES.get(claim["attribute"])
    word = attribute.word(claim["measured"]) if attribute else None
    said = f", {word}" if word else (", between the words" if attribute else "")
    return f"{_quantity(claim['measured'], unit, tolerance)}{said}"


def _quantity(value: float, unit: str, tolerance: str = "") -> str:
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    shown = "" if unit in ("count", "share") else unit
    return f"{text}{tolerance} {shown}".strip()
