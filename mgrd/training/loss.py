"""The loss of SFT and its gradients, in one process or several.

A batch is one sum over its completion tokens, divided by the batch's whole weight. How it is cut into
shards (threads or processes) and parts that are computed one after another changes the cost and the
order of additions, never what is computed.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import Qwen2AudioForConditionalGeneration

from mgrd.models.parallel import Workers
from mgrd.models.precision import computing_in
from mgrd.training.batches import TrainingRow, cut_rows, shard_batch
from mgrd.training.features import FeatureCache
from mgrd.training.gradients import put_gradients, row_states


class WeightedLoss(nn.Module):
    """The loss as a module of its own, because DDP and FSDP act on a module's `forward`."""

    def __init__(self, model: Qwen2AudioForConditionalGeneration) -> None:
        super().__init__()
        self.model = model

    def forward(self, rows: list[TrainingRow], features: FeatureCache) -> tuple[Tensor, int]:
        """As `weighted_loss`; rows without a clip still reach the projector, with a zero, so that every process
        has a gradient for it."""
        total, tokens = weighted_loss(self.model, rows, features)
        if all(row.clip_id is None for row in rows):
            projector = self.model.model.multi_modal_projector
            silent = torch.zeros(1, projector.linear.in_features, device=total.device)
            total = total + 0.0 * projector(silent).sum()
        return total, tokens


def weighted_loss(
    model: Qwen2AudioForConditionalGeneration, rows: Sequence[TrainingRow], features: FeatureCache
) -> tuple[Tensor, int]:
    """Sum over completion tokens of weighted negative log-likelihood, and the number of tokens computed."""
    ordered = sorted(rows, key=lambda row: len(row.example.prompt.rest) + len(row.example.completion))
    logprobs, _, tokens = row_states(model, ordered, features)
    lengths = torch.tensor([len(row.example.completion) for row in ordered])
    weights = torch.tensor([row.weight for row in ordered]).repeat_interleave(lengths)
    return -(logprobs * weights.to(logprobs.device)).sum(), tokens


def batch_weight(batch: Sequence[TrainingRow]) -> float:
    """What the batch's summed loss is divided by: its completion tokens, by their rows' weights."""
    return sum(row.weight * len(row.example.completion) for row in batch)


def set_gradients(
    model: Qwen2AudioForConditionalGeneration,
    parameters: list[nn.Parameter],
    batch: list[TrainingRow],
    features: FeatureCache,
    crew: Workers,
    dtype: torch.dtype = torch.float32,
    part_rows: int = 0,
) -> tuple[float, int]:
    """Set the gradients of the batch's mean loss, shards of it side by side; returns loss and tokens computed.

    A shard of more than `part_rows` rows (0: no limit) is computed part by part, gradients adding up.
    """
    weight = batch_weight(batch)

    def differentiate(shard: list[TrainingRow]) -> tuple[float, int, list[Tensor]]:
        summed, counted, gradients = 0.0, 0, []
        for part in cut_rows(shard, part_rows):
            with computing_in(dtype, str(model.device)):
                total, tokens = weighted_loss(model, part, features)
            loss = total / weight
            found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
            summed, counted = summed + loss.item(), counted + tokens
            gradients = [a.add_(b) for a, b in zip(gradients, found, strict=True)] if gradients else list(found)
        return summed, counted, gradients

    parts = crew.map(differentiate, shard_batch(batch, crew.count))
    put_gradients(parameters, [gradients for _, _, gradients in parts])
    return sum(loss for loss, _, _ in parts), sum(tokens for _, tokens, _ in parts)
