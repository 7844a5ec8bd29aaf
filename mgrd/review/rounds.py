"""The round view: the funnel, curves over rounds and the reasons, drawn with the report's charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from mgrd.evaluation.agreement import wilson
from mgrd.report.charts import CHARTS, Chart, ChartSpec, Line, draw_charts
from mgrd.report.page import reason_table
from mgrd.report.status import REPORTED_SPLIT, figures_of
from schemas.traces import EVALUATE

SELF_COGNITION = ChartSpec("Self-cognition errors", (Line("denial", "deny hearing"),))
DENIAL = "denial"
"""What the checks call a chain that denies that its model can hear."""


@dataclass(frozen=True, slots=True)
class RoundPage:
    charts: Sequence[Chart]
    funnels: Sequence[Mapping[str, Any]]
    reasons: Sequence[tuple[str, Sequence[tuple[int, float]]]]


def round_page(rounds: Sequence[Mapping[str, Any]], metrics: pl.DataFrame, decisions: pl.LazyFrame) -> RoundPage:
    """What the page shows of the status document's rounds, of the held-out figures, and of the chains' checks."""
    numbers = [round_["round"] for round_ in rounds]
    denials = denial_figures(decisions)
    figures = [{**figures_of(metrics, number, REPORTED_SPLIT), **denials.get(number, {})} for number in numbers]
    return RoundPage(
        charts=draw_charts(numbers, figures, (*CHARTS, SELF_COGNITION)),
        funnels=[round_ for round_ in rounds if round_["funnel"]["sampled"]],
        reasons=reason_table(rounds),
    )


def denial_figures(decisions: pl.LazyFrame) -> dict[int, dict[str, dict[str, Any]]]:
    """Round -> the share of held-out chains that deny hearing, as a figure with Wilson's interval."""
    counted = (
        decisions.filter(pl.col("purpose") == EVALUATE)
        .group_by("round")
        .agg(n=pl.len(), hits=pl.col("checks").list.contains(DENIAL).sum())
        .collect()
    )
    figures = {}
    for round_, n, hits in counted.select("round", "n", "hits").iter_rows():
        low, high = wilson(hits, n)
        figures[round_] = {"denial": {"value": hits / n, "low": low, "high": high, "n": n}}
    return figures
