"""The words of the claim grammar, read from lexicon.toml: what each word or phrase of a chain can mean.

A lexeme has a kind (its part in a clause) and a value (its sense). Nothing here decides what a clause claims.
"""

import re
import tomllib
from dataclasses import dataclass
from itertools import product
from pathlib import Path

LISTS = tomllib.loads(Path(__file__).with_name("lexicon.toml").read_text(encoding="utf-8"))
NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
MORE_NUMBERS: dict[str, float] = {
    **{f"{word} and a half": number + 0.5 for number, word in enumerate(NUMBER_WORDS[1:10], start=1)},
    "a single": 1,
    "single": 1,
    "exactly one": 1,
    "just one": 1,
    "only one": 1,
    "a lone": 1,
    "a solitary": 1,
    "lone": 1,
    "a pair of": 2,
    "a couple of": 2,
    "a duo of": 2,
    "a trio of": 3,
    "a quartet of": 4,
    "a quintet of": 5,
    "once": 1,
    "twice": 2,
    "a dozen": 12,
    "half a dozen": 6,
    "a half dozen": 6,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    **{
        f"{word} {part}{'' if number == 1 else 's'} of a": number / size
        for number, word in enumerate(NUMBER_WORDS[1:10], start=1)
        for part, size in (("tenth", 10), ("fifth", 5), ("quarter", 4), ("third", 3))
    },
    **{f"{article} tenth": 0.1 for article in ("one", "a")},
    "a fifth of a": 0.2,
    "a tenth of a": 0.1,
    "half a": 0.5,
    "a quarter of a": 0.25,
    "a third of a": 0.33,
}
MOVES = frozenset(
    {"rise", "fall", "increase", "decrease", "swell", "fade", "accelerate", "decelerate", "brighten", "darken", "waver"}
)
"""Senses of verbs whose base form is made from the third person."""
NOT_VERBS = frozenset({"does", "this", "makes", "its"})
PLURALS = {"crash": "crashes", "buzz": "buzzes", "piece of sound": "pieces of sound"}


@dataclass(frozen=True, slots=True)
class Lexeme:
    """What a word can be: its part in a clause, and its sense."""

    kind: str
    value: str


Entries = tuple[tuple[tuple[str, ...], Lexeme], ...]
"""Phrases of several words, longest first."""
Phrases = dict[str, Entries]
"""The phrases by their second word."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What may begin with a word: phrases of several words, and the word alone."""

    phrases: Phrases
    alone: Lexeme | None


def word_set(name: str) -> frozenset[str]:
    """A plain set of words from the list's `sets`."""
    return frozenset(listed(LISTS["sets"][name]))


def listed(text: str) -> list[str]:
    """The phrases of a list, single-spaced; "(dies|stops) at once" is two of them, "(to|) silence" too."""
    return [found for phrase in text.split(",") if phrase.strip() for found in _expanded(phrase)]


def _expanded(phrase: str) -> list[str]:
    parts = [part.split("|") for part in re.split(r"[()]", phrase)]
    return [" ".join(" ".join(chosen).split()) for chosen in product(*parts)]


def tokens(phrase: str) -> list[str]:
    """Words as the lexer parts them: "i'd say" is three, "isn't" one."""
    found: list[str] = []
    for word in phrase.split():
        head, mark, rest = word.partition("'")
        found += [word] if not mark or word.endswith("n't") or not head else [head, mark + rest]
    return found


def plural(noun: str) -> str:
    """The plural of an event noun."""
    return PLURALS.get(noun, f"{noun}s")


def build_lexicon() -> dict[str, Entry]:
    """First word -> entry. Where a phrase is listed twice the later kind wins."""
    lists = LISTS
    meaning: dict[str, Lexeme] = {}

    def add(kind: str, value: str, text: str) -> None:
        meaning.update((phrase, Lexeme(kind, value)) for phrase in listed(text))

    words = lists["words"]
    add("function", "", words["function"])
    add("conjunction", "", words["conjunction"])
    for kind in ("verb", "trend", "quality", "topic", "comparative", "superlative"):
        for value, text in lists[kind].items():
            add(kind, value, text)
    for noun in listed(lists["event"]["one"]):
        meaning[noun] = Lexeme("event", "one")
        meaning[plural(noun)] = Lexeme("event", "many")
    add("event", "many", lists["event"]["many"])
    for value, text in lists["ordinal"].items():
        add("ordinal", value, text)
    meaning.update((word, Lexeme("number", str(number))) for number, word in enumerate(NUMBER_WORDS))
    meaning.update((phrase, Lexeme("number", str(number))) for phrase, number in MORE_NUMBERS.items())
    add("negation", "", words["negation"])
    add("function", "", words["no_negation"])
    add("hedge", "", words["hedge"])
    add("unit", "", words["unit"])
    add("unknown", "", words["compound"])
    add("stop", "", words["stop"])
    add("stop", "habit", words["habit"])
    add("negation", "exclude", words["exclude"])
    for word, lexeme in list(meaning.items()):
        first, space, rest = word.partition(" ")
        if lexeme.kind == "verb" and lexeme.value in MOVES and first.endswith("s") and first not in NOT_VERBS:
            meaning.setdefault(base_form(first) + space + rest, lexeme)
            meaning.setdefault(participle(base_form(first)) + space + rest, lexeme)
    return _by_first_word(meaning)


def base_form(verb: str) -> str:
    """ "tumble" of "tumbles", "dry" of "dries"."""
    if verb.endswith("ies"):
        return f"{verb[:-3]}y"
    return verb[:-2] if verb.endswith(("shes", "ches", "sses", "xes", "zes", "oes")) else verb[:-1]


def participle(verb: str) -> str:
    """ "tumbling" of "tumble", "dropping" of "drop"."""
    if verb.endswith("e") and not verb.endswith("ee"):
        return f"{verb[:-1]}ing"
    short = len(verb) <= 4 and verb[-1] in "gmnpt" and verb[-2] in "aeiou" and verb[-3] not in "aeiou"
    return f"{verb}{verb[-1]}ing" if short else f"{verb}ing"


def _by_first_word(meaning: dict[str, Lexeme]) -> dict[str, Entry]:
    phrases: dict[str, list[tuple[tuple[str, ...], Lexeme]]] = {}
    for phrase, lexeme in meaning.items():
        words = tuple(tokens(phrase))
        phrases.setdefault(words[0], []).append((words, lexeme))
    return {first: Entry(_by_second_word(entries), meaning.get(first)) for first, entries in phrases.items()}


def _by_second_word(entries: list[tuple[tuple[str, ...], Lexeme]]) -> Phrases:
    found: dict[str, list[tuple[tuple[str, ...], Lexeme]]] = {}
    for entry in sorted((entry for entry in entries if len(entry[0]) > 1), key=lambda entry: -len(entry[0])):
        found.setdefault(entry[0][1], []).append(entry)
    return {second: tuple(listed) for second, listed in found.items()}


LEXICON = build_lexicon()
MOTION_VERBS = frozenset(listed(LISTS["motion"]["verbs"]))
"""Verbs that a direction turns into a movement."""
DIRECTIONS = {way: value for value in ("rise", "fall") for way in listed(LISTS["motion"][value])}
AMBIGUOUS = {word: Lexeme("event", "many") for word in ("sounds", "strikes", "rings", "ticks")}
"""Words that are a noun or a verb by place; the lexer decides."""
