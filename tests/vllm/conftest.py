"""A real engine for tests: vLLM on the CPU, in an environment and a process of its own, with a tiny checkpoint.

`make test-vllm` makes the environment and names its Python in MGRD_VLLM_PYTHON; without that nothing
here is collected. The server is started once per session, listens on loopback, and is ended by the
process group that was started for it.
"""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_checkpoint import write_checkpoint

PYTHON = os.environ.get("MGRD_VLLM_PYTHON")
READY_SECONDS = 600.0
"""Half a minute on a free machine; imports alone take minutes on a crowded one."""
STOP_SECONDS = 20.0
MODEL = "tiny"

collect_ignore_glob = [] if PYTHON else ["test_*.py"]


@dataclass(frozen=True, slots=True)
class Engine:
    """A running OpenAI-compatible server: its address (ending in /v1), its model's name, and its log."""

    url: str
    model: str
    log: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.vllm)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The server, with a text checkpoint of random weights that closes its strings soon."""
    folder = tmp_path_factory.mktemp("vllm")
    checkpoint = write_checkpoint(folder / "checkpoint")
    with serving(checkpoint, folder / "server.log") as running:
        yield running


class serving:  # noqa: N801
    """`with serving(checkpoint, log) as engine`: a vLLM server on a free port of loopback."""

    def __init__(self, checkpoint: Path, log: Path, *options: str, name: str = MODEL) -> None:
        port = free_port()
        self.engine = Engine(f"http://127.0.0.1:{port}/v1", name, log)
        self.command = [
            str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(checkpoint),
            "--served-model-name", name, "--host", "127.0.0.1", "--port", str(port),
            "--dtype", "float32", "--enforce-eager", "--max-num-seqs", "16", *options,
        ]  # fmt: skip

    def __enter__(self) -> Engine:
        environment = {
            **os.environ,
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "DO_NOT_TRACK": "1",
            "HF_HUB_OFFLINE": "1",
        }
        for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):  # vLLM's processes share what the first one compiled
            environment.pop(name, None)
        with self.engine.log.open("w") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self.engine

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _wait(self) -> None:
        health = self.engine.url.removesuffix("/v1") + "/health"
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                pytest.fail(f"the vLLM server ended while starting:\n{self._tail()}")
            try:
                with urllib.request.urlopen(health, timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        pytest.fail(f"the vLLM server was not ready after {READY_SECONDS:.0f} s:\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self.engine.log.read_text(errors="replace").splitlines()[-30:])

    def _stop(self) -> None:
        """End the group that was started for the server: its workers are processes too."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sign)
                self.process.wait(STOP_SECONDS)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
