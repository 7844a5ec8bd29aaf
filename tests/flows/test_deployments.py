"""The deployments on a real Prefect server with a real process worker, all on loopback."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from mgrd.store import Store
from mgrd.store.lock import holder_of
from schemas import DISTILLED, LEDGER
from tasks.stage_task import RETRY_JITTER

REPOSITORY = Path(__file__).parents[2]
TINY = REPOSITORY / "examples" / "tiny.toml"
BUSY_SECONDS = 120
"""How long a server may say that it is unavailable."""
DEPLOYMENTS = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["deployments"]
POOLS = ("cpu", "gpu-sample", "gpu-train")


class Orchestrator:
    """A server's address, and the environment in which commands and the worker reach it."""

    def __init__(self, home: Path, workspace: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.environment = {
            **os.environ, "PREFECT_API_URL": self.url, "PREFECT_HOME": str(home), "MGRD_PROJECT": str(REPOSITORY),
            "MGRD_WORKSPACE": str(workspace), "PYTHONPATH": str(REPOSITORY),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_LOGGING_LEVEL": "INFO",
            "PREFECT_CLI_PROMPT": "false", "DO_NOT_TRACK": "1",
        }  # fmt: skip

    def start(self, *command: str, log: Path) -> "subprocess.Popen[bytes]":
        with log.open("wb") as out:
            return subprocess.Popen(
                [sys.executable, "-m", *command], cwd=REPOSITORY, env=self.environment, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def prefect(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *arguments], cwd=REPOSITORY, env=self.environment, capture_output=True,
            text=True, check=False, timeout=400,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as reply:
                    return json.loads(reply.read())
            except urllib.error.HTTPError as error:  # its database is locked for a moment: Prefect's client waits, too
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def found(self, path: str, body: dict[str, Any]) -> list[Any]:
        """What is there, or comes soon: a run is FAILED a moment before its hooks have written."""
        deadline = time.monotonic() + BUSY_SECONDS
        while not (rows := self.ask(path, body)) and time.monotonic() < deadline:
            time.sleep(0.5)
        return rows

    def run(self, deployment: str, **body: Any) -> tuple[str, str]:
        """State and message of a run that the worker has carried out."""
        made = self.ask(f"deployments/name/{deployment}")
        run = self.ask(f"deployments/{made['id']}/create_flow_run", body)
        deadline = time.monotonic() + 900
        while time.monotonic() < deadline:
            state = self.ask(f"flow_runs/{run['id']}")["state"]
            if state["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}:
                return state["type"], state["message"]
            time.sleep(0.5)
        raise AssertionError(f"{deployment} did not end")

    def logged(self) -> list[str]:
        """The messages of all runs, which the server gives page by page."""
        found: list[str] = []
        while page := self.ask("logs/filter", {"offset": len(found)}):
            found += [line["message"] for line in page]
        return found

    def is_up(self) -> bool:
        try:
            return bool(self.ask("health"))
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("deployed") / "w"
    root.mkdir()
    (root / "mgrd.toml").write_text(TINY.read_text() + 'engine = "mock"\n')
    return root


@pytest.fixture(scope="module")
def orchestrator(tmp_path_factory: pytest.TempPathFactory, workspace: Path) -> Iterator[Orchestrator]:
    """A server with all deployments, and workers that poll the pools that are used here."""
    home = tmp_path_factory.mktemp("prefect")
    made = Orchestrator(home, workspace)
    server = made.start(
        "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(made.port), "--no-ui", log=home / "server"
    )
    workers: list[subprocess.Popen[bytes]] = []
    try:
        deadline = time.monotonic() + 180
        while not made.is_up():
            assert server.poll() is None, (home / "server").read_text()
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.5)
        for pool in POOLS:
            made.prefect("work-pool", "create", pool, "--type", "process")
        made.prefect("--no-prompt", "deploy", "--all")
        for pool in ("cpu", "gpu-train"):
            workers.append(made.start("prefect", "worker", "start", "--pool", pool, log=home / f"worker-{pool}"))
        yield made
    finally:
        for process in (*workers, server):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: one["name"])
def test_every_deployment_names_a_flow_that_takes_its_parameters_and_says_what_they_mean(
    deployment: dict[str, Any],
) -> None:
    path, _, name = deployment["entrypoint"].partition(":")
    assert (REPOSITORY / path).is_file()
    flow = getattr(__import__(path.removesuffix(".py").replace("/", "."), fromlist=[name]), name)
    properties = flow.parameters.model_dump()["properties"]
    assert set(deployment["parameters"]) <= set(properties)
    assert all(given.get("description") for given in properties.values()), properties
    assert deployment["description"]
    assert "mgrd" in deployment["tags"]
    assert deployment["work_pool"]["job_variables"]["env"]["PREFECT_TASKS_DEFAULT_RETRIES"] == "2"


def test_what_a_worker_tries_again_comes_at_a_random_moment() -> None:
    made = [getattr(import_module(f"tasks.{path.stem}"), name)
            for path in (REPOSITORY / "tasks").glob("[a-z]*.py")
            for name in re.findall(r"^@stage_task.*\n^def (\w+)", path.read_text(), re.MULTILINE)]  # fmt: skip
    assert len(made) >= 20
    assert {task.retry_jitter_factor for task in made} == {RETRY_JITTER}


@pytest.mark.round
@pytest.mark.timeout(1800)
def test_a_worker_runs_ingest_and_a_round_that_were_triggered_on_the_server(
    orchestrator: Orchestrator, workspace: Path
) -> None:
    assert orchestrator.run("ingest/ingest")[0] == "COMPLETED"
    assert orchestrator.run("distill/round")[0] == "COMPLETED"
    store = Store(workspace)
    assert set(store.read(DISTILLED)["round"]) == {0, 1}
    stages = store.read(LEDGER)["stage"].to_list()
    assert orchestrator.run("distill/round")[0] == "COMPLETED"
    assert store.read(LEDGER)["stage"].to_list() == stages, "the same run again does nothing"
    keys = {artifact["key"] for artifact in orchestrator.ask("artifacts/filter", {})}
    assert {"funnel-round-1", "heldout-round-1", "curves-round-1", "links-round-1", "report"} <= keys
    assert any(line.startswith("round 1  sample-distill") for line in orchestrator.logged())


@pytest.mark.round
@pytest.mark.timeout(1800)
def test_a_failed_run_leaves_an_artifact_that_says_what_to_do(orchestrator: Orchestrator) -> None:
    at_once = {"env": {"PREFECT_TASKS_DEFAULT_RETRIES": "0"}}
    assert orchestrator.run("rejudge/rejudge", parameters={"round_": 9}, job_variables=at_once)[0] == "FAILED"
    (artifact,) = orchestrator.found("artifacts/filter", {"artifacts": {"key": {"any_": ["failure-rejudge"]}}})
    assert "round 9 has no sampled chains" in artifact["data"]
    assert "run this deployment again" in artifact["data"]


def test_what_trains_what_samples_and_what_does_neither_go_to_pools_of_their_own() -> None:
    placed: dict[str, set[str]] = {}
    for one in DEPLOYMENTS:
        placed.setdefault(one["work_pool"]["name"], set()).add(one["entrypoint"].rpartition(":")[2])
    assert placed == {
        "gpu-train": {"distill"},
        "gpu-sample": {"sample_round", "evaluate"},
        "cpu": {"ingest", "rejudge", "calibrate", "publish"},
    }


@pytest.mark.round
@pytest.mark.timeout(1800)
def test_init_makes_the_limits_of_gpu_and_judge_once_and_leaves_them_as_they_are_set(
    orchestrator: Orchestrator, tmp_path: Path
) -> None:
    def init() -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mgrd", "init", str(tmp_path / "w")], cwd=REPOSITORY, env=orchestrator.environment,
            capture_output=True, text=True, check=True, timeout=300,
        )  # fmt: skip
        return done.stdout

    assert "1 task(s) tagged gpu, 1 task(s) tagged judge" in init()
    orchestrator.prefect("concurrency-limit", "delete", "gpu")
    orchestrator.prefect("concurrency-limit", "create", "gpu", "4")
    assert "4 task(s) tagged gpu, 1 task(s) tagged judge" in init()


@pytest.mark.round
@pytest.mark.timeout(1800)
def test_the_automation_for_dead_runs_is_accepted_by_the_server(orchestrator: Orchestrator) -> None:
    orchestrator.prefect("automation", "create", "--from-file", "prefect-automations.yaml")
    made = {one["name"]: one["enabled"] for one in orchestrator.ask("automations/filter", {})}
    assert made == {"mgrd-zombie-runs": True, "mgrd-overdue-runs": False}


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_run_that_hangs_is_cancelled_by_the_automation_for_overdue_runs_and_lets_go_of_the_workspace(
    orchestrator: Orchestrator, workspace: Path, tmp_path: Path
) -> None:
    shipped = yaml.safe_load((REPOSITORY / "prefect-automations.yaml").read_text())["automations"]
    (overdue,) = (one for one in shipped if one["name"] == "mgrd-overdue-runs")
    overdue |= {"enabled": True, "name": "soon overdue"}
    overdue["trigger"]["within"] = 10
    (tmp_path / "soon.yaml").write_text(yaml.safe_dump({"automations": [overdue]}))
    orchestrator.prefect("automation", "create", "--from-file", str(tmp_path / "soon.yaml"))
    hangs = {"MGRD_RUNTIME__MOCK": json.dumps({"faults": [{"fault": "hang", "seconds": 900}]})}
    overrides = {"spec.rounds": 1, "spec.seed": 5}
    run = {"parameters": {"overrides": overrides}, "job_variables": {"env": hangs}}
    assert orchestrator.run("distill/round", **run)[0] == "CANCELLED"
    deadline = time.monotonic() + 120
    while holder_of(workspace) is not None:
        assert time.monotonic() < deadline, "the process of the cancelled run holds the workspace"
        time.sleep(0.5)
    left = orchestrator.ask("artifacts/filter", {"artifacts": {"key": {"any_": ["failure-distill"]}}})
    assert "run this deployment again" in left[0]["data"]
