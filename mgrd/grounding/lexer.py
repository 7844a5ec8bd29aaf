"""From text to sentences of lexemes with their places in the text. It never drops or moves a character."""

import re
from dataclasses import dataclass

from mgrd.grounding.lexicon import AMBIGUOUS, LEXICON, Lexeme
from mgrd.grounding.times import Time, find_times

_TOKEN = re.compile(r"[0-9]+(?:\.[0-9]+)?|[^\W\d_]+(?:[-'’][^\W\d_]+)*|[^\w\s]|\n+")
_SENTENCE_END = frozenset(".!?\n")
_CLAUSE_MARKS = frozenset(",;:()—–")
_DIGITS = frozenset("0123456789")
_ALONE = {True: Lexeme("break", ""), False: Lexeme("mark", "")}
_NUMBER, _STOP, _UNKNOWN, _NEGATION = (
    Lexeme(kind, "") for kind in ("number", "stop-mark", "unknown", "negation")
)  # fmt: skip
_BE = Lexeme("verb", "be")
_FLAT = Lexeme("quality", "flat")


@dataclass(slots=True)
class Item:
    """A lexeme at its place: `word` in lower case, offsets in the text."""

    kind: str
    value: str
    word: str
    start: int
    end: int
    time: Time | None = None
    """Only for kind "time"."""


@dataclass(frozen=True, slots=True)
class Sentence:
    items: tuple[Item, ...]
    asked: bool
    """It ends with a question mark."""


def read_sentences(text: str) -> list[Sentence]:
    """The sentences of a text as lexemes, in order."""
    sentences: list[Sentence] = []
    items: list[Item] = []
    for item in _items(text):
        if item.kind == "stop-mark":
            if items:
                sentences.append(Sentence(tuple(items), item.word == "?"))
                items = []
        else:
            items.append(item)
    if items:
        sentences.append(Sentence(tuple(items), asked=False))
    return sentences


def _items(text: str) -> list[Item]:
    """All lexemes of the text; a time phrase is one of them."""
    words: list[str] = []
    places: list[tuple[int, int]] = []
    times = {start: (end, time) for start, end, time in find_times(text)}
    held: dict[int, Time] = {}
    position = 0
    for match in _TOKEN.finditer(text):
        start = match.start()
        if start < position:
            continue
        if start in times:
            position, held[len(words)] = times[start]
            words.append("\0")
            places.append((start, position))
        else:
            words.append(match.group().lower().replace("’", "'"))
            places.append(match.span())
    found: list[Item] = []
    index = 0
    while index < len(words):
        if index in held:
            found.append(Item("time", "", words[index], *places[index], held[index]))
            index += 1
            continue
        lexeme, size = _match(words, index)
        following = words[index + size] if index + size < len(words) else ""
        word = words[index] if size == 1 else " ".join(words[index : index + size])
        lexeme = _settled(word, lexeme, found[-1] if found else None, following)
        value = word if lexeme is _NUMBER else lexeme.value
        found.append(Item(lexeme.kind, value, word, places[index][0], places[index + size - 1][1]))
        index += size
    return found


def _match(words: list[str], index: int) -> tuple[Lexeme, int]:
    """The longest phrase of the lexicon here, or what the word is by its letters."""
    word = words[index]
    entry = LEXICON.get(word)
    if entry is not None:
        following = words[index + 1] if index + 1 < len(words) else ""
        for phrase, lexeme in entry.phrases:
            if phrase[1] == following and phrase == tuple(words[index : index + len(phrase)]):
                return lexeme, len(phrase)
        if entry.alone is not None:
            return entry.alone, 1
    first = word[0]
    if first in _DIGITS:
        return _NUMBER, 1
    if first in _SENTENCE_END:
        return _STOP, 1
    if not first.isalnum():
        return _ALONE[word in _CLAUSE_MARKS], 1
    return (_NEGATION if word.endswith("n't") else _UNKNOWN), 1


def _settled(word: str, lexeme: Lexeme, last: Item | None, following: str) -> Lexeme:
    """Words that are a noun or a verb by their place."""
    if word in AMBIGUOUS:
        noun = last is None or last.kind in ("number", "quality", "ordinal") or last.word in _NOUN_BEFORE
        return AMBIGUOUS[word] if noun else _BE
    if last is None:
        return lexeme
    if word == "level" and last.kind == "verb":
        return _FLAT
    if word == "sound" and (last.kind == "event" or last.word == "they"):
        return _BE
    counted = word in _BEATING and last.kind in ("topic", "event") and following in _COUNTING
    return _BE if counted else lexeme


_NOUN_BEFORE = frozenset(
    {"the", "of", "separate", "distinct", "hear", "different", "individual", "these", "those", "all", "i", "there"}
    | {"are", "count", "and", "or", "short", "some", "there are", "i hear", "several", "many", "a few"}
)
_BEATING = frozenset({"beeps", "clicks", "beats", "chimes", "tones"})
_COUNTING = frozenset({"once", "twice", "one", "two", "three", "four", "five", "six", "seven", "eight", "regularly"})
