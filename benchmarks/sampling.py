"""The transformers engine: what sharing a question's prefix saves, against `model.generate`, and what its stage adds.

The model has the default campaign's shape and random weights, so every chain runs to the limit: each way writes the
same number of tokens. Four ways to get K chains of each question:
K at once; K calls for one each, of which none knows of another; K such calls with the clips' features cached; a plain
loop of `model.generate` at the same batch size. The ways alternate, the medians are compared, in seconds of the clock
and of the processor: on a busy machine the latter are steadier. Then the sampling stage's own loop runs into a Delta
table, warm, and its time outside the engine is counted. Nothing is left behind.

    python benchmarks/sampling.py [--questions 16] [--samples 8] [--tokens 64] [--repeats 3]
"""

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
BATCH = 32
"""Questions of a batch, the default of `runtime.batch_requests`."""
QUESTION = "How does the pitch move?"
CHOICES = ("falling", "rising", "steady")
AT_ONCE, APART, CACHED = "K at once", "K calls for one", "K calls, features cached"
GENERATE = "model.generate"
LEAST_SHARED, MOST_OUTSIDE, LEAST_AGAINST_GENERATE = 3.0, 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of the clock, and of all threads of this process."""

    clock: float
    processor: float


class Watch:
    """Counts seconds while it runs."""

    def __init__(self) -> None:
        self.began = time.perf_counter(), time.process_time()

    def spent(self) -> Spent:
        return Spent(time.perf_counter() - self.began[0], time.process_time() - self.began[1])


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
        ways: dict[str, Callable[[], Spent]] = {
            AT_ONCE: lambda: engine_time(checkpoint, [requests], sampling),
            APART: lambda: engine_time(checkpoint, singles(requests), sampling),
            CACHED: lambda: engine_time(checkpoint, singles(requests), sampling, folder / "features"),
            GENERATE: lambda: generate_time(checkpoint, requests, sampling),
        }
        times: dict[str, list[Spent]] = {name: [] for name in ways}
        for repeat in range(given.repeats):
            for name in list(ways) if repeat % 2 else reversed(ways):
                times[name].append(ways[name]())
        outside, inside = stage_time(checkpoint, folder, requests, given.samples, given.tokens)
    print(f"{given.questions} questions, K = {given.samples}, {given.tokens} tokens a chain, {SECONDS:g} s clips")
    clock = {name: statistics.median(each.clock for each in spent) for name, spent in times.items()}
    processor = {name: statistics.median(each.processor for each in spent) for name, spent in times.items()}
    print(f"{'way':<26} {'s':>8} {'x':>6} {'cpu s':>8} {'x':>6}")
    for name in times:
        print(f"{name:<26} {clock[name]:8.2f} {clock[name] / clock[AT_ONCE]:6.1f} "
              f"{processor[name]:8.2f} {processor[name] / processor[AT_ONCE]:6.1f}")  # fmt: skip
    shared, generated = clock[APART] / clock[AT_ONCE], clock[GENERATE] / clock[AT_ONCE]
    share = outside / (outside + inside)
    print(f"K at once is {shared:.1f} x as fast as K calls for one (at least {LEAST_SHARED:g}) "
          f"and {generated:.1f} x as fast as model.generate (at least {LEAST_AGAINST_GENERATE:g})")  # fmt: skip
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


def engine_time(
    checkpoint: Path, calls: Sequence[Sequence[SampleRequest]], sampling: Sampling, features: Path | None = None
) -> Spent:
    """Time of the calls; without a folder of features nothing is cached between them."""
    spent = []
    for requests in calls:
        with tempfile.TemporaryDirectory() as fresh:
            engine = TransformersEngine(checkpoint, features or Path(fresh))
            watch = Watch()
            for _ in engine.sample(requests, sampling):
                pass
            spent.append(watch.spent())
    return Spent(sum(each.clock for each in spent), sum(each.processor for each in spent))


def generate_time(checkpoint: Path, requests: Sequence[SampleRequest], sampling: Sampling) -> Spent:
    """The loop that anyone writes: processor, generate, decode."""
    loaded = load_model(checkpoint)
    processor: Any = loaded.processor  # transformers' own annotations of call and generate do not hold
    model: Any = loaded.model
    watch = Watch()
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
    return watch.spent()


def stage_time(
    checkpoint: Path, folder: Path, requests: Sequence[SampleRequest], samples: int, tokens: int
) -> tuple[float, float]:
    """Seconds of the stage's loop outside and inside the engine, with its commits: two batches, after one question.

    The features are cached, as they are from a campaign's first stage on.
    """
    questions = pl.DataFrame(
        [
            {"question_id": f"{r.request_id}-{copy}", "clip_id": r.clip_id, "text": QUESTION, "choices": list(CHOICES),
             "answer": CHOICES[0], "split": "pool"}
            for copy in range(math.ceil(2 * BATCH / len(requests)))
            for r in requests
        ]
    )  # fmt: skip
    engine = Timed(TransformersEngine(checkpoint, folder / "features"))
    spec = SamplingSpec(samples=samples, max_new_tokens=tokens)
    run = SamplingRun(1, "distill", engine.model_id, load_prompt("sample/perceive"), spec, 0)
    audio = {r.clip_id: r.audio for r in requests if r.clip_id and r.audio}
    store = Store(folder / "store")

    def fill(rows: pl.DataFrame) -> float:
        engine.seconds, began = 0.0, time.perf_counter()
        plan = plan_traces(rows, run, tuple(range(samples)))
        for traces, failed in sample_traces(engine, plan, run, lambda clip: audio[clip], BATCH):
            assert failed.is_empty(), failed["message"].to_list()
            store.append(TRACES, traces)
        return time.perf_counter() - began - engine.seconds

    fill(questions[:1])
    outside = fill(questions[1 : 2 * BATCH + 1])
    return outside, engine.seconds


if __name__ == "__main__":
    sys.exit(main())
