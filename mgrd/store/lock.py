"""One writer per workspace: who holds it, since when, and what happens when the holder is gone.

The lock is a small JSON file in the workspace. It names a process, not a moment, so a holder that was
killed leaves nothing to clean up: on the same machine its process is looked for, on another one its
sign of life (the file's modification time, renewed every `BEAT_SECONDS`) grows old. Taking over is
itself guarded, so that two newcomers cannot both inherit.
"""

import atexit
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from mgrd.errors import BusyError, StoreError, boundary
from mgrd.files import whole_file

FILE = ".lock"
GUARD = ".lock.guard"
BEAT_SECONDS = 15.0
SILENT_SECONDS = 120.0
"""Without a sign of life for so long, a holder on another machine counts as dead."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a workspace. `born` is the process's start in clock ticks: process ids come round again."""

    pid: int
    born: int
    host: str
    what: str
    since: str

    @classmethod
    def this_process(cls, what: str) -> "Holder":
        pid = os.getpid()
        return cls(pid, process_start(pid), socket.gethostname(), what, datetime.now(UTC).isoformat(timespec="seconds"))

    def is_alive(self, silent_seconds: float) -> bool:
        """Whether it still works; `silent_seconds` have passed since its last sign of life."""
        if self.host != socket.gethostname():
            return silent_seconds < SILENT_SECONDS
        return process_start(self.pid) == self.born

    @property
    def is_this_process(self) -> bool:
        return (self.pid, self.born, self.host) == (os.getpid(), process_start(os.getpid()), socket.gethostname())


@contextmanager
def hold(root: Path, what: str) -> Iterator[Holder | None]:
    """Hold the workspace at `root` for the block; the value is the dead holder that was taken over, if any.

    Within a process that holds it already, nothing happens. Raises BusyError that says who holds it and since when.
    """
    path = root / FILE
    taken, dead = _take(path, what)
    if not taken:
        yield None
        return
    ended = threading.Event()
    beat = threading.Thread(target=_beat, args=(path, ended), name="workspace lock", daemon=True)
    beat.start()
    atexit.register(_release, path)  # an interrupt may end the process without unwinding it
    try:
        yield dead
    finally:
        ended.set()
        beat.join()
        _release(path)
        atexit.unregister(_release)


def holder_of(root: Path) -> Holder | None:
    """Who works in the workspace at this moment."""
    path = root / FILE
    holder = read_holder(path)
    return holder if holder is not None and holder.is_alive(_silence(path)) else None


def read_holder(path: Path) -> Holder | None:
    """The holder that a lock file names; None for a missing file and for one that was torn by a crash."""
    try:
        return Holder(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _take(path: Path, what: str) -> tuple[bool, Holder | None]:
    """Whether the lock was taken by this call, and the dead holder before it."""
    with boundary(StoreError, f"taking the lock {path}"), (path.parent / GUARD).open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        before = read_holder(path)
        if before is not None and before.is_this_process:
            return False, None
        if before is not None and before.is_alive(_silence(path)):
            raise BusyError(
                f"{path.parent}: `{before.what}` holds this workspace since {before.since} (process {before.pid} on "
                f"{before.host}); wait for it (`mgrd status` names it), or end that process and run again"
            )
        with whole_file(path) as draft:
            draft.write_text(json.dumps(asdict(Holder.this_process(what))))
        return True, before


def _release(path: Path) -> None:
    holder = read_holder(path)
    if holder is not None and holder.is_this_process:
        path.unlink(missing_ok=True)


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        with suppress(OSError):
            os.utime(path)


def _silence(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def process_start(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 for none. Without /proc: 1 for any that lives."""
    try:
        # The name in parentheses may hold anything; the start is the 20th field after it.
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return 0 if state == "Z" else int(fields[18])
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return 0
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return 0
    except PermissionError:
        return 1
    return 1
