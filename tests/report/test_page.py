"""The page is one safe file: whole without a network, closed to what a model wrote, and tells all of it."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import campaign_frames as campaign
import polars as pl
import pytest

from mgrd.errors import AudioError, DataError
from mgrd.report import build_report
from mgrd.report.charts import LABEL_GAP, draw_charts
from mgrd.report.figures import funnel_gap, headline_rows
from mgrd.report.inputs import ReportInputs
from mgrd.report.page import reason_table
from mgrd.report.provenance import gather_provenance
from mgrd.report.status import figures_of, status_document

VOID = {"meta", "br", "img", "input", "link", "hr"}


class Page(HTMLParser):
    """Tags with attributes, the text outside of style and script, and whether all tags are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.torn: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.torn.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def html() -> str:
    return build_report(campaign.campaign())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def hostile() -> str:
    return build_report(campaign.with_chain(campaign.campaign(), campaign.HOSTILE))


def test_the_page_is_well_formed_and_the_same_each_time(html: str, page: Page) -> None:
    assert page.torn == []
    assert page.open == []
    assert build_report(campaign.campaign()) == html


def test_nothing_is_fetched(html: str, page: Page) -> None:
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "action", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), attributes
    assert not page.all("link")
    assert not page.all("iframe")
    assert not re.search(r"url\(|@import|https?://", html)


def test_the_content_policy_names_our_style_and_script_and_nothing_else(html: str, page: Page) -> None:
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; media-src data:;")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any("style" in attributes for _, attributes in page.tags)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_what_a_model_wrote_stays_text(hostile: str) -> None:
    page = Page(hostile)
    assert len(page.all("script")) == 1
    assert page.torn == []
    assert "alert(" not in "".join(re.findall(r"<script>(.*?)</script>", hostile, flags=re.DOTALL))
    assert "&lt;script&gt;alert" in hostile
    assert "<script>alert('x')</script> the pitch rises" in page.text


def test_signs_that_turn_the_reading_direction_are_shown_and_not_obeyed(hostile: str) -> None:
    assert "\u202e" not in hostile
    assert "\N{REPLACEMENT CHARACTER}&amp; falls" in hostile


def test_each_example_has_sound_picture_question_answer_and_truth(page: Page) -> None:
    articles = [a for a in page.all("article") if a.get("class") == "example"]
    assert len(articles) == 10
    sounds = [a["src"] or "" for a in page.all("audio")]
    assert len(sounds) == 10
    assert all(base64.b64decode(src.removeprefix("data:audio/wav;base64,"))[:4] == b"RIFF" for src in sounds)
    pictures = [a["href"] or "" for a in page.all("image")]
    assert all(base64.b64decode(src.removeprefix("data:image/png;base64,"))[:4] == b"\x89PNG" for src in pictures)
    assert any(a.get("class") == "pitch" for a in page.all("path"))
    for word in ("How does the pitch move?", "answered", "truth", "nothing against it", "wrong answer"):
        assert word in page.text


def test_verdicts_are_told_by_words_and_signs_beside_colour(html: str, page: Page) -> None:
    for verdict in ("supported", "contradicted", "unverifiable", "surrogate"):
        assert any(m.get("class") == verdict for m in page.all("mark")), verdict
        assert f'<use href="#i-{verdict}"' in html
        assert re.search(rf'class="hidden"> ?{verdict}<', html), verdict
    targets = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}
    links = [a["href"] or "" for a in page.all("a")]
    assert links
    assert all(link.removeprefix("#") in targets for link in links)


def test_claimed_and_measured_stand_side_by_side(page: Page) -> None:
    assert "tempo: about 120 (120 BPM)" in page.text
    assert "78 ± 6 BPM, slow" in page.text
    assert "event count: three (3)" in page.text


def test_headline_figures_funnel_reasons_and_provenance_are_on_the_page(page: Page) -> None:
    for text in ("53.0 %", "49.5 to 56.5", "+43.0 pp", "2,500", "77aa01d2c9e4b3f0", "GPL-2.0 soundfont", "spec.seed"):
        assert text in page.text, text


def test_models_stand_below_their_parents() -> None:
    inputs = campaign.campaign()
    first = inputs.models.filter(pl.col("round") == 0)
    hearing = first.with_columns(stage=pl.lit("hearing"), model_id=pl.lit("ear"), parent_id=pl.lit(None, pl.String))
    cold = inputs.models.with_columns(
        parent_id=pl.when(pl.col("round") == 0).then(pl.lit("ear")).otherwise("parent_id")
    )
    models = gather_provenance(replace(inputs, models=pl.concat([cold, hearing]))).models
    assert [model["stage"] for model in models] == ["hearing", "cold_start", *["sft"] * (len(models) - 2)]
    assert [model["round"] for model in models] == sorted(model["round"] for model in models)


def test_everything_that_scrolls_can_be_reached_by_keyboard(page: Page) -> None:
    scrolling = [a for _, a in page.tags if a.get("class") in ("scroll", "chain")]
    assert scrolling
    assert all(a.get("tabindex") == "0" or a.get("class") == "chain" for a in scrolling)
    assert all(a.get("aria-label") for a in scrolling if a.get("role") == "region")


def test_a_campaign_without_rounds_still_has_a_page() -> None:
    page = Page(build_report(campaign.empty_campaign()))
    assert "Nothing has been evaluated yet" in page.text
    assert page.torn == []


def test_a_sound_that_cannot_be_read_costs_its_picture_and_not_the_report() -> None:
    def missing(uri: str) -> bytes:
        raise FileNotFoundError(uri)

    def refused(uri: str) -> bytes:
        raise AudioError(f"{uri}: gone")

    for loader in (missing, refused, lambda _: b"not audio at all"):
        page = Page(build_report(replace(campaign.campaign(), load_audio=loader)))
        assert page.text.count("the sound could not be read") == 10
        assert page.all("audio") == []


def test_a_frame_without_its_columns_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"frame claims lacks the columns \['verdict'\]"):
        replace(campaign.campaign(), claims=campaign.claims().drop("verdict"))


def test_a_lost_row_is_called_out() -> None:
    counts = campaign.select_counts(1) | {"rejected": 4000}
    ledger = pl.concat([campaign.ledger(), campaign.frame("ledger", [campaign.ledger_row(1, "select", 1, counts, 15)])])
    inputs: ReportInputs = replace(campaign.campaign(), ledger=ledger)
    assert "308 sampled chains have no outcome" in Page(build_report(inputs)).text
    assert funnel_gap(status_document(campaign.metrics(), campaign.ledger())["rounds"][1]["funnel"]) == 0


def test_a_change_is_called_better_only_when_the_intervals_are_apart() -> None:
    rows = headline_rows([figures_of(campaign.metrics(), round_, "test") for round_ in range(4)])
    changes = {row.measure.name: row.change for row in rows}
    greedy, surrogate, length = changes["accuracy"], changes["surrogate"], changes["mean_reasoning_tokens"]
    assert greedy is not None
    assert (greedy.tone, greedy.note) == ("plain", "intervals overlap")
    assert surrogate is not None
    assert (surrogate.text, surrogate.tone) == ("−12.0 pp", "better")
    assert length is not None
    assert length.tone == "plain"


def test_reasons_are_counted_against_what_was_sampled() -> None:
    rounds = status_document(campaign.metrics(), campaign.ledger())["rounds"]
    table = reason_table(rounds)
    assert [code for code, _ in table] == ["contradicted", "wrong_answer", "surrogate"]
    assert table[0][1][0] == (2500, pytest.approx(2500 / 4800))


def test_charts_stay_inside_their_frame_and_end_labels_apart() -> None:
    figures = [figures_of(campaign.metrics(), round_, "test") for round_ in range(4)]
    charts = draw_charts(range(4), figures)
    assert [chart.title for chart in charts][:2] == ["Right answers", "Grounded chains"]
    for chart in charts:
        for series in chart.series:
            assert all(chart.left <= dot.x <= chart.right and 0 <= dot.y <= chart.bottom for dot in series.dots)
        labels = sorted(series.label_y for series in chart.series)
        assert len(labels) < 2 or labels[1] - labels[0] >= LABEL_GAP - 0.2


def test_a_single_round_is_drawn_as_a_dot() -> None:
    (chart, *_) = draw_charts([0], [figures_of(campaign.metrics(), 0, "test")])
    assert len(chart.series[0].dots) == 1
    assert chart.series[0].band == ""
