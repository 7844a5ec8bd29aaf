"""A whole campaign rehearsed with the mock engine: faults are programmed, and no chain is lost over them."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from mgrd.store import Store
from schemas import DECISIONS, LEDGER, QUARANTINE, TRACES

REPOSITORY = Path(__file__).parents[2]
DISTILL = {"round": 1, "purpose": "distill"}
FAULTS = [
    {"fault": "unclosed", "every": 4},
    {"fault": "denial", "every": 5},
    {"fault": "kill", "every": 11, "times": 1},
]
pytestmark = pytest.mark.round


@dataclass(frozen=True, slots=True)
class Done:
    returncode: int
    told: str


def mgrd(folder: Path, *arguments: str, faults: list[dict[str, object]] | None = None) -> Done:
    """Run the command line to its end, and end what a killed one leaves behind: Prefect's server, in its group."""
    mock = json.dumps({"faults": faults or []})
    environment = {**os.environ, "MGRD_RUNTIME__ENGINE": "mock", "MGRD_RUNTIME__MOCK": mock}
    with (folder / "told.txt").open("w") as told:  # not a pipe: the server that is left behind would hold it open
        run = subprocess.Popen(
            [sys.executable, "-m", "mgrd", *arguments],
            cwd=REPOSITORY, env=environment, stdout=told, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        code = run.wait(500)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
    return Done(code, (folder / "told.txt").read_text())


def test_a_rehearsed_campaign_is_killed_goes_on_and_accounts_for_every_chain(tmp_path: Path) -> None:
    root = tmp_path / "w"
    settings = str(REPOSITORY / "examples" / "tiny.toml")
    for arguments in (("init", str(root), "--settings", settings), ("ingest", "embedded", "-w", str(root))):
        done = mgrd(tmp_path, *arguments)
        assert done.returncode == 0, done.told
    run = ("run", "-w", str(root), "--arm", "filtered")
    killed = mgrd(tmp_path, *run, faults=FAULTS)
    assert killed.returncode == -signal.SIGKILL, killed.told
    store = Store(root)
    survived = store.read(TRACES)
    assert survived.height, "what was finished was committed before the kill"
    done = mgrd(tmp_path, *run, faults=FAULTS[:2])
    assert done.returncode == 0, done.told

    traces = store.read(TRACES)
    assert traces["engine"].unique().to_list() == ["mock"]
    assert traces["trace_id"].is_unique().all()
    kept = traces.join(survived.select("trace_id"), on="trace_id", how="semi").sort("trace_id")
    assert kept.equals(survived.sort("trace_id")), "what was there was sampled again"
    distill = store.read(TRACES, DISTILL)
    assert distill.height == 8 * 3
    unclosed = pl.col("problems").list.contains("unclosed_think")
    faulty = distill.filter(unclosed | pl.col("raw_text").str.contains("text model"))
    assert faulty.height >= 24 // 4
    decisions = store.read(DECISIONS, DISTILL)
    assert set(decisions["trace_id"]) == set(distill["trace_id"])
    accepted = decisions.filter(pl.col("decision") == "kept")
    assert not set(accepted["trace_id"]) & set(faulty["trace_id"])
    assert store.read(QUARANTINE).is_empty()
    select = store.read(LEDGER).filter((pl.col("stage") == "select") & (pl.col("round") == 1))
    counts = json.loads(select["counts"][-1])
    assert counts["sampled"] == sum(counts[name] for name in ("kept", "rejected", "unscored", "quarantined")) == 24
