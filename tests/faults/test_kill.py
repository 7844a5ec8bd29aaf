"""A campaign that is killed at any moment and started again ends as if nothing had happened."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mgrd.judging.mock import MockJudge, serving
from mgrd.settings import ReasonsSpec
from mgrd.store import Store
from schemas import LEDGER, TABLES, TRACES, VERDICTS
from tests.faults.prefect_server import prefect_server

REPOSITORY = Path(__file__).parents[2]
SETTINGS = (REPOSITORY / "examples" / "tiny.toml").read_text() + 'engine = "mock"\n'
EVERY_CHAIN_PASSES = "\n[spec.policy.reasons]\n" + "".join(f'{name} = "warn"\n' for name in ReasonsSpec.model_fields)
"""So that the judge is asked of every chain."""
POINTS = 20
SEED = 20
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


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killable]:
    folder = tmp_path_factory.mktemp("killable")
    with prefect_server(folder) as url:
        environment = {
            **os.environ, "PREFECT_API_URL": url, "PREFECT_HOME": str(folder / "prefect"), "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(REPOSITORY), "PREFECT_LOGGING_LEVEL": "CRITICAL",
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.killable"],
            cwd=REPOSITORY, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        yield Killable(process, folder)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


@pytest.fixture(scope="module")
def judge() -> Iterator[MockJudge]:
    with serving() as judge:
        yield judge


@pytest.fixture(scope="module")
def before(killable: Killable, judge: MockJudge, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that stands before its first round: clips, evidence, cold start."""
    root = tmp_path_factory.mktemp("before") / "w"
    settings = tmp_path_factory.mktemp("settings") / "mock.toml"
    panel = f'\n[[spec.panel.judges]]\nbase_url = "{judge.url}"\nmodel = "mock"\n'
    settings.write_text(SETTINGS + panel + EVERY_CHAIN_PASSES)
    for command in (["init", str(root), "--settings", str(settings)], ["ingest", "embedded", "-w", str(root)]):
        done = subprocess.run(
            [sys.executable, "-m", "mgrd", *command], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert killable.run(root, root / "events", **{"spec.rounds": 0}) == 0, killable.said(root)
    (root / "events").unlink()
    return root


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A round that nothing happened to, its events and its tables."""

    events: int
    tables: dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def undisturbed(killable: Killable, before: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    root = copied(before, tmp_path_factory.mktemp("undisturbed") / "undisturbed")
    assert killable.run(root, root / "events") == 0, killable.said(root)
    happened = events(root)
    assert {kind for kind, _ in happened} == {"commit", "committed", "sample"}
    found = tables(root)
    assert not found[VERDICTS.name].is_empty(), "a round that judges nothing shows nothing of judging twice"
    return Undisturbed(len(happened), found)


def copied(before: Path, root: Path) -> Path:
    return Path(shutil.copytree(before, root, ignore=shutil.ignore_patterns(".prefect", ".cache", "reports")))


def events(root: Path) -> list[tuple[str, Any]]:
    return [tuple(json.loads(line)) for line in (root / "events").read_text().splitlines()]


def tables(root: Path) -> dict[str, pl.DataFrame]:
    """All tables without clocks, in key order."""
    store = Store(root)
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


def points(count: int, total: int) -> list[tuple[int, float]]:
    """`count` seeded pairs of an event to be killed after and the seconds between the two; 0 for every second one."""
    draw = random.Random(SEED)
    chosen = sorted(draw.sample(range(total), count))
    return [(event, draw.choice([0.0, draw.uniform(0.001, 0.2)])) for event in chosen]


def check_recovery(killable: Killable, before: Path, undisturbed: Undisturbed, root: Path,
                   event: int, delay: float) -> None:  # fmt: skip
    """Kill a round after the event, run it again, and compare."""
    copied(before, root)
    killed = killable.run(root, root / "events", kill_after=event, delay=delay)
    assert killed == -9 or delay, f"event {event} was never reached: {killable.said(root)}"
    kept = Store(root).read(TRACES)
    judged = Store(root).read(VERDICTS)
    (root / "events").unlink()
    assert killable.run(root, root / "events") == 0, killable.said(root)

    at = f"killed {delay:.3f} s after event {event}"
    for name, rows in tables(root).items():
        assert rows.equals(undisturbed.tables[name]), f"{at}: table {name} differs from that of an undisturbed run"
    sampled = {(question, model, seed) for kind, asked in events(root) if kind == "sample"
               for question, model, seed in asked}  # fmt: skip
    paid = set(kept.select("question_id", "model_id", "seed").iter_rows())
    assert not sampled & paid, f"{at}: committed chains were sampled again"
    again = Store(root).read(VERDICTS)
    assert again.join(judged, on=judged.columns, how="semi", nulls_equal=True).height == judged.height, (
        f"{at}: a committed verdict was asked again"
    )
    shutil.rmtree(root)


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_a_round_killed_at_twenty_points_ends_like_one_that_was_not(
    killable: Killable, before: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    for event, delay in points(POINTS, undisturbed.events):
        check_recovery(killable, before, undisturbed, tmp_path / f"w{event}", event, delay)
