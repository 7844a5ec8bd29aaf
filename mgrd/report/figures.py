"""The headline figures and the words for them: what the report's tables say, ready to print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mgrd.report.status import FUNNEL

NOT_MEASURED = "–"
MINUS = "−"


@dataclass(frozen=True, slots=True)
class Measure:
    """A held-out figure: its name in METRICS, its title, what it means, and which way is better (+1, -1, 0)."""

    name: str
    title: str
    meaning: str
    better: int
    share: bool = True


MEASURES = (
    Measure("accuracy", "Accuracy, greedy", "right answers of the greedy chain", 1),
    Measure("accuracy_sampled", "Accuracy, sampled", "right answers over sampled chains", 1),
    Measure("grounded", "Grounded, by the filter", "sampled chains whose claims hold by measurement", 1),
    Measure("truth_grounded", "Grounded, by constructed truth", "the same, by how the clip was made", 1),
    Measure("claim_precision", "Claim precision, by the filter", "settled claims that hold, greedy chains' too", 1),
    Measure("truth_claim_precision", "Claim precision, by truth", "the same, by how the clip was made", 1),
    Measure("surrogate", "Surrogate share", "sampled chains that argue from text", -1),
    Measure("mean_reasoning_tokens", "Reasoning tokens", "mean length of sampled reasoning", 0, share=False),
    Measure("text_accuracy", "Text problems", "right answers to text problems without sound, greedy", 1),
    Measure("self_cognition_error", "Self-cognition error", "replies to probes that deny hearing", -1),
)


ARM_FIGURES = (
    ("correct", "right answers", True),
    ("length", "reasoning tokens", False),
    ("reasoned", "chains that reason", True),
    ("grounded", "grounded, by the filter", True),
    ("truth_grounded", "grounded, by truth", True),
)
"""What an ablation measures of an arm: its name in the counts of the arm's stage, its title, whether it is a share."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure with its interval, as text."""

    value: str
    interval: str


@dataclass(frozen=True, slots=True)
class Change:
    """From the first to the last round. `tone` is better, worse or plain; `note` speaks of the intervals."""

    text: str
    tone: str
    note: str


@dataclass(frozen=True, slots=True)
class Row:
    measure: Measure
    cells: tuple[Cell, ...]
    change: Change | None
    n: str


def number(value: float | None, *, share: bool) -> str:
    """A share in percent, anything else with one decimal; a dash when it was not measured."""
    if value is None:
        return NOT_MEASURED
    return f"{100 * value:.1f} %" if share else f"{value:.1f}"


def signed(value: float, *, share: bool) -> str:
    """A difference with its sign; shares in percentage points."""
    text = f"{abs(value) * (100 if share else 1):.1f}"
    return f"{'+' if value >= 0 else MINUS}{text}{' pp' if share else ''}"


def mean_and_spread(figure: Mapping[str, Any], share: bool) -> str:
    """An arm's figure over its seeds, such as `0.712 ± 0.012`; of a single seed the value alone."""
    digits = 3 if share else 1
    mean = f"{figure['mean']:.{digits}f}"
    return mean if figure["spread"] is None else f"{mean} ± {figure['spread']:.{digits}f}"


def round_name(round_: int) -> str:
    return "cold start" if round_ == 0 else f"round {round_}"


def duration(seconds: float) -> str:
    """Seconds as people say them: `350 ms`, `41.2 s`, `7 min 05 s`, `3 h 12 min`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours:,} h {minutes:02d} min" if hours else f"{minutes} min {whole % 60:02d} s"


def quantity(count: float) -> str:
    """A count with separators; a mean with one decimal."""
    return f"{count:,}" if isinstance(count, int) else f"{count:,.1f}"


def money(cost: float) -> str:
    """An amount with two decimals, a small one with three significant digits; the settings' prices name no currency."""
    return f"{cost:,.2f}" if cost >= 1 or not cost else f"{cost:.3g}"


def headline_rows(figures: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[Row]:
    """One row per measure that any round has; `figures` holds each round's figures by name."""
    rows = []
    for measure in MEASURES:
        found = [round_.get(measure.name) for round_ in figures]
        if any(found):
            counts = sorted({one["n"] for one in found if one})
            n = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
            rows.append(Row(measure, tuple(_cell(measure, one) for one in found), _change(measure, found), n))
    return rows


def funnel_gap(funnel: Mapping[str, int]) -> int:
    """Sampled chains that no outcome accounts for; 0 when nothing was lost."""
    return funnel["sampled"] - sum(funnel[name] for name in FUNNEL[3:])


def _cell(measure: Measure, figure: Mapping[str, Any] | None) -> Cell:
    if figure is None:
        return Cell(NOT_MEASURED, "")
    low, high = figure["low"], figure["high"]
    scale = 100 if measure.share else 1
    interval = "" if low is None or high is None else f"{low * scale:.1f} to {high * scale:.1f}"
    return Cell(number(figure["value"], share=measure.share), interval)


def _change(measure: Measure, found: Sequence[Mapping[str, Any] | None]) -> Change | None:
    first, last = found[0], found[-1]
    if len(found) < 2 or not first or not last:
        return None
    difference = last["value"] - first["value"]
    bounds = (first["low"], first["high"], last["low"], last["high"])
    if any(bound is None for bound in bounds):
        note = "no intervals"
        apart = False
    else:
        apart = last["low"] > first["high"] or last["high"] < first["low"]
        note = "intervals apart" if apart else "intervals overlap"
    direction = measure.better * difference
    tone = "plain" if not apart or direction == 0 else ("better" if direction > 0 else "worse")
    return Change(signed(difference, share=measure.share), tone, note)
