"""The report of an ablation: each arm's figures over the seeds, and its curves over the steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from mgrd.report.charts import LEFT, WIDTH, Axes, plot_y, round_top
from mgrd.report.figures import ARM_FIGURES
from mgrd.report.html import render_page

CURVES = (
    ("length", "Reasoning tokens"),
    ("reward", "Reward"),
    ("correct", "Right answers"),
    ("reasoned", "Chains that reason"),
    ("grounded", "Grounded chains"),
    ("entropy", "Entropy, nats per token"),
)
RIGHT = 12
"""Between the last step and the drawing's edge: a legend names the arms, the lines carry no labels."""
SMOOTH = 5
"""Steps that a drawn point is the mean of: one step is few chains."""


@dataclass(frozen=True, slots=True)
class ArmRun:
    """One arm with one seed; `counts` holds `before`, `final`, `steps`, `stopped` as its stage recorded them."""

    arm: str
    seed: int
    counts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Curve:
    """A drawn arm: the mean over seeds as a path, the range of the seeds as a band."""

    index: int
    label: str
    path: str
    band: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveChart(Axes):
    curves: tuple[Curve, ...]
    right: int = WIDTH - RIGHT


def ablation_document(study: str, runs: Sequence[ArmRun]) -> dict[str, Any]:
    """Per arm: the seeds, and of each test figure the values before and after with mean and spread.

    `spread` is the standard deviation over seeds, None with fewer than two.
    """
    arms = []
    for name in dict.fromkeys(run.arm for run in runs):
        mine = sorted((run for run in runs if run.arm == name), key=lambda run: run.seed)
        figures = {
            key: {when: _spread([run.counts[when][key] for run in mine]) for when in ("before", "final")}
            for key, _, _ in ARM_FIGURES
            if all(key in run.counts["final"] for run in mine)
        }
        arms.append(
            {
                "arm": name,
                "seeds": [run.seed for run in mine],
                "figures": figures,
                "stopped": {str(run.seed): run.counts["stopped"] for run in mine if run.counts["stopped"]},
            }
        )
    return {"study": study, "arms": arms}


def _spread(values: Sequence[float]) -> dict[str, Any]:
    return {
        "mean": fmean(values),
        "spread": stdev(values) if len(values) > 1 else None,
        "values": list(values),
    }


def build_ablation_report(document: Mapping[str, Any], runs: Sequence[ArmRun]) -> str:
    """One HTML file that fetches nothing and runs no script."""
    return render_page("ablation.html.jinja", document=document, charts=draw_curves(runs))


def draw_curves(runs: Sequence[ArmRun]) -> list[CurveChart]:
    """A chart per figure over the steps, for the arms that have steps."""
    drawn = [run for run in runs if run.counts["steps"]]
    return [_chart(key, title, drawn) for key, title in CURVES] if drawn else []


def _chart(key: str, title: str, runs: Sequence[ArmRun]) -> CurveChart:
    names = list(dict.fromkeys(run.arm for run in runs))
    lines = {
        name: [_smooth([step[key] for step in run.counts["steps"]]) for run in runs if run.arm == name]
        for name in names
    }
    steps = max(len(line) for group in lines.values() for line in group)
    highest = max((value for group in lines.values() for line in group for value in line), default=1.0)
    top = round_top(highest)

    def plot_x(step: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (step / max(1, steps - 1)), 1)

    def place(step: int, value: float) -> str:
        return f"{plot_x(step)} {plot_y(value, top)}"

    curves = []
    for index, name in enumerate(names):
        columns = list(zip(*lines[name], strict=False))
        means = [place(step, fmean(column)) for step, column in enumerate(columns)]
        upper = [place(step, max(column)) for step, column in enumerate(columns)]
        lower = [place(step, min(column)) for step, column in reversed(list(enumerate(columns)))]
        band = f"M{' L'.join(upper + lower)}Z" if len(lines[name]) > 1 else ""
        last = f"{fmean(columns[-1]):.3g}" if columns else ""
        curves.append(Curve(index, name, f"M{' L'.join(means)}", band, last))
    x_ticks = tuple((plot_x(step), str(step + 1)) for step in (0, (steps - 1) // 2, steps - 1))
    y_ticks = tuple((plot_y(share * top, top), f"{share * top:.3g}") for share in (0.0, 0.5, 1.0))
    return CurveChart(title=title, curves=tuple(curves), x_ticks=x_ticks, y_ticks=y_ticks)


def _smooth(values: Sequence[float]) -> list[float]:
    """The running mean over the last SMOOTH steps."""
    return [fmean(values[max(0, at + 1 - SMOOTH) : at + 1]) for at in range(len(values))]
