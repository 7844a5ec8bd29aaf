"""`mgrd export`, `verify` and `publish` as a user calls them, on a real campaign and on a made one."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.errors import ConfigError, DataError, StoreError
from mgrd.export.choices import ExportConfig
from mgrd.export.directory import export_round
from mgrd.export.formats import FORMATS, PURPOSES
from mgrd.export.manifest import find_faults
from mgrd.export.publish import plan_push, push
from mgrd.store import Workspace, frame_of
from schemas import DISTILLED, LEDGER, OVERRIDES
from tests.campaign import REPOSITORY, mgrd


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_script(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A process of its own, in which nothing is imported yet."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_export_writes_tells_and_verifies(made: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "x"
    done = run("export", "--round", "1", "--format", "hf", "--out", out, "-w", made.root, "--embed-audio")
    assert done.exit_code == 0, done.output
    assert re.search(r"^distilled +train +\d+ +\d+$", done.output, re.MULTILINE)
    whole = run("verify", out)
    assert whole.exit_code == 0
    assert "whole" in whole.output
    (out / "README.md").chmod(0o644)
    (out / "README.md").write_text("other")
    damaged = run("verify", out, "--json")
    assert damaged.exit_code == 1
    assert json.loads(damaged.output)["faults"][0].startswith("README.md: 5 bytes")


def test_export_loads_neither_models_nor_an_orchestrator(made: Workspace, tmp_path: Path) -> None:
    """They take seconds; a round without new words of reviewers needs none of them."""
    script = (
        "import sys\nfrom mgrd.cli import app\napp(sys.argv[1:], standalone_mode=False)\n"
        "print(sorted({'torch', 'transformers', 'prefect', 'librosa', 'openai'} & sys.modules.keys()))"
    )
    command = ["export", "--round", "1", "--out", str(tmp_path / "x"), "-w", str(made.root), "--json"]
    done = run_script(script, *command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert (tmp_path / "x" / "manifest.json").is_file()


def test_export_prints_json_for_scripts(made: Workspace, tmp_path: Path) -> None:
    done = run("export", "--round", "1", "--purpose", "rl", "--out", tmp_path / "x", "-w", made.root, "--json")
    document = json.loads(done.output)
    assert document["splits"]["curriculum"]["train"] == 10 or sum(document["splits"]["curriculum"].values()) == 12
    assert document["refused"] == []


def test_an_impossible_wish_is_a_message(made: Workspace, tmp_path: Path) -> None:
    done = run(
        "export", "--round", "1", "--format", "nemo", "--purpose", "dpo", "--out", tmp_path / "x", "-w", made.root
    )
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception).startswith("NeMo's conversation manifest")


def test_options_of_the_command_are_those_of_the_library() -> None:
    shown = run("export", "--help").output
    assert all(name in shown for name in (*FORMATS, *PURPOSES))


@pytest.fixture
def exported(made: Workspace, tmp_path: Path) -> Path:
    export_round(made, ExportConfig(round=1, embed_audio=True), tmp_path / "x")
    return tmp_path / "x"


def test_a_dry_run_lists_every_file_and_pushes_nothing(exported: Path) -> None:
    done = run("publish", exported, "--repo", "someone/chains", "--dry-run", "--json")
    plan = json.loads(done.output)
    assert plan["dry_run"] is True
    there = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    assert {file["path"] for file in plan["files"]} == there


def test_only_a_whole_export_that_can_be_read_elsewhere_is_published(
    made: Workspace, exported: Path, tmp_path: Path
) -> None:
    for name in ("no owner", "a/b/c", "chains"):
        with pytest.raises(ConfigError, match="owner"):
            plan_push(exported, name)
    export_round(made, ExportConfig(round=1, format="ms-swift"), tmp_path / "paths")
    with pytest.raises(DataError, match="paths of this machine"):
        plan_push(tmp_path / "paths", "a/b")
    (exported / "stray").write_text("x")
    with pytest.raises(DataError, match="damaged"):
        plan_push(exported, "a/b")


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's protocol as one commit of small files needs; remembers what it was sent."""

    commits: list[list[dict[str, Any]]] = []  # noqa: RUF012 - emptied by the fixture
    refuse = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.refuse:
            self._answer({"error": "You don't have the rights"}, 403)
        elif self.path == "/api/repos/create":
            self._answer({"url": "http://127.0.0.1/datasets/a/b", "id": "a/b"})
        elif "/preupload/" in self.path:
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]
            ]
            self._answer({"files": files})
        elif "/commit/" in self.path:
            self.commits.append([json.loads(line) for line in body.splitlines()])
            self._answer({"commitUrl": "http://127.0.0.1/datasets/a/b/commit/1", "commitOid": "1", "success": True})
        else:
            self._answer({})

    def do_GET(self) -> None:
        self._answer(
            {"id": "a/b", "siblings": [], "sha": "0", "tags": [], "private": False, "downloads": 0, "likes": 0}
        )

    def _answer(self, document: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> type[Hub]:
    """A hub on loopback that the real client talks to."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    from huggingface_hub import HfApi, constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: HfApi(endpoint=address, token="secret"))
    monkeypatch.setattr(Hub, "commits", [])
    monkeypatch.setattr(Hub, "refuse", False)
    yield Hub
    server.shutdown()


def test_a_push_sends_every_file_in_one_commit(exported: Path, hub: type[Hub]) -> None:
    address = push(plan_push(exported, "a/b"))
    assert "commit/1" in address
    (commit,) = hub.commits
    sent = {line["value"]["path"] for line in commit if line["key"] == "file"}
    assert sent == {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}


def test_a_push_for_a_script_prints_one_document_with_the_commits_address(exported: Path, hub: type[Hub]) -> None:
    told = json.loads(run("publish", exported, "--repo", "a/b", "--json").stdout)
    assert "commit/1" in told["address"]
    assert not told["dry_run"]
    assert len(hub.commits) == 1


def test_a_refused_push_says_what_to_check(exported: Path, hub: type[Hub]) -> None:
    hub.refuse = True
    with pytest.raises(StoreError, match="check HF_TOKEN"):
        push(plan_push(exported, "a/b"))


@pytest.mark.round
def test_a_real_campaign_exports_in_every_format(campaign: Path, tmp_path: Path) -> None:
    mgrd("export", "--round", "1", "--out", str(tmp_path / "hf"), "-w", str(campaign))
    assert "whole" in mgrd("verify", str(tmp_path / "hf")).stdout
    for format_ in FORMATS[1:]:
        manifest = export_round(Workspace.open(campaign), ExportConfig(round=1, format=format_), tmp_path / format_)
        assert manifest.splits["distilled"]["train"] > 0
        assert find_faults(tmp_path / format_) == []
    table = pq.read_table(tmp_path / "hf" / "data")
    assert min(table["token_count"].to_pylist()) > 75, "counted with the checkpoint's renderer, audio included"
    assert set(table["audio_tokens"].to_pylist()) == {75}
    text = pq.read_table(tmp_path / "hf" / "text")
    assert set(text["origin"].to_pylist()) == {"text"}
    assert min(text["token_count"].to_pylist()) > 0


@pytest.mark.round
def test_a_real_campaign_says_what_it_cannot_give(campaign: Path, tmp_path: Path) -> None:
    def refused(round_: int, *options: str) -> str:
        done = run("export", "--round", str(round_), "--out", tmp_path / "x", "-w", campaign, *options)
        return str(done.exception)

    assert "no preference pairs" in refused(1, "--purpose", "dpo")
    assert "--outside" in refused(1, "--purpose", "rl")
    assert "finished rounds: [1]" in refused(2)
    done = run("export", "--round", "1", "--out", tmp_path / "x", "-w", campaign, "--purpose", "rl", "--outside")
    assert done.exit_code == 0, done.output


@pytest.mark.round
def test_an_export_heeds_what_reviewers_said_since_the_round_was_decided(campaign: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    shutil.copytree(campaign, root)
    store = Workspace.open(root).store
    kept = store.read(DISTILLED, {"round": 1}).filter(pl.col("trace_id").is_not_null())["trace_id"][0]
    said = {"override_id": "o", "trace_id": kept, "reviewer": "ann", "verdict": "not_grounded", "seconds": 1.0}
    store.append(OVERRIDES, frame_of(OVERRIDES, [{**said, "made_at": "2026-01-01T00:00:00Z", "reason": "heard it"}]))
    before = mgrd("export", "--round", "1", "--out", str(tmp_path / "a"), "-w", str(root))
    assert "reviewers have spoken" in before.stderr
    ledger = store.read(LEDGER).filter(pl.col("round") == 1)
    assert (ledger["stage"] == "decide").sum() == 2
    assert (ledger["stage"] == "train").sum() == 1
    assert "reviewers" not in mgrd("export", "--round", "1", "--out", str(tmp_path / "b"), "-w", str(root)).stderr


@pytest.mark.round
def test_the_publish_flow_exports_and_checks_what_it_would_push(campaign: Path, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom mgrd.cli.environment import prepare\nprepare(Path(sys.argv[1]))\n"
        "from flows.publish import publish\n"
        "print(publish(sys.argv[1], 1, sys.argv[2], repo='a/b', dry_run=True))"
    )
    done = run_script(script, str(campaign), str(tmp_path / "x"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == json.loads((tmp_path / "x" / "manifest.json").read_text())["fingerprint"]
