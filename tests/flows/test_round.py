"""One whole campaign through real Prefect, a real Delta store, real audio and a real, tiny model."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import polars as pl
import pytest
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.ids import question_key
from mgrd.report.explain import explain_trace
from mgrd.report.lineage import lineage_of
from mgrd.store import Store, Workspace
from mgrd.store.history import rollback
from schemas import (
    CLAIMS,
    CLIPS,
    DECISIONS,
    DISTILLED,
    EVIDENCE,
    LEDGER,
    METRICS,
    MODELS,
    QUARANTINE,
    QUESTIONS,
    TRACES,
)
from tests.campaign import DEMO, REPOSITORY, mgrd, readme_commands

pytestmark = pytest.mark.round


def rows_by_stage(root: Path) -> dict[tuple[int, str], int]:
    entries = Store(root).read(LEDGER).group_by("round", "stage").len()
    return {(round_, stage): count for round_, stage, count in entries.iter_rows()}


@pytest.fixture
def copied(campaign: Path, tmp_path: Path) -> Path:
    """A copy of the campaign that a test may go on with."""
    root = tmp_path / "copy"
    shutil.copytree(campaign, root, ignore=shutil.ignore_patterns(".prefect", ".cache"))
    return root


def test_every_stage_leaves_its_table(campaign: Path) -> None:
    store = Store(campaign)
    assert store.read(CLIPS).height == 46
    assert store.read(EVIDENCE).height == 22, "pool, dev and test clips; cold-start clips need none"
    assert store.read(QUESTIONS).filter(pl.col("split") == "pool").height == 8
    traces = store.read(TRACES)
    assert traces.filter(pl.col("purpose") == "distill").height == 8 * 3
    assert traces.filter((pl.col("purpose") == "evaluate") & (pl.col("round") == 0)).height == 14 * 3
    asked = traces.filter((pl.col("purpose") == "text") & (pl.col("round") == 0))
    assert asked.group_by("split").len()["len"].to_list() == [6, 6], "held-out text problems of dev and test"
    undecided = pl.col("purpose").is_in(["text", "probe"])
    assert store.read(DECISIONS).height == traces.filter(~undecided).height
    assert set(store.read(CLAIMS)["trace_id"]) <= set(traces["trace_id"])
    assert set(store.read(DISTILLED)["origin"]) >= {"cold", "text", "distilled"}
    assert store.read(METRICS)["round"].unique().sort().to_list() == [0, 1]
    assert store.read(QUARANTINE).is_empty()


def test_traces_say_how_they_came_to_be(campaign: Path) -> None:
    traces = Store(campaign).read(TRACES)
    assert traces["trace_id"].is_unique().all()
    asked = pl.col("purpose").replace_strict({"text": "plain", "probe": "plain"}, default="perceive")
    assert traces.group_by(asked).agg(pl.col("prompt_sha").n_unique())["prompt_sha"].to_list() == [1, 1]
    silent = pl.col("purpose") == "text"
    assert (traces.filter(~silent)["audio_tokens"] > 0).all()
    assert (traces.filter(silent)["audio_tokens"] == 0).all()
    distill = traces.filter(pl.col("purpose") == "distill")
    models = Store(campaign).read(MODELS).filter(pl.col("round") == 0)
    assert (
        distill["model_id"].unique().to_list() == models.filter(pl.col("stage") == "cold start")["model_id"].to_list()
    )


@pytest.mark.parametrize("purpose", ["distill", "evaluate", "text", "probe"])
def test_every_chain_is_told_with_the_question_that_it_answers(campaign: Path, purpose: str) -> None:
    workspace = Workspace.open(campaign)
    trace = workspace.store.read(TRACES).filter(pl.col("purpose") == purpose).row(-1, named=True)
    asked = lineage_of(workspace, trace["trace_id"])["question"]
    assert asked["question_id"] == trace["question_id"]
    assert asked["split"] == trace["split"]
    told = explain_trace(workspace, trace["trace_id"])["question"]
    assert told == {name: asked[name] for name in ("text", "choices", "answer", "skill")}
    assert question_key(trace["clip_id"], told["text"], told["choices"], told["answer"] or "") == trace["question_id"]
    shown = CliRunner().invoke(app, ["explain", trace["trace_id"], "-w", str(campaign)]).stdout
    assert f"{told['text']}{' [' if told['choices'] else ''}" in " ".join(shown.split())
    assert ("nothing is decided on them" in shown) is (purpose in {"text", "probe"})


def test_rows_are_conserved(campaign: Path) -> None:
    for entry in Store(campaign).read(LEDGER).iter_rows(named=True):
        counts = json.loads(entry["counts"])
        if entry["stage"] == "select":
            assert counts["sampled"] == sum(counts[k] for k in ("kept", "rejected", "unscored", "quarantined"))


def test_held_out_clips_never_become_training_rows(campaign: Path) -> None:
    store = Store(campaign)
    heldout = store.read(CLIPS).filter(pl.col("split").is_in(["dev", "test"]))
    trained = store.read(DISTILLED)["clip_id"].drop_nulls()
    assert not set(heldout["clip_id"]) & set(trained)
    sources = store.read(CLIPS).filter(pl.col("clip_id").is_in(trained.implode()))["source"]
    assert not set(heldout["source"]) & set(sources)


def test_the_same_command_again_computes_nothing(copied: Path) -> None:
    before = rows_by_stage(copied)
    done = mgrd("run", "-w", str(copied))
    assert "nothing to do" in done.stdout
    assert "nothing to do" in mgrd("ingest", "embedded", "-w", str(copied)).stdout
    assert rows_by_stage(copied) == before


def test_rounds_leave_funnel_curves_and_links_as_artifacts(campaign: Path) -> None:
    with closing(sqlite3.connect(campaign / ".prefect" / "prefect.db")) as database:
        left = {key: json.loads(data) for key, data in database.execute("select key, data from artifact")}
    assert {f"{name}-round-1" for name in ("funnel", "reasons", "heldout", "curves", "links")} <= left.keys()
    funnel = {row["step"]: row["chains"] for row in json.loads(left["funnel-round-1"])}
    assert funnel["sampled"] == 24
    assert "| cold start | round 1 | change |" in left["curves-round-1"]
    assert "](data:image/svg+xml;base64," in left["curves-round-1"]
    linked = re.findall(
        r"\]\((file://[^)]+)\)", left["links-round-1"] + left["report"] + left["data-docs"] + left["tables"]
    )
    assert {unquote(urlsplit(link).path) for link in linked} >= {
        str(campaign / place) for place in ("tables", "tables/traces", "reports/report.html", "reports/contracts")
    }
    assert all(Path(unquote(urlsplit(link).path)).exists() for link in linked)


def test_status_has_the_shape_that_scripts_rely_on(campaign: Path) -> None:
    status = json.loads(mgrd("status", "--json", "-w", str(campaign)).stdout)
    assert [row["round"] for row in status["rounds"]] == [0, 1]
    figures = {"accuracy", "accuracy_sampled", "grounded", "claim_precision", "surrogate", "mean_reasoning_tokens", "n"}
    funnel = {"sampled", "correct", "grounded", "kept", "rejected", "unscored", "quarantined"}
    for row in status["rounds"]:
        assert figures <= row["heldout"].keys()
        assert funnel <= row["funnel"].keys()
        assert row["seconds"]
    assert status["rounds"][1]["funnel"]["sampled"] == 24


def test_the_report_is_one_file_without_outside_references(campaign: Path) -> None:
    html = (campaign / "reports" / "report.html").read_text()
    assert "<audio" in html
    assert "data:audio/" in html
    assert 'src="http' not in html
    assert 'href="http' not in html


def test_a_changed_policy_decides_again_without_sampling_again(copied: Path) -> None:
    before = rows_by_stage(copied)
    run = ("run", "-w", str(copied))
    done = mgrd(*run, MGRD_SPEC__POLICY__MIN_SUPPORTED="0", MGRD_RUNTIME__LOG_FORMAT="json")
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert all(set(line) == {"time", "level", "round", "stage", "message", "fields"} for line in told)
    (ground,) = (line for line in told if (line["stage"], line["level"]) == ("ground-distill", "info"))
    assert ground["round"] == 1
    assert ground["fields"]["rows_in"] == 24
    after = rows_by_stage(copied)
    assert after[1, "sample-distill"] == before[1, "sample-distill"]
    assert after[1, "ground-distill"] == before[1, "ground-distill"] + 1
    assert after[0, "cold start"] == before[0, "cold start"]


def test_a_round_that_keeps_no_chain_trains_nothing_and_ends_with_figures(copied: Path) -> None:
    done = mgrd("run", "-w", str(copied), "--arm", "filtered", MGRD_RUNTIME__LOG_FORMAT="json")
    told = {line["message"]: line for line in map(json.loads, done.stderr.splitlines())}
    (nothing,) = (line for message, line in told.items() if "no chain was kept" in message)
    assert (nothing["round"], nothing["stage"], nothing["level"]) == (1, None, "warning")
    last = json.loads(mgrd("status", "--json", "-w", str(copied)).stdout)["rounds"][1]
    assert last["funnel"]["kept"] == 0, "a model of a few thousand parameters writes nothing that the filter keeps"
    assert last["heldout"]["n"] == 8
    assert sum(last["reasons"].values()) >= last["funnel"]["rejected"] == 24
    assert "nothing to do" in mgrd("run", "-w", str(copied), "--arm", "filtered").stdout


def test_a_run_killed_while_sampling_continues_with_the_same_keys(campaign: Path, copied: Path) -> None:
    expected = set(Store(campaign).read(TRACES, {"round": 1, "purpose": "distill"})["trace_id"])
    rollback(Workspace.open(copied), 0)
    run = subprocess.Popen(
        [sys.executable, "-m", "mgrd", "run", "-w", str(copied)], cwd=REPOSITORY, start_new_session=True
    )
    deadline = time.monotonic() + 300
    partition = {"round": 1, "purpose": "distill"}
    while Store(copied).read(TRACES, partition).is_empty() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    survived = Store(copied).read(TRACES, partition)
    assert survived.height, "nothing was committed before the kill"
    mgrd("run", "-w", str(copied))
    traces = Store(copied).read(TRACES, partition)
    assert traces["trace_id"].is_unique().all()
    assert set(traces["trace_id"]) == expected
    kept = traces.filter(pl.col("trace_id").is_in(survived["trace_id"].implode())).sort("trace_id")
    assert kept.equals(survived.sort("trace_id")), "what was paid for was sampled again"
    assert Workspace.open(copied).ledger.newest(1, "promote") is not None


def test_the_readmes_other_commands_run(campaign: Path, tmp_path: Path) -> None:
    store = Store(campaign)
    clip = campaign / store.read(CLIPS)["uri"][0]
    chains = tmp_path / "chains.jsonl"
    asked = {"question": "How does the pitch move?", "choices": ["rising", "falling"], "answer": "rising"}
    chains.write_text(json.dumps({"id": "a", "audio": str(clip), **asked, "chain": "The pitch rises."}) + "\n")
    meant = {
        DEMO: campaign, "shards": tmp_path / "shards", "TRACE_ID": store.read(DECISIONS)["trace_id"][0],
        "CLIP.wav": clip, "CHAINS.jsonl": chains, "3": 1,
    }  # fmt: skip
    ran = []
    for command in readme_commands()[3:]:
        words = [str(meant.get(word, word)) for word in command]
        ran.append(words[0])
        if words[0] == "review":
            answer_on_loopback(words)
        else:
            assert mgrd(*words).stdout.strip()
    assert {"review", "explain", "measure", "ground", "export", "verify"} <= set(ran)


def answer_on_loopback(words: list[str]) -> None:
    """Start the command on a free port, wait for the address that it prints, and fetch the page there."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-u", "-m", "mgrd", *words, "--port", str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = next(line.split()[0] for line in server.stdout if line.startswith("http://"))
            retrying = httpx.Client(transport=httpx.HTTPTransport(retries=8), follow_redirects=True, timeout=60)
            assert retrying.get(address).status_code == 200
        finally:
            server.terminate()
