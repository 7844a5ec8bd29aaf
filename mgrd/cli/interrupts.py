"""Ctrl-C and SIGTERM end a command in the same way: what is finished is committed, then the process leaves.

The first signal raises KeyboardInterrupt where the main thread works; stages commit on their way out.
What waits for something that is gone (the orchestrator's server gets the same Ctrl-C) must not keep the
process: after `GRACE_SECONDS` it leaves anyway, as it may at any moment. A second signal leaves at once.
"""

import atexit
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

INTERRUPTED = 130
"""Exit code after either signal."""
GRACE_SECONDS = 6.0
"""Time to commit and to tell the orchestrator."""
CLEANUP_SECONDS = 3.0
"""Time to end the processes that were started."""
MESSAGE = "stopped; what is finished is committed, the same command again continues\n"


class Interrupts:
    """The handler of both signals, and whether one has come."""

    def __init__(self) -> None:
        self.came = False

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def leave(self) -> None:
        """End the process after an interrupt."""
        sys.stderr.write(MESSAGE)
        sys.exit(INTERRUPTED)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.came:
            os._exit(INTERRUPTED)
        self.came = True
        logging.disable()  # what breaks on the way out is no news
        _after(GRACE_SECONDS, _clean_up_and_leave)
        _after(GRACE_SECONDS + CLEANUP_SECONDS, _leave_now)
        raise KeyboardInterrupt


def _after(seconds: float, do: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()


def _clean_up_and_leave() -> None:
    os.write(2, MESSAGE.encode())
    atexit._run_exitfuncs()
    _leave_now()


def _leave_now() -> None:
    os._exit(INTERRUPTED)
