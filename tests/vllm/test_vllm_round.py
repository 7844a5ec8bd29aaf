"""A whole campaign whose chains come from vLLM servers that the pipeline starts; one is killed in mid-round."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from conftest import PYTHON, free_port

from mgrd.engines.sampling import SamplingRun, plan_traces
from mgrd.store import Store, Workspace
from prompts import load_prompt
from schemas import MODELS, QUARANTINE, QUESTIONS, TRACES

REPOSITORY = Path(__file__).parents[2]
SETTINGS = Path(__file__).with_name("round.toml")
DISTILL = {"round": 1, "purpose": "distill"}
SAMPLES = 4
PATIENCE_SECONDS = 500


def settings_with_server(folder: Path, pid: Path) -> Path:
    """The campaign's settings with a command that serves a checkpoint and leaves its process id in a file."""
    serve = (
        f"echo $$ > {pid}; exec {PYTHON} -m vllm.entrypoints.openai.api_server --model {{servable}} "
        "--served-model-name {model_id} --host {host} --port {port} --dtype float32 --enforce-eager "
        "--max-num-seqs 16 --enable-prompt-tokens-details"
    )
    environment = ["VLLM_CPU_KVCACHE_SPACE=1", "VLLM_NO_USAGE_STATS=1", "DO_NOT_TRACK=1", "HF_HUB_OFFLINE=1"]
    server = (
        "\n[runtime.server]\n"
        f'base_url = "http://127.0.0.1:{free_port()}/v1"\n'
        f"start = {json.dumps(['env', '-u', 'PYTHONDONTWRITEBYTECODE', *environment, 'sh', '-c', serve])}\n"
        f"patience_seconds = {PATIENCE_SECONDS}\nmax_audio_seconds = 3\nconcurrency = 8\n"
    )
    path = folder / "mgrd.toml"
    path.write_text(SETTINGS.read_text() + server)
    return path


def mgrd(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "mgrd", *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def wanted_traces(workspace: Workspace) -> set[str]:
    """The keys that the round's sampling owes, by the plan alone."""
    spec = workspace.settings.spec
    models = workspace.store.read(MODELS).filter(pl.col("round") == 0, pl.col("stage") == "cold start")
    prompt = load_prompt(spec.sampling.prompt)
    run = SamplingRun(1, "distill", models["model_id"].item(), prompt, spec.sampling, spec.seed)
    questions = workspace.store.read(QUESTIONS).filter(pl.col("split") == "pool")
    return set(plan_traces(questions, run, tuple(range(SAMPLES)))["trace_id"])


def test_a_round_waits_for_a_killed_server_and_ends_with_the_same_keys(tmp_path: Path) -> None:
    root, pid = tmp_path / "w", tmp_path / "server.pid"
    mgrd("init", str(root), "--settings", str(settings_with_server(tmp_path, pid)))
    mgrd("ingest", "embedded", "-w", str(root))
    log = tmp_path / "run.log"
    with log.open("w") as output:
        run = subprocess.Popen(
            [sys.executable, "-m", "mgrd", "run", "-w", str(root)],
            cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _until_some_chains(root, run, log)
        os.killpg(int(pid.read_text()), signal.SIGKILL)
        survived = Store(root).read(TRACES, DISTILL)
        assert run.wait(900) == 0, log.read_text()[-3000:]
    finally:
        if run.poll() is None:
            run.send_signal(signal.SIGINT)
            run.wait(60)
    workspace = Workspace.open(root)
    traces = workspace.store.read(TRACES, DISTILL)
    wanted = wanted_traces(workspace)
    assert survived.height < len(wanted), "the server was killed after the last chain"
    assert traces["trace_id"].is_unique().all()
    assert set(traces["trace_id"]) == wanted
    kept = traces.join(survived.select("trace_id"), on="trace_id", how="semi").sort("trace_id")
    assert kept.equals(survived.sort("trace_id")), "what was there was sampled again"
    assert traces["engine"].unique().to_list() == ["openai"]
    assert (traces["audio_tokens"] > 0).all()
    assert traces["logprob"].is_not_null().all()
    assert workspace.store.read(QUARANTINE).is_empty(), "no row is blamed for a dead server"
    told = log.read_text()
    assert "is out of reach" in told
    assert "answers again after" in told
    assert workspace.ledger.newest(1, "promote") is not None
    assert "nothing to do" in mgrd("run", "-w", str(root)).stdout


def _until_some_chains(root: Path, run: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 900
    while Store(root).read(TRACES, DISTILL).is_empty():
        if run.poll() is not None or time.monotonic() > until:
            pytest.fail(f"no chain came:\n{log.read_text()[-3000:]}")
        time.sleep(0.05)
