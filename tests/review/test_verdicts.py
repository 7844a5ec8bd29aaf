"""Verdicts: append-only rows, undo as a row, read by the policy; nothing that was acknowledged is lost."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import polars as pl
import pytest
from review_workspace import CHAINS, traces_of

from mgrd.errors import DataError
from mgrd.review.access import SESSION, csrf_token
from mgrd.review.items import refresh_items
from mgrd.review.mirror import Mirror
from mgrd.review.verdicts import Said, compact_overrides, record_verdict, standing_of, undo_verdict
from mgrd.selection.decisions import decide_traces
from mgrd.selection.overrides import votes_of
from mgrd.store import Workspace
from schemas import CLAIMS, DECISIONS, OVERRIDES

REPOSITORY = Path(__file__).parents[2]


def test_a_verdict_is_a_row_with_all_that_was_said(mirror: Mirror) -> None:
    chosen = traces_of(mirror.workspace).filter(pl.col("reasoning") == CHAINS[0])["trace_id"][0]
    claim = mirror.workspace.store.read(CLAIMS).filter(pl.col("trace_id") == chosen)["claim_id"][0]
    said = Said("not_grounded", False, "claim_wrong", {claim: "contradicted"}, 12.34)
    record_verdict(mirror, "ann", chosen, said)
    row = mirror.workspace.store.read(OVERRIDES).to_dicts()[0]
    assert (row["reviewer"], row["verdict"], row["correct"], row["reason"], row["seconds"]) == (
        "ann", "not_grounded", False, "claim_wrong", 12.3,
    )  # fmt: skip
    assert row["claims"] == [{"claim_id": claim, "verdict": "contradicted"}]


def test_undo_goes_back_step_by_step_and_only_adds_rows(mirror: Mirror) -> None:
    first, second = traces_of(mirror.workspace)["trace_id"][:2]
    record_verdict(mirror, "ann", first, Said("grounded", True))
    record_verdict(mirror, "ann", first, Said("not_grounded"))
    record_verdict(mirror, "ann", second, Said("unsure"))
    record_verdict(mirror, "bob", second, Said("grounded"))
    assert (undo := undo_verdict(mirror, "ann")) is not None
    assert (undo["trace_id"], undo["verdict"]) == (second, "withdrawn")
    assert [row["reviewer"] for row in standing_of(mirror, second)] == ["bob"]
    assert (undo := undo_verdict(mirror, "ann")) is not None
    assert (undo["trace_id"], undo["verdict"], undo["correct"]) == (first, "grounded", True)
    assert (undo := undo_verdict(mirror, "ann")) is not None
    assert (undo["trace_id"], undo["verdict"]) == (first, "withdrawn")
    assert undo_verdict(mirror, "ann") is None
    rows = mirror.workspace.store.read(OVERRIDES)
    assert rows.height == 7
    assert rows["override_id"].is_unique().all()
    assert set(votes_of(rows)) == {second}


def test_a_new_verdict_after_undo_stands_and_can_be_undone(mirror: Mirror) -> None:
    first = traces_of(mirror.workspace)["trace_id"][0]
    record_verdict(mirror, "ann", first, Said("grounded"))
    undo_verdict(mirror, "ann")
    record_verdict(mirror, "ann", first, Said("unsure"))
    assert standing_of(mirror, first)[0]["verdict"] == "unsure"
    assert (undo := undo_verdict(mirror, "ann")) is not None
    assert undo["verdict"] == "withdrawn"


@pytest.mark.parametrize(
    "said",
    [
        Said("withdrawn"),
        Said("kept"),
        Said("grounded", reason="because"),
        Said("grounded", claims={"nope": "supported"}),
        Said(""),
    ],
    ids=repr,
)
def test_what_is_not_a_verdict_is_refused(mirror: Mirror, said: Said) -> None:
    with pytest.raises(DataError):
        record_verdict(mirror, "ann", traces_of(mirror.workspace)["trace_id"][0], said)
    with pytest.raises(DataError, match="no such chain"):
        record_verdict(mirror, "ann", "f" * 16, Said("grounded"))
    assert mirror.workspace.store.read(OVERRIDES).is_empty()


def test_the_policy_decides_by_what_was_said(mirror: Mirror) -> None:
    store, settings = mirror.workspace.store, mirror.workspace.settings.spec
    kept = store.read(DECISIONS).filter(pl.col("decision") == "kept")["trace_id"][0]
    record_verdict(mirror, "ann", kept, Said("not_grounded"))
    decided = decide_traces(
        store.read(DECISIONS), policy=settings.policy, arm="filtered", votes=votes_of(store.read(OVERRIDES)), sha="0"
    )
    row = decided.filter(pl.col("trace_id") == kept).to_dicts()[0]
    assert (row["decision"], row["decided_by"]) == ("rejected", "override")


def test_another_server_sees_the_verdicts_after_a_refresh(mirror: Mirror) -> None:
    other = Mirror(mirror.workspace)
    chosen = traces_of(mirror.workspace)["trace_id"][0]
    record_verdict(mirror, "ann", chosen, Said("grounded"))
    refresh_items(other)
    assert [row["verdict"] for row in standing_of(other, chosen)] == ["grounded"]


def test_compacting_keeps_every_row(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.review.verdicts.COMPACT_EVERY", 2)
    keys = traces_of(mirror.workspace)["trace_id"].to_list()[:5]
    for key in keys:
        record_verdict(mirror, "ann", key, Said("grounded"))
    before = mirror.workspace.store.read(OVERRIDES).sort("override_id")
    compact_overrides(mirror)
    assert mirror.workspace.store.read(OVERRIDES).sort("override_id").equals(before)
    refresh_items(mirror)
    assert all(standing_of(mirror, key) for key in keys)


def test_a_server_killed_during_writes_loses_no_acknowledged_verdict(workspace: Workspace, tmp_path: Path) -> None:
    keys = traces_of(workspace)["trace_id"].to_list()
    server, port = serve(workspace.root, tmp_path / "log")
    acknowledged: list[str] = []

    def write(worker: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        session = "s" * 20
        try:
            for turn in range(1_000):
                form = {"trace_id": keys[(worker + turn) % len(keys)], "verdict": "grounded", "seconds": str(turn)}
                headers = {
                    "Cookie": f"{SESSION}={session}; mgrd_reviewer=worker{worker}",
                    "X-CSRF-Token": csrf_token(session),
                    "Content-Type": "application/x-www-form-urlencoded",
                }
                connection.request("POST", "/verdicts", urlencode(form), headers)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
                acknowledged.append(f"worker{worker} {turn}.0 {form['trace_id']}")
        except (OSError, http.client.HTTPException):
            return

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 120
    while len(acknowledged) < 12 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(server.pid, signal.SIGKILL)
    for thread in threads:
        thread.join()
    server.wait()
    assert len(acknowledged) >= 12
    rows = workspace.store.read(OVERRIDES).iter_rows(named=True)
    stored = {f"{row['reviewer']} {row['seconds']} {row['trace_id']}" for row in rows}
    assert set(acknowledged) <= stored
    again = Mirror(workspace)
    refresh_items(again)
    shown = again.reader.execute("SELECT count(*) FROM overrides").fetchone()[0]
    assert shown == len(stored)


def serve(root: Path, log: Path) -> tuple[subprocess.Popen[bytes], int]:
    """`mgrd review` in a process of its own, on a free port, once it answers."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "mgrd", "review", "-w", str(root), "--port", str(port)],
        cwd=REPOSITORY, stdout=log.open("wb"), stderr=subprocess.STDOUT,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return server, port
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())
