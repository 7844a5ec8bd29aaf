"""A launched server's surroundings: what it inherits, and that it ends with everything it started."""

import time
from pathlib import Path

import pytest

from mgrd.errors import EngineStopError
from mgrd.serving.launch import LaunchedServer


def told_by(command: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    log = folder / "server.log"
    launched = LaunchedServer(["sh", "-c", command], log, environment)
    launched.start()
    while not launched.has_died:
        time.sleep(0.01)
    launched.stop()
    return log.read_text().strip()


def test_sockets_have_room_below_its_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "/a/short/one")
    assert told_by('echo "$TMPDIR"', tmp_path) == "/a/short/one"
    monkeypatch.setenv("TMPDIR", "/one/so/long/that/the/path/of/a/socket/below/it/would/pass/the/limit")
    assert told_by('echo "now:$TMPDIR"', tmp_path).splitlines()[-1] == "now:"


def test_it_gets_the_settings_environment_and_not_this_projects_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "ours")
    assert told_by('echo "$PYTHONPATH-$GIVEN"', tmp_path, environment={"GIVEN": "given"}) == "-given"


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    launched = LaunchedServer(["sh", "-c", "sleep 600 & echo $!; wait"], log)
    launched.start()
    while not log.read_text().strip():
        time.sleep(0.01)
    child = Path("/proc") / log.read_text().strip()
    launched.stop()
    until = time.monotonic() + 10
    while child.exists() and time.monotonic() < until and "(sleep) Z" not in (child / "stat").read_text():
        time.sleep(0.01)
    assert not child.exists() or "(sleep) Z" in (child / "stat").read_text()


def test_a_command_that_is_not_there_names_its_setting(tmp_path: Path) -> None:
    launched = LaunchedServer(["no-such-server"], tmp_path / "log", setting="runtime.vllm.python")
    with pytest.raises(EngineStopError, match=r"check runtime\.vllm\.python"):
        launched.start()
