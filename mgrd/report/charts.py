"""Geometry of the line charts: where lines, bands, dots and labels stand. Templates draw it.

Each line carries its own label at its end, so there is no legend to look up. Nothing is smoothed:
a dot is a figure, a band its 95 % interval.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mgrd.report.figures import number, round_name

WIDTH, HEIGHT = 380, 214
LEFT, RIGHT, TOP, BOTTOM = 40, 104, 14, 28
LABEL_GAP = 27
"""Least distance between two end labels of two lines each, in drawing units."""


@dataclass(frozen=True, slots=True)
class Line:
    """A figure over the rounds: metric name, label, and the marks that tell it from a second line."""

    metric: str
    label: str


@dataclass(frozen=True, slots=True)
class ChartSpec:
    title: str
    lines: tuple[Line, ...]
    share: bool = True


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """A drawn line: `index` 0 is solid with full dots, 1 dashed with rings."""

    index: int
    label: str
    value: str
    path: str
    band: str
    dots: tuple[Dot, ...]
    label_y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """Title, ticks and edges of a chart, in drawing units; `right` and `bottom` are where its lines end."""

    title: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart(Axes):
    summary: str
    series: tuple[Series, ...]


CHARTS = (
    ChartSpec("Right answers", (Line("accuracy_sampled", "sampled"), Line("accuracy", "greedy"))),
    ChartSpec("Grounded chains", (Line("grounded", "by the filter"), Line("truth_grounded", "by truth"))),
    ChartSpec(
        "Claims that hold", (Line("claim_precision", "by the filter"), Line("truth_claim_precision", "by truth"))
    ),
    ChartSpec("Surrogate chains", (Line("surrogate", "of chains"),)),
    ChartSpec("Reasoning length", (Line("mean_reasoning_tokens", "tokens"),), share=False),
    ChartSpec("Text problems answered", (Line("text_accuracy", "greedy"),)),
    ChartSpec("Kept for training", (Line("yield", "of sampled"),)),
)


def draw_charts(
    rounds: Sequence[int],
    figures: Sequence[Mapping[str, Mapping[str, Any]]],
    specs: Sequence[ChartSpec] = CHARTS,
) -> list[Chart]:
    """The charts that have something to show; `figures` holds each round's figures by name."""
    drawn = (_draw(spec, rounds, figures) for spec in specs)
    return [chart for chart in drawn if chart.series]


def plot_y(value: float, top: float) -> float:
    """How far down a value is drawn on a scale from 0 to `top`, in drawing units."""
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(max(value / top, 0.0), 1.0), 1)


def round_top(value: float) -> float:
    """Where a scale ends: the next of 1, 2, 4, 6, 10 times a power of ten that is not below the value."""
    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 6, 10) if step * power >= value)


def _draw(spec: ChartSpec, rounds: Sequence[int], figures: Sequence[Mapping[str, Mapping[str, Any]]]) -> Chart:
    top = 1.0 if spec.share else round_top(_highest(spec, figures))
    xs = _positions(len(rounds))
    series = []
    for index, line in enumerate(spec.lines):
        points = [
            (xs[i], round_name(rounds[i]), figure[line.metric])
            for i, figure in enumerate(figures)
            if figure.get(line.metric)
        ]
        if points:
            series.append(_series(index, line, points, top, share=spec.share))
    steps = (0.0, 0.25, 0.5, 0.75, 1.0) if spec.share else (0.0, 0.5, 1.0)
    y_ticks = tuple(
        (plot_y(step * top, top), f"{100 * step:.0f} %" if spec.share else f"{step * top:g}") for step in steps
    )
    x_ticks = tuple((x, "cold start" if round_ == 0 else str(round_)) for x, round_ in zip(xs, rounds, strict=True))
    summary = "; ".join(f"{one.label}: {', '.join(dot.text for dot in one.dots)}" for one in series)
    return Chart(
        title=spec.title,
        summary=f"{spec.title}. {summary}",
        series=tuple(_spread(series)),
        x_ticks=x_ticks,
        y_ticks=y_ticks,
    )


def _series(index: int, line: Line, points: list[tuple[float, str, Any]], top: float, *, share: bool) -> Series:
    dots = tuple(
        Dot(x, plot_y(figure["value"], top), f"{name} {number(figure['value'], share=share)}{_interval(figure, share)}")
        for x, name, figure in points
    )
    bounded = [(x, figure) for x, _, figure in points if figure["low"] is not None and figure["high"] is not None]
    upper = [f"{x} {plot_y(figure['high'], top)}" for x, figure in bounded]
    lower = [f"{x} {plot_y(figure['low'], top)}" for x, figure in reversed(bounded)]
    band = f"M{' L'.join(upper + lower)}Z" if len(bounded) > 1 else ""
    path = f"M{' L'.join(f'{dot.x} {dot.y}' for dot in dots)}"
    return Series(index, line.label, number(points[-1][2]["value"], share=share), path, band, dots, dots[-1].y)


def _interval(figure: Mapping[str, Any], share: bool) -> str:
    if figure["low"] is None or figure["high"] is None:
        return ""
    scale = 100 if share else 1
    return f" ({figure['low'] * scale:.1f} to {figure['high'] * scale:.1f})"


def _positions(count: int) -> list[float]:
    inset = 14
    span = WIDTH - LEFT - RIGHT - 2 * inset
    return [round(LEFT + inset + span * (i / (count - 1) if count > 1 else 0.5), 1) for i in range(count)]


def _spread(series: list[Series]) -> list[Series]:
    """End labels moved apart where they would cover each other, inside the plot."""
    if len(series) < 2:
        return series
    low, high = sorted(series, key=lambda one: -one.label_y)
    overlap = LABEL_GAP - (low.label_y - high.label_y)
    if overlap > 0:
        bottom = min(low.label_y + overlap / 2, HEIGHT - BOTTOM - 4)
        moved = {low.index: bottom, high.index: bottom - LABEL_GAP}
        return [replace(one, label_y=round(moved[one.index], 1)) for one in series]
    return series


def _highest(spec: ChartSpec, figures: Sequence[Mapping[str, Mapping[str, Any]]]) -> float:
    values = [
        max(figure[line.metric]["value"], figure[line.metric]["high"] or 0.0)
        for figure in figures
        for line in spec.lines
        if figure.get(line.metric)
    ]
    return max(values, default=1.0)
