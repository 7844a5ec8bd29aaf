"""Pictures of numbers: a claim on the scale of its fact, a figure with its interval. Places only; templates draw.

A gauge lays the words that people use for a fact (or the value that a chain names) and what was measured on one line,
so that a reviewer sees how far a claim is from the sound without reading either number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log
from typing import Any

from mgrd.audio.words import Attribute
from mgrd.evaluation.raters import Figure
from mgrd.grounding.tolerances import ALL_ATTRIBUTES, STILL
from mgrd.report.explain import measured_fact, measured_unit

WIDTH = 240.0
"""Of a gauge, in its own units; the height is the template's."""
MARGIN = 0.55
"""Of the span between the outermost edges, shown beyond them."""
RATIOS = frozenset({"Hz", "BPM", "1/s"})
"""Units whose scale is one of ratios: an octave is as wide below as above."""
LEAST_SPAN = 1e-9


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the line; `claimed` where the chain says the value lies."""

    x: float
    width: float
    label: str
    claimed: bool

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Mark:
    """A measured value: its place, whether it lies beyond the line's end, and whether it may be relied on."""

    x: float
    beyond: int
    reliable: bool


@dataclass(frozen=True, slots=True)
class Gauge:
    """A claim on its fact's scale; `mark` is None where nothing was measured."""

    stretches: Sequence[Stretch]
    mark: Mark | None
    ends: tuple[str, str]
    """What stands at either end of the scale."""


def draw_gauge(claim: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> Gauge | None:
    """The gauge of a CLAIMS row (or of its document), None for a claim that lies on no scale.

    Where verification left the claim open, the fact that it asks for is shown as unreliable, if there is one.
    """
    attribute = ALL_ATTRIBUTES.get(claim["attribute"])
    unit = measured_unit(claim["attribute"], claim["unit"])
    measured, reliable = claim["measured"], True
    if measured is None:
        measured, reliable = _whole_clip(measured_fact(claim["attribute"]), facts), False
    if claim["value"] is not None:
        return _value_gauge(claim, unit, measured, reliable)
    return _word_gauge(attribute, claim, unit, measured, reliable) if attribute else None


def _whole_clip(fact: str, facts: Sequence[Mapping[str, Any]]) -> float | None:
    found = [row["value"] for row in facts if row["name"] == fact and row["value"] is not None]
    return found[0] if len(found) == 1 else None


class _Scale:
    """Values to places from 0 to WIDTH; outside they are cut."""

    def __init__(self, low: float, high: float, *, ratios: bool) -> None:
        self.ratios = ratios and low > 0
        self.low, self.high = self._of(low), self._of(high)

    def _of(self, value: float) -> float:
        return log(value) if self.ratios else value

    def __call__(self, value: float) -> float:
        if value == inf:
            return WIDTH
        if value == -inf or (self.ratios and value <= 0):
            return 0.0
        place = (self._of(value) - self.low) / max(self.high - self.low, LEAST_SPAN)
        return round(WIDTH * min(1.0, max(0.0, place)), 1)

    def mark(self, value: float | None, *, reliable: bool) -> Mark | None:
        if value is None or not isfinite(value):
            return None
        place = self._of(value) if not self.ratios or value > 0 else -inf
        return Mark(self(value), (place > self.high) - (place < self.low), reliable)

    def stretch(self, low: float, high: float, label: str, *, claimed: bool) -> Stretch:
        return Stretch(self(low), round(self(high) - self(low), 1), label, claimed)


def _word_gauge(
    attribute: Attribute, claim: Mapping[str, Any], unit: str, measured: float | None, reliable: bool
) -> Gauge:
    edges = sorted({edge for band in attribute.bands for edge in (band.low, band.high) if isfinite(edge) and edge})
    ratios = unit in RATIOS and edges[0] > 0
    if ratios:
        factor = max((edges[-1] / edges[0]) ** MARGIN, 1.5)
        low, high = edges[0] / factor, edges[-1] * factor
    else:
        room = MARGIN * max(edges[-1] - edges[0], abs(edges[-1]))
        low, high = edges[0] - room, edges[-1] + room
        if attribute.bands[0].low == 0:
            low = max(low, 0.0)
    scale = _Scale(low, high, ratios=ratios)
    said = claim["claimed"].removeprefix(f"{claim['attribute']} ")
    stretches = [
        scale.stretch(band.low, band.high, band.word, claimed=(band.word == said) != bool(claim["negated"]))
        for band in attribute.bands
    ]
    if said not in (band.word for band in attribute.bands) and not claim["negated"]:
        still = STILL.get(attribute.name, inf)  # a word between two bands, such as moderate or steady
        between = max(attribute.bands[0].high, -still), min(attribute.bands[1].low, still)
        stretches.insert(1, scale.stretch(*between, said, claimed=True))
    return Gauge(stretches, scale.mark(measured, reliable=reliable), (_told(low, unit), _told(high, unit)))


def _value_gauge(claim: Mapping[str, Any], unit: str, measured: float | None, reliable: bool) -> Gauge | None:
    value, around = claim["value"], claim["tolerance"] or 0.0
    if not isfinite(value):
        return None
    points = [value, *([measured] if measured is not None and isfinite(measured) else [])]
    room = max(3 * around, 0.25 * (max(points) - min(points)), 0.15 * abs(value), 1.0 if unit == "count" else 0.0)
    low, high = min(points) - room, max(points) + room
    if min(points) >= 0:
        low = max(low, 0.0)
    scale = _Scale(low, high, ratios=False)
    first, last = {"above": (value, inf), "below": (-inf, value)}.get(
        claim["relation"], (value - around, value + around)
    )
    said = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    label = {"above": f"over {said}", "below": f"under {said}"}.get(claim["relation"], said)
    if claim["negated"]:
        label = f"not {label}"
    return Gauge(
        [scale.stretch(first, last, label, claimed=True)],
        scale.mark(measured, reliable=reliable),
        (_told(low, unit), _told(high, unit)),
    )


def _told(value: float, unit: str) -> str:
    text = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
    return f"{text} {unit}" if unit not in ("count", "share", "") else text


@dataclass(frozen=True, slots=True)
class Interval:
    """An agreement on a line from -1 to 1, in hundredths of its width."""

    value: float
    low: float | None
    high: float | None


def place_figure(figure: Figure | None) -> Interval | None:
    if figure is None or figure.value is None:
        return None
    at = [None if one is None else round(50 + 50 * max(-1.0, min(1.0, one)), 1) for one in (figure.low, figure.high)]
    return Interval(round(50 + 50 * figure.value, 1), at[0], at[1])
