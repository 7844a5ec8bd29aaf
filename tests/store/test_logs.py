"""The log: JSON lines that say where they come from, and no key in any of them."""

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mgrd.cli import main
from mgrd.errors import JudgeError
from mgrd.store import Outcome, Stage, Workspace, init_workspace, run_stage
from mgrd.store.logs import LOGGER, join_log, write_log

KEY = "planted-key-2718281"
SETTINGS = """
[runtime]
log_format = "json"

[[spec.panel.judges]]
base_url = "http://127.0.0.1:9/v1"
model = "m"
api_key_env = "PLANTED_KEY"
"""
STAGE = Stage("judge-distill", 2, 1, {}, {})


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("PLANTED_KEY", KEY)
    settings = tmp_path / "settings.toml"
    settings.write_text(SETTINGS)
    init_workspace(tmp_path / "w", settings)
    before = (LOGGER.handlers, LOGGER.filters, LOGGER.propagate, LOGGER.level)
    LOGGER.handlers, LOGGER.filters = [], []
    yield Workspace.open(tmp_path / "w")
    LOGGER.handlers, LOGGER.filters, LOGGER.propagate, level = before
    LOGGER.setLevel(level)


def refused(message: str) -> Outcome:
    raise JudgeError(message)


class Heard(logging.Handler):
    """Somebody else's handler."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def lines(said: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in said.readouterr().err.splitlines()]


def test_a_finished_stage_is_a_record_with_its_place_and_its_figures(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(workspace.settings)
    run_stage(workspace, STAGE, lambda: Outcome((), 3, {"judged": 3}, tokens=7, cost=0.5))
    (record,) = lines(capsys)
    assert str(record.pop("time")).endswith("+00:00")
    fields = record.pop("fields")
    assert isinstance(fields, dict)
    assert fields.pop("seconds") >= 0
    assert fields == {"rows_in": 3, "tokens": 7, "cost": 0.5, "accounted": {"judged": 3}}
    message = str(record.pop("message"))
    assert message.startswith("round 2 judge-distill ")
    assert record == {"level": "info", "round": 2, "stage": "judge-distill"}


def test_what_a_thread_of_a_stage_says_is_of_the_stage(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> Outcome:
        thread = threading.Thread(target=LOGGER.warning, args=("the server is %s", "away"))
        thread.start()
        thread.join()
        return Outcome((), 0, {})

    write_log(workspace.settings)
    run_stage(workspace, STAGE, work)
    LOGGER.warning("afterwards")
    away, _, after = lines(capsys)
    assert (away["round"], away["stage"], away["level"], away["message"]) == (
        2, "judge-distill", "warning", "the server is away"
    )  # fmt: skip
    assert (after["round"], after["stage"]) == (None, None)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_key_stands_in_no_record_wherever_it_came_in(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    write_log(Workspace.open(workspace.root, {"runtime.log_format": log_format}).settings)
    try:
        refused(f"the vendor says {KEY}")
    except JudgeError:
        fields = {"reply": [KEY, {KEY: 1}], "tokens": 3}
        LOGGER.exception("refused: %s", KEY, extra={"fields": fields})
    said = capsys.readouterr().err
    assert "refused: ***" in said
    assert "the vendor says ***" in said
    assert KEY not in said


def test_a_process_with_a_log_of_its_own_gets_json_beside_it_once(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Heard()
    LOGGER.addHandler(own)
    for _ in range(2):
        join_log(workspace.settings)
    LOGGER.info("with %s", KEY)
    assert [record["message"] for record in lines(capsys)] == own.messages == ["with ***"]


def test_text_goes_to_the_handlers_that_are_there_and_nowhere_else(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Heard()
    LOGGER.addHandler(own)
    LOGGER.setLevel(logging.NOTSET)
    join_log(Workspace.open(workspace.root, {"runtime.log_format": "text"}).settings)
    LOGGER.info("with %s", KEY)
    assert own.messages == ["with ***"]
    assert not capsys.readouterr().err


def test_the_error_that_ends_a_command_is_a_record_with_the_stage_that_failed(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def command() -> None:
        write_log(workspace.settings)
        run_stage(workspace, STAGE, lambda: refused(f"the judge refused {KEY}"))

    monkeypatch.setattr("mgrd.cli.app", command)
    monkeypatch.setattr("mgrd.cli.Interrupts.install", lambda _: None)
    monkeypatch.setattr("mgrd.cli.Interrupts.have_come", lambda _: False)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    (record,) = lines(capsys)
    assert (record["level"], record["round"], record["stage"], record["message"], record["fields"]) == (
        "error", 2, "judge-distill", "the judge refused ***", {"error": "JudgeError"}
    )  # fmt: skip
