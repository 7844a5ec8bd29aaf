"""The owners' scoring rules, written anew from their descriptions."""

import re
from collections.abc import Sequence

_WORD = re.compile(r"\b\w+\b")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
LETTERS = "ABCD"
SPOKEN_CHARACTERS = 100
"""Of a reply, what Spoken-MQA's rule looks at."""


def string_match(answer: str, prediction: str, choices: Sequence[str]) -> bool:
    """MMAU's rule, which MMAR shares: all words of the answer are said, and no word of another choice alone.

    Words are lower-case `\\b\\w+\\b`, as sets: order and repetition do not matter.
    """
    said, wanted = words(prediction), words(answer)
    others = set[str]().union(*(words(choice) - wanted for choice in choices))
    return bool(said) and wanted <= said and not said & others


def words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def choice_letter(response: str) -> str | None:
    """The letter that MMSU and AIR-Bench read: the first character, else the second to last ("The answer is A.").

    Line breaks are taken out and ends stripped. None where neither is one of A to D: the owners drop the row.
    """
    said = response.strip().replace("\n", "")
    if said[:1] and said[0] in LETTERS:
        return said[0]
    return said[-2] if len(said) > 1 and said[-2] in LETTERS else None


def number_match(answer: str, prediction: str) -> bool:
    """The last number in the first 100 characters equals the answer's; equal text where the answer has none.

    A reply without a number is wrong.
    """
    said = prediction[:SPOKEN_CHARACTERS]
    wanted, found = _last_number(answer), _last_number(said)
    if wanted is None:
        return said.strip().casefold() == answer.strip().casefold()
    return found is not None and abs(found - wanted) < 1e-4


def _last_number(text: str) -> float | None:
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None
