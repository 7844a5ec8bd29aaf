"""Checkpoints of a run under way: what it takes to go on as if nothing had happened.

SFT, preferences and reinforcement share it. A checkpoint is a folder `step-000120` with the trained
parameters and the optimiser's state of each thing that learns (the policy, a value head) as safetensors
and the rest as JSON; nothing is ever pickled. It is written beside its place and renamed, then older
ones are removed, so there is always a whole one. Tensors are whole (gathered from all processes), so
a run may go on with another number of processes.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.optim import Optimizer

from mgrd.errors import TrainingError, boundary

PROGRESS, KEPT = "progress.json", "kept.safetensors"
Learners = Mapping[str, tuple[nn.Module, Optimizer]]
"""What learns, by name: its module (frozen parameters are left out) and its optimiser."""

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a checkpoint holds beside the learners' own state: the steps behind it, and what the caller put there."""

    step: int
    progress: dict[str, Any]
    kept: dict[str, Tensor]


class RunState:
    """The checkpoints of one run in `folder`; `key` says which run, so that another one never goes on from them."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key

    @classmethod
    def beside(cls, out_folder: Path, key: str) -> "RunState":
        """Of the run that will save its model to `out_folder`: the same call finds them again."""
        return cls(out_folder.with_name(f".{out_folder.name}.run"), key)

    def save(
        self, step: int, learners: Learners, progress: Mapping[str, object], kept: Mapping[str, Tensor] | None = None
    ) -> None:
        """Write the state after `step` steps. `progress` (plain data) and `kept` (tensors) are the caller's own.

        Every process must call it.
        """
        files = {KEPT: {name: tensor.contiguous() for name, tensor in kept.items()}} if kept else {}
        for name, (module, optimizer) in learners.items():
            moments: dict[str, Any] = get_optimizer_state_dict(module, optimizer, options=_WHOLE)
            files[_parameters(name)] = trained_parameters(module)
            files[_optimizer(name)] = _flatten(moments["state"]) if _writes() else {}
        if not _writes():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.folder))
        with boundary(TrainingError, f"cannot write a checkpoint to {self.folder}"):
            for file, tensors in files.items():
                save_file(tensors, draft / file)
            document = {"key": self.key, "step": step, "progress": dict(progress)}
            (draft / PROGRESS).write_text(json.dumps(document))
            place = self.folder / f"step-{step:06d}"
            shutil.rmtree(place, ignore_errors=True)
            draft.rename(place)
        for other in self.folder.iterdir():
            if other != place:
                shutil.rmtree(other, ignore_errors=True)

    def restore(self, learners: Learners) -> Restored | None:
        """Load the newest checkpoint into what learns; the rest of it is returned.

        None where there is none of this run; those of another run are removed. Every process must call it.
        """
        places = sorted(self.folder.glob("step-*"), reverse=True)
        if not places:
            return None
        with boundary(TrainingError, f"cannot read the checkpoint {places[0]}; remove {self.folder} to start anew"):
            document = json.loads((places[0] / PROGRESS).read_text())
            if document["key"] != self.key:
                self.discard()
                return None
            for name, (module, optimizer) in learners.items():
                _load(places[0], name, module, optimizer)
            own = load_file(places[0] / KEPT) if (places[0] / KEPT).exists() else {}
        return Restored(int(document["step"]), document["progress"], own)

    def discard(self) -> None:
        """Remove the checkpoints: the run is finished, or another one."""
        if _writes():
            shutil.rmtree(self.folder, ignore_errors=True)


def _load(place: Path, name: str, module: nn.Module, optimizer: Optimizer) -> None:
    parameters: dict[str, Any] = {}
    moments: dict[str, Any] = get_optimizer_state_dict(module, optimizer, options=_WHOLE)
    if _writes():
        parameters = load_file(place / _parameters(name))
        moments["state"] = _unflatten(load_file(place / _optimizer(name)))
    options = StateDictOptions(full_state_dict=True, strict=False, broadcast_from_rank0=dist.is_initialized())
    missing = set_model_state_dict(module, parameters, options=options)
    if missing.unexpected_keys:
        raise TrainingError(f"it has the unknown parameter {missing.unexpected_keys[0]}")
    set_optimizer_state_dict(module, optimizer, moments, options=options)


def _parameters(name: str) -> str:
    return f"{name}.parameters.safetensors"


def _optimizer(name: str) -> str:
    return f"{name}.optimizer.safetensors"


def trained_parameters(module: nn.Module) -> dict[str, Tensor]:
    """Whole trained parameters by name, on the CPU; empty in all processes but the first. All must call it."""
    state = get_model_state_dict(module, options=_WHOLE)
    return {name: tensor.contiguous() for name, tensor in state.items() if isinstance(tensor, Tensor)}


def _writes() -> bool:
    return not dist.is_initialized() or dist.get_rank() == 0


def _flatten(state: Mapping[str, Any]) -> dict[str, Tensor]:
    return {f"{name}|{kind}": tensor for name, moments in state.items() for kind, tensor in moments.items()}


def _unflatten(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    state: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        name, _, kind = key.rpartition("|")
        state.setdefault(name, {})[kind] = tensor
    return state
