"""A whole campaign rehearsed with the mock engine: faults are programmed, and no chain is lost over them."""

import json
import os
import signal
import subprocess
import sys
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


def mgrd(*arguments: str, faults: list[dict[str, object]] | None = None) -> subprocess.CompletedProcess[str]:
    mock = json.dumps({"faults": faults or []})
    environment = {**os.environ, "MGRD_RUNTIME__ENGINE": "mock", "MGRD_RUNTIME__MOCK": mock}
    return subprocess.run(
        [sys.executable, "-m", "mgrd", *arguments],
        cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip


def test_a_rehearsed_campaign_is_killed_goes_on_and_accounts_for_every_chain(tmp_path: Path) -> None:
    root = tmp_path / "w"
    settings = str(REPOSITORY / "examples" / "tiny.toml")
    for arguments in (("init", str(root), "--settings", settings), ("ingest", "embedded", "-w", str(root))):
        done = mgrd(*arguments)
        assert done.returncode == 0, done.stderr
    run = ("run", "-w", str(root), "--arm", "filtered")
    killed = mgrd(*run, faults=FAULTS)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    store = Store(root)
    survived = store.read(TRACES)
    assert survived.height, "what was finished was committed before the kill"
    done = mgrd(*run, faults=FAULTS[:2])
    assert done.returncode == 0, done.stderr

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
