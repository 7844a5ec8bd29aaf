"""`mgrd decontaminate`: a benchmark made of a campaign's own clip is found, by its recording."""

import json
import shutil
from pathlib import Path

import polars as pl
from typer.testing import CliRunner

from mgrd.cli import app
from schemas import CLIPS, QUESTIONS
from tests.export.made_workspace import make_workspace


def test_training_questions_on_a_benchmark_clip_are_listed(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=4, seconds=2.0, sources=2)
    questions = workspace.store.read(QUESTIONS).filter(~pl.col("split").is_in(["dev", "test"]))
    clip = questions["clip_id"].drop_nulls()[0]
    uri = workspace.store.read(CLIPS).filter(pl.col("clip_id") == clip)["uri"][0]
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(workspace.resolve(uri), data / "held.wav")
    row = {"id": "held", "audio_id": "held.wav", "question": "What?", "choices": ["a", "b"], "answer": "a"}
    (data / "x.json").write_text(json.dumps([row]))
    asked = ["decontaminate", "--benchmark", "mmau", "--data", str(data), "-w", str(workspace.root), "--json"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    wanted = set(questions.filter(pl.col("clip_id") == clip)["question_id"])
    assert wanted <= {overlap["key"] for overlap in found["overlaps"]}
    assert {overlap["reason"] for overlap in found["overlaps"]} == {"audio"}
