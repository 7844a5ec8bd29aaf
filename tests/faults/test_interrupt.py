"""Ctrl-C and SIGTERM end a campaign cleanly: soon, without a traceback, with what was finished committed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mgrd.store import Store, init_workspace
from mgrd.store.lock import FILE
from schemas import TRACES

REPOSITORY = Path(__file__).parents[2]
FINISHED = 6
"""Chains in batches that are done before the engine hangs."""
HANGING = """engine = "mock"

[[runtime.mock.faults]]
fault = "hang"
every = 8
seconds = 300
"""


def ended_by(number: signal.Signals, root: Path) -> tuple[int, str]:
    """Exit code and standard error of a campaign that was hanging while it sampled."""
    told = root.parent / f"{number.name}.err"
    with told.open("w") as stderr:
        run = subprocess.Popen(
            [sys.executable, "-m", "mgrd", "run", "-w", str(root)],
            cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + 300
    while Store(root).read(TRACES).height < FINISHED and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    # As a terminal does: everything that the command has started gets the signal, too.
    os.killpg(run.pid, number)
    return run.wait(120), told.read_text()


@pytest.mark.round
@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.faults), signal.SIGTERM], ids=lambda number: number.name
)
def test_a_signal_ends_a_campaign_soon_and_what_was_finished_is_committed(
    number: signal.Signals, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    settings = tmp_path / "hang.toml"
    settings.write_text((REPOSITORY / "examples" / "tiny.toml").read_text() + HANGING)
    init_workspace(root, settings)
    done = subprocess.run(
        [sys.executable, "-m", "mgrd", "ingest", "embedded", "-w", str(root)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    code, told = ended_by(number, root)
    assert code == 130, told
    assert "stopped; what is finished is committed, the same command again continues" in told
    assert "Traceback" not in told
    assert Store(root).read(TRACES).height >= FINISHED
    assert not (root / FILE).exists(), "nobody holds the workspace any more"
