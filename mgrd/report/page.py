"""The report as one HTML file: nothing is fetched, nothing in it can run but our own script."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mgrd.errors import MgrdError
from mgrd.report.charts import draw_charts
from mgrd.report.cost import cost_document
from mgrd.report.examples import Example, choose_examples, example_views
from mgrd.report.figures import headline_rows
from mgrd.report.html import render_page
from mgrd.report.inputs import ReportInputs
from mgrd.report.provenance import gather_provenance
from mgrd.report.status import REPORTED_SPLIT, SPLITS, figures_of, status_document

if TYPE_CHECKING:
    from mgrd.report.sound import SoundPicture


def build_report(inputs: ReportInputs) -> str:
    """The whole page as HTML text; the same inputs give the same text."""
    rounds = status_document(inputs.metrics, inputs.ledger)["rounds"]
    numbers = [round_["round"] for round_ in rounds]
    figures = {split: [figures_of(inputs.metrics, number, split) for number in numbers] for split in SPLITS}
    examples = example_views(inputs, choose_examples(inputs))
    return render_page(
        "report.html.jinja",
        "report.js",
        rounds=rounds,
        headline=headline_rows(figures[REPORTED_SPLIT]),
        dev=headline_rows(figures["dev"]),
        charts=draw_charts(numbers, with_yield(figures[REPORTED_SPLIT], rounds)),
        funnels=[round_ for round_ in rounds if round_["funnel"]["sampled"]],
        reasons=reason_table(rounds),
        examples=[(example, *_sound(example, inputs)) for example in examples],
        provenance=gather_provenance(inputs),
        studies=inputs.studies,
        cost=cost_document(inputs.ledger, rounds),
        last=numbers[-1] if numbers else None,
    )


def reason_table(rounds: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[tuple[int, float]]]]:
    """Reasons by how often they were given; per sampling round the count and its share of the sampled chains."""
    sampling = [round_ for round_ in rounds if round_["funnel"]["sampled"]]
    codes = {code for round_ in sampling for code in round_["reasons"]}
    totals = {code: sum(round_["reasons"].get(code, 0) for round_ in sampling) for code in codes}
    return [
        (
            code,
            [(count := round_["reasons"].get(code, 0), count / round_["funnel"]["sampled"]) for round_ in sampling],
        )
        for code in sorted(codes, key=lambda code: (-totals[code], code))
    ]


def with_yield(
    figures: Sequence[Mapping[str, Mapping[str, Any]]], rounds: Sequence[Mapping[str, Any]]
) -> list[dict[str, Mapping[str, Any]]]:
    """The figures with the funnel's kept share beside them, where a round sampled."""
    enriched = []
    for figure, round_ in zip(figures, rounds, strict=True):
        funnel, merged = round_["funnel"], dict(figure)
        if funnel["sampled"]:
            value = funnel["kept"] / funnel["sampled"]
            merged["yield"] = {"value": value, "low": None, "high": None, "n": funnel["sampled"]}
        enriched.append(merged)
    return enriched


def _sound(example: Example, inputs: ReportInputs) -> "tuple[SoundPicture | None, str]":
    """The example's picture, or why there is none: a missing file must not cost the report."""
    from mgrd.report.sound import picture_sound

    if example.clip is None:
        return None, "a text task, without sound"
    uri = example.clip["uri"]
    try:
        return picture_sound(inputs.load_audio(uri), uri), ""
    except (MgrdError, OSError) as error:
        return None, f"the sound could not be read: {error}"
