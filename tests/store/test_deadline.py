"""A stage that takes too long is interrupted where it waits; the process and its other alarms are left as they were."""

import asyncio
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from mgrd.errors import OverdueError
from mgrd.settings import SETTINGS_FILE, parse_settings
from mgrd.store import Outcome, Stage, Workspace, frame_of, init_workspace, run_stage
from mgrd.store.deadline import LEFT, deadline
from schemas import METRICS
from tasks.commits import Commits

SOON = 0.2
LATE = 60.0
WORKING = 2.0
"""Seconds within which the first rows are measured on a busy machine too."""
STAGE = Stage("evaluate", 1, 1, {}, {"model": "m1"})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return limited(tmp_path, WORKING)


def limited(folder: Path, seconds: float) -> Workspace:
    """The workspace of the folder, whose evaluation may take so long."""
    init_workspace(folder / "w")
    (folder / "w" / SETTINGS_FILE).write_text(f"[runtime.stage_timeouts]\nevaluate = {seconds}\n")
    return Workspace.open(folder / "w")


def metric(name: str) -> pl.DataFrame:
    row = {"round": 1, "split": "dev", "name": name, "value": 0.5, "low": 0.4, "high": 0.6, "n": 300}
    return frame_of(METRICS, [row])


def test_a_stage_that_is_late_commits_what_it_has_finished_and_goes_on_when_it_is_run_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    def commit(rows: list[pl.DataFrame]) -> None:
        workspace.store.append(METRICS, pl.concat(rows))

    def measured(names: list[str], hangs: bool) -> Outcome:
        with Commits(commit, seconds=LATE) as commits:
            done = set(workspace.store.read(METRICS)["name"])
            for name in names:
                if name not in done:
                    commits.add(metric(name))
            if hangs:
                threading.Event().wait(LATE)
        return Outcome((workspace.store.reference(METRICS, {"round": 1}),), len(names), {"scored": len(names)})

    with pytest.raises(OverdueError, match=r"round 1, stage evaluate did not end within 2 s .* continues"):
        run_stage(workspace, STAGE, lambda: measured(["a", "b"], hangs=True))
    assert workspace.ledger.newest(1, "evaluate") is None, "the stage is owed"
    assert set(workspace.store.read(METRICS)["name"]) == {"a", "b"}
    workspace = limited(tmp_path, LATE)
    run_stage(workspace, STAGE, lambda: measured(["a", "b", "c"], hangs=False))
    assert workspace.store.read(METRICS)["name"].sort().to_list() == ["a", "b", "c"]


def test_code_that_takes_a_cancelled_task_for_an_answer_is_interrupted_all_the_same() -> None:
    async def busy() -> None:
        while True:
            await asyncio.sleep(0)

    async def gathered() -> None:
        await asyncio.gather(asyncio.create_task(busy()), return_exceptions=True)

    with pytest.raises(OverdueError), deadline("asking", SOON):
        asyncio.run(gathered())


def test_a_row_that_fails_for_any_reason_does_not_swallow_the_limit() -> None:
    def measures_rows() -> None:
        while True:
            with suppress(Exception):  # what a stage does with a bad row
                threading.Event().wait(LATE)

    with pytest.raises(OverdueError), deadline("measuring", SOON):
        measures_rows()


def test_the_limit_of_the_outer_block_strikes_inside_an_inner_one() -> None:
    with pytest.raises(OverdueError, match="outer"), deadline("outer", SOON), deadline("inner", LATE):
        threading.Event().wait(LATE)


def test_other_alarms_go_to_whom_they_were_meant_for_and_the_handler_is_given_back() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: heard.append(number))
    mine = signal.getsignal(signal.SIGALRM)
    try:
        with deadline("stage", LATE):
            signal.raise_signal(signal.SIGALRM)
        assert heard == [signal.SIGALRM]
        assert signal.getsignal(signal.SIGALRM) is mine
    finally:
        signal.signal(signal.SIGALRM, before)


def test_outside_the_main_thread_the_log_says_that_there_is_no_limit(caplog: pytest.LogCaptureFixture) -> None:
    def run() -> None:
        with deadline("stage", SOON):
            pass

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "stage runs outside the main thread, where its time limit cannot be kept" in caplog.text


def test_a_process_that_cannot_be_interrupted_ends() -> None:
    stuck = (
        "import signal, time\n"
        "from mgrd.store import deadline\n"
        f"deadline.GRACE_SECONDS = {SOON}\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n"  # as a call into a driver: nothing gets through
        f"with deadline.deadline('a stage', {SOON}):\n"
        f"    time.sleep({LATE})\n"
    )
    ended = subprocess.run([sys.executable, "-c", stuck], capture_output=True, text=True, check=False, timeout=50)
    assert ended.returncode == LEFT, ended.stderr
    assert "a stage cannot be interrupted" in ended.stderr


def test_a_limit_is_found_by_how_the_name_of_a_stage_begins(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(
        '[runtime]\nstage_timeout_seconds = 60\n[runtime.stage_timeouts]\nsample = 7200\n"cold start" = 5\n'
    )
    runtime = parse_settings(path).runtime
    limits = {name: runtime.time_limit(name) for name in ("sample-distill", "cold start", "ingest box", "select")}
    assert limits == {"sample-distill": 7200, "cold start": 5, "ingest box": 60, "select": 60}


def test_a_block_that_ends_just_when_its_limit_strikes_leaves_process_and_handler_whole() -> None:
    """In a process of its own: an alarm that comes too late is deadly under the handler of before."""
    code = (
        "import signal, time\nfrom contextlib import suppress\nfrom mgrd.errors import OverdueError\n"
        "from mgrd.store.deadline import deadline\n"
        "for _ in range(2000):\n"
        "    with suppress(OverdueError), deadline('racing', 0.0005):\n        time.sleep(0.0003)\n"
        "assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
