"""Constructions of several words that say one thing of the sound in any clause (constructions.toml).

The clause grammar reads a topic and what is said of it; these read idioms of the ear, whose parts mean nothing apart
("no body down low", "each wait is shorter than the last").
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from mgrd.grounding.reading.drafts import HEDGE_WEIGHT, Draft, statement
from mgrd.grounding.reading.gates import Gate, Gates, gate_of
from mgrd.grounding.reading.senses import RELATION
from mgrd.grounding.reading.times import Time, find_times

_FILE = tomllib.loads(Path(__file__).with_name("constructions.toml").read_text(encoding="utf-8"))
_DENIED = re.compile(
    r"(?:\b(?:not|never|no|without|nor|neither|none|hardly|isn't|nothing|far from|anything but|no longer|rather than|"
    r"instead of|unlike)|n't)(?:\s+(?!but\b|and\b|or\b|because\b|since\b)[\w'-]+){0,2}\s*$"
)
"""A negation up to two words before a match."""
_HEDGE = re.compile(
    r"\b(?:maybe|perhaps|possibly|probably|might|may|could be|i think|i guess|i suppose|sort of|kind of)\b"
)
_LISTED = re.compile(r"\b(?:not|no|nor|never|neither|without)\b[^,;.]{0,25}\bor\s*$")
"""A denial of several things: "not a hum or a rumble"."""
REACH_BACK = 40  # characters before a match in which it may be denied or hedged
CLAUSE_MARKS = ".;:,—–()"


@dataclass(frozen=True, slots=True)
class Family:
    """Patterns that claim one word of an attribute. `swallow`: they also replace values that they contain."""

    attribute: str
    word: str
    patterns: tuple[tuple[re.Pattern[str], Gate], ...]
    swallow: bool
    denied: bool
    """The patterns say that the word does not hold ("a gliding pitch": not flat)."""
    subject: int | None
    """The single sound that they speak of (-1 is the last)."""


def _families() -> tuple[Family, ...]:
    slots = _FILE["slots"]

    def compiled(pattern: str) -> tuple[re.Pattern[str], Gate]:
        for _ in range(2):  # slots may hold slots
            for name, text in slots.items():
                pattern = pattern.replace(f"{{{name}}}", text)
        ready = re.compile(pattern)
        return ready, gate_of(ready)

    found = []
    for entry in _FILE["family"]:
        claims = entry["claims"]
        attribute, _, word = claims.removeprefix("not ").partition(" ")
        patterns = tuple(compiled(pattern) for pattern in entry["patterns"])
        found.append(
            Family(
                attribute,
                word,
                patterns,
                entry.get("swallow", False),
                claims.startswith("not "),
                entry.get("subject"),
            )
        )
    return tuple(found)


FAMILIES = _families()
_PATTERNS = [(family, pattern) for family in FAMILIES for pattern, _ in family.patterns]
_GATES = Gates([gate for family in FAMILIES for _, gate in family.patterns])


def read_constructions(sentence: str, said: frozenset[str], start: int) -> list[tuple[Draft, bool]]:
    """Drafts of the constructions in a sentence, each with whether it swallows the values in it.

    `sentence` is in lower case and begins at character `start` of its text; `said` are the beginnings of its words.
    """
    found: list[tuple[Draft, bool]] = []
    for place in _GATES.open(said):
        family, pattern = _PATTERNS[place]
        for match in pattern.finditer(sentence):
            if match.end() > match.start():
                found.append((_draft(family, sentence, match, start), family.swallow))
    return found


def _passage(attribute: str, words: tuple[str, ...], start: int, end: int) -> Draft:
    """A line that goes one way and then the other ("louder>softer"): its first movement, as part of the whole."""
    more = {"claimed": f"{attribute} {' then '.join(words)}", "sequence": words}
    return {"start": start, "end": end} | statement(attribute, words[0]) | more


def is_denied(sentence: str, begin: int) -> bool:
    """What begins at a character of a sentence in lower case is denied just before."""
    clause = _before(sentence, begin)
    return (_DENIED.search(clause) or _LISTED.search(clause)) is not None


def is_hedged(sentence: str, begin: int) -> bool:
    """What begins at a character of a sentence in lower case is only thought to be so."""
    return _HEDGE.search(_before(sentence, begin)) is not None


def _before(sentence: str, begin: int) -> str:
    """What stands before a place in its clause."""
    before = sentence[max(0, begin - REACH_BACK) : begin]
    return before[max(before.rfind(mark) for mark in CLAUSE_MARKS) + 1 :]


def _draft(family: Family, sentence: str, match: re.Match[str], offset: int) -> Draft:
    begin, end = match.span()
    words = tuple(family.word.split(">"))
    if len(words) > 1:
        return _passage(family.attribute, words, offset + begin, offset + end)
    while begin < end and not sentence[begin].isalnum():
        begin += 1
    draft = {"start": offset + begin, "end": offset + end} | statement(family.attribute, family.word)
    if family.subject is not None:
        draft |= {"claimed": f"{draft['claimed']} of sound {family.subject}", "subject": family.subject}
    timed = RELATION.get(family.word) in ("rises", "falls") or family.attribute == "speaker"
    time = _time_near(sentence, begin, end) if timed else None
    if time is not None:
        draft |= {"time_start": time[0], "time_end": time[1], "time_unit": time[2]}
    weight = HEDGE_WEIGHT if is_hedged(sentence, begin) else 1.0
    return draft | {"negated": is_denied(sentence, begin) != family.denied, "weight": weight}


def _time_near(sentence: str, begin: int, end: int) -> Time | None:
    """The time phrase beside a movement."""
    times = find_times(sentence)
    return next((time for at, to, time in times if at < end + REACH_BACK and to > begin - REACH_BACK), None)
