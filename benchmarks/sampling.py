"""The transformers engine: what sharing a question's prefix saves, against `model.generate`, and what its stage adds.

The model has the default campaign's shape and random weights, so every chain runs to the limit: each way writes the
same number of tokens. Three ways to get K chains of each question, the clips' features not yet cached:
K at once; K calls for one each; a plain loop of `model.generate` over the same batches. The ways alternate and the
medians are compared. Then the sampling stage's own loop runs into a Delta table, and its time outside the engine is
counted. Nothing is left behind.

    python benchmarks/sampling.py [--questions 16] [--samples 8] [--tokens 64] [--repeats 3]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import soundfile
import torch

from mgrd.engines.protocol import Completion, SampleRequest, Sampling
from mgrd.engines.sampling import SamplingRun, plan_traces, sample_traces
from mgrd.engines.transformers import TransformersEngine
from mgrd.models.checkpoints import load_model, save_model
from mgrd.models.embedded import assemble_embedded
from mgrd.settings import ModelSpec, SamplingSpec
from mgrd.store import Store
from prompts import load_prompt
from schemas import TRACES

RATE, SECONDS = 16_000, 3.0
QUESTION = "How does the pitch move?"
CHOICES = ("falling", "rising", "steady")
LEAST_SHARED, MOST_OUTSIDE, LEAST_AGAINST_GENERATE = 3.0, 0.05, 1.0


class Timed:
    """An engine that counts the seconds spent in it."""

    def __init__(self, engine: TransformersEngine) -> None:
        self.engine = engine
        self.name, self.model_id, self.seconds = engine.name, engine.model_id, 0.0
        self.score, self.close = engine.score, engine.close

    def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> Iterator[list[Completion]]:
        batches = self.engine.sample(requests, sampling)
        while True:
            began = time.perf_counter()
            batch = next(batches, None)
            self.seconds += time.perf_counter() - began
            if batch is None:
                return
            yield batch


def main() -> int:
    parser = argparse.ArgumentParser(description="Sampling with shared prefixes against single chains and generate.")
    parser.add_argument("--questions", type=int, default=16)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        checkpoint = make_model(folder / "model")
        requests = make_requests(folder, given.questions, given.samples)
        sampling = Sampling(1.0, 1.0, given.tokens)
        ways: dict[str, Callable[[], float]] = {
            "K at once": lambda: engine_seconds(checkpoint, [requests], sampling),
            "K calls for one": lambda: engine_seconds(checkpoint, singles(requests), sampling),
            "model.generate": lambda: generate_seconds(checkpoint, requests, sampling),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for repeat in range(given.repeats):
            for name in list(ways) if repeat % 2 else reversed(ways):
                times[name].append(ways[name]())
        outside, inside = stage_seconds(checkpoint, folder, requests, given.samples, given.tokens)
    middle = {name: statistics.median(seconds) for name, seconds in times.items()}
    print(f"{given.questions} questions, K = {given.samples}, {given.tokens} tokens a chain, {SECONDS:g} s clips")
    for name, seconds in times.items():
        print(f"{name:<16} {middle[name]:7.2f} s  ({', '.join(f'{each:.2f}' for each in seconds)})")
    shared = middle["K calls for one"] / middle["K at once"]
    generated = middle["model.generate"] / middle["K at once"]
    share = outside / (outside + inside)
    print(f"K at once is {shared:.1f} x K calls for one (at least {LEAST_SHARED:g}), "
          f"{generated:.1f} x model.generate (at least {LEAST_AGAINST_GENERATE:g})")  # fmt: skip
    print(f"of the sampling loop {share:.1%} is outside the engine (at most {MOST_OUTSIDE:.0%})")
    return int(shared < LEAST_SHARED or share > MOST_OUTSIDE or generated < LEAST_AGAINST_GENERATE)


def make_model(folder: Path) -> Path:
    """The default shape; the end of turn is never the likely next token."""
    texts = [load_prompt("sample/perceive").render(question=QUESTION, choices=list(CHOICES)), *CHOICES]
    assemble_embedded(folder, texts, ModelSpec(), SECONDS, 0)
    loaded = load_model(folder)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        loaded.model.lm_head.weight.normal_(0.0, 0.02, generator=generator)
    save_model(loaded.model, loaded.processor, folder)
    return folder


def make_requests(folder: Path, questions: int, samples: int) -> list[SampleRequest]:
    prompt = load_prompt("sample/perceive").render(question=QUESTION, choices=list(CHOICES))
    requests = []
    for number in range(questions):
        path = folder / f"{number}.wav"
        seconds = np.arange(round(SECONDS * RATE)) / RATE
        soundfile.write(path, (0.3 * np.sin(2 * np.pi * 110 * (number + 2) * seconds)).astype(np.float32), RATE)
        seeds = tuple(100 * number + index for index in range(samples))
        requests.append(SampleRequest(f"q{number}", f"c{number}", path, prompt, tuple(range(samples)), seeds))
    return requests


def singles(requests: Sequence[SampleRequest]) -> list[list[SampleRequest]]:
    """One call per sample index, each for all questions."""
    return [
        [SampleRequest(r.request_id, r.clip_id, r.audio, r.prompt, (index,), (r.seeds[index],)) for r in requests]
        for index in requests[0].sample_indices
    ]


def engine_seconds(checkpoint: Path, calls: Sequence[Sequence[SampleRequest]], sampling: Sampling) -> float:
    """Seconds of the calls, each with nothing cached, as a single sample of a clip has it."""
    spent = 0.0
    for requests in calls:
        with tempfile.TemporaryDirectory() as features:
            engine = TransformersEngine(checkpoint, Path(features))
            began = time.perf_counter()
            for _ in engine.sample(requests, sampling):
                pass
            spent += time.perf_counter() - began
    return spent


def generate_seconds(checkpoint: Path, requests: Sequence[SampleRequest], sampling: Sampling) -> float:
    """The loop that anyone writes: processor, generate, decode."""
    loaded = load_model(checkpoint)
    processor: Any = loaded.processor  # transformers' own annotations of call and generate do not hold
    model: Any = loaded.model
    began = time.perf_counter()
    turns = [
        [{"role": "user", "content": [{"type": "audio"}, {"type": "text", "text": request.prompt}]}]
        for request in requests
    ]
    texts = [processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False) for turn in turns]
    audio = [soundfile.read(request.audio, dtype="float32")[0] for request in requests if request.audio]
    batch = processor(text=texts, audio=audio, sampling_rate=RATE, return_tensors="pt", padding=True)
    written = model.generate(
        **batch, do_sample=True, top_k=0, max_new_tokens=sampling.max_new_tokens,
        num_return_sequences=len(requests[0].seeds),
    )  # fmt: skip
    processor.batch_decode(written[:, batch.input_ids.shape[1] :], skip_special_tokens=True)
    return time.perf_counter() - began


def stage_seconds(
    checkpoint: Path, folder: Path, requests: Sequence[SampleRequest], samples: int, tokens: int
) -> tuple[float, float]:
    """Seconds of the stage's loop outside and inside the engine, with its commits."""
    questions = pl.DataFrame(
        [
            {"question_id": r.request_id, "clip_id": r.clip_id, "text": QUESTION, "choices": list(CHOICES),
             "answer": CHOICES[0], "split": "pool"}
            for r in requests
        ]
    )  # fmt: skip
    engine = Timed(TransformersEngine(checkpoint, folder / "features"))
    spec = SamplingSpec(samples=samples, max_new_tokens=tokens)
    run = SamplingRun(1, "distill", engine.model_id, load_prompt("sample/perceive"), spec, 0)
    audio = {r.clip_id: r.audio for r in requests if r.clip_id and r.audio}
    store = Store(folder / "store")
    began = time.perf_counter()
    plan = plan_traces(questions, run, tuple(range(samples)))
    for traces, failed in sample_traces(engine, plan, run, lambda clip: audio[clip], 32):
        assert failed.is_empty(), failed["message"].to_list()
        store.append(TRACES, traces)
    return time.perf_counter() - began - engine.seconds, engine.seconds


if __name__ == "__main__":
    sys.exit(main())
