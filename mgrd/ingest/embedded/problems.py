"""Text problems whose answer can be worked out from their words: arithmetic, ordering, logic.

A problem is made with its chain and answer; `solve` works the answer out again from the question alone, by
other means, and only problems on which both agree are given out. Every question belongs to one side, for
training or held out, by the hash of its words: no held-out question is ever trained on, whatever the seed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mgrd.errors import DataError
from mgrd.ids import content_key
from mgrd.ingest.skills import NUMBER_WORDS

THINGS = ("red", "blue", "green", "dog", "cat", "bird", "tree", "house")
HELD_OUT_IN = 5
"""One question in so many is held out."""

_NUMBER = "|".join(NUMBER_WORDS)
_VALUES = {word: value for value, word in enumerate(NUMBER_WORDS)}


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with its choices, a chain that leads to the answer, and the answer."""

    question: str
    choices: tuple[str, ...]
    reasoning: str
    answer: str


def is_held_out(question: str) -> bool:
    """Whether the question may only be asked in evaluation. Decided by its words alone."""
    return int(content_key("text problem", question), 16) % HELD_OUT_IN == 0


def make_problems(count: int, seed: int, *, held_out: bool, stream: int = 0) -> list[Problem]:
    """`count` verified problems of one side, kinds in turn; questions may come twice. The same seed gives the same.

    Raises DataError when the chain's answer is not the one that the question works out to.
    """
    rng = np.random.default_rng([seed, stream])
    problems: list[Problem] = []
    while len(problems) < count:
        problem = MAKERS[len(problems) % len(MAKERS)](rng)
        if is_held_out(problem.question) != held_out:
            continue
        if solve(problem.question) != problem.answer:
            raise DataError(f"{problem.question!r} works out to {solve(problem.question)!r}, not {problem.answer!r}")
        problems.append(problem)
    return problems


def _compare(rng: np.random.Generator) -> Problem:
    low, high = sorted(int(number) for number in rng.choice(len(NUMBER_WORDS), 2, replace=False))
    choices = tuple(NUMBER_WORDS[number] for number in rng.permutation([low, high]))
    small, large = NUMBER_WORDS[low], NUMBER_WORDS[high]
    if rng.random() < 0.5:
        return Problem(
            f"Which number is larger: {' or '.join(choices)}?", choices, f"{large} is more than {small}.", large
        )
    return Problem(
        f"Which number is smaller: {' or '.join(choices)}?", choices, f"{small} is less than {large}.", small
    )


def _count_words(rng: np.random.Generator) -> Problem:
    number = int(rng.integers(1, 6))
    words = [str(word) for word in rng.choice(THINGS, number)]
    counted = ", ".join(f"{word} {NUMBER_WORDS[place]}" for place, word in enumerate(words, 1))
    question = f"How many words are there: {' '.join(words)}?"
    return Problem(question, _numbers(rng, number), f"counting: {counted}.", NUMBER_WORDS[number])


def _last_word(rng: np.random.Generator) -> Problem:
    words = [str(word) for word in rng.choice(THINGS, 3, replace=False)]
    place, index = ("first", 0) if rng.random() < 0.5 else ("last", 2)
    choices = tuple(str(word) for word in rng.permutation(words))
    question = f"Which word is {place}: {' '.join(words)}?"
    return Problem(question, choices, f"the {place} word of {' '.join(words)} is {words[index]}.", words[index])


def _add(rng: np.random.Generator) -> Problem:
    left = int(rng.integers(0, len(NUMBER_WORDS)))
    right = int(rng.integers(0, len(NUMBER_WORDS) - left))
    first, second, total = (NUMBER_WORDS[number] for number in (left, right, left + right))
    if rng.random() < 0.5:
        question = f"What is {first} plus {second}?"
        return Problem(question, _numbers(rng, left + right), f"{first} and {second} make {total}.", total)
    question = f"What is {total} minus {first}?"
    return Problem(question, _numbers(rng, right), f"{first} and {second} make {total}, so {second} is left.", second)


def _middle(rng: np.random.Generator) -> Problem:
    numbers = [int(number) for number in rng.choice(len(NUMBER_WORDS), 3, replace=False)]
    words = tuple(NUMBER_WORDS[number] for number in numbers)
    low, middle, high = (NUMBER_WORDS[number] for number in sorted(numbers))
    question = f"Which number is between the others: {', '.join(words)}?"
    return Problem(question, words, f"in order: {low}, {middle}, {high}.", middle)


def _oldest(rng: np.random.Generator) -> Problem:
    old, middle, young = (str(thing) for thing in rng.choice(THINGS[3:], 3, replace=False))
    said = [f"The {old} is older than the {middle}.", f"The {middle} is older than the {young}."]
    way, answer = ("oldest", old) if rng.random() < 0.5 else ("youngest", young)
    question = f"{' '.join(said[place] for place in rng.permutation(2))} Which is the {way}?"
    choices = tuple(str(thing) for thing in rng.permutation([old, middle, young]))
    return Problem(question, choices, f"from old to young: {old}, {middle}, {young}.", answer)


MAKERS: tuple[Callable[[np.random.Generator], Problem], ...] = (
    _compare, _count_words, _add, _last_word, _middle, _oldest,
)  # fmt: skip


def _numbers(rng: np.random.Generator, right: int) -> tuple[str, ...]:
    others = [number for number in range(len(NUMBER_WORDS)) if number != right]
    return tuple(NUMBER_WORDS[number] for number in rng.permutation([right, *rng.choice(others, 2, replace=False)]))


def solve(question: str) -> str | None:
    """The answer that a question works out to, from its words alone; None for a question of no known kind."""
    for pattern, work in _SOLVERS:
        if found := pattern.fullmatch(question):
            return work(*found.groups())
    return None


def _extreme(way: str, left: str, right: str) -> str:
    pick = max if way == "larger" else min
    return NUMBER_WORDS[pick(_VALUES[left], _VALUES[right])]


def _calculate(left: str, sign: str, right: str) -> str | None:
    value = _VALUES[left] + _VALUES[right] if sign == "plus" else _VALUES[left] - _VALUES[right]
    return NUMBER_WORDS[value] if 0 <= value < len(NUMBER_WORDS) else None


def _end_of(pairs: str, way: str) -> str | None:
    """Who is nobody's younger (or older) one among the statements."""
    stated = re.findall(r"The (\w+) is older than the (\w+)\.", pairs)
    older, younger = {one for one, _ in stated}, {other for _, other in stated}
    left = older - younger if way == "oldest" else younger - older
    return left.pop() if len(left) == 1 else None


_SOLVERS: tuple[tuple[re.Pattern[str], Callable[..., str | None]], ...] = (
    (re.compile(rf"Which number is (larger|smaller): ({_NUMBER}) or ({_NUMBER})\?"), _extreme),
    (re.compile(r"How many words are there: (.+)\?"), lambda words: NUMBER_WORDS[len(words.split())]),
    (
        re.compile(r"Which word is (first|last): (.+)\?"),
        lambda place, words: words.split()[0 if place == "first" else -1],
    ),
    (re.compile(rf"What is ({_NUMBER}) (plus|minus) ({_NUMBER})\?"), _calculate),
    (
        re.compile(rf"Which number is between the others: ({_NUMBER}), ({_NUMBER}), ({_NUMBER})\?"),
        lambda *words: NUMBER_WORDS[int(np.median([_VALUES[word] for word in words]))],
    ),
    (re.compile(r"((?:The \w+ is older than the \w+\. ?)+)Which is the (oldest|youngest)\?"), _end_of),
)
