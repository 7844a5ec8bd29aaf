"""SFT on cached encoder features beside recomputation, and beside transformers' Trainer, on the same batches.

The embedded model at its default size on its own clips and demonstrations. Four ways take the same optimiser steps
on the same batches of rows, rounds alternating, medians shown:

    ours       cached features, rows of a clip share its prefix, logits at loss positions alone
    recompute  the same, with the frozen encoder run on every batch's clips
    trainer    transformers' Trainer on cached features: rows padded to the longest, the library's own forward and loss
    plain      transformers' Trainer on the waveform: processor, encoder, everything as the library does it

Ways are compared by processor time, which other work on the machine moves little; OMP_NUM_THREADS=1 leaves out what
threads cost that wait for each other. Peak memory is of a process of its own per way. It also says how far float16
features move the loss from float32 ones.

    python benchmarks/training.py [--clips 64] [--steps 12] [--rounds 3]
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import soundfile
import torch

from mgrd.ingest.embedded import make_embedded, write_demonstrations
from mgrd.models.checkpoints import LoadedModel, load_model
from mgrd.models.embedded import assemble_embedded
from mgrd.models.parallel import workers
from mgrd.models.precision import choose_precision
from mgrd.models.render import Renderer
from mgrd.settings import ColdStartSpec, EmbeddedSpec, ModelSpec
from mgrd.training.adapters import choose_trained
from mgrd.training.batches import TrainingRow, draw_batches, render_rows
from mgrd.training.features import FeatureCache
from mgrd.training.learner import LocalLearner
from mgrd.training.loss import batch_weight, weighted_loss

BATCH_ROWS = 32
RATE = 1e-4
Moment = tuple[float, float]
"""Wall clock and processor time, seconds."""
WAYS = ("ours", "recompute", "trainer", "plain")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--steps", type=int, default=12, help="optimiser steps per round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help="measure one way in this process")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(measure(asked.way, asked.folder, asked.steps)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, asked.clips)
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for turn in range(asked.rounds):
            for way in WAYS if turn % 2 else reversed(WAYS):
                command = [sys.executable, __file__, "--way", way, "--folder", name, "--steps", str(asked.steps)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                found[way].append(json.loads(done.stdout.splitlines()[-1]))
        show(found)
        print(f"loss moved by float16 features: {half_precision(folder):.1e} (relative, first batch)")


def show(found: dict[str, list[dict[str, float]]]) -> None:
    base = statistics.median(run["cpu"] for run in found["ours"])
    print(f"{'way':<10} {'s/step':>8} {'cpu s':>8} {'times ours':>10} {'row tokens/s':>13} {'peak MB':>8} {'loss':>9}")
    for way, runs in found.items():
        seconds, cpu = (statistics.median(run[name] for run in runs) for name in ("seconds", "cpu"))
        tokens = runs[0]["tokens"] / seconds
        peak, loss = runs[0]["peak"], runs[0]["loss"]
        print(f"{way:<10} {seconds:8.3f} {cpu:8.3f} {cpu / base:10.2f} {tokens:13.0f} {peak:8.0f} {loss:9.4f}")


def prepare(folder: Path, clips: int) -> None:
    spec = EmbeddedSpec(cold_clips=clips, pool_clips=0, dev_clips=0, test_clips=0)
    made, questions = make_embedded(folder / "audio", "", spec, 0)
    rows = write_demonstrations(
        made, questions, lambda text, choices: f"{text} Choices: {', '.join(choices)}.", ColdStartSpec(), 0
    )
    rows = rows.filter(pl.col("phase") == 1)
    texts = rows.select(pl.concat_str("prompt", "reasoning", "answer", separator="\n")).to_series().to_list()
    assemble_embedded(folder / "model", texts, ModelSpec(), spec.seconds, 0)
    rows.write_parquet(folder / "rows.parquet")
    loaded = load_model(folder / "model")
    for precision in ("float16", "float32"):
        FeatureCache(folder / "features", loaded.encoder_sha, precision).ensure(loaded, sounds(folder, rows))


def sounds(folder: Path, rows: pl.DataFrame) -> list[tuple[str, Path]]:
    return [(clip, folder / "audio" / f"{clip}.wav") for clip in rows["clip_id"].unique().drop_nulls().sort()]


def half_precision(folder: Path) -> float:
    loaded = load_model(folder / "model")
    losses = []
    for precision in ("float16", "float32"):
        cache = FeatureCache(folder / "features", loaded.encoder_sha, precision)
        batch = batches(folder, loaded, cache, 1)[0]
        with torch.no_grad():
            losses.append(weighted_loss(loaded.model, batch, cache)[0].item())
    return abs(losses[0] - losses[1]) / losses[1]


def batches(folder: Path, loaded: LoadedModel, cache: FeatureCache, steps: int) -> list[list[TrainingRow]]:
    rows = render_rows(pl.read_parquet(folder / "rows.parquet"), Renderer(loaded.processor), cache)
    return list(draw_batches(rows, BATCH_ROWS, steps, 0))


def measure(way: str, folder: Path, steps: int) -> dict[str, float]:
    """Median seconds of a step, the first left out; row tokens (prompt and completion of every row) of a step."""
    loaded = load_model(folder / "model")
    cache = FeatureCache(folder / "features", loaded.encoder_sha, "float32")
    drawn = batches(folder, loaded, cache, steps + 1)
    dtype = choose_precision("auto", "cpu")
    choose_trained(loaded.model, None, 0)
    loaded.model.train()
    run = train_ours if way in ("ours", "recompute") else train_with_trainer
    times, loss = run(way, folder, loaded, cache, drawn, dtype)
    tokens = statistics.mean(sum(len(row.example.ids) for row in batch) for batch in drawn)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds, cpu = (statistics.median(end[i] - start[i] for start, end in pairwise(times)) for i in (0, 1))
    return {"seconds": seconds, "cpu": cpu, "tokens": tokens, "peak": peak, "loss": loss}


def train_ours(
    way: str, folder: Path, loaded: LoadedModel, cache: FeatureCache, drawn: list[list[TrainingRow]], dtype: torch.dtype
) -> tuple[list[Moment], float]:
    times: list[Moment] = []
    first = 0.0
    with workers() as crew:
        heard = cache if way == "ours" else Recomputed(folder, loaded, cache)
        learner = LocalLearner(loaded, heard, RATE, 0.01, dtype, 0, crew)  # pyright: ignore[reportArgumentType]
        for batch in drawn:
            loss, _ = learner.step(batch, RATE)
            first = first or loss
            times.append((time.perf_counter(), time.process_time()))
    return times, first


class Recomputed:
    """Features as the cache gives them, by running the encoder on the clips' files each time."""

    def __init__(self, folder: Path, loaded: LoadedModel, cache: FeatureCache) -> None:
        self._folder, self._loaded, self._cache = folder, loaded, cache

    def get(self, clips: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        if not clips:
            return self._cache.get(clips)
        extractor = self._loaded.processor.feature_extractor
        waves = [soundfile.read(self._folder / "audio" / f"{clip}.wav", dtype="float32")[0] for clip in clips]
        with torch.autocast("cpu", enabled=False):  # log-mel frames are float32 everywhere
            sound = extractor(waves, sampling_rate=extractor.sampling_rate, padding="max_length", return_tensors="pt")
        with torch.no_grad():
            states = self._loaded.model.model.audio_tower(sound["input_features"]).last_hidden_state
        return states.float(), torch.full((len(clips),), states.shape[1])


def train_with_trainer(
    way: str, folder: Path, loaded: LoadedModel, cache: FeatureCache, drawn: list[list[TrainingRow]], dtype: torch.dtype
) -> tuple[list[Moment], float]:
    """A Trainer whose data set is the drawn rows in order, so that its batches are ours."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    times: list[Moment] = []
    first: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append((time.perf_counter(), time.process_time()))

    class Plain(Trainer):
        """In the rows' order, with the loss of the batch's completion tokens and the rows' weights of one."""

        def _get_train_sampler(self, *_: Any) -> torch.utils.data.SequentialSampler:
            return torch.utils.data.SequentialSampler(self.train_dataset)

        def compute_loss(self, model: Any, inputs: dict[str, Any], **_: Any) -> torch.Tensor:
            with replaced_encoder(model, inputs.pop("cached", None)):
                loss = model(**inputs).loss
            first.append(loss.item())
            return loss

    arguments = TrainingArguments(
        output_dir=str(folder / "trainer"), per_device_train_batch_size=BATCH_ROWS, max_steps=len(drawn),
        learning_rate=RATE, lr_scheduler_type="constant", weight_decay=0.01, adam_beta2=0.98, max_grad_norm=1.0,
        bf16=dtype == torch.bfloat16, use_cpu=True, logging_strategy="no", save_strategy="no", report_to="none",
        disable_tqdm=True, remove_unused_columns=False, dataloader_pin_memory=False,
    )  # fmt: skip
    rows = [row for batch in drawn for row in batch]
    collate = collator(way, folder, loaded, cache)
    trainer = Plain(loaded.model, arguments, train_dataset=rows, data_collator=collate, callbacks=[Clock()])  # pyright: ignore
    trainer.train()
    assert len(times) == len(drawn)
    assert batch_weight(drawn[0]) > 0
    return times, first[0]


def collator(
    way: str, folder: Path, loaded: LoadedModel, cache: FeatureCache
) -> Callable[[list[TrainingRow]], dict[str, Any]]:
    """Rows padded at the end to the longest; sound as cached outputs or as log-mel frames of the file."""
    extractor = loaded.processor.feature_extractor

    def collate(rows: list[TrainingRow]) -> dict[str, Any]:
        longest = max(len(row.example.ids) for row in rows)
        ids, labels, mask = (torch.full((len(rows), longest), fill) for fill in (0, -100, 0))
        for at, row in enumerate(rows):
            size = len(row.example.ids)
            ids[at, :size] = torch.tensor(row.example.ids)
            labels[at, :size] = ids[at, :size].masked_fill(~torch.tensor(row.example.loss_mask), -100)
            mask[at, :size] = 1
        batch: dict[str, Any] = {"input_ids": ids, "attention_mask": mask, "labels": labels}
        clips = [row.clip_id for row in rows if row.clip_id is not None]
        waves = [soundfile.read(folder / "audio" / f"{clip}.wav", dtype="float32")[0] for clip in clips]
        if way == "trainer":
            batch["cached"] = cache.get(clips)[0]
            frames = torch.ones(len(clips), 2 * loaded.model.model.audio_tower.max_source_positions)
            batch["input_features"] = torch.zeros(len(clips), extractor.feature_size, frames.shape[1])
            batch["feature_attention_mask"] = frames.long()
        else:
            sound = extractor(
                waves, sampling_rate=extractor.sampling_rate, return_attention_mask=True, padding="max_length",
                return_tensors="pt",
            )  # fmt: skip
            batch["input_features"] = sound["input_features"]
            batch["feature_attention_mask"] = sound["attention_mask"]
        return batch

    return collate


@contextmanager
def replaced_encoder(model: Any, cached: torch.Tensor | None) -> Iterator[None]:
    """Within the block the encoder returns the cached outputs instead of running."""
    if cached is None:
        yield
        return
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    tower = model.model.audio_tower
    tower.forward = lambda *_, **__: BaseModelOutputWithPooling(last_hidden_state=cached)
    try:
        yield
    finally:
        del tower.forward


if __name__ == "__main__":
    main()
