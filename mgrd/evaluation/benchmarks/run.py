"""One evaluation from the owners' files to the document that is printed and kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mgrd.engines.protocol import Engine, Sampling
from mgrd.evaluation.benchmarks.answering import Asked, Chain, ask_items, write_chains
from mgrd.evaluation.benchmarks.files import write_table
from mgrd.evaluation.benchmarks.grounded import (
    Bootstrap,
    Grounded,
    flip_figures,
    grounding_figures,
    length_curve,
    sample_curve,
    thinking_table,
)
from mgrd.evaluation.benchmarks.protocol import Benchmark, Item, score_predictions
from mgrd.settings import Spec

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluating:
    """What is asked: `samples` chains per item for the curve over K; `scaling` the curve over length as well."""

    out: Path
    samples: int = 0
    grounding: bool = True
    scaling: bool = False


def evaluate_benchmark(
    engine: Engine, benchmark: Benchmark, items: Sequence[Item], spec: Spec, asking: Evaluating
) -> Document:
    """Answer, write predictions in the owners' format and `evaluation.json` below `asking.out`, and score."""
    greedy = Sampling(0.0, 1.0, spec.sampling.max_new_tokens)
    asked, refused = ask_items(items, spec.sampling.prompt)
    written = write_chains(engine, asked, greedy, 1, spec.seed, refused)
    chains = {key: found[0] for key, found in written.items()}
    rows = [benchmark.predict(a.item, chain.reasoning, chain.answer)
            for a in asked if (chain := chains.get(a.item.item_id))]  # fmt: skip
    write_table(asking.out / benchmark.predictions_file, rows)
    document: Document = {
        "benchmark": benchmark.name,
        "model": engine.model_id,
        "engine": engine.name,
        "score": asdict(score_predictions(benchmark, items, rows)),
        "refused": refused,
        **_beyond(engine, benchmark, asked, chains, greedy, spec, asking),
    }
    text = json.dumps(document, indent=2, ensure_ascii=False)
    (asking.out / "evaluation.json").write_text(text, encoding="utf-8")
    return document


def _beyond(
    engine: Engine,
    benchmark: Benchmark,
    asked: Sequence[Asked],
    chains: Mapping[str, Chain],
    greedy: Sampling,
    spec: Spec,
    asking: Evaluating,
) -> Document:
    """Grounding and curves, as far as they were asked for."""
    bootstrap, grounded = Bootstrap(spec.evaluation.bootstrap, spec.seed), Grounded(spec.policy)
    document: Document = {}
    if asking.grounding:
        flips = flip_figures(engine, asked, chains, greedy, asking.out / "silence", spec.seed, bootstrap)
        document["grounding"] = grounding_figures(asked, chains, grounded, bootstrap) | flips
    if asking.scaling:
        document["length_curve"] = length_curve(engine, benchmark, asked, chains, bootstrap)
        document["thinking"] = thinking_table(document["length_curve"])
    if asking.samples:
        sampling = Sampling(spec.sampling.temperature, spec.sampling.top_p, spec.sampling.max_new_tokens)
        sampled = write_chains(engine, asked, sampling, asking.samples, spec.seed, {})
        document["sample_curve"] = sample_curve(benchmark, asked, sampled, grounded, bootstrap)
    return document
