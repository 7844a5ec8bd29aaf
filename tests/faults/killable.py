"""A process that forks campaigns and kills them where it is told to, with SIGKILL.

Importing the pipeline takes longer than a tiny campaign does, so it is imported once, here, and each
campaign runs in a fork (made before any library has started a thread). A line of JSON on standard
input is one campaign; the answer is a line with its exit code, negative for the signal that ended it.

Events are counted while a campaign runs: a Delta commit about to be made, a commit made, a question
about to be sampled. `kill_after` is the event after which the process is killed, `delay` the seconds
after it, so that the kill also strikes inside a commit.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import great_expectations  # noqa: F401  # a campaign imports it on first use
import torch
import transformers  # noqa: F401

import mgrd.report.write  # noqa: F401
from flows.distill import distill
from mgrd.engines.mock import MockEngine
from mgrd.settings import load_settings
from mgrd.store import delta
from mgrd.store.logs import write_log


class Events:
    """Counts what happens, writes it down, and kills the process after the chosen event."""

    def __init__(self, log: Path, kill_after: int | None, delay: float) -> None:
        self.log = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self.kill_after = kill_after
        self.delay = delay
        self.count = 0

    def happened(self, kind: str, what: object) -> None:
        os.write(self.log, (json.dumps([kind, what]) + "\n").encode())
        if self.count == self.kill_after:
            if not self.delay:
                os.kill(os.getpid(), signal.SIGKILL)
            threading.Thread(target=self._strike, daemon=True).start()
        self.count += 1

    def _strike(self) -> None:
        time.sleep(self.delay)
        os.kill(os.getpid(), signal.SIGKILL)


def watch(events: Events) -> None:
    """Let commits and sampled questions tell the events of themselves."""
    write = delta.write_deltalake
    chains = MockEngine._chains

    def told_write(target: Any, *args: Any, **kwargs: Any) -> None:
        name = Path(target if isinstance(target, str) else target.table_uri).name
        events.happened("commit", name)
        write(target, *args, **kwargs)
        events.happened("committed", name)

    def told_chains(self: MockEngine, request: Any, sampling: Any) -> Any:
        asked = [[request.request_id, self.model_id, seed] for seed in request.seeds]
        events.happened("sample", asked)
        return chains(self, request, sampling)

    delta.write_deltalake = told_write
    MockEngine._chains = told_chains


def campaign(order: dict[str, Any]) -> None:
    """Run one campaign in this process."""
    log = os.open(order["stderr"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    torch.set_num_threads(1)
    write_log(load_settings(Path(order["workspace"])))
    watch(Events(Path(order["log"]), order["kill_after"], order["delay"]))
    distill(order["workspace"], order["overrides"])


def main() -> None:
    assert threading.active_count() == 1, "a fork of a process with threads may hang"
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                campaign(json.loads(line))
                code = 0
            except BaseException:
                import traceback

                traceback.print_exc()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
