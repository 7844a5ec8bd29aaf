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

SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = 130
"""Exit code after either signal."""
GRACE_SECONDS = 6.0
"""Time to commit and to tell the orchestrator."""
CLEANUP_SECONDS = 3.0
"""Time to end the processes that were started."""
HEARING_SECONDS = 0.2
MESSAGE = "stopped; what is finished is committed, the same command again continues\n"


class Interrupts:
    """The handler of both signals, and whether one has come.

    The orchestrator puts a handler of its own over SIGTERM while a flow runs. So a thread listens, too: the
    interpreter writes the number of every signal that has any handler to a pipe.
    """

    def __init__(self) -> None:
        self._came = threading.Event()
        self._listening, self._told = os.pipe()

    def install(self) -> None:
        """Call once, from the main thread."""
        for number in SIGNALS:
            signal.signal(number, _interrupt)
        os.set_blocking(self._told, False)
        signal.set_wakeup_fd(self._told, warn_on_full_buffer=False)
        os.register_at_fork(after_in_child=_stop_telling)
        threading.Thread(target=self._listen, name="interrupts", daemon=True).start()

    def have_come(self) -> bool:
        """Whether a signal was sent; the listening thread may need a moment to hear of it."""
        return self._came.wait(HEARING_SECONDS)

    def leave(self) -> None:
        """End the process after an interrupt."""
        sys.stderr.write(MESSAGE)
        sys.exit(INTERRUPTED)

    def _listen(self) -> None:
        while number := os.read(self._listening, 1):
            if number[0] not in SIGNALS:
                continue
            if self._came.is_set():
                os._exit(INTERRUPTED)
            self._came.set()
            logging.disable()  # what breaks on the way out is no news
            _after(GRACE_SECONDS, _clean_up_and_leave)
            _after(GRACE_SECONDS + CLEANUP_SECONDS, _leave_now)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stop_telling() -> None:
    """In a forked worker: its signals are its own, and its pipe is its parent's."""
    signal.set_wakeup_fd(-1)


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
