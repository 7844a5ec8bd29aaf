"""A campaign that is killed at any moment and started again ends as if nothing had happened."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from mgrd.judging.mock import MockJudge, serving
from mgrd.settings import ReasonsSpec
from mgrd.store import Store
from schemas import TRACES, VERDICTS
from tests.faults.campaigns import Killable, copied, events, killable_campaigns, tables

REPOSITORY = Path(__file__).parents[2]
SETTINGS = (REPOSITORY / "examples" / "tiny.toml").read_text() + 'engine = "mock"\n'
EVERY_CHAIN_PASSES = "\n[spec.policy.reasons]\n" + "".join(f'{name} = "warn"\n' for name in ReasonsSpec.model_fields)
"""So that the judge is asked of every chain."""
POINTS = 20
SEED = 20


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killable]:
    with killable_campaigns(tmp_path_factory.mktemp("killable")) as campaigns:
        yield campaigns


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
