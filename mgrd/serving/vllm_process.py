"""vLLM in a process of this one's own: batches go in, replies come out, and it is started anew when it should be.

A process can be watched and ended, which a library call cannot: audio models in vLLM are known to leak and to hang.
It is ended after so many batches, and when no chain was finished for too long; a batch that it died over is asked
again, so nothing but time is lost. It may have a Python of its own, since vLLM wants other versions than Prefect.
"""

import json
import logging
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mgrd.errors import EngineStopError
from mgrd.serving.launch import LaunchedServer, tail_of
from mgrd.settings.runtime import VllmRuntime

Body = dict[str, Any]
LOGGER = logging.getLogger("mgrd")
WORKER = Path(__file__).with_name("vllm_worker.py")
LOOK_SECONDS = 1.0
"""Between two looks at whether the process lives."""


class _LostError(Exception):
    """The process died or stalled; says which."""


class VllmProcess:
    """Started with the first batch; `options` are the arguments of `vllm.LLM`."""

    def __init__(self, runtime: VllmRuntime, options: Mapping[str, Any], log: Path) -> None:
        self._runtime = runtime
        self._options = {**options, **runtime.options}
        self._log = log
        self._launched: LaunchedServer | None = None
        self._pipe: Connection | None = None
        self._batches = 0

    def answer(self, bodies: Sequence[Body], clips: Mapping[str, str]) -> list[Body]:
        """A reply for each request, `{"error": ...}` for one that was refused; `clips` are base64 WAV by name.

        Raises EngineStopError when the process dies or stalls more often in a row than it may.
        """
        if self._runtime.recycle_batches and self._batches >= self._runtime.recycle_batches:
            LOGGER.info("vLLM answered %d batches; starting it anew", self._batches)
            self.close()
        lost = ""
        for attempt in range(self._runtime.restarts + 1):
            if attempt:
                LOGGER.warning("vLLM %s; starting it again, what is finished is kept", lost)
            try:
                replies = self._ask(bodies, clips)
            except _LostError as reason:
                lost = str(reason)
                self.close()
            else:
                self._batches += 1
                return replies
        raise EngineStopError(
            f"vLLM {lost}, {self._runtime.restarts + 1} times in a row; see runtime.vllm.restarts and {self._log}; "
            f"it wrote last:\n{tail_of(self._log)}"
        )

    def close(self) -> None:
        """End the process; a next batch starts another."""
        if self._pipe is not None:
            self._pipe.close()
        if self._launched is not None:
            self._launched.stop()
        self._pipe, self._launched, self._batches = None, None, 0

    def _ask(self, bodies: Sequence[Body], clips: Mapping[str, str]) -> list[Body]:
        pipe = self._pipe or self._start()
        _send(pipe, {"bodies": list(bodies), "clips": dict(clips)})
        while True:
            message = self._receive(pipe, self._runtime.stall_seconds, "finished no chain")
            if "replies" in message:
                return message["replies"]

    def start(self) -> None:
        """Load the model now. Raises EngineStopError, with what vLLM wrote last, when it cannot."""
        try:
            self._start()
        except _LostError as reason:
            self.close()
            raise EngineStopError(
                f"vLLM {reason} while loading {self._options.get('model')}; check runtime.vllm:\n{tail_of(self._log)}"
            ) from reason

    def _start(self) -> Connection:
        ours, theirs = socket.socketpair()
        python = self._runtime.python or sys.executable
        environment = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
        self._launched = LaunchedServer(
            [python, "-I", str(WORKER), str(theirs.fileno())],
            self._log,
            environment={**environment, **self._runtime.environment},
            files=(theirs.fileno(),),
            setting="runtime.vllm.python",
        )
        self._launched.start()
        theirs.close()
        self._pipe = Connection(ours.detach())
        LOGGER.info("loading %s into vLLM", self._options.get("model"))
        _send(self._pipe, self._options)
        self._receive(self._pipe, self._runtime.start_seconds, "was not ready")
        return self._pipe

    def _receive(self, pipe: Connection, seconds: float, otherwise: str) -> dict[str, Any]:
        """The next message. Raises _LostError when there is none in time, or nobody left to send it."""
        assert self._launched is not None
        until = time.monotonic() + seconds
        try:
            while not pipe.poll(LOOK_SECONDS):
                if self._launched.has_died:
                    raise _LostError("died")
                if time.monotonic() > until:
                    raise _LostError(f"{otherwise} for {seconds:.0f} s")
            return json.loads(pipe.recv_bytes())
        except (EOFError, OSError) as error:
            raise _LostError("died") from error


def _send(pipe: Connection, message: object) -> None:
    try:
        pipe.send_bytes(json.dumps(message).encode())
    except OSError as error:
        raise _LostError("died") from error
