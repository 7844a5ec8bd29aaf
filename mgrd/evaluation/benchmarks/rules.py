"""The owners' scoring rules, written anew from their descriptions."""

import re
from collections.abc import Sequence

_WORD = re.compile(r"\b\w+\b")
_NUMBER = re.compile(r"-?\d+/?\.?\d*")
_LED_BY_ZERO = re.compile("-?0[0-9]")
_ANNOUNCED = re.compile("The answer is:|The answer is|the answer is|####")
_TOLD = ("The answer is:", "The answer is", "the answer is", "####")
LETTERS = "ABCD"
MOST_CHARACTERS = 100
"""Of the number that was read, what Spoken-MQA's rule compares."""
NOTHING = "empty"


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


def spoken_number(reply: str) -> str:
    """The number that Spoken-MQA's rule (AudioBench, `acc`) reads from a reply; `NOTHING` where there is none.

    After the last "The answer is" or "####" the first number, else the last of the reply. Where one of these is said
    twice, only what stands before the first blank line is read. Commas are taken out, zeros behind the point dropped,
    a fraction with a slash divided.
    """
    said = reply.strip("\n")
    if any(said.count(told) > 1 for told in _TOLD):
        said = said.split("\n\n")[0]
    *before, last = _ANNOUNCED.split(said)
    found = _NUMBER.findall(last.strip("\n").rstrip(".").rstrip("/").strip(" ").replace(",", ""))
    if not found:
        return NOTHING
    return plain_number(found[0] if before else found[-1]).rstrip(".").rstrip("/")[:MOST_CHARACTERS] or NOTHING


def plain_number(text: str) -> str:
    """A number as AudioBench writes it: `3.0` as `3`, `1/4` as `0.25`; another text as it is."""
    try:
        value = float(text)
    except ValueError:
        over, _, under = text.partition("/")
        if any(_LED_BY_ZERO.match(part) for part in (over, under)):
            return text
        try:
            value = float(over) / float(under)
        except (ValueError, ZeroDivisionError):
            return text
    written = repr(value).rstrip("0")
    return str(int(written.rstrip("."))) if written.endswith(".") else str(float(written))


def number_match(answer: str, reply: str) -> bool:
    """The number that is read from the reply, as text, equals the answer."""
    return spoken_number(reply).casefold() == (answer or NOTHING).casefold()
