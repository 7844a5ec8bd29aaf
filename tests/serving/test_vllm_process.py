"""The process around vLLM: watched, ended and started again; a batch is asked until it is answered."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mgrd.errors import EngineStopError
from mgrd.serving import vllm_process
from mgrd.serving.vllm_process import Body, VllmProcess
from mgrd.settings.runtime import VllmRuntime

STAND_IN = Path(__file__).parent / "stand_in"


@pytest.fixture(autouse=True)
def reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that finds the stand-in, as the Python of another environment finds vLLM."""
    start = (
        f"import runpy, sys; sys.path.insert(0, {str(STAND_IN)!r}); sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nshift\nexec {sys.executable} -I -c "{start}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(vllm_process, "LOOK_SECONDS", 0.05)


@contextmanager
def process_of(tmp_path: Path, model: str = "model", **settings: object) -> Iterator[VllmProcess]:
    runtime = VllmRuntime.model_validate({"python": str(tmp_path / "python"), "stall_seconds": 20.0, **settings})
    process = VllmProcess(runtime, {"model": model}, tmp_path / "vllm.log")
    try:
        yield process
    finally:
        process.close()


def body(text: str, clip: str | None = None) -> Body:
    sound = [] if clip is None else [{"type": "input_audio", "input_audio": {"data": clip, "format": "wav"}}]
    content = text if clip is None else [*sound, {"type": "text", "text": text}]
    return {"messages": [{"role": "user", "content": content}], "temperature": 1.0, "max_tokens": 4}


def texts(replies: list[Body]) -> list[str]:
    return [reply["choices"][0]["message"]["content"] for reply in replies]


def test_replies_come_in_the_order_of_the_requests_whatever_their_kind(tmp_path: Path) -> None:
    scored = {**body("cd"), "add_generation_prompt": False, "continue_final_message": True}
    with process_of(tmp_path) as process:
        assert texts(process.answer([body("ab"), scored, body("ef")], {})) == ["ba", "dc", "fe"]


def test_a_clip_is_sent_once_and_stands_where_its_name_stood(tmp_path: Path) -> None:
    with process_of(tmp_path) as process:
        replies = process.answer([body("a", "clip"), body("b", "clip"), body("c")], {"clip": "x" * 7})
    heard = [reply["usage"]["prompt_tokens_details"]["audio_tokens"] for reply in replies]
    assert heard == [7, 7, 0]


@pytest.mark.parametrize("refusal", ["refuse", "refuse as-older-releases-do"])
def test_a_refused_request_takes_no_other_with_it(refusal: str, tmp_path: Path) -> None:
    with process_of(tmp_path, restarts=0) as process:
        first, refused, last = process.answer([body("ab"), body(refusal), body("cd")], {})
    assert refused == {"error": "the prompt is too long"}
    assert texts([first, last]) == ["ba", "dc"]


@pytest.mark.parametrize("fault", ["die", "hang"])
def test_a_batch_is_asked_again_after_the_process_died_or_stalled(
    fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with process_of(tmp_path, stall_seconds=1.5) as process:
        replies = process.answer([body("ab"), body(f"{fault} {tmp_path / 'mark'}")], {})
    assert texts(replies)[0] == "ba"
    assert "starting it again" in caplog.text
    assert ("died" if fault == "die" else "finished no chain for 2 s") in caplog.text


def test_finished_chains_are_progress_however_long_the_batch_takes(tmp_path: Path) -> None:
    with process_of(tmp_path, stall_seconds=3.0, restarts=0) as process:
        assert len(process.answer([body("slow 1") for _ in range(4)], {})) == 4


def test_a_process_that_always_dies_stops_the_engine_and_says_what_it_wrote(tmp_path: Path) -> None:
    with (
        process_of(tmp_path, restarts=1) as process,
        pytest.raises(EngineStopError, match="vLLM died, 2 times in a row"),
    ):
        process.answer([body("die")], {})


def test_a_model_that_cannot_be_loaded_is_told_with_what_was_written(tmp_path: Path) -> None:
    with (
        process_of(tmp_path, model="missing") as process,
        pytest.raises(EngineStopError, match=r"(?s)died while loading missing; check runtime.vllm.*no such model"),
    ):
        process.start()


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        process_of(tmp_path, python=str(tmp_path / "nowhere")) as process,
        pytest.raises(EngineStopError, match=r"check runtime\.vllm\.python"),
    ):
        process.start()


def test_it_is_started_anew_after_so_many_batches(tmp_path: Path) -> None:
    with process_of(tmp_path, recycle_batches=2) as process:
        pids = [texts(process.answer([body("pid")], {}))[0] for _ in range(5)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


def test_the_settings_options_are_vllms_arguments(tmp_path: Path) -> None:
    with process_of(tmp_path, options={"dtype": "float32"}) as process:
        assert texts(process.answer([body("options")], {})) == ["['dtype']"]


def test_nothing_is_left_running(tmp_path: Path) -> None:
    with process_of(tmp_path) as process:
        pid = int(texts(process.answer([body("pid")], {}))[0])
    assert not Path(f"/proc/{pid}").exists()
