"""Ctrl-C and SIGTERM end any command with one line and exit code 130, whatever the command is in the middle of."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
COMMAND = """
import signal, sys, time
import mgrd.cli

class OrchestratorSignal(BaseException):
    pass

def raise_own(number, frame):
    raise OrchestratorSignal

def command():
    if sys.argv[1] == "handled":
        signal.signal(signal.SIGTERM, raise_own)
    print("working", flush=True)
    try:
        time.sleep(300)
    finally:
        while sys.argv[1] == "stuck":
            time.sleep(300)
        if sys.argv[1] == "failing":
            raise ConnectionError("the server is gone")

mgrd.cli.app = command
mgrd.cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("state", ["plain", "handled", "failing", "stuck"])
def test_a_signal_ends_a_command_with_one_line(state: str, number: signal.Signals) -> None:
    """`handled`: another library has taken SIGTERM; `failing`: the way out fails; `stuck`: it never ends."""
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, state],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "working\n"
    command.send_signal(number)
    _, told = command.communicate(timeout=60)
    assert command.returncode == 130
    assert told == "stopped; what is finished is committed, the same command again continues\n"


def test_an_error_of_ours_is_one_line_and_another_error_is_not_hidden() -> None:
    for raised, code, expected in (
        ("mgrd.errors.ConfigError('no such setting')", 2, "error: no such setting\n"),
        ("mgrd.errors.DataError('bad row')", 1, "error: bad row\n"),
        ("RuntimeError('a fault of the code')", 1, "RuntimeError: a fault of the code\n"),
    ):
        script = f"import mgrd.cli, mgrd.errors\ndef app(): raise {raised}\nmgrd.cli.app = app\nmgrd.cli.main()"
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert done.returncode == code
        assert done.stderr.endswith(expected)
        assert ("Traceback" in done.stderr) == (code == 1 and "RuntimeError" in raised)
