"""Checkpoints of a reinforcement run: tensors as safetensors, the rest as JSON, no pickles.

A checkpoint is written beside the last one and renamed into place, so a killed run finds a whole one or none.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from mgrd.errors import TrainingError, boundary

TENSORS, DOCUMENT = "state.safetensors", "state.json"


@dataclass(frozen=True, slots=True)
class Moments:
    """AdamW's memory of each parameter, in the optimizer's order: the step, both moments."""

    tensors: dict[str, Tensor]

    @classmethod
    def of(cls, optimizer: torch.optim.Optimizer) -> "Moments":
        states = optimizer.state_dict()["state"]
        return cls({f"{at}.{key}": torch.as_tensor(v) for at, state in states.items() for key, v in state.items()})

    def put(self, optimizer: torch.optim.Optimizer) -> None:
        """Load them into an optimizer of the same parameters."""
        states: dict[int, dict[str, Tensor]] = {}
        for name, value in self.tensors.items():
            at, key = name.split(".", 1)
            states.setdefault(int(at), {})[key] = value
        optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A read checkpoint."""

    tensors: dict[str, Tensor]
    moments: dict[str, Moments]
    document: dict[str, Any]

    def named(self, prefix: str) -> dict[str, Tensor]:
        """The tensors below a prefix, without it."""
        return below(self.tensors, prefix)


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def write_state(
    folder: Path, tensors: Mapping[str, Tensor], moments: Mapping[str, Moments], document: Mapping[str, object]
) -> None:
    """Replace the checkpoint in `folder`."""
    draft = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    flat = {f"tensor.{name}": value.contiguous().clone() for name, value in tensors.items()}
    for owner, memory in moments.items():
        flat |= {f"moments.{owner}.{name}": value.contiguous().clone() for name, value in memory.tensors.items()}
    save_file(flat, draft / TENSORS)
    (draft / DOCUMENT).write_text(json.dumps(document))
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def read_state(folder: Path) -> Checkpoint | None:
    """The checkpoint in `folder`, None when there is none. Raises TrainingError when it cannot be read."""
    if not (folder / DOCUMENT).is_file():
        return None
    with boundary(TrainingError, f"cannot go on from {folder}; remove it to start again"):
        flat = load_file(folder / TENSORS)
        document = json.loads((folder / DOCUMENT).read_text())
    memory = below(flat, "moments.")
    owners = sorted({name.split(".", 1)[0] for name in memory})
    moments = {owner: Moments(below(memory, f"{owner}.")) for owner in owners}
    for owner in ("policy", "value"):
        moments.setdefault(owner, Moments({}))
    return Checkpoint(below(flat, "tensor."), moments, document)
