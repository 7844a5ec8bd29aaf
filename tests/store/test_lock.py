"""One writer per workspace: a second one is told who holds it, a dead holder is taken over."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mgrd.errors import BusyError
from mgrd.store import Workspace, init_workspace
from mgrd.store import lock as locking
from mgrd.store.lock import FILE, Holder, hold, holder_of

HOLD = """
import sys, time
from pathlib import Path
from mgrd.store.lock import hold
with hold(Path(sys.argv[1]), "mgrd run"):
    print("held", flush=True)
    time.sleep(120)
"""


def start_holder(root: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(root)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def vars_of(holder: Holder) -> dict[str, object]:
    return {name: getattr(holder, name) for name in Holder.__dataclass_fields__}


def test_a_second_writer_is_told_who_holds_the_workspace_and_since_when(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    try:
        with pytest.raises(BusyError, match=rf"`mgrd run` holds this workspace since 20.*process {holder.pid} on"):
            hold(tmp_path, "mgrd ingest").__enter__()
    finally:
        holder.kill()
        holder.wait()


def test_a_killed_holder_is_taken_over_and_named(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    holder.kill()
    holder.wait()
    assert (tmp_path / FILE).exists(), "a killed process cleans nothing up"
    with hold(tmp_path, "mgrd run") as dead:
        assert dead is not None
        assert dead.pid == holder.pid
    assert not (tmp_path / FILE).exists()


def test_a_holder_that_nobody_has_waited_for_is_dead_all_the_same(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    holder.kill()
    deadline = time.monotonic() + 20
    while holder_of(tmp_path) is not None and time.monotonic() < deadline:
        time.sleep(0.02)  # the kill is on its way; the process then stays as a zombie
    assert holder_of(tmp_path) is None
    assert locking.process_start(holder.pid) == 0, "a zombie works no more"
    holder.wait()


def test_a_process_that_got_the_number_of_a_dead_holder_is_not_the_holder(tmp_path: Path) -> None:
    mine = Holder.this_process("mgrd run")
    other = Holder(mine.pid, mine.born + 1, mine.host, "mgrd run", mine.since)
    (tmp_path / FILE).write_text(json.dumps(vars_of(other)))
    with hold(tmp_path, "mgrd run") as dead:
        assert dead == other


def test_a_holder_on_another_machine_lives_while_it_gives_signs_of_life(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text(json.dumps({**vars_of(Holder.this_process("mgrd run")), "host": "elsewhere"}))
    with pytest.raises(BusyError, match="on elsewhere"):
        hold(tmp_path, "mgrd run").__enter__()
    long_ago = time.time() - locking.SILENT_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    with hold(tmp_path, "mgrd run") as dead:
        assert dead is not None
        assert dead.host == "elsewhere"


def test_a_holder_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "BEAT_SECONDS", 0.01)
    with hold(tmp_path, "mgrd run"):
        os.utime(tmp_path / FILE, (0, 0))
        deadline = time.monotonic() + 20
        while (tmp_path / FILE).stat().st_mtime < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (tmp_path / FILE).stat().st_mtime > 1


def test_who_was_taken_for_dead_leaves_the_lock_to_its_new_holder(tmp_path: Path) -> None:
    with hold(tmp_path, "mgrd run"):
        heir = json.dumps({**vars_of(Holder.this_process("mgrd run")), "host": "elsewhere"})
        (tmp_path / FILE).write_text(heir)
    assert (tmp_path / FILE).read_text() == heir


def test_a_lock_that_is_gone_when_its_block_ends_is_no_error(tmp_path: Path) -> None:
    with hold(tmp_path, "mgrd run"):
        (tmp_path / FILE).unlink()
    with hold(tmp_path, "mgrd run") as dead:
        assert dead is None


def test_the_holder_may_hold_again_inside(tmp_path: Path) -> None:
    with hold(tmp_path, "mgrd run"):
        with hold(tmp_path, "distill"):
            pass
        assert (tmp_path / FILE).exists(), "the inner block took the lock away from the outer one"


def test_a_workspace_says_whom_it_was_taken_over_from(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    init_workspace(tmp_path / "w")
    workspace = Workspace.open(tmp_path / "w")
    gone = {**vars_of(Holder.this_process("mgrd run")), "born": 1}
    (workspace.root / FILE).write_text(json.dumps(gone))
    with caplog.at_level("WARNING", "mgrd"), workspace.held("mgrd run"):
        pass
    assert "took over from `mgrd run`" in caplog.text
