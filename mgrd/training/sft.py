"""SFT on reasoning chains (eq. 1 and 5): the projector and the decoder learn, the encoder is frozen.

The loop stands on accelerate and not on transformers' Trainer: a batch here is a pack of rows that share
audio prefixes, comes from cached encoder features, and needs logits at loss positions alone; and Trainer
pickles its state. The encoder is never run and never changed here.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import polars as pl
from transformers import Qwen2AudioForConditionalGeneration

from mgrd.errors import TrainingError
from mgrd.ids import content_key
from mgrd.models.checkpoints import load_model, model_sha, save_model
from mgrd.models.precision import Precision, choose_precision
from mgrd.models.render import Renderer
from mgrd.training.adapters import Lora, merge_adapters
from mgrd.training.batches import COLUMNS, draw_batches, render_rows
from mgrd.training.features import FeatureCache
from mgrd.training.learner import open_learner, process_count
from mgrd.training.optimizer import rate_factor
from mgrd.training.state import RunState


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What a training run did: the new checkpoint's key, the loss per step, and its cost.

    `tokens` counts computed tokens, shared prefixes once, padding not at all. `resumed` is the step
    from which a killed run went on.
    """

    model_id: str
    template_sha: str
    losses: list[float]
    tokens: int
    seconds: float
    precision: str
    resumed: int = 0
    processes: int = 1


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
    lora: Lora | None = None,
    precision: Precision = "float32",
    device: str = "cpu",
    part_rows: int = 0,
    activation_checkpointing: bool = False,
    checkpoint_steps: int = 0,
    on_step: Callable[[int], None] | None = None,
) -> TrainReport:
    """Train the checkpoint in `model_folder` on `rows` (table `distilled`) and save a whole one to `out_folder`.

    AdamW in float32, linear warm-up for the share `warmup` of the steps, then cosine to zero. The loss
    is the mean over completion tokens, weighted by each row's `weight`. Every clip of the rows must be
    in `features`. `precision` is that of the matrix products. At most `part_rows` rows are computed at
    once (0: the whole batch), their gradients add up; `activation_checkpointing` computes activations
    twice instead of keeping them. `on_step` gets 1 after each step, and all steps that a killed run had done.

    Every `checkpoint_steps` steps (0: never) the run's state is written beside `out_folder`; the same call
    goes on from it. The same arguments give the same weights on the same machine, killed or not. Raises
    TrainingError when there is nothing to train on or the loss is no longer finite; then nothing is saved.
    """
    started = time.perf_counter()
    loaded = load_model(model_folder, device if process_count() == 1 else "cpu")
    positions = loaded.model.config.get_text_config().max_position_embeddings
    rendered = render_rows(rows, Renderer(loaded.processor), features, positions)
    loaded.model.train()
    if activation_checkpointing:
        loaded.model.model.language_model.activation_checkpointing_enable({"use_reentrant": False})
    dtype = choose_precision(precision, device)
    key = content_key(
        "sft", loaded.sha, rows.select(COLUMNS).rows(), steps, batch_rows, learning_rate, warmup, weight_decay, seed,
        lora and asdict(lora),
    )  # fmt: skip
    state = RunState.beside(out_folder, key)
    with open_learner(
        loaded, features, learning_rate=learning_rate, weight_decay=weight_decay, dtype=dtype, part_rows=part_rows,
        lora=lora, seed=seed, device=device,
    ) as learner:  # fmt: skip
        learners = {"policy": (learner.module, learner.optimizer)}
        restored = state.restore(learners)
        resumed, progress = (restored.step, restored.progress) if restored else (0, {})
        losses, tokens, before = progress.get("losses", []), progress.get("tokens", 0), progress.get("seconds", 0.0)
        if on_step and resumed:
            on_step(resumed)
        batches = draw_batches(rendered, batch_rows, steps, seed)
        for step, batch in enumerate(islice(batches, resumed, None), resumed):
            loss, count = learner.step(batch, learning_rate * rate_factor(step, steps, warmup))
            if not math.isfinite(loss):
                raise TrainingError(f"step {step}: loss is {loss}; lower the learning rate ({learning_rate:g})")
            losses.append(loss)
            tokens += count
            if checkpoint_steps and (step + 1) % checkpoint_steps == 0 and step + 1 < steps:
                told = {"losses": losses, "tokens": tokens, "seconds": before + time.perf_counter() - started}
                state.save(step + 1, learners, told)
            if on_step:
                on_step(1)

        def save(model: Qwen2AudioForConditionalGeneration) -> None:
            merge_adapters(model)
            save_model(model.eval(), loaded.processor, out_folder)

        learner.finish(save)
    state.discard()
    used = str(dtype).removeprefix("torch.")
    seconds = before + time.perf_counter() - started
    return TrainReport(
        model_sha(out_folder), loaded.template_sha, losses, tokens, seconds, used, resumed, process_count()
    )
