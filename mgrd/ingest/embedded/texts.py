"""Text-reasoning tasks (E_task): tiny questions without audio that keep reasoning from text alive."""

import numpy as np
import polars as pl

from mgrd.ids import content_key, question_key
from mgrd.ingest.skills import NUMBER_WORDS
from schemas import DISTILLED

THINGS = ("red", "blue", "green", "dog", "cat", "bird", "tree", "house")


def text_tasks(count: int, seed: int, phase: int = 1) -> pl.DataFrame:
    """At most `count` distinct demonstration rows (DISTILLED, origin "text", no clip) with reasoning and answer."""
    rng = np.random.default_rng([seed, phase])
    makers = (_compare, _count_words, _follow, _last_word)
    rows = [_row(*makers[index % len(makers)](rng), phase) for index in range(count)]
    frame = pl.from_dicts(rows, schema=pl.DataFrame(DISTILLED.arrow.empty_table()).schema)
    return frame.unique("row_id", maintain_order=True)


Task = tuple[str, list[str], str, str]
"""Question, choices, reasoning, answer."""


def _compare(rng: np.random.Generator) -> Task:
    low, high = sorted(int(number) for number in rng.choice(len(NUMBER_WORDS), 2, replace=False))
    choices = [NUMBER_WORDS[number] for number in rng.permutation([low, high])]
    small, large = NUMBER_WORDS[low], NUMBER_WORDS[high]
    if rng.random() < 0.5:
        return f"Which number is larger: {' or '.join(choices)}?", choices, f"{large} is more than {small}.", large
    return f"Which number is smaller: {' or '.join(choices)}?", choices, f"{small} is less than {large}.", small


def _count_words(rng: np.random.Generator) -> Task:
    number = int(rng.integers(1, 6))
    words = [str(word) for word in rng.choice(THINGS, number)]
    answer, text = NUMBER_WORDS[number], " ".join(words)
    counted = ", ".join(f"{word} {NUMBER_WORDS[place]}" for place, word in enumerate(words, 1))
    return f"How many words are there: {text}?", _numbers(rng, number), f"counting: {counted}.", answer


def _follow(rng: np.random.Generator) -> Task:
    number = int(rng.integers(0, len(NUMBER_WORDS) - 2))
    answer = NUMBER_WORDS[number + 1]
    text = f"Which number follows {NUMBER_WORDS[number]}?"
    return text, _numbers(rng, number + 1), f"counting on from {NUMBER_WORDS[number]} gives {answer}.", answer


def _last_word(rng: np.random.Generator) -> Task:
    words = [str(word) for word in rng.choice(THINGS, 3, replace=False)]
    place, index = ("first", 0) if rng.random() < 0.5 else ("last", 2)
    choices = [str(word) for word in rng.permutation(words)]
    text = f"Which word is {place}: {' '.join(words)}?"
    return text, choices, f"the {place} word of {' '.join(words)} is {words[index]}.", words[index]


def _numbers(rng: np.random.Generator, right: int) -> list[str]:
    others = [number for number in range(len(NUMBER_WORDS)) if number != right]
    return [NUMBER_WORDS[number] for number in rng.permutation([right, *rng.choice(others, 2, replace=False)])]


def _row(question: str, choices: list[str], reasoning: str, answer: str, phase: int) -> dict[str, object]:
    question_id = question_key(None, question, choices, answer)
    return {
        "row_id": content_key("distilled", question_id, reasoning, answer, "text", phase),
        "trace_id": None,
        "round": 0,
        "origin": "text",
        "style": "text",
        "phase": phase,
        "question_id": question_id,
        "clip_id": None,
        "prompt": f"{question} Choices: {', '.join(choices)}.",
        "reasoning": reasoning,
        "answer": answer,
        "weight": 1.0,
    }
