"""SFT on reasoning chains (eq. 1 and 5): the projector and the decoder learn, the encoder is frozen.

A small loop of our own instead of transformers' Trainer: a batch here is a pack of rows that share
audio prefixes, comes from cached encoder features, and needs logits at loss positions alone. Trainer
has no place for these without replacing its collator, sampler and loss, and known trainers train
audio models text-only without saying so. The encoder is never run and never changed here.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import torch
from torch import Tensor
from transformers import Qwen2AudioForConditionalGeneration

from mgrd.errors import TrainingError
from mgrd.models.checkpoints import load_model, save_model
from mgrd.models.forward import completion_logprobs, pack_rows
from mgrd.models.parallel import Workers, workers
from mgrd.models.precision import Precision, choose_precision, computing_in
from mgrd.models.render import Renderer
from mgrd.training.batches import TrainingRow, draw_batches, render_rows, shard_batch
from mgrd.training.features import FeatureCache

CLIP_NORM = 1.0
BETAS = (0.9, 0.98)


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What a training run did: the new checkpoint's key, the loss per step, and its cost.

    `tokens` counts computed tokens, shared prefixes once, padding not at all.
    """

    model_id: str
    template_sha: str
    losses: list[float]
    tokens: int
    seconds: float
    precision: str


def train_sft(
    model_folder: Path,
    out_folder: Path,
    rows: pl.DataFrame,
    features: FeatureCache,
    *,
    steps: int,
    batch_rows: int,
    learning_rate: float,
    warmup: float,
    weight_decay: float,
    seed: int,
    precision: Precision = "float32",
    on_step: Callable[[int], None] | None = None,
) -> TrainReport:
    """Train the checkpoint in `model_folder` on `rows` (table `distilled`) and save a whole one to `out_folder`.

    AdamW in float32, linear warm-up for the share `warmup` of the steps, then cosine to zero. The loss
    is the mean over completion tokens, weighted by each row's `weight`. Every clip of the rows must be
    in `features`. `precision` is that of the matrix products. `on_step` gets 1 after each step. The
    same arguments give the same weights on the same machine. Raises TrainingError when there is
    nothing to train on or the loss is no longer finite; then nothing is saved.
    """
    started = time.perf_counter()
    loaded = load_model(model_folder)
    rendered = render_rows(rows, Renderer(loaded.processor), features)
    model = loaded.model.train()
    parameters = trainable_parameters(model)
    optimizer = torch.optim.AdamW(
        _decay_groups(model, weight_decay), lr=learning_rate, betas=BETAS, weight_decay=weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_factor(step, steps, warmup))
    losses, tokens = [], 0
    dtype = choose_precision(precision, str(model.device))
    with workers() as crew:
        for step, batch in enumerate(draw_batches(rendered, batch_rows, steps, seed)):
            loss, count = set_gradients(model, parameters, batch, features, crew, dtype)
            if not math.isfinite(loss):
                raise TrainingError(f"step {step}: loss is {loss}; lower the learning rate ({learning_rate:g})")
            torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM, foreach=True)
            optimizer.step()
            schedule.step()
            losses.append(loss)
            tokens += count
            if on_step:
                on_step(1)
    sha = save_model(model.eval(), loaded.processor, out_folder)
    used = str(dtype).removeprefix("torch.")
    return TrainReport(sha, loaded.template_sha, losses, tokens, time.perf_counter() - started, used)


def set_gradients(
    model: Qwen2AudioForConditionalGeneration,
    parameters: list[torch.nn.Parameter],
    batch: list[TrainingRow],
    features: FeatureCache,
    crew: Workers,
    dtype: torch.dtype = torch.float32,
) -> tuple[float, int]:
    """Set the gradients of the batch's mean loss, shards of it side by side; returns loss and tokens computed."""

    def differentiate(shard: list[TrainingRow]) -> tuple[float, int, tuple[Tensor, ...]]:
        with computing_in(dtype, str(model.device)):
            total, tokens = weighted_loss(model, shard, features)
        loss = total / weight
        return loss.item(), tokens, torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)

    weight = sum(row.weight * len(row.example.completion) for row in batch)
    parts = crew.map(differentiate, shard_batch(batch, crew.count))
    for parameter, *gradients in zip(parameters, *(gradients for _, _, gradients in parts), strict=True):
        parameter.grad = gradients[0]
        for gradient in gradients[1:]:
            parameter.grad.add_(gradient)
    return sum(loss for loss, _, _ in parts), sum(tokens for _, tokens, _ in parts)


def weighted_loss(
    model: Qwen2AudioForConditionalGeneration, batch: list[TrainingRow], features: FeatureCache
) -> tuple[Tensor, int]:
    """Sum over completion tokens of weighted negative log-likelihood, and the number of tokens computed."""
    ordered = sorted(batch, key=lambda row: len(row.example.prompt.rest) + len(row.example.completion))
    pack = pack_rows(
        [row.example.prompt for row in ordered],
        [row.example.completion for row in ordered],
        [row.clip_id for row in ordered],
    )
    clips = list(dict.fromkeys(row.clip_id for row in ordered if row.clip_id is not None))
    lengths = [len(row.example.completion) for row in ordered]
    logprobs = completion_logprobs(model, pack, lengths, *features.get(clips))
    weights = torch.tensor([row.weight for row in ordered]).repeat_interleave(torch.tensor(lengths))
    return -(logprobs * weights).sum(), pack.tokens


def trainable_parameters(model: Qwen2AudioForConditionalGeneration) -> list[torch.nn.Parameter]:
    """Marks projector, decoder and head as trainable, the encoder as frozen; returns the trainable ones."""
    model.requires_grad_(True)
    model.model.audio_tower.requires_grad_(False)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _decay_groups(model: Qwen2AudioForConditionalGeneration, weight_decay: float) -> list[dict[str, object]]:
    """Matrices decay; norms, biases and embeddings do not."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    decayed = [p for name, p in named if p.ndim == 2 and "embed_tokens" not in name]
    kept = [p for name, p in named if not (p.ndim == 2 and "embed_tokens" not in name)]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]


def rate_factor(step: int, steps: int, warmup: float) -> float:
    """Share of the peak rate at a step: linear from 0 over the warm-up, then a cosine to 0."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
