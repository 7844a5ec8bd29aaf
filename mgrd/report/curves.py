"""The figures of a campaign round by round as Markdown: a table, and the report's charts as pictures in it.

For pages that show Markdown and run nothing, such as an orchestrator's. The pictures are data URIs: nothing is fetched.
"""

import base64

import polars as pl

from mgrd.report.charts import draw_charts
from mgrd.report.figures import headline_rows, round_name
from mgrd.report.html import template
from mgrd.report.page import with_yield
from mgrd.report.status import REPORTED_SPLIT, figures_of, status_document


def curves_markdown(metrics: pl.DataFrame, ledger: pl.DataFrame) -> str:
    """Held-out figures (test split) of all rounds so far, with 95 % intervals, and a picture of each curve."""
    rounds = status_document(metrics, ledger)["rounds"]
    if not rounds:
        return "Nothing has been evaluated yet."
    numbers = [round_["round"] for round_ in rounds]
    figures = [figures_of(metrics, number, REPORTED_SPLIT) for number in numbers]
    lines = [
        f"| figure (test split) | {' | '.join(map(round_name, numbers))} | change |",
        "|---" * (len(numbers) + 2) + "|",
    ]
    for row in headline_rows(figures):
        cells = [f"{cell.value} ({cell.interval})" if cell.interval else cell.value for cell in row.cells]
        change = f"{row.change.text}, {row.change.note}" if row.change else ""
        lines.append(f"| {' | '.join((row.measure.title, *cells, change))} |")
    for chart in draw_charts(numbers, with_yield(figures, rounds)):
        picture = template("chart.svg.jinja").render(chart=chart)
        data = base64.b64encode(picture.encode()).decode()
        lines += ["", f"**{chart.title}**", "", f"![{chart.summary}](data:image/svg+xml;base64,{data})"]
    return "\n".join(lines)
