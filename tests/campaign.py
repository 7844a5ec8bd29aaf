"""A whole tiny campaign, run once for all tests that read one, by the README's commands."""

import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
TINY = REPOSITORY / "examples" / "tiny.toml"
DEMO = "runs/demo"
"""The README's workspace."""

BLOCK_NETWORK = """
import socket
connect = socket.socket.connect
def guarded(self, address):
    if self.family != socket.AF_UNIX and str(address[0]) not in {"127.0.0.1", "::1", "localhost"}:
        open("OUTSIDE", "a").write(f"{address}\\n")
        raise OSError(f"network call to {address}")
    return connect(self, address)
socket.socket.connect = guarded
"""


def mgrd(*arguments: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, as a user does; checks its exit status."""
    done = subprocess.run(
        [sys.executable, "-m", "mgrd", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == status, done.stderr
    return done


def readme_commands() -> list[list[str]]:
    """The `mgrd` commands of the README's blocks, in their order, as words after `mgrd`."""
    found = re.findall(r"^ {4}mgrd (.+)$", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    return [line.split() for line in found]


def run_campaign(folder: Path) -> Path:
    """The workspace of a campaign, by the README's first commands; their processes may reach loopback alone."""
    root, guard = folder / "w", folder / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(BLOCK_NETWORK.replace("OUTSIDE", str(guard / "outside.txt")))
    environment = {"PYTHONPATH": f"{guard}{os.pathsep}{REPOSITORY}", "HOME": str(guard / "home")}
    commands = readme_commands()[:3]
    assert [command[0] for command in commands] == ["init", "ingest", "run"]
    told = {DEMO: root.as_posix()}
    for command in commands:
        words = [TINY.as_posix() if word.endswith(".toml") else told.get(word, word) for word in command]
        mgrd(*words, **environment)
    assert not (guard / "outside.txt").exists(), (guard / "outside.txt").read_text()
    assert not (guard / "home").exists(), "something was written to the home folder"
    return root
