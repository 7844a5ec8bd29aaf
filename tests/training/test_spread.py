"""Several processes: two on the CPU (gloo) take the same steps as one on the same batches."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mgrd.errors import TrainingError
from mgrd.models.checkpoints import load_model
from mgrd.models.render import Renderer
from mgrd.training.adapters import Lora, trainable_parameters
from mgrd.training.batches import render_rows
from mgrd.training.features import FeatureCache
from mgrd.training.launch import launch_sft
from mgrd.training.loss import weighted_loss
from mgrd.training.sft import train_sft
from tests.tiny_model import rows
from tests.training.test_resume import ROWS

PROJECT = Path(__file__).resolve().parents[2]
ACCELERATE = (
    sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(PROJECT / "examples/accelerate/cpu.yaml"),
)  # fmt: skip
SETTINGS = {"steps": 4, "batch_rows": 3, "learning_rate": 1e-2, "warmup": 0.1, "weight_decay": 0.01, "seed": 0}


def test_two_processes_under_accelerate_equal_one(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    """Batches of three rows in parts of one, some without sound: the processes' shards are uneven in every way."""
    lora = Lora(rank=2, alpha=4)
    one = train_sft(folder, tmp_path / "one", ROWS, features, lora=lora, **SETTINGS)
    told: list[int] = []
    two = launch_sft(
        ACCELERATE, folder, tmp_path / "two", ROWS, features, lora=lora, on_step=told.append, part_rows=1,
        checkpoint_steps=2, **SETTINGS,
    )  # fmt: skip
    assert two.processes == 2
    assert two.losses == pytest.approx(one.losses, abs=1e-4)
    assert two.tokens >= one.tokens
    assert told == [1, 1, 1, 1]
    weights = [dict(load_model(tmp_path / name).model.named_parameters()) for name in ("one", "two")]
    for name, weight in weights[0].items():
        assert weight.detach().numpy() == pytest.approx(weights[1][name].detach().numpy(), abs=1e-3), name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_sharded_weights_give_the_same_loss_and_their_state_is_whole(
    folder: Path, features: FeatureCache, tmp_path: Path
) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*torchrun, "-m", "tests.training.sharded"]
    arguments = [str(folder), str(features.folder.parent), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [*command, *arguments], check=False, cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads((tmp_path / "report.json").read_text())
    model = load_model(folder).model
    batch = render_rows(ROWS, Renderer(load_model(folder).processor), features)
    total, _ = weighted_loss(model, batch, features)
    learnt = sum(len(row.example.completion) for row in batch)
    assert report["losses"][0] == pytest.approx(float(total) / learnt, abs=1e-5)
    assert report["losses"][2] < report["losses"][0]
    assert report["resumed"] == pytest.approx(report["losses"][2], abs=1e-6)
    assert report["found"] == [2, {"losses": report["losses"][:2]}]
    trainable_parameters(model)
    assert report["names"] == sorted(f"model.{name}" for name, p in model.named_parameters() if p.requires_grad)


def test_a_launch_that_fails_says_how_its_log_ends(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    empty = rows(["clip0"]).head(0)
    with pytest.raises(TrainingError, match=r"(?s)log\.txt ends.*no rows to train on"):
        launch_sft([sys.executable], folder, tmp_path / "out", empty, features, **SETTINGS)


def test_a_launcher_that_does_not_exist_is_named(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no-such-launcher.*runtime\.launch"):
        launch_sft(["no-such-launcher"], folder, tmp_path / "out", ROWS, features, **SETTINGS)
