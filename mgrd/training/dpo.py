"""DPO (Rafailov et al., arXiv 2305.18290): the preferred chain of a pair becomes likelier than the rejected one.

The first model's log-probabilities are computed once, before anything moves. The encoder is never run.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from mgrd.errors import TrainingError
from mgrd.models.checkpoints import LoadedModel, save_model
from mgrd.models.parallel import Workers, workers
from mgrd.models.precision import Precision, choose_precision, computing_in
from mgrd.models.render import RenderedExample
from mgrd.settings_training import PreferenceSpec
from mgrd.training.adapters import trainable_parameters
from mgrd.training.batches import TrainingRow
from mgrd.training.features import FeatureCache
from mgrd.training.optimizer import BETAS, CLIP_NORM, rate_factor, set_rate
from mgrd.training.reinforce import shard_states


@dataclass(frozen=True, slots=True)
class Pair:
    """Two completions of one prompt on one clip (None: text)."""

    pair_id: str
    clip_id: str | None
    chosen: RenderedExample
    rejected: RenderedExample


@dataclass(frozen=True, slots=True)
class DpoReport:
    """Loss and share of rightly ordered pairs per step; `model_id` is that of the saved checkpoint."""

    model_id: str
    template_sha: str
    losses: list[float]
    ordered: list[float]
    tokens: int


def dpo_loss(chosen: Tensor, rejected: Tensor, before: Tensor, beta: float) -> Tensor:
    """-log sigmoid(beta ((chosen - rejected) - before)) per pair; log-probabilities are sums over completions.

    `before` is chosen less rejected under the first model.
    """
    return -logsigmoid(beta * (chosen - rejected - before))


def train_dpo(
    loaded: LoadedModel,
    out_folder: Path,
    pairs: Sequence[Pair],
    features: FeatureCache,
    spec: PreferenceSpec,
    *,
    seed: int,
    precision: Precision = "float32",
    on_step: Callable[[int], None] | None = None,
) -> DpoReport:
    """Train `loaded` on the pairs and save it. Every clip must be in `features`.

    Raises TrainingError without pairs and when the loss is no longer finite; then nothing is saved.
    """
    if not pairs:
        raise TrainingError("there are no preference pairs; the round's chains hold no pair of one question")
    model = loaded.model.eval()
    dtype = choose_precision(precision, str(model.device))
    parameters = trainable_parameters(model)
    optimizer = torch.optim.AdamW(parameters, lr=spec.learning_rate, betas=BETAS, weight_decay=0.0)
    losses, ordered, tokens = [], [], 0
    order = _orders(len(pairs), spec.batch_pairs, spec.steps, seed)

    def margins(batch: Sequence[Pair]) -> tuple[Tensor, Tensor, int]:
        rows = [TrainingRow(p.pair_id, p.clip_id, one, 1.0) for p in batch for one in (p.chosen, p.rejected)]
        with computing_in(dtype, str(model.device)):
            logprobs, _, count = shard_states(model, rows, features)
        sums = torch.stack([part.sum() for part in logprobs.split([len(row.example.completion) for row in rows])])
        return sums[::2], sums[1::2], count

    with workers() as crew:
        before = _margins_before(pairs, margins, spec.batch_pairs, crew)
        for step, places in enumerate(order):
            set_rate(optimizer, spec.learning_rate * rate_factor(step, spec.steps, spec.warmup))

            def differentiate(shard: list[int]) -> tuple[float, int, int, tuple[Tensor, ...]]:
                chosen, rejected, count = margins([pairs[at] for at in shard])
                each = dpo_loss(chosen, rejected, before[shard], spec.beta)
                loss = each.sum() / len(places)  # noqa: B023  # read within this step
                right = int((chosen - rejected > before[shard]).sum())
                gradients = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
                return loss.item(), right, count, gradients

            share = math.ceil(len(places) / crew.count)
            parts = crew.map(differentiate, [places[at : at + share] for at in range(0, len(places), share)])
            loss = sum(part[0] for part in parts)
            if not math.isfinite(loss):
                raise TrainingError(f"step {step}: loss is {loss}; lower preferences.learning_rate")
            for parameter, *gradients in zip(parameters, *(part[3] for part in parts), strict=True):
                parameter.grad = torch.stack(gradients).sum(0)
            torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM, foreach=True)
            optimizer.step()
            losses.append(loss)
            ordered.append(sum(part[1] for part in parts) / len(places))
            tokens += sum(part[2] for part in parts)
            if on_step:
                on_step(1)
    return DpoReport(save_model(model, loaded.processor, out_folder), loaded.template_sha, losses, ordered, tokens)


def _margins_before(
    pairs: Sequence[Pair],
    margins: Callable[[Sequence[Pair]], tuple[Tensor, Tensor, int]],
    batch: int,
    crew: Workers,
) -> Tensor:
    """Chosen less rejected under the first model [pairs]."""

    def read(part: Sequence[Pair]) -> Tensor:
        with torch.no_grad():
            chosen, rejected, _ = margins(part)
        return chosen - rejected

    return torch.cat(crew.map(read, [pairs[at : at + batch] for at in range(0, len(pairs), batch)]))


def _orders(count: int, batch: int, steps: int, seed: int) -> list[list[int]]:
    """Places of each step's pairs: every pair once before any comes again, in orders drawn from the seed."""
    rng = np.random.default_rng(seed)
    waiting: list[int] = []
    orders = []
    for _ in range(steps):
        while len(waiting) < batch:
            waiting += rng.permutation(count).tolist()
        orders.append(waiting[:batch])
        del waiting[:batch]
    return orders
