"""Killed and started again: a run goes on from its last checkpoint and ends as if nothing had happened."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mgrd.errors import TrainingError
from mgrd.training.adapters import Lora
from mgrd.training.features import FeatureCache
from mgrd.training.sft import TrainReport, train_sft
from tests.tiny_model import rows

ROWS = rows(["clip0", "clip1", "clip2", None])
SETTINGS = {"steps": 9, "batch_rows": 4, "learning_rate": 1e-2, "warmup": 0.1, "weight_decay": 0.01, "seed": 0}

KILLED = """
import os, signal, sys
from pathlib import Path
from mgrd.models.checkpoints import load_model
from mgrd.training.features import FeatureCache
from mgrd.training.sft import train_sft
from tests.training.test_resume import ROWS, SETTINGS

folder, out, features, last = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
done = 0

def on_step(count):
    global done
    done += count
    if done == last:
        os.kill(os.getpid(), signal.SIGKILL)

cache = FeatureCache(features, load_model(folder).encoder_sha, "float32")
train_sft(folder, out, ROWS, cache, **SETTINGS, checkpoint_steps=2, on_step=on_step)
"""


class StopRunError(Exception):
    """Ends a run as a kill would, in this process."""


def train(folder: Path, out: Path, features: FeatureCache, **changes: object) -> TrainReport:
    return train_sft(folder, out, ROWS, features, **{**SETTINGS, "checkpoint_steps": 2, **changes})


def stop_after(folder: Path, out: Path, features: FeatureCache, last: int, **changes: object) -> None:
    done = 0

    def on_step(count: int) -> None:
        nonlocal done
        done += count
        if done >= last:
            raise StopRunError

    with pytest.raises(StopRunError):
        train(folder, out, features, on_step=on_step, **changes)


def test_a_process_killed_at_a_step_goes_on_and_ends_with_the_same_weights(
    folder: Path, features: FeatureCache, tmp_path: Path
) -> None:
    whole = train(folder, tmp_path / "whole", features)
    arguments = [str(folder), str(tmp_path / "out"), str(features.folder.parent), "5"]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    told: list[int] = []
    again = train(folder, tmp_path / "out", features, on_step=told.append)
    assert again.resumed == 4
    assert told == [4, 1, 1, 1, 1, 1]
    assert again.model_id == whole.model_id
    assert again.losses == whole.losses
    assert again.tokens == whole.tokens
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


def test_adapters_go_on_too(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    lora = Lora(rank=2, alpha=4)
    whole = train(folder, tmp_path / "whole", features, lora=lora)
    stop_after(folder, tmp_path / "out", features, 7, lora=lora)
    again = train(folder, tmp_path / "out", features, lora=lora)
    assert (again.resumed, again.model_id) == (6, whole.model_id)


def test_a_checkpoint_holds_safetensors_and_json_alone_and_only_the_newest_stays(
    folder: Path, features: FeatureCache, tmp_path: Path
) -> None:
    stop_after(folder, tmp_path / "out", features, 7)
    (step,) = (tmp_path / ".out.run").iterdir()
    assert step.name == "step-000006"
    names = sorted(path.name for path in step.iterdir())
    assert names == ["policy.optimizer.safetensors", "policy.parameters.safetensors", "progress.json"]
    assert len(json.loads((step / "progress.json").read_text())["progress"]["losses"]) == 6


@pytest.mark.parametrize("changes", [{"learning_rate": 2e-2}, {"seed": 1}, {"steps": 8}, {"lora": Lora(2, 4)}])
def test_another_run_never_goes_on_from_it(
    folder: Path, features: FeatureCache, tmp_path: Path, changes: dict[str, object]
) -> None:
    stop_after(folder, tmp_path / "out", features, 5)
    assert train(folder, tmp_path / "out", features, **changes).resumed == 0


def test_a_half_written_checkpoint_is_not_one(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    stop_after(folder, tmp_path / "out", features, 5)
    draft = tmp_path / ".out.run" / ".draft-x"
    draft.mkdir()
    (draft / "progress.json").write_text("{")
    assert train(folder, tmp_path / "out", features).resumed == 4


def test_a_damaged_checkpoint_says_what_to_remove(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    stop_after(folder, tmp_path / "out", features, 5)
    (step,) = (tmp_path / ".out.run").iterdir()
    (step / "policy.optimizer.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(TrainingError, match="to start anew"):
        train(folder, tmp_path / "out", features)


def test_how_it_runs_does_not_make_it_another_run(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    stop_after(folder, tmp_path / "out", features, 5)
    again = train(folder, tmp_path / "out", features, part_rows=2, activation_checkpointing=True, checkpoint_steps=3)
    assert again.resumed == 4
