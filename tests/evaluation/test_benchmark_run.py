"""`mgrd evaluate` from the owners' files to predictions, scores, grounding and curves, with the mock engine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import flows.evaluate as flow
from mgrd.cli import app
from mgrd.engines.mock import MockEngine
from mgrd.evaluation.benchmarks.answering import ask_items, forced_answers, swapped
from mgrd.evaluation.benchmarks.grounded import majority
from mgrd.evaluation.benchmarks.matched import MMAU

REPOSITORY = Path(__file__).parents[2]
RUNNER = CliRunner()
RATE = 16_000
COUNT = 6


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An MMAU folder: rising and falling sweeps, and one row whose file is missing."""
    folder = tmp_path / "mmau"
    (folder / "test-mini-audios").mkdir(parents=True)
    rows = []
    for at in range(COUNT):
        key = f"u{at}"
        sweep = np.linspace(300, 900, RATE) if at % 2 else np.linspace(900, 300 + at, RATE)
        if at < COUNT - 1:
            path = folder / "test-mini-audios" / f"{key}.wav"
            soundfile.write(path, 0.3 * np.sin(2 * np.pi * np.cumsum(sweep) / RATE), RATE)
        rows.append(
            {
                "id": key,
                "audio_id": f"./test-mini-audios/{key}.wav",
                "question": "How does the pitch move?",
                "choices": ["rising", "falling"],
                "answer": "rising" if at % 2 else "falling",
                "task": "sound",
                "difficulty": "easy",
            }
        )
    (folder / "mmau-test-mini.json").write_text(json.dumps(rows))
    return folder


@pytest.fixture(autouse=True)
def unorchestrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flow without its orchestrator, whose threads would outlive these tests and break processes forked later."""
    monkeypatch.setattr("flows.evaluate.evaluate", flow.evaluate.fn)
    monkeypatch.setattr("flows.evaluate.answer", flow.answer.fn)
    monkeypatch.setattr("tasks.benchmark.publish_benchmark", lambda _: None)


def evaluate(*arguments: object) -> dict[str, Any]:
    result = RUNNER.invoke(app, ["evaluate", "--benchmark", "mmau", "--json", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_evaluation_scores_grounds_and_draws_curves(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    document = evaluate("--data", data, "--out", out, "--engine", "mock", "--samples", 4, "--scaling", "-w", tmp_path)
    assert document["score"]["items"] == COUNT
    assert document["score"]["missing"] == 1
    assert list(document["refused"]) == [f"u{COUNT - 1}"]
    assert document["grounding"]["grounded_share"]["count"] == COUNT - 1
    assert document["grounding"]["swap_flip_rate"]["count"] == COUNT - 1
    assert [point["k"] for point in document["sample_curve"]] == [1, 2, 4]
    assert [row["thinking"] for row in document["thinking"]] == ["off", "on"]
    assert document["length_curve"][0]["words"] == 0
    assert json.loads((out / "evaluation.json").read_text()) == document


def test_written_predictions_score_the_same_when_read_back(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = evaluate("--data", data, "--out", out, "--engine", "mock", "--no-grounding", "-w", tmp_path)
    read = evaluate("--data", data, "--predictions", out / "predictions.json", "--out", out)
    assert read["score"] == ran["score"]
    assert "grounding" not in ran


def test_the_same_evaluation_twice_gives_the_same_document(data: Path, tmp_path: Path) -> None:
    both = [
        evaluate("--data", data, "--out", tmp_path / n, "--engine", "mock", "--samples", 2, "-w", tmp_path)
        for n in ("a", "b")
    ]
    assert both[0] == both[1]


def test_the_same_command_again_asks_the_model_for_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--data", data, "--out", tmp_path / "o", "--engine", "mock", "--scaling", "-w", tmp_path]
    first = evaluate(*arguments)

    def refuse(*_: object) -> None:
        raise AssertionError("paid twice")

    monkeypatch.setattr(MockEngine, "sample", refuse)
    monkeypatch.setattr(MockEngine, "score", refuse)
    assert evaluate(*arguments) == first


@pytest.mark.round
def test_the_flow_under_its_orchestrator_tells_both_scores(data: Path, tmp_path: Path) -> None:
    arguments = ["--data", data, "--out", tmp_path / "o", "--engine", "mock", "-w", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "mgrd", "evaluate", "--benchmark", "mmau", *map(str, arguments)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "official" in done.stdout
    assert "strict" in done.stdout


def test_another_clip_has_another_answer(data: Path, tmp_path: Path) -> None:
    asked, _ = ask_items(MMAU.read(data, tmp_path), "sample/perceive")
    for own, other in zip(asked, swapped(asked), strict=True):
        assert other is not None
        assert other.clip_id != own.clip_id
        assert other.prompt == own.prompt


def test_a_forced_answer_is_one_of_the_choices_and_depends_on_the_reasoning(data: Path, tmp_path: Path) -> None:
    asked, _ = ask_items(MMAU.read(data, tmp_path), "sample/perceive")
    engine = MockEngine()
    found = [forced_answers(engine, asked, [text] * len(asked)) for text in ("", "The pitch rises", "It is low")]
    assert {answer for answers in found for answer in answers} == {"rising", "falling"}
    assert len({tuple(answers) for answers in found}) > 1


def test_a_majority_ignores_chains_without_an_answer() -> None:
    assert majority(["", "", "Yes", " yes", "No"]) == "Yes"
    assert majority(["", ""]) == ""
