"""`mgrd decontaminate`: a benchmark made of a campaign's own clip is found, by its recording."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from mgrd.cli import app
from schemas import CLIPS, QUESTIONS
from tests.export.made_workspace import make_workspace

WORDING = "which of the four instruments enters last in this recording"


def test_training_questions_on_a_benchmark_clip_and_text_rows_that_it_asks_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(tmp_path / "w", clips=4, seconds=2.0, sources=2)
    questions = workspace.store.read(QUESTIONS).filter(~pl.col("split").is_in(["dev", "test"]))
    clip = questions["clip_id"].drop_nulls()[0]
    uri = workspace.store.read(CLIPS).filter(pl.col("clip_id") == clip)["uri"][0]
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(workspace.resolve(uri), data / "held.wav")
    row = {"id": "held", "audio_id": "held.wav", "question": WORDING, "choices": ["a", "b"], "answer": "a"}
    (data / "x.json").write_text(json.dumps([row]))
    texts = [{"question": f"{n}: {WORDING if n else 'What?'}", "chain": "so.", "answer": "a"} for n in range(30)]
    (workspace.root / "texts.jsonl").write_text("\n".join(map(json.dumps, texts)))
    monkeypatch.setenv("MGRD_SPEC__TRAINING__TEXT", "texts.jsonl")
    asked = ["decontaminate", "--benchmark", "mmau", "--data", str(data), "-w", str(workspace.root), "--json"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    wanted = set(questions.filter(pl.col("clip_id") == clip)["question_id"])
    assert wanted <= {overlap["key"] for overlap in found["overlaps"]}
    reasons = [overlap["reason"] for overlap in found["overlaps"]]
    assert set(reasons) == {"audio", "question"}
    assert reasons.count("question") > 20, "rows of the text set, but for those that are held out"
