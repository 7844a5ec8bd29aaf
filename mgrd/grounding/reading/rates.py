"""How often something happens: "two every second", "a click every half second", "once a second", "five syllables a
second". A rate is no count.
"""

from collections.abc import Iterator
from math import isfinite

from mgrd.grounding.reading.context import Clause
from mgrd.grounding.reading.drafts import Draft
from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.values import BEATS, UNITS, draft_value, number_of

PER = frozenset({"per", "every", "each", "a", "/", "the"})
SECONDS = {word: factor for word, (unit, factor) in UNITS.items() if unit == "s"}
PARTS = {"half": 0.5, "quarter": 0.25, "half a": 0.5, "a quarter of a": 0.25, "a third of a": 1 / 3}
SINGLE = frozenset({"a", "one", "another", "an", "once"})
SYLLABLES = frozenset({"syllable", "syllables"})
BETWEEN = 4  # items from a number to "per second"


def read_rates(clause: Clause, topic: str | None) -> Iterator[Draft]:
    """Drafts of rates that no plain unit writes; `topic` is what was spoken of before."""
    items = clause.items
    for index, item in enumerate(items):
        if item.word not in PER or index == 0 or items[index - 1].word == "of":
            continue
        found = _period(items, index)
        if found is None:
            continue
        seconds, last = found
        first = _number_before(items, index)
        if first is None:
            single = not any(other.kind == "number" and other.word not in SINGLE for other in items[:index])
            every = item.word in ("every", "each") and any(other.kind == "event" for other in items[:index])
            number, first = (1.0, index) if every and single else (None, index)
        else:
            number = number_of(items[first]) or 1.0
        if number is None or seconds <= 0 or not isfinite(number):
            continue
        draft = _draft(clause, first, last, number / seconds, topic)
        if draft is not None:
            yield draft


def _period(items: tuple[Item, ...], index: int) -> tuple[float, int] | None:
    """(seconds, index of the last item) of "per second", "every half second", "every 0.5 s", "every two seconds"."""
    rest = items[index + 1 : index + 4]
    words = [item.word for item in rest]
    if words and words[0] in SECONDS and rest[0].kind != "ordinal":
        return SECONDS[words[0]], index + 1
    if len(words) < 2 or words[1] not in SECONDS or items[index].word not in ("every", "each", "per"):
        return None
    size = PARTS.get(words[0])
    if size is None and rest[0].kind == "number":
        size = number_of(rest[0])
    return None if size is None or not isfinite(size) else (size * SECONDS[words[1]], index + 2)


def _number_before(items: tuple[Item, ...], index: int) -> int | None:
    """The number, "a" or "once" before a rate, past the noun that it counts."""
    for back in range(index - 1, max(-1, index - 1 - BETWEEN), -1):
        item = items[back]
        if item.kind == "number" or item.word in SINGLE:
            return back
        if item.kind in ("verb", "break", "conjunction", "time", "unit", "negation"):
            return None
    return None


def _draft(clause: Clause, first: int, last: int, rate: float, topic: str | None) -> Draft | None:
    items = clause.items
    words = {item.word for item in items[first:last]}
    topics = {item.value for item in items if item.kind == "topic"} or {topic}
    if words & SYLLABLES:
        return draft_value(clause, first, last, "syllable_rate", rate, "1/s")
    if "vibrato" in topics or any(item.value in ("waver", "modulate") for item in items):
        return draft_value(clause, first, last, "vibrato_rate", rate, "Hz")
    noun = next((item for item in items[first:last] if item.kind == "event" and item.word != "times"), None)
    counted = noun is not None or topic in ("one", "many", "tempo") or topics & {"tempo", "many", "one"}
    counted = counted or any(item.kind == "event" and item.word != "times" for item in items)
    if not counted or (
        noun is not None and noun.word in BEATS and items[last - 1].word in ("per", "a", "every", "each")
    ):
        return None  # values.py reads "two clicks per second"
    return draft_value(clause, first, last, "tempo", 60 * rate, "BPM")
