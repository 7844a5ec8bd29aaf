"""Running campaigns as a user does, through the command line, and reading their status."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]

Figures = dict[str, float]


def mgrd(workspace: Path, *arguments: str, **environment: str) -> str:
    """Run a command on a workspace; its output is returned, its progress is shown."""
    command = [sys.executable, "-m", "mgrd", *arguments, "--workspace", str(workspace)]
    done = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def heldout(workspace: Path) -> list[Figures]:
    """The held-out figures of the test split, by round; `truth_grounded` is told by construction."""
    rounds = json.loads(mgrd(workspace, "status", "--json"))["rounds"]
    return [{**row["heldout"], **row.get("truth", {})} for row in rounds]


def branch(workspace: Path, target: Path) -> None:
    """A copy of a workspace that shares its unchanging files (hard links), without Prefect's state."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(workspace, target, copy_function=os.link, ignore=shutil.ignore_patterns(".prefect", ".cache"))
