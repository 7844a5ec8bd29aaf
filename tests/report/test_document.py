"""The report for machines has the figures of every section, under keys that scripts may rely on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import campaign_frames as campaign
import polars as pl
import pytest

from mgrd.report import build_report, report_document
from mgrd.report.studies import Studies, read_studies

DOCUMENTED = Path(__file__).parents[2] / "docs" / "report.md"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return report_document(campaign.campaign())


def test_it_is_plain_json_and_the_same_each_time(document: dict[str, Any]) -> None:
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text) == document
    assert report_document(campaign.campaign()) == document


def test_it_has_a_part_for_each_section(document: dict[str, Any]) -> None:
    assert list(document) == [
        "version", "as_of", "arm", "rounds", "figures", "selection", "ablations", "examples", "cost", "provenance",
    ]  # fmt: skip
    assert document["rounds"] == [0, 1, 2, 3]
    assert document["as_of"] == "2030-01-02T11:10:00+00:00"
    curve = document["figures"]["test"]["grounded"]
    assert [point["round"] for point in curve] == [0, 1, 2, 3]
    assert curve[-1] == {"round": 3, "value": 0.53, "low": 0.495, "high": pytest.approx(0.565), "n": 1200}
    assert document["figures"]["dev"]["grounded"][0]["value"] == pytest.approx(0.11)
    first = document["selection"][0]
    assert (first["round"], first["funnel"]["kept"], first["yield"], first["unaccounted"]) == (1, 480, 0.1, 0)
    assert first["reasons"] == {"contradicted": 2500, "wrong_answer": 1600, "surrogate": 900}
    assert document["provenance"]["settings"]["spec"]["sampling"]["samples"] == 8


def test_every_key_of_it_is_documented(document: dict[str, Any]) -> None:
    page = DOCUMENTED.read_text()
    parts = [document, document["selection"][0], document["examples"][0], document["examples"][0]["claims"][0]]
    parts += [document["examples"][0]["clip"], document["examples"][0]["question"], document["provenance"]]
    parts += [document["cost"], document["cost"]["rounds"][1], document["cost"]["stages"][0], document["ablations"]]
    assert sorted({key for part in parts for key in part if f"`{key}`" not in page}) == []


def test_its_examples_are_those_of_the_page_with_spans_that_mark_their_words(document: dict[str, Any]) -> None:
    page = build_report(campaign.campaign())
    assert len(document["examples"]) == 10
    for example in document["examples"]:
        assert example["round"] == 3
        assert example["trace_id"] in page
        for claim in example["claims"]:
            assert example["reasoning"][claim["start"] : claim["end"]] == claim["text"]
        for start, end in example["surrogate_spans"]:
            assert example["reasoning"][start:end] == "The transcript says hello there."
    assert any(example["surrogate_spans"] for example in document["examples"])


def test_a_figure_that_is_no_number_is_null() -> None:
    metrics = campaign.metrics().with_columns(value=pl.lit(float("nan")))
    document = report_document(replace(campaign.campaign(), metrics=metrics))
    json.dumps(document, allow_nan=False)
    assert document["figures"]["test"]["grounded"][0]["value"] is None


def test_an_empty_campaign_has_a_document_with_the_same_keys(document: dict[str, Any]) -> None:
    empty = report_document(campaign.empty_campaign())
    assert list(empty) == list(document)
    assert empty["rounds"] == empty["selection"] == empty["examples"] == empty["cost"]["rounds"] == []
    assert empty["as_of"] is empty["arm"] is empty["cost"]["per_kept"] is None


STUDY = {
    "study": "format-reward",
    "arms": [
        {
            "arm": "<b>with</b>",
            "seeds": [0, 1],
            "figures": {
                "correct": {
                    "before": {"mean": 0.5, "spread": 0.1, "values": [0.4, 0.6]},
                    "final": {"mean": 0.7, "spread": 0.141, "values": [0.6, 0.8]},
                }
            },
            "stopped": {"1": "chains became too short"},
        }
    ],
}


def test_ablations_of_the_workspace_are_on_the_page_and_in_the_document(tmp_path: Path) -> None:
    (tmp_path / "ablate-format-reward.json").write_text(json.dumps(STUDY))
    inputs = replace(campaign.campaign(), studies=read_studies(tmp_path))
    assert report_document(inputs)["ablations"] == {"studies": [STUDY], "unread": []}
    html = build_report(inputs)
    assert "0.700 ± 0.141" in html
    assert "&lt;b&gt;with&lt;/b&gt;" in html
    assert "seed 1: stopped, chains became too short" in html


@pytest.mark.parametrize("torn", ['{"study": "x", "arms": [{', "[]", '{"study": "x", "arms": [{"arm": 3}]}', "\x00"])
def test_a_study_that_cannot_be_read_is_named_on_the_page(tmp_path: Path, torn: str) -> None:
    (tmp_path / "ablate-x.json").write_text(torn)
    studies = read_studies(tmp_path)
    assert studies.documents == []
    assert "ablate-x.json: " in build_report(replace(campaign.campaign(), studies=studies))


def test_a_workspace_without_studies_says_how_one_is_run(tmp_path: Path) -> None:
    assert read_studies(tmp_path / "none") == Studies([], [])
    assert "No ablation has run in this workspace" in build_report(campaign.campaign())
