"""Rounds that train in more stages than one: preference pairs, then reinforcement."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from mgrd.export.choices import ExportConfig
from mgrd.export.directory import export_round
from mgrd.ingest.probes import PROBES, paired_probes
from mgrd.models import load_model
from mgrd.store import Stage, Store, Workspace, frame_of
from schemas import DISTILLED, LEDGER, METRICS, MODELS, OVERLAPS, PREFERENCES, TRACES
from tasks.models import ModelRef, put_trained
from tasks.reinforce import reinforce_stage

REPOSITORY = Path(__file__).parents[2]
pytestmark = pytest.mark.round

DENIALS = """
[[runtime.mock.faults]]
fault = "denial"
every = 3
"""


def mgrd(root: Path, *arguments: str, **settings: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mgrd", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env={**os.environ, "MGRD_WORKSPACE": str(root), **settings}, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def begin(root: Path, more: str = "", **settings: str) -> Path:
    """A tiny campaign, run to its end."""
    own = root.with_suffix(".toml")
    own.write_text((REPOSITORY / "examples" / "tiny.toml").read_text() + more)
    mgrd(root, "init", str(root), "--settings", str(own))
    mgrd(root, "ingest", "embedded", **settings)
    mgrd(root, "run", **settings)
    return root


PREFERRED = {
    "MGRD_RUNTIME__ENGINE": "mock",
    "MGRD_SPEC__TRAINING__STAGES": '["sft", "dpo"]',
    "MGRD_SPEC__COLD_START__PROBES": "0.5",
    "MGRD_SPEC__PREFERENCES__STEPS": "2",
    "MGRD_SPEC__PREFERENCES__PROBES": "8",
}


@pytest.fixture(scope="module")
def preferred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SFT and DPO for real, on canned chains of which every third denies hearing."""
    return begin(tmp_path_factory.mktemp("preferred") / "w", DENIALS, **PREFERRED)


def test_dpo_trains_the_model_that_sft_left(preferred: Path) -> None:
    models = {row["stage"]: row for row in Store(preferred).read(MODELS).iter_rows(named=True)}
    assert models["train"]["parent_id"] == models["cold start"]["model_id"]
    assert models["dpo"]["parent_id"] == models["train"]["model_id"]
    assert models["dpo"]["model_id"] != models["train"]["model_id"]
    encoders = {load_model(preferred / row["uri"]).encoder_sha for row in models.values()}
    assert len(encoders) == 1, "no stage may change the encoder"


def test_probes_of_pool_clips_become_pairs(preferred: Path) -> None:
    store = Store(preferred)
    asked = store.read(TRACES, {"round": 1, "purpose": "prefer"})
    assert asked.height == 8 * 3
    assert set(asked["split"]) == {"pool"}
    replies = set(asked["trace_id"])
    of_probes = store.read(PREFERENCES).filter(pl.col("chosen_trace_id").is_in(list(replies)))
    assert of_probes.height > 0
    assert set(of_probes["reason"]) == {"hearing_over_denial"}
    assert set(of_probes["rejected_trace_id"]) <= replies


def test_self_cognition_is_measured_in_every_round(preferred: Path) -> None:
    store = Store(preferred)
    denying = store.read(DISTILLED, {"round": 0}).filter(pl.col("style") == "denies")
    assert denying.height == 6, "half of the replies to probes on half of 24 clips"
    errors = store.read(METRICS).filter(pl.col("name") == "self_cognition_error").sort("round", "split")
    assert errors.select("round", "split").rows() == [(0, "dev"), (0, "test"), (1, "dev"), (1, "test")]
    assert errors["value"].is_between(0.2, 0.5).all(), "every third canned chain denies hearing"


def test_the_same_command_again_trains_nothing(preferred: Path) -> None:
    before = Store(preferred).read(LEDGER).height
    mgrd(preferred, "run", **PREFERRED)
    assert Store(preferred).read(LEDGER).height == before


@pytest.mark.parametrize("guarded", [False, True])
def test_reinforcement_goes_on_from_the_model_that_it_is_given(preferred: Path, guarded: bool) -> None:
    """A run that ends where it began, as guards may have it, leaves no second row and no second checkpoint."""
    overrides = {
        "runtime.engine": "transformers",
        "spec.reinforce.steps": 2,
        "spec.reinforce.prompts": 2,
        "spec.reinforce.rollouts": 2,
        "spec.reinforce.window_low": 0,
        "spec.reinforce.heldout_questions": 4,
        "spec.reinforce.guards.enabled": guarded,
    }
    workspace = Workspace.open(preferred, overrides)
    models = {row["stage"]: row for row in workspace.store.read(MODELS).iter_rows(named=True)}
    parent = ModelRef(models["dpo"]["model_id"], models["dpo"]["uri"], 1)
    entry = reinforce_stage(workspace, 1, parent, f"reinforce {guarded}")
    assert entry is not None
    after = workspace.store.read(MODELS)
    assert after["model_id"].is_unique().all()
    reached = after.filter(pl.col("model_id") == entry.counts["model_id"]).row(0, named=True)
    assert (preferred / reached["uri"] / "model.safetensors").is_file()
    assert entry.counts["uri"] == reached["uri"]
    own = list(workspace.models.glob(f"round-01-reinforce-{guarded}*"))
    if reached["model_id"] == parent.model_id:
        assert own == []
    else:
        assert own == [preferred / reached["uri"]]
        assert reached["parent_id"] == parent.model_id
    assert not list(workspace.models.glob(".*.run"))


def test_weights_that_another_stage_has_reached_are_that_checkpoint(preferred: Path, tmp_path: Path) -> None:
    """Two arms of an ablation may train the same: one row, one folder, and both find it."""
    root = tmp_path / "w"
    shutil.copytree(preferred, root, ignore=shutil.ignore_patterns(".prefect"))
    workspace = Workspace.open(root)
    dpo = workspace.store.read(MODELS).filter(pl.col("stage") == "dpo").row(0, named=True)
    twin = workspace.models / "round-01-twin"
    shutil.copytree(root / dpo["uri"], twin)
    report = TrainReport(dpo["model_id"], dpo["template_sha"])
    stage = Stage(name="twin", round=1, version=1, config={}, inputs={})
    uri = put_trained(workspace, stage, ModelRef("parent", "models/parent", 1), twin, report, {})
    assert uri == dpo["uri"]
    assert not twin.exists()
    assert workspace.store.read(MODELS)["model_id"].is_unique().all()


@dataclass(frozen=True)
class TrainReport:
    model_id: str
    template_sha: str


def test_pairs_of_both_kinds_are_exported(preferred: Path, tmp_path: Path) -> None:
    manifest = export_round(Workspace.open(preferred), ExportConfig(round=1, purpose="dpo"), tmp_path / "x")
    stored = Store(preferred).read(PREFERENCES)
    assert manifest.about["refused"] == []
    assert sum(manifest.splits["preferences"].values()) == stored.height
    rows = pl.read_parquet(tmp_path / "x" / "data" / "*.parquet")
    assert dict(rows["reason"].value_counts().iter_rows()) == dict(stored["reason"].value_counts().iter_rows())
    of_probes = rows.filter(pl.col("reason") == "hearing_over_denial").filter(pl.col("skill") == "self_cognition")
    assert of_probes.height > 0
    assert set(of_probes["question"]) <= set(PROBES)
    asked = [row["prompt"][-1]["content"][-1]["text"] for row in of_probes.iter_rows(named=True)]
    assert asked == of_probes["question"].to_list(), "probes are asked plainly, without choices"
    assert {prompt["id"] for prompt in manifest.about["prompts"]} == {"sample/perceive", "sample/plain"}


def test_probes_leave_out_clips_that_overlap_with_what_is_measured(preferred: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    shutil.copytree(preferred, root, ignore=shutil.ignore_patterns(".prefect"))
    store = Store(root)
    spec = Workspace.open(root).settings.spec
    asked = paired_probes(store.scan, spec)
    clip = asked["clip_id"][0]
    overlap = {"question_id": "q", "clip_id": clip, "benchmark": "b", "other": "o", "reason": "audio"}
    store.replace(OVERLAPS, frame_of(OVERLAPS, [overlap]), {})
    assert set(paired_probes(store.scan, spec)["clip_id"]) == set(asked["clip_id"]) - {clip}
    text_alone = frame_of(OVERLAPS, [{**overlap, "reason": "question"}])
    store.replace(OVERLAPS, text_alone, {})
    assert paired_probes(store.scan, spec).equals(asked), "wording that a benchmark has, too, does not taint the clip"
