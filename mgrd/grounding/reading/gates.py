"""The beginnings of words without which a pattern cannot match, read from the pattern itself.

Most sentences lack most words, and a set of their beginnings tells that sooner than any search. A gate is exact: it
never shuts out a text in which its pattern is found.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]  # re's own reading of a pattern
from typing import Any

from mgrd.ids import KEY_DIGITS, sha256_bytes

TABLE = Path(__file__).with_name("gates.json")
"""Gates of the patterns of this package, by the hash of their text; `python -m mgrd.grounding.gate_table` writes it."""
asked: dict[str, re.Pattern[str]] = {}
"""Patterns whose gates were asked for, by key."""
STEM = 4
"""Letters of a word that are looked at."""
MOST_ALTERNATIVES = 160
COMMON = frozenset(
    {"the", "a", "is", "and", "pitc", "it", "tone", "s", "in", "of", "high", "ther", "at", "seco", "to", "i"}
    | {"with", "beep", "one", "up", "note", "so", "loud", "down", "abou", "firs", "are", "clic", "nois", "slow"}
    | {"than", "no", "from", "low", "hz", "risi", "soun", "end", "thre", "rise", "fall", "two", "that", "by", "goes"}
    | {"five", "on", "each", "last", "hear", "voic", "star", "over", "time", "an", "then", "all", "four", "betw"}
    | {"stea", "clea", "cont", "fast", "this", "its", "for", "as", "freq"}
)
"""Beginnings of the words that prose on sounds is full of."""
_MOST_DEPTH, _MOST_PARTED = 40, 3
MOST_NEEDS = 3
WORDS = re.compile(r"[a-z]+|\d|[^\w\s]")
"""Words, digits and marks."""
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_OUTSIDE = frozenset({"CATEGORY_SPACE", "CATEGORY_NOT_WORD"})
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")

Needs = tuple[frozenset[str], ...]
"""Sets of beginnings of words: a text needs one of each."""
Gate = tuple[Needs, ...]
"""The needs of each alternative of a pattern; none where nothing is known to be needed."""
Items = tuple[tuple[Any, Any], ...]


class _UnknownError(Exception):
    """What the text begins with here cannot be told."""


@lru_cache(maxsize=4)
def stems_of(text: str) -> frozenset[str]:
    """The first letters of the words of a text, and its marks."""
    return stems(WORDS.findall(text.lower()))


def stems(words: Iterable[str]) -> frozenset[str]:
    """The first letters of words in lower case."""
    return frozenset([word[:STEM] for word in words])


class Gates:
    """Several gates, found open by the words of a text: each alternative waits at the rarest of its needs."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        self._always = [place for place, gate in enumerate(gates) if not gate]
        self._by_stem: dict[str, list[tuple[int, Needs]]] = {}
        for place, gate in enumerate(gates):
            for needs in gate:
                first, *others = sorted(needs, key=_commonness)
                for stem in first:
                    self._by_stem.setdefault(stem, []).append((place, tuple(others)))
        self._stems = frozenset(self._by_stem)

    def open(self, found: frozenset[str]) -> list[int]:
        """The places, in order, of the gates that are open to a text of whose words these are the beginnings."""
        places = set(self._always)
        for stem in found & self._stems:
            for place, others in self._by_stem[stem]:
                if place not in places:
                    for need in others:
                        if need.isdisjoint(found):
                            break
                    else:
                        places.add(place)
        return sorted(places)


def _commonness(need: frozenset[str]) -> tuple[int, int]:
    return sum(1 + 4 * (stem in COMMON) for stem in need), len(need)


def gate_of(pattern: re.Pattern[str]) -> Gate:
    """What a pattern needs, from the table of gates.json where it stands there: reading all patterns takes seconds."""
    key = sha256_bytes(f"{pattern.flags & ~re.UNICODE} {pattern.pattern}".encode())[:KEY_DIGITS]
    asked[key] = pattern
    stored = _stored().get(key)
    if stored is None:
        return read_gate(pattern)
    return tuple(tuple(map(frozenset, needs)) for needs in stored)


@cache
def _stored() -> dict[str, list[list[list[str]]]]:
    return json.loads(TABLE.read_text()) if TABLE.is_file() else {}


def table_of(patterns: Mapping[str, re.Pattern[str]]) -> str:
    """The text of gates.json for patterns by their keys."""
    rows = {key: [list(map(sorted, needs)) for needs in read_gate(one)] for key, one in sorted(patterns.items())}
    return json.dumps(rows, separators=(",", ":")).replace('],"', '],\n"') + "\n"


def read_gate(pattern: re.Pattern[str]) -> Gate:
    """What a pattern needs, by its alternatives; nothing where one of them may match any words."""
    items = tuple(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))
    found = []
    for alternative in _alternatives(items, _MOST_PARTED):
        needs = _needs(alternative, (), after=False)
        if not needs:
            return ()
        found.append(tuple(sorted(dict.fromkeys(needs), key=len)[:MOST_NEEDS]))
    return tuple(dict.fromkeys(found))


def _alternatives(items: Items, depth: int) -> list[Items]:
    """The rows that a row with alternatives stands for; only those that need nothing else are parted further."""
    place = next((k for k, (kind, _) in enumerate(items) if str(kind) in ("BRANCH", "SUBPATTERN")), None)
    if place is None or not depth:
        return [items]
    kind, value = items[place]
    parts = [tuple(value[3])] if str(kind) == "SUBPATTERN" else [tuple(part) for part in value[1]]
    found: list[Items] = []
    for part in parts:
        row = (*items[:place], *part, *items[place + 1 :])
        found += [row] if _needs(row, (), after=False) and depth < _MOST_PARTED else _alternatives(row, depth - 1)
    return found


def _needs(items: Items, rest: Items, *, after: bool) -> list[frozenset[str]]:
    """What a row of parts needs. `after`: a word may begin at the first of them."""
    found: list[frozenset[str]] = []
    for place, (kind, value) in enumerate(items):
        following = (*items[place + 1 :], *rest)
        name = str(kind)
        if (mark := _marks(name, value)) is not None:
            found.append(mark)
        if after and name not in ("AT", "ASSERT", "ASSERT_NOT"):
            found += _beginning(((kind, value), *following))
        if name == "SUBPATTERN":
            found += _needs(tuple(value[3]), following, after=False)
        elif name == "BRANCH":
            found += _of_branch([tuple(part) for part in value[1]], following)
        elif name in _REPEATS and value[0] >= 1:
            found += _needs(tuple(value[2]), (), after=False)
        if name in ("ASSERT", "ASSERT_NOT"):
            continue
        after = _ends_word(name, value) or (after and (_is_between(name, value) or _is_optional(name, value)))
    return found


def _marks(name: str, value: Any) -> frozenset[str] | None:
    """The marks of which one must stand here."""
    letters = [chr(value)] if name == "LITERAL" else []
    if name == "IN" and all(str(kind) == "LITERAL" for kind, _ in value):
        letters = [chr(literal) for _, literal in value]
    return frozenset(letters) if letters and all(re.match(r"[^\w\s]", letter) for letter in letters) else None


def _ends_word(name: str, value: Any) -> bool:
    """A word may begin right after this part, and none goes on."""
    if name == "LITERAL":
        return chr(value).lower() not in _LETTERS and chr(value).isascii()
    if name in _REPEATS:
        return value[0] >= 1 and _ends_word(str(value[2][-1][0]), value[2][-1][1])
    if name == "SUBPATTERN":
        return len(value[3]) > 0 and _ends_word(str(value[3][-1][0]), value[3][-1][1])
    if name == "BRANCH":
        return all(len(part) > 0 and _ends_word(str(part[-1][0]), part[-1][1]) for part in value[1])
    return (name == "AT" and str(value) in ("AT_BOUNDARY", "AT_BEGINNING")) or _is_between(name, value)


def _is_optional(name: str, value: Any) -> bool:
    """Words that may be left out, and after which a word may begin."""
    return name in _REPEATS and _ends_word(str(value[2][-1][0]), value[2][-1][1])


def _is_between(name: str, value: Any) -> bool:
    """No letter of a word: a space, or whatever \\W stands for, any number of times."""
    if name in _REPEATS:
        return len(value[2]) == 1 and _is_between(str(value[2][0][0]), value[2][0][1])
    return name == "IN" and all(str(inner) in _OUTSIDE for _, inner in value)


def _beginning(items: Items) -> list[frozenset[str]]:
    try:
        words = frozenset(_heads(items, "", 0))
    except _UnknownError:
        return []
    return [words] if words and "" not in words and len(words) <= MOST_ALTERNATIVES else []


def _of_branch(parts: list[Items], rest: Items) -> list[frozenset[str]]:
    """One of the narrowest needs of each alternative."""
    joined: set[str] = set()
    for part in parts:
        found = _needs(part, rest, after=False)
        if not found:
            return []
        joined |= min(found, key=len)
    return [frozenset(joined)] if len(joined) <= MOST_ALTERNATIVES else []


def _heads(items: Items, head: str, depth: int) -> Iterator[str]:
    """Every beginning of a word that the parts may make after `head`."""
    if len(head) == STEM or (head and head.isdigit()):
        yield head
        return
    if not items or depth > _MOST_DEPTH:
        raise _UnknownError
    (kind, value), rest = items[0], items[1:]
    name = str(kind)
    read = _HEADS.get(name)
    if _is_between(name, value):
        read = _heads_between
    if read is None:
        raise _UnknownError
    yield from read(name, value, rest, head, depth + 1)


def _heads_of_letter(_: str, value: Any, rest: Items, head: str, depth: int) -> Iterator[str]:
    letter = chr(value).lower()
    if letter in _LETTERS or letter.isdigit():
        yield from _heads(rest, head + letter, depth)
    elif letter.isascii() and head:
        yield head
    else:
        raise _UnknownError


def _heads_of_place(name: str, value: Any, rest: Items, head: str, depth: int) -> Iterator[str]:
    ends = str(value) in ("AT_BOUNDARY", "AT_END", "AT_END_STRING")
    if name == "AT" and head and not ends:
        raise _UnknownError
    if name == "AT" and head:
        yield head
    else:
        yield from _heads(rest, head, depth)


def _heads_of_parts(name: str, value: Any, rest: Items, head: str, depth: int) -> Iterator[str]:
    for part in [value[3]] if name == "SUBPATTERN" else value[1]:
        yield from _heads((*tuple(part), *rest), head, depth)


def _heads_between(name: str, value: Any, rest: Items, head: str, depth: int) -> Iterator[str]:
    if head:
        yield head
    if not head or (name in _REPEATS and value[0] == 0):
        yield from _heads(rest, head, depth)


def _heads_of_repeat(name: str, value: Any, rest: Items, head: str, depth: int) -> Iterator[str]:
    least, most, part = value
    if least == 0:
        yield from _heads(rest, head, depth)
    endless = most == parser.MAXREPEAT
    left = [] if most == 1 else [(name, (max(0, least - 1), most if endless else most - 1, part))]
    yield from _heads((*tuple(part), *left, *rest), head, depth)


def _heads_of_set(_: str, value: Any, rest: Items, head: str, depth: int) -> Iterator[str]:
    if not all(str(kind) == "LITERAL" for kind, _ in value):
        raise _UnknownError
    for literal in value:
        yield from _heads((literal, *rest), head, depth)


_HEADS: dict[str, Callable[[str, Any, Items, str, int], Iterator[str]]] = {
    "LITERAL": _heads_of_letter,
    **dict.fromkeys(("AT", "ASSERT", "ASSERT_NOT"), _heads_of_place),
    **dict.fromkeys(("SUBPATTERN", "BRANCH"), _heads_of_parts),
    **dict.fromkeys(_REPEATS, _heads_of_repeat),
    "IN": _heads_of_set,
}
