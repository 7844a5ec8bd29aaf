"""Grounding on a public benchmark: what no owner's score tells.

Chains are checked against measurements of the clips as in a round; then the sound is taken away or swapped, thinking
is turned off or cut short, and more chains are asked for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mgrd.audio.measuring import measure_file
from mgrd.engines.protocol import Engine, Sampling
from mgrd.errors import AudioError
from mgrd.evaluation.benchmarks.answering import (
    Asked,
    Chain,
    first_words,
    forced_answers,
    silenced,
    swapped,
    write_chains,
)
from mgrd.evaluation.benchmarks.protocol import Benchmark
from mgrd.evaluation.bootstrap import cluster_bootstrap
from mgrd.grounding.scorer import Grounding, score_chain
from mgrd.grounding.verify import Evidence
from mgrd.settings import GroundingSpec

BUDGETS = (0, 2, 4, 8, 16, 32, 64)
"""Words of reasoning that a chain is cut to; 0 is thinking turned off."""
Figure = dict[str, Any]


class Grounded:
    """Groundings of chains, with each clip measured once."""

    def __init__(self, policy: GroundingSpec | None = None) -> None:
        self._policy = policy
        self._facts: dict[str, Evidence | None] = {}

    def of(self, asked: Asked, chain: Chain) -> Grounding | None:
        """None when the clip cannot be measured."""
        if asked.clip_id not in self._facts:
            try:
                self._facts[asked.clip_id] = Evidence(measure_file(asked.audio))
            except AudioError:
                self._facts[asked.clip_id] = None
        facts = self._facts[asked.clip_id]
        if facts is None:
            return None
        return score_chain(
            raw_text=chain.text, reasoning=chain.reasoning, answer=chain.answer, question=asked.item.question,
            choices=asked.item.choices, facts=facts, policy=self._policy,
        )  # fmt: skip


class Bootstrap:
    """Means with 95 % intervals over clips."""

    def __init__(self, resamples: int, seed: int) -> None:
        self._resamples, self._seed = resamples, seed

    def mean(self, values: Sequence[float], clips: Sequence[str]) -> Figure | None:
        """None of nothing."""
        if not values:
            return None
        found = cluster_bootstrap(np.array(values, dtype=float), np.array(clips), self._resamples, self._seed)
        return {**found._asdict(), "count": len(values)}


def grounding_figures(
    asked: Sequence[Asked], chains: Mapping[str, Chain], grounded: Grounded, bootstrap: Bootstrap
) -> dict[str, Figure | None]:
    """Grounded share, claim precision (supported of decided claims) and surrogate share of one chain per item."""
    found = [(a.clip_id, g) for a in asked if a.item.item_id in chains
             and (g := grounded.of(a, chains[a.item.item_id])) is not None]  # fmt: skip
    clips = [clip for clip, _ in found]
    claims = [
        (clip, check.verification.verdict == "supported")
        for clip, g in found
        for check in g.claims
        if check.verification.verdict != "unverifiable"
    ]
    return {
        "grounded_share": bootstrap.mean([g.grounded for _, g in found], clips),
        "claim_precision": bootstrap.mean([held for _, held in claims], [clip for clip, _ in claims]),
        "surrogate_share": bootstrap.mean([g.surrogate for _, g in found], clips),
    }


def flip_figures(
    engine: Engine,
    asked: Sequence[Asked],
    chains: Mapping[str, Chain],
    greedy: Sampling,
    folder: Path,
    seed: int,
    bootstrap: Bootstrap,
) -> dict[str, Figure | None]:
    """How often the greedy answer changes without the sound: over silence of the same length, and another clip."""
    own = [a for a in asked if a.item.item_id in chains]
    silent = [silenced(a, folder) for a in own]
    figures = {}
    for name, others in (("silence_flip_rate", silent), ("swap_flip_rate", [a for a in swapped(own) if a])):
        heard = write_chains(engine, others, greedy, 1, seed, {})
        flips = [
            (a.clip_id, heard[key][0].answer != chains[key].answer) for a in own if (key := a.item.item_id) in heard
        ]
        figures[name] = bootstrap.mean([flip for _, flip in flips], [clip for clip, _ in flips])
    return figures


def length_curve(
    engine: Engine,
    benchmark: Benchmark,
    asked: Sequence[Asked],
    chains: Mapping[str, Chain],
    bootstrap: Bootstrap,
) -> list[Figure]:
    """Accuracy on questions with choices when the greedy reasoning is cut to each budget of words and closed.

    Accuracy that falls with the budget is inverted scaling. The last point, `words` None, is the whole reasoning.
    """
    own = [a for a in asked if a.item.choices and a.item.item_id in chains]
    curve = []
    for budget in (*BUDGETS, None):
        whole = [chains[a.item.item_id].reasoning for a in own]
        cut = whole if budget is None else [first_words(text, budget) for text in whole]
        answers = forced_answers(engine, own, cut)
        hits = [right(benchmark, a, text, answer or "") for a, text, answer in zip(own, cut, answers, strict=True)]
        curve.append({"words": budget, "accuracy": bootstrap.mean(hits, [a.clip_id for a in own])})
    return curve


def sample_curve(
    benchmark: Benchmark,
    asked: Sequence[Asked],
    chains: Mapping[str, Sequence[Chain]],
    grounded: Grounded,
    bootstrap: Bootstrap,
) -> list[Figure]:
    """Accuracy at K = 1, 2, 4 ... of the sampled chains: by majority, and of the chain with the best grounding."""
    most = max((len(found) for found in chains.values()), default=0)
    own = [a for a in asked if chains.get(a.item.item_id)]
    merits = {a.item.item_id: [merit(grounded.of(a, chain)) for chain in chains[a.item.item_id]] for a in own}
    curve, k = [], 1
    while k <= most:
        voted, best = [], []
        for a in own:
            first = chains[a.item.item_id][:k]
            voted.append(right(benchmark, a, "", majority([chain.answer for chain in first])))
            place = max(range(len(first)), key=lambda at, key=a.item.item_id: merits[key][at])
            best.append(right(benchmark, a, "", first[place].answer))
        clips = [a.clip_id for a in own]
        figures = {"majority": bootstrap.mean(voted, clips), "best_grounded": bootstrap.mean(best, clips)}
        curve.append({"k": k, **figures})
        k *= 2
    return curve


def thinking_table(curve: Sequence[Figure]) -> list[Figure]:
    """Accuracy with thinking off (no reasoning) and on (the whole), both answered by likelihood."""
    named = {0: "off", None: "on"}
    return [{"thinking": named[point["words"]], "accuracy": point["accuracy"]}
            for point in curve if point["words"] in named]  # fmt: skip


def merit(grounding: Grounding | None) -> tuple[bool, int, float]:
    """Order of chains by grounding: grounded first, then supported less contradicted claims, then less surrogate."""
    if grounding is None:
        return False, 0, 0.0
    return grounding.grounded, grounding.supported - grounding.contradicted, -grounding.surrogate_share


def majority(answers: Sequence[str]) -> str:
    """The most frequent answer, case and ends aside; of equals the first. Chains without an answer have no vote."""
    votes = Counter(answer.strip().casefold() for answer in answers if answer.strip())
    if not votes:
        return ""
    winner = votes.most_common(1)[0][0]
    return next(answer for answer in answers if answer.strip().casefold() == winner)


def right(benchmark: Benchmark, asked: Asked, reasoning: str, answer: str) -> bool:
    """Whether an answer is correct by the benchmark's rule; what the owners drop is wrong here."""
    return benchmark.judge(asked.item, benchmark.predict(asked.item, reasoning, answer)) is True
