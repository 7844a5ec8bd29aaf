"""Campaigns in a process that can be killed at any event, and what is compared of them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mgrd.store import Store
from schemas import LEDGER, TABLES, VERDICTS
from tests.faults.prefect_server import prefect_server

REPOSITORY = Path(__file__).parents[2]
CLOCKS = ("seconds", "finished_at")
"""Columns that two equal runs differ in."""
PAID = ("requests", "cached", "prompt_tokens", "completion_tokens", "cost")
"""Of a verdict: a reply that was paid before the kill comes from the cache after it."""


@dataclass(frozen=True, slots=True)
class Killable:
    """The forking process, and a folder for what its campaigns say."""

    process: subprocess.Popen[str]
    folder: Path

    def run(self, root: Path, log: Path, kill_after: int | None = None, delay: float = 0.0, **overrides: Any) -> int:
        """The exit code of one campaign."""
        order = {
            "workspace": str(root), "overrides": overrides, "log": str(log), "kill_after": kill_after, "delay": delay,
            "stderr": str(self.folder / f"{root.name}.err"),
        }  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def said(self, root: Path) -> str:
        return (self.folder / f"{root.name}.err").read_text()


@contextmanager
def killable_campaigns(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Killable]:
    """The forking process with a Prefect server of its own; `settings` are added to its environment."""
    with prefect_server(folder) as url:
        environment = {
            **os.environ, "PREFECT_API_URL": url, "PREFECT_HOME": str(folder / "prefect"), "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(REPOSITORY), "PREFECT_LOGGING_LEVEL": "CRITICAL", **(settings or {}),
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.killable"],
            cwd=REPOSITORY, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        yield Killable(process, folder)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


def copied(before: Path, root: Path) -> Path:
    return Path(shutil.copytree(before, root, ignore=shutil.ignore_patterns(".prefect", ".cache", "reports")))


def events(root: Path) -> list[tuple[str, Any]]:
    return [tuple(json.loads(line)) for line in (root / "events").read_text().splitlines()]


def tables(root: Path, uri: str | None = None) -> dict[str, pl.DataFrame]:
    """All tables without clocks, in key order."""
    store = Store(root, uri)
    read = {}
    for name, table in TABLES.items():
        rows = store.read(table)
        if table is LEDGER:
            key = ["round", "stage", "fingerprint"]
            read[name] = rows.select(key).sort(key)
        else:
            dropped = [*CLOCKS, *(PAID if table is VERDICTS else ())]
            read[name] = rows.drop(dropped, strict=False).sort(list(table.key))
    return read
