"""One optimiser step at a time, in this process or together with others.

In one process on the CPU, shards of a batch are computed side by side by threads. Under `accelerate
launch` or torchrun every process draws the same batch and computes its shard; accelerate wraps the loss
in DDP or FSDP, whichever its configuration asks for. The sum is the same.
"""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import nn
from transformers import Qwen2AudioForConditionalGeneration

from mgrd.errors import TrainingError
from mgrd.models.checkpoints import LoadedModel, load_model
from mgrd.models.parallel import Workers, workers
from mgrd.models.precision import computing_in
from mgrd.training.adapters import Lora, choose_trained
from mgrd.training.batches import TrainingRow, cut_rows, shard_batch
from mgrd.training.features import FeatureCache
from mgrd.training.gradients import update
from mgrd.training.loss import WeightedLoss, batch_weight, set_gradients
from mgrd.training.optimizer import CLIP_NORM, build_optimizer, set_rate
from mgrd.training.state import trained_parameters


class Learner(Protocol):
    """`module` holds the model as its `model`; `first` is true in the one process that writes and reports."""

    first: bool

    @property
    def module(self) -> nn.Module: ...

    @property
    def optimizer(self) -> torch.optim.Optimizer: ...

    def step(self, batch: list[TrainingRow], rate: float) -> tuple[float, int]:
        """One optimiser step on the whole batch; returns its mean loss and the tokens computed, of all processes."""
        ...

    def finish(self, save: Callable[[Qwen2AudioForConditionalGeneration], None]) -> None:
        """Give the whole trained model to `save`, in one process; the others return when it is done."""
        ...


def process_count() -> int:
    """Processes that `accelerate launch` or torchrun started for this run."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def open_learner(
    loaded: LoadedModel,
    features: FeatureCache,
    *,
    learning_rate: float,
    weight_decay: float,
    dtype: torch.dtype,
    part_rows: int,
    lora: Lora | None,
    seed: int,
    device: str,
) -> Iterator[Learner]:
    """The learner for where we run, on the loaded checkpoint: full training, or adapters on it."""
    choose_trained(loaded.model, lora, seed)
    if process_count() > 1:
        yield SpreadLearner(loaded, features, learning_rate, weight_decay, dtype, part_rows, lora, device)
        return
    with workers(None if loaded.model.device.type == "cpu" else 1) as crew:
        yield LocalLearner(loaded, features, learning_rate, weight_decay, dtype, part_rows, crew)


class LocalLearner:
    """One process: threads on the CPU, or one device."""

    first = True

    def __init__(
        self, loaded: LoadedModel, features: FeatureCache, learning_rate: float, weight_decay: float,
        dtype: torch.dtype, part_rows: int, crew: Workers,
    ) -> None:  # fmt: skip
        self.module = WeightedLoss(loaded.model)
        self.optimizer = build_optimizer(self.module.named_parameters(), learning_rate, weight_decay)
        self._features, self._dtype, self._part_rows, self._crew = features, dtype, part_rows, crew
        self._parameters = [parameter for parameter in loaded.model.parameters() if parameter.requires_grad]

    def step(self, batch: list[TrainingRow], rate: float) -> tuple[float, int]:
        set_rate(self.optimizer, rate)
        loss, tokens = set_gradients(
            self.module.model, self._parameters, batch, self._features, self._crew, self._dtype, self._part_rows
        )
        if math.isfinite(loss):
            update(self._parameters, self.optimizer)
        return loss, tokens

    def finish(self, save: Callable[[Qwen2AudioForConditionalGeneration], None]) -> None:
        save(self.module.model)


class SpreadLearner:
    """Several processes: accelerate places the model, averages gradients and shards what it is told to."""

    def __init__(
        self, loaded: LoadedModel, features: FeatureCache, learning_rate: float, weight_decay: float,
        dtype: torch.dtype, part_rows: int, lora: Lora | None, device: str,
    ) -> None:  # fmt: skip
        from accelerate import Accelerator

        self._accelerator = Accelerator(
            cpu=device == "cpu", mixed_precision="bf16" if dtype == torch.bfloat16 else "no"
        )
        self.first = self._accelerator.is_main_process
        self._folder, self._lora = loaded.folder, lora
        module: Any = WeightedLoss(loaded.model)
        optimizer = build_optimizer(module.named_parameters(), learning_rate, weight_decay)
        self.module, stepper = self._accelerator.prepare(module, optimizer)
        self.optimizer = stepper.optimizer
        self._features, self._dtype, self._part_rows = features, dtype, part_rows

    def step(self, batch: list[TrainingRow], rate: float) -> tuple[float, int]:
        """Every process takes as many parts, because FSDP's processes meet in each: a missing one has weight 0."""
        accelerator = self._accelerator
        count = accelerator.num_processes
        set_rate(self.optimizer, rate)
        self.optimizer.zero_grad()
        shards = [cut_rows(shard, self._part_rows) for shard in shard_batch(batch, count)]
        own = shards[accelerator.process_index] if accelerator.process_index < len(shards) else []
        longest = max(len(parts) for parts in shards)
        weight, summed, counted = batch_weight(batch), 0.0, 0
        for place in range(longest):
            part, share = (own[place], count / weight) if place < len(own) else (batch[:1], 0.0)
            last = place == longest - 1
            with nullcontext() if last else accelerator.no_sync(self.module):
                with computing_in(self._dtype, str(accelerator.device)):
                    total, tokens = self.module(part, self._features)
                loss = total * share  # gradients are averaged over processes
                accelerator.backward(loss)
            if share:
                summed, counted = summed + loss.item() / count, counted + tokens
        told = torch.tensor([summed, counted], dtype=torch.float64, device=accelerator.device)
        told = accelerator.reduce(told, "sum")
        assert isinstance(told, torch.Tensor)
        summed, counted = told.tolist()
        if math.isfinite(summed):
            accelerator.clip_grad_norm_(self.module.parameters(), CLIP_NORM)
            self.optimizer.step()
        return summed, int(counted)

    def finish(self, save: Callable[[Qwen2AudioForConditionalGeneration], None]) -> None:
        parameters = trained_parameters(self.module)
        if self.first:
            whole = load_model(self._folder).model
            choose_trained(whole, self._lora, 0)
            own = {name.removeprefix("model."): tensor for name, tensor in parameters.items()}
            missing = whole.load_state_dict(own, strict=False)
            if missing.unexpected_keys:
                raise TrainingError(f"the trained model has the unknown parameter {missing.unexpected_keys[0]}")
            save(whole)
        self._accelerator.wait_for_everyone()
