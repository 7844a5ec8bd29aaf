"""A benchmark's questions put to an engine: greedy chains, sampled ones, and answers forced after part of a chain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mgrd.audio.decode import probe
from mgrd.audio.silence import silence_of
from mgrd.engines.protocol import Completion, Engine, SampleRequest, Sampling, ScoreRequest
from mgrd.errors import AudioError, EngineStopError, MgrdError
from mgrd.evaluation.benchmarks.protocol import Item
from mgrd.grounding.counterfactual import likeliest
from mgrd.ids import clip_key, seed_from, sha256_file
from mgrd.models.render import completion_text, parse_completion
from prompts import load_prompt

OPEN_QUESTION = "{question} Reason from what you hear, citing the sound, then answer."


@dataclass(frozen=True, slots=True)
class Asked:
    """An item as the engine hears it. `clip_id` is the hash of the file."""

    item: Item
    clip_id: str
    audio: Path
    prompt: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What was written on one item; an unfinished chain has no answer."""

    text: str
    reasoning: str
    answer: str


def ask_items(items: Sequence[Item], prompt_id: str) -> tuple[list[Asked], dict[str, str]]:
    """The items whose sound can be read, and item id -> why another cannot."""
    prompt = load_prompt(prompt_id)
    asked, refused = [], {}
    for item in items:
        if item.audio is None:
            refused[item.item_id] = "the row names no audio"
            continue
        try:
            probe(item.audio)
        except AudioError as error:
            refused[item.item_id] = str(error)
            continue
        choices = list(item.choices)
        text = prompt.render(question=item.question, choices=choices) if choices else _open(item.question)
        asked.append(Asked(item, clip_key(sha256_file(item.audio)), item.audio, text))
    return asked, refused


def write_chains(
    engine: Engine, asked: Sequence[Asked], sampling: Sampling, samples: int, seed: int, refused: dict[str, str]
) -> dict[str, list[Chain]]:
    """Item id -> its chains in order. An item that the engine cannot serve goes to `refused` with the reason."""
    indices = tuple(range(samples))
    requests = [
        SampleRequest(
            a.item.item_id, a.clip_id, a.audio, a.prompt, indices,
            tuple(seed_from("benchmark", seed, a.item.item_id, at) for at in indices),
        )
        for a in asked
    ]  # fmt: skip
    found: dict[str, dict[int, Chain]] = {}

    def take(wanted: Sequence[SampleRequest]) -> None:
        for batch in engine.sample(wanted, sampling):
            for done in batch:
                found.setdefault(done.request_id, {})[done.sample_index] = _chain(done)

    try:
        take(requests)
    except EngineStopError:
        raise
    except MgrdError:  # one of many: asked again alone, so that only the one that fails is lost
        for request in requests:
            if len(found.get(request.request_id, ())) < samples:
                try:
                    take([request])
                except EngineStopError:
                    raise
                except MgrdError as error:
                    refused[request.request_id] = str(error)
    return {key: [chains[at] for at in sorted(chains)] for key, chains in found.items()}


def forced_answers(engine: Engine, asked: Sequence[Asked], reasonings: Sequence[str]) -> list[str | None]:
    """The likeliest choice of each item after a given reasoning, closed as it stands (budget forcing).

    Summed log-probability of the whole completion (nats), so that a longer choice is no likelier by its length. None
    for open questions. An empty reasoning is thinking turned off.
    """
    requests, keys = [], []
    for place, (a, reasoning) in enumerate(zip(asked, reasonings, strict=True)):
        for choice in a.item.choices:
            text = completion_text(reasoning, choice)
            requests.append(ScoreRequest(f"{place}", a.clip_id, a.audio, a.prompt, text, ended=True))
            keys.append((place, choice))
    scored: list[dict[str, float]] = [{} for _ in asked]
    for (place, choice), score in zip(keys, engine.score(requests) if requests else [], strict=True):
        scored[place][choice] = sum(score.token_logprobs)
    return [likeliest(found) for found in scored]


def silenced(asked: Asked, folder: Path) -> Asked:
    """The item with silence of the same length in the place of its clip."""
    path = silence_of(probe(asked.audio).seconds, folder)
    return replace(asked, clip_id=path.stem, audio=path)


def swapped(asked: Sequence[Asked]) -> list[Asked | None]:
    """Each item with another clip, the next with another answer in the order given; None where there is none."""
    found: list[Asked | None] = []
    for place, own in enumerate(asked):
        rest = [*asked[place + 1 :], *asked[:place]]
        other = next((o for o in rest if o.clip_id != own.clip_id and o.item.answer != own.item.answer), None)
        found.append(None if other is None else replace(own, clip_id=other.clip_id, audio=other.audio))
    return found


def first_words(reasoning: str, count: int) -> str:
    """The first `count` words."""
    return " ".join(reasoning.split()[:count])


def _open(question: str) -> str:
    return OPEN_QUESTION.format(question=question)


def _chain(done: Completion) -> Chain:
    parsed = parse_completion(done.text)
    return Chain(done.text, parsed.reasoning or "", parsed.answer or "")
