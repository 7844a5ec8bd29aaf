"""A stage that takes longer than it may is ended as Ctrl-C ends it: what is finished is committed, the rest is owed.

The orchestrator's own timeouts are not used. They raise asyncio's CancelledError, which code that waits for tasks
takes for a cancelled task and goes on from (the judge's client does), and inside a flow with a timeout they cannot
interrupt what blocks. Here a watching thread sends the main thread an alarm whose handler raises; code that cannot
even be interrupted (a driver that hangs) is given `GRACE_SECONDS`, then the process leaves, as it may at any moment.
"""

import atexit
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mgrd.errors import OverdueError

LOGGER = logging.getLogger("mgrd")
GRACE_SECONDS = 60.0
"""Time for an interrupted stage to commit and to end the processes that it started."""
MOMENT = 0.001  # s
LEFT = 124
"""Exit code of a process that could not be interrupted."""


class _Alarm(KeyboardInterrupt):
    """What interrupts a stage: no `except Exception` takes it for the fault of a row, and asyncio lets it through."""


@contextmanager
def deadline(what: str, seconds: float | None) -> Iterator[None]:
    """Raise OverdueError when the block has not ended after `seconds`; None: never.

    Only the main thread can be interrupted. Elsewhere the block runs without a limit, and the log says so.
    """
    if seconds is None:
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        LOGGER.warning("%s runs outside the main thread, where its time limit cannot be kept", what)
        yield
        return
    watch = _Watch(what, seconds)
    before = signal.signal(signal.SIGALRM, watch.interrupt)
    watch.before = before
    try:
        try:
            watch.start()
            yield
        finally:
            watch.closing = True
    except _Alarm as alarm:
        if not watch.struck:  # of a stage around this one
            raise
        raise OverdueError(
            f"{what} did not end within {seconds:g} s (runtime.stage_timeout_seconds, stage_timeouts) and was stopped; "
            "what is finished is committed, the same command again continues"
        ) from alarm
    finally:
        watch.closing = True  # the alarm may have struck before the first of these
        watch.end()
        signal.signal(signal.SIGALRM, before)


class _Watch(threading.Thread):
    """Waits for the end of a block, sends the alarm when it is late, and ends the process when that does not help."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(name=f"time limit of {what}", daemon=True)
        self.what = what
        self.seconds = seconds
        self.ended = threading.Event()
        self.ending = threading.Lock()
        """Held to send the alarm: none is sent to a block that has ended."""
        self.due = False
        self.struck = False
        self.arrived = False
        self.closing = False
        """The block has ended: an alarm that arrives now interrupts nothing."""
        self.before: object = None

    def run(self) -> None:
        if self.ended.wait(self.seconds):
            return
        with self.ending:
            if self.ended.is_set():
                return
            self.due = True
            # To the main thread, not to the process: only there it ends a call that blocks.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
        if not self.ended.wait(GRACE_SECONDS):
            LOGGER.error("%s cannot be interrupted; the process ends, the same command again continues", self.what)
            atexit._run_exitfuncs()  # ends the processes that were started
            os._exit(LEFT)

    def end(self) -> None:
        """After this no alarm is sent, and none is under way: under the handler of before it may end the process."""
        with self.ending:
            self.ended.set()
        while self.due and not self.arrived:
            time.sleep(MOMENT)

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """The handler of the alarm; one that is not ours goes to whom it was meant for."""
        ours = self.due and not self.arrived
        self.arrived = self.arrived or ours
        if ours and not self.closing:
            self.struck = True
            raise _Alarm
        if not ours and callable(self.before):
            self.before(number, frame)
