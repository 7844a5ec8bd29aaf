"""The report as one HTML file: nothing is fetched, nothing in it can run but our own script.

What a model wrote is hostile text: every value passes Jinja's autoescape, and a content policy
allows only the style and the script whose hashes it names.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from mgrd.errors import MgrdError
from mgrd.report.ablation import FIGURES, figure_text
from mgrd.report.charts import draw_charts
from mgrd.report.cost import cost_document
from mgrd.report.examples import Example, choose_examples, example_views, visible
from mgrd.report.figures import duration, funnel_gap, headline_rows, money, quantity, round_name
from mgrd.report.inputs import ReportInputs
from mgrd.report.provenance import gather_provenance
from mgrd.report.status import REPORTED_SPLIT, SPLITS, figures_of, status_document

if TYPE_CHECKING:
    from mgrd.report.sound import SoundPicture

TEMPLATES = Path(__file__).parent / "templates"


def build_report(inputs: ReportInputs) -> str:
    """The whole page as HTML text; the same inputs give the same text."""
    rounds = status_document(inputs.metrics, inputs.ledger)["rounds"]
    numbers = [round_["round"] for round_ in rounds]
    figures = {split: [figures_of(inputs.metrics, number, split) for number in numbers] for split in SPLITS}
    examples = example_views(inputs, choose_examples(inputs))
    style, script = _asset("report.css"), _asset("report.js")
    return template("report.html.jinja").render(
        policy=content_policy(style, script),
        style=Markup(style),
        script=Markup(script),
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


def content_policy(style: str, script: str) -> str:
    """The Content-Security-Policy: data URIs for pictures and sound, our style and script by hash, nothing else."""
    return (
        f"default-src 'none'; img-src data:; media-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
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


def template(name: str) -> Template:
    """A template of the report, with autoescape and the report's own words at hand."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = lambda text: visible(str(text))
    environment.filters.update(duration=duration, quantity=quantity, money=money)
    environment.globals.update(
        round_name=round_name, funnel_gap=funnel_gap, arm_figures=FIGURES, arm_figure=figure_text
    )
    return environment


@cache
def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
