"""Words and phrases that say one thing of a sound by themselves, whatever their sentence speaks of (glossary.toml).

The clause grammar needs a topic that it knows; prose has endless topics, but few ways to say that a pulse keeps time.
What stands in the glossary is read where the grammar found nothing of the same kind in the clause.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from mgrd.grounding.reading.constructions import is_denied, is_hedged
from mgrd.grounding.reading.drafts import HEDGE_WEIGHT, Draft, statement

_FILE = tomllib.loads(Path(__file__).with_name("glossary.toml").read_text(encoding="utf-8"))
_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[^\w\s-]")
_GAP = 4  # words that a "*" stands for at most
LEAST_WORDS = 2  # a shorter sentence names the answer
IRREGULAR = {
    "ris": "rose risen", "fall": "fell fallen", "grow": "grew grown", "run": "ran", "sink": "sank sunk",
    "go": "went goes gone",
    "speak": "spoke spoken", "slid": "slid", "shoot": "shot", "los": "lost", "build": "built", "bend": "bent",
    "get": "got", "becom": "became", "com": "came", "hang": "hung", "stand": "stood", "ring": "rang rung",
    "wind": "wound", "creep": "crept", "hold": "held", "keep": "kept", "sweep": "swept", "swell": "swollen",
}  # fmt: skip

Words = tuple[str, ...]
Slot = tuple[Words, ...]
"""Alternatives at one place of a phrase; an empty one may be left out, ("*",) is a few words of any kind."""
_ANY: Slot = (("*",),)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase of the glossary and the word of an attribute that it says."""

    attribute: str
    word: str
    slots: tuple[Slot, ...]
    needs: frozenset[str]
    """Words without one of which it cannot match."""


def _forms(word: str) -> list[str]:
    """ "glid~" in all its forms; letters that English does not double make forms that nobody writes."""
    stem = word[:-1]
    ends = ["", "e", "s", "es", "ed", "ing", f"{stem[-1]}ing", f"{stem[-1]}ed"]
    return [*(stem + end for end in ends), *IRREGULAR.get(stem, "").split()]


def _slots(phrase: str) -> tuple[Slot, ...]:
    """ "(a|b) c~" as its places."""
    found: list[Slot] = []
    for part in re.findall(r"\([^()]*\)|[^()]+", phrase):
        for piece in [part[1:-1].split("|")] if part[0] == "(" else [[word] for word in part.split()]:
            alternatives: list[Words] = []
            for text in piece:
                words = _TOKEN.findall(text.replace("*", " * ").replace("~", "\0"))
                marked = re.findall(r"[a-z0-9]+(?:'[a-z]+)?~?|\*", text)
                alternatives += product(*(_forms(w) if w.endswith("~") else [w] for w in marked)) if words else [()]
            found.append(tuple(dict.fromkeys(alternatives)))
    return tuple(found)


def _phrases() -> tuple[Phrase, ...]:
    found = []
    for name, entry in _FILE.items():
        attribute, _, word = name.partition(" ")
        for text in _split(entry["phrases"]):
            slots = _slots(text)
            fixed = [slot for slot in slots if slot != _ANY and () not in slot]
            needs = frozenset(words[-1] for words in fixed[-1])
            found.append(Phrase(attribute, word, slots, needs))
    return tuple(found)


def _split(text: str) -> list[str]:
    """Phrases between commas that stand in no brackets."""
    return [" ".join(part.split()) for part in re.split(r",(?![^()]*\))", text) if part.strip()]


def _openings(slots: tuple[Slot, ...], before: Words = ()) -> set[Words]:
    """The first two words with which a phrase may begin; one alone where anything, or nothing, may follow."""
    if len(before) >= 2:
        return {before[:2]}
    if not slots or slots[0] == _ANY:
        return {before}
    return set().union(*(_openings(slots[1:], before + words) for words in slots[0]))


PHRASES = _phrases()
_BY_OPENING: dict[str, dict[str, list[Phrase]]] = {}
"""First word -> second word, "" for any -> phrases."""
for _phrase in PHRASES:
    for _head, *_rest in _openings(_phrase.slots):
        _BY_OPENING.setdefault(_head, {}).setdefault(_rest[0] if _rest else "", []).append(_phrase)


def read_glossary(sentence: str, offset: int) -> Iterator[Draft]:
    """Drafts of what the words of a sentence (lower case, at character `offset` of its text) say by themselves."""
    words = _TOKEN.findall(sentence)
    said = frozenset(words)
    found: list[tuple[int, int, Phrase]] = []
    for index, word in enumerate(words):
        known = _BY_OPENING.get(word)
        if known is None:
            continue
        following = words[index + 1] if index + 1 < len(words) else "."
        for phrase in (*known.get(following, ()), *known.get("", ())):
            if not phrase.needs.isdisjoint(said) and (end := _match(phrase.slots, 0, words, index)) > index:
                found.append((index, end, phrase))
    if not found or sum(word[0].isalnum() for word in words) < LEAST_WORDS:
        return
    places = [token.span() for token in _TOKEN.finditer(sentence)]
    taken, last = 0, (-1, -1)
    for index, end, phrase in sorted(found, key=lambda match: (match[0], -match[1], match[2].attribute)):
        if index >= taken or (index, end) == last:  # the longest readings of the same words
            taken, last = end, (index, end)
            if end - index == 1 and _is_alone(words, index):
                continue  # one of a list of keywords, or the answer
            yield _draft(phrase, sentence, places[index][0], places[end - 1][1], offset)


def _is_alone(words: list[str], index: int) -> bool:
    """The word stands between two marks."""
    before, after = words[index - 1 : index], words[index + 1 : index + 2]
    return not (before and before[0][0].isalnum()) and not (after and after[0][0].isalnum())


def _match(slots: tuple[Slot, ...], place: int, words: list[str], index: int) -> int:
    """Index after the longest match of the slots from `place` on, or -1."""
    if place == len(slots):
        return index
    best = -1
    for alternative in slots[place]:
        if alternative == ("*",):
            for skipped in range(_GAP + 1):
                if skipped and (index + skipped > len(words) or not words[index + skipped - 1][0].isalnum()):
                    break
                best = max(best, _match(slots, place + 1, words, index + skipped))
        elif tuple(words[index : index + len(alternative)]) == alternative:
            best = max(best, _match(slots, place + 1, words, index + len(alternative)))
    return best


def _draft(phrase: Phrase, sentence: str, begin: int, end: int, offset: int) -> Draft:
    weight = HEDGE_WEIGHT if is_hedged(sentence, begin) else 1.0
    place: Draft = {"start": offset + begin, "end": offset + end}
    return place | statement(phrase.attribute, phrase.word) | {"negated": is_denied(sentence, begin), "weight": weight}
