"""A model server that the pipeline starts itself, in a process group of its own, and ends again."""

import atexit
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from mgrd.errors import EngineStopError

STOP_SECONDS = 20.0
"""Time to end in peace."""
TAIL_LINES = 15
LONGEST_TMPDIR = 60
"""Characters. A server's sockets lie below TMPDIR, which a workspace sets to a folder of its own, and the path of a
socket has 107 bytes at most: behind a longer folder vLLM does not start, so it gets the system's.
"""


class LaunchedServer:
    """A command that serves one checkpoint; its output goes to `log`.

    `environment` is added to this process's, `files` are descriptors that it inherits, `setting` is where it was named.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        files: Sequence[int] = (),
        setting: str = "runtime.server.start",
    ) -> None:
        self._command = list(command)
        self._log = log
        self._environment = dict(environment or {})
        self._files = tuple(files)
        self._setting = setting
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process, which leads its group. Raises ValueError when it is not started."""
        if self._process is None:
            raise ValueError("the server is not started")
        return self._process.pid

    @property
    def has_died(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def start(self) -> None:
        """Start it, after ending what an earlier start left behind. Raises EngineStopError for no such command."""
        self.stop()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        if len(environment.get("TMPDIR", "")) > LONGEST_TMPDIR:
            del environment["TMPDIR"]
        try:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment | self._environment,
                    pass_fds=self._files,
                    start_new_session=True,
                )
        except OSError as error:
            raise EngineStopError(f"cannot start the server: {error}; check {self._setting}") from error
        atexit.register(self.stop)

    def stop(self) -> None:
        """End the group that was started: a server's workers are processes too, and outlive it when it is killed."""
        if self._process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, sign)
                self._process.wait(STOP_SECONDS)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.poll()
        self._process = None
        atexit.unregister(self.stop)

    def tail(self) -> str:
        """The last lines that it wrote."""
        return tail_of(self._log)


def tail_of(log: Path) -> str:
    """The last lines of a log, and where it lies."""
    if not log.is_file():
        return f"(nothing in {log})"
    lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([*lines, f"({log})"])
