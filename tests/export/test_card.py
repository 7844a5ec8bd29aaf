"""The dataset card: figures of the ledger, YAML that parses, and nothing that hostile rows can break out of."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mgrd.export.choices import ExportConfig
from mgrd.export.directory import export_round
from mgrd.export.formats import FORMATS
from mgrd.export.templates import cell, code, quoted
from mgrd.store import Workspace, frame_of
from schemas import OVERRIDES, TRACES, VERDICTS
from tests.export.made_workspace import make_workspace


def card(workspace: Workspace, out: Path, **asked: Any) -> str:
    export_round(workspace, ExportConfig.model_validate({"round": 1, "holdout": 0.2, **asked}), out)
    return (out / "README.md").read_text()


def front(text: str) -> dict[str, Any]:
    return yaml.safe_load(text.split("---\n")[1])


def test_the_front_matter_names_configs_and_shards(made: Workspace, tmp_path: Path) -> None:
    head = front(card(made, tmp_path / "x"))
    assert head["configs"] == [
        {
            "config_name": "distilled",
            "default": True,
            "data_files": [
                {"split": "train", "path": "data/train-*.parquet"},
                {"split": "validation", "path": "data/validation-*.parquet"},
            ],
        },
        {"config_name": "text", "data_files": [{"split": "train", "path": "text/train-*.parquet"}]},
    ]
    assert head["license"] == "other", "two licences are mixed"


@pytest.mark.parametrize("format_", FORMATS)
def test_every_pattern_of_the_front_matter_matches_files(made: Workspace, tmp_path: Path, format_: str) -> None:
    head = front(card(made, tmp_path / "x", format=format_))
    for part in head["configs"]:
        for files in part["data_files"]:
            assert list((tmp_path / "x").glob(files["path"])), files


def test_the_card_tells_funnel_prompt_skills_lengths_and_licences(made: Workspace, tmp_path: Path) -> None:
    text = card(made, tmp_path / "x")
    assert "| sampled | 36 |" in text
    assert "| kept | 24 |" in text
    assert "sample/perceive" in text
    assert "| contour | 24 |" in text
    assert "| seconds of a clip | 0.2 / 0.2 / 0.2 |" in text
    assert "| CC0-1.0 |" in text
    assert "12 clips from 6 sources" in text
    assert "Judges: none" in text


def test_hostile_rows_open_no_table_tag_or_front_matter(made: Workspace, tmp_path: Path) -> None:
    text = card(made, tmp_path / "x")
    assert "<script>" not in text
    assert text.count("\n---\n") == 1, "only the front matter's own end"
    assert "license: mit" not in text.splitlines()


@given(st.text())
def test_a_cell_is_one_line_without_borders(text: str) -> None:
    made_safe = cell(text)
    assert len(made_safe.splitlines()) <= 1
    assert "|" not in made_safe.replace("\\|", "")
    assert "<" not in made_safe.replace("\\<", "")
    assert yaml.safe_load(quoted(text)) is not None or text == ""


@given(st.text())
def test_a_code_span_is_one_line_that_nothing_in_it_ends(text: str) -> None:
    span = code(text)
    assert len(span.splitlines()) == 1
    assert span.count("`") == 2
    assert "|" not in span.replace("\\|", "")


def test_paths_and_models_are_named_letter_by_letter(made: Workspace, tmp_path: Path) -> None:
    assert "Audio paths begin with `/data/a_b*c`;" in card(made, tmp_path / "x", audio_root="/data/a_b*c")


def test_agreement_with_reviewers_is_told_per_rater(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=8)
    traces = workspace.store.read(TRACES).sort("trace_id")
    keys = traces["trace_id"].to_list()
    right = {row["trace_id"]: "rises" in row["reasoning"] for row in traces.iter_rows(named=True)}
    overrides = [
        {
            **dict.fromkeys(("correct", "reason")),
            "override_id": f"o{i}",
            "trace_id": key,
            "reviewer": "r",
            "verdict": "unsure" if i == 0 else "grounded" if right[key] else "not_grounded",
            "seconds": 1.0,
            "made_at": f"2030-01-01T00:00:{i:02d}+00:00",
        }
        for i, key in enumerate(keys)
    ]
    workspace.store.append(OVERRIDES, frame_of(OVERRIDES, overrides))
    verdicts = [
        {
            **dict.fromkeys(("logical_coherence", "answer_follows", "surrogate", "self_cognition", "reason")),
            "verdict_id": f"v{i}",
            "trace_id": key,
            "round": 1,
            "judge": "a|b",
            "prompt_id": "judge/grounding",
            "prompt_sha": "s",
            "scored": True,
            "acoustic_grounding": 5.0 if right[key] else 1.0,
            "raw_reply": "",
            "prompt_version": 1,
            "requests": 1,
            "cached": False,
            "prompt_tokens": 1,
            "completion_tokens": 1,
            "cost": 0.0,
        }
        for i, key in enumerate(keys)
    ]
    workspace.store.replace(VERDICTS, frame_of(VERDICTS, verdicts), {"round": 1})
    text = card(workspace, tmp_path / "x")
    assert f"| judge a\\|b | {len(keys) - 1} | 1.000 |" in text
    assert "judge/grounding" in text


def test_a_verdict_that_was_taken_back_agrees_with_nobody(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=8)
    keys = workspace.store.read(TRACES)["trace_id"].sort().to_list()[:2]
    said = [(keys[0], "grounded"), (keys[1], "grounded"), (keys[1], "withdrawn")]
    overrides = [
        {
            "override_id": f"o{i}",
            "trace_id": key,
            "reviewer": "r",
            "verdict": verdict,
            "seconds": 1.0,
            "made_at": f"2030-01-01T00:00:{i:02d}+00:00",
        }
        for i, (key, verdict) in enumerate(said)
    ]
    workspace.store.append(OVERRIDES, frame_of(OVERRIDES, overrides))
    assert "| measured check | 1 |" in card(workspace, tmp_path / "x")


def test_one_known_licence_is_named_for_the_hub(tmp_path: Path) -> None:
    from schemas import CLIPS

    workspace = make_workspace(tmp_path / "w", clips=2)
    clips = workspace.store.read(CLIPS).with_columns(licence=pl.lit("CC0-1.0"))
    workspace.store.replace(CLIPS, clips, {"collection": "made"})
    assert front(card(workspace, tmp_path / "x"))["license"] == "cc0-1.0"
