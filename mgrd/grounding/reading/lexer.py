"""From text to sentences of lexemes with their places in the text. It never drops or moves a character."""

import re
from dataclasses import dataclass

from mgrd.grounding.reading.lexicon import AMBIGUOUS, DIRECTIONS, LEXICON, MOTION_VERBS, Lexeme
from mgrd.grounding.reading.times import OPENING, Time, time_at

_TOKEN = re.compile(r"(?i:f0|r?t60)\b|[0-9]+(?:\.[0-9]+)?|[^\W\d_]+(?:[-'’][^\W\d_]+)*|->|[^\w\s]|\n+")
_JOINED = re.compile(r"[^-']+|'[a-z]*")
"""Parts of "they're", "tone's", "rapid-fire"."""
_SENTENCE_END = frozenset(".!?\n")
_CLAUSE_MARKS = frozenset(",;:()—–")
_DIGITS = frozenset("0123456789")
_ALONE = {True: Lexeme("break", ""), False: Lexeme("mark", "")}
_NUMBER, _STOP, _UNKNOWN, _NEGATION = (
    Lexeme(kind, "") for kind in ("number", "stop-mark", "unknown", "negation")
)  # fmt: skip
_BE = Lexeme("verb", "be")
_FLAT = Lexeme("quality", "flat")
_STEADY = Lexeme("quality", "steady")
_ENDING = Lexeme("topic", "intonation")
_UNIT = Lexeme("unit", "")
_AFTER_UNIT = frozenset(
    {"of", "apart", "or", "and", "passes", "long", "later", "in", "between", "after", "before", "each"}
)
_EACH_TIME = frozenset({"per", "every", "each", "about a", "over a", "half", "quarter"})
_PRONOUNS = frozenset(
    {"it", "that", "there", "he", "she", "what", "this", "which", "who", "here", "everything", "nothing"}
)
_BETWEEN = frozenset(
    {"all", "the", "way", "back", "again", "a", "bit", "little", "slightly", "further", "right", "only"}
)
_POWERS = {"hundred": 100.0, "thousand": 1000.0}
MOST_SPELLED = 7  # words of a number such as "one thousand two hundred and fifty"
_ADVERBS = 4
MOST_HEADING = 8  # items of a heading such as "1. **Pitch contour**:"


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
    """The lexemes of a sentence."""

    items: tuple[Item, ...]
    asked: bool
    """It ends with a question mark."""


MOST_ITEMS = 400
"""Items of a sentence; a longer run is parted."""
ABBREVIATED = frozenset({"i", "e", "g", "approx", "ca", "vs", "cf", "nr"})
"""A full stop right after these ends no sentence ("i.e. a decrescendo")."""


def read_sentences(text: str) -> list[Sentence]:
    """The sentences of a text as lexemes, in order."""
    sentences: list[Sentence] = []
    items: list[Item] = []
    for item in _items(text):
        if item.kind == "stop-mark":
            if item.word == "." and items and items[-1].word in ABBREVIATED and items[-1].end == item.start:
                continue
            if items:
                sentences.append(Sentence(tuple(items), item.word == "?"))
                items = []
        else:
            items.append(item)
            if len(items) >= MOST_ITEMS:
                sentences.append(Sentence(tuple(items), asked=False))
                items = []
    if items:
        sentences.append(Sentence(tuple(items), asked=False))
    return sentences


def _items(text: str) -> list[Item]:
    """All lexemes of the text; a time phrase is one of them."""
    words, places, held = _words(text)
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
        if lexeme is _UNKNOWN and word in MOTION_VERBS and found and found[-1].kind in _BEFORE_MOTION:
            lexeme = _BE
        lexeme = _settled(word, lexeme, found[-1] if found else None, following)
        if size == 1 and word in _FALLING and following in _TO_PLACE and _is_place(words, index + 2):
            lexeme = _BE
        if word in AMBIGUOUS and len(found) > 1 and found[-1].kind == "unknown" and found[-2].kind == "number":
            lexeme = AMBIGUOUS[word]
        value = word if lexeme is _NUMBER else lexeme.value
        found.append(Item(lexeme.kind, value, word, places[index][0], places[index + size - 1][1]))
        index += size
    return _with_directions(found)


def _words(text: str) -> tuple[list[str], list[tuple[int, int]], dict[int, Time]]:
    """The words in lower case, their places, and which of them stand for a time phrase."""
    words: list[str] = []
    places: list[tuple[int, int]] = []
    held: dict[int, Time] = {}
    position = 0
    for match in _TOKEN.finditer(text):
        start = match.start()
        if start < position:
            continue
        word = match.group().lower().replace("’", "'")
        timed = time_at(text, start) if word in OPENING or word[0] in _DIGITS else None
        if timed is not None:
            position, held[len(words)] = timed
            words.append("\0")
            places.append((start, position))
        elif word in LEXICON or not ("-" in word or "'" in word) or len(word) < 3 or word.endswith("n't"):
            words.append(word)
            places.append(match.span())
        else:
            for part in _JOINED.finditer(word):
                words.append(part.group())
                places.append((start + part.start(), start + part.end()))
    return words, places, held


def _with_directions(items: list[Item]) -> list[Item]:
    """Joins a verb of motion to its direction ("slides smoothly upwards"), and reads "'s" as "is" or a possessive."""
    found: list[Item] = []
    index = 0
    while index < len(items):
        item = items[index]
        following = items[index + 1] if index + 1 < len(items) else None
        if item.word == "'s" and found and found[-1].word not in _PRONOUNS:
            said = following is not None and following.kind in ("quality", "comparative", "negation")
            item = item if said else Item("function", "", item.word, item.start, item.end)
        elif (item.kind == "number" or (item.word == "a" and following is not None and following.word in _POWERS)) and (
            spelled := _spelled(items, index)
        ) is not None:
            item, index = spelled
        elif item.word in (":", "=") and found and _heads(found):
            item = Item("verb", "be", item.word, item.start, item.end)
        elif item.word in MOTION_VERBS:
            at = index + 1
            while at < len(items) and at <= index + _ADVERBS and _passes(items[at]):
                at += 1
            if at < len(items) and items[at].word in DIRECTIONS:
                goal = items[at]
                before = [other for other in items[index + 1 : at] if other.kind == "hedge"]
                found += before
                item = Item("verb", DIRECTIONS[goal.word], item.word, item.start, goal.end)
                index = at
        found.append(item)
        index += 1
    return found


def _spelled(items: list[Item], index: int) -> tuple[Item, int] | None:
    """ "two hundred", "four hundred and fifty", "one thousand two hundred", "eighty five": the number and the index of
    its last word; None for a number of one word."""
    total, current, last = 0.0, 0.0, index
    at = index
    while at < len(items) and at <= index + MOST_SPELLED:
        item = items[at]
        if item.word == "a" and at == index:
            pass  # "a hundred and twenty"
        elif item.word in _POWERS and at > index:
            current = (current or 1.0) * _POWERS[item.word]
            total, current = (total + current, 0.0) if item.word == "thousand" else (total, current)
            last = at
        elif item.kind == "number" and (
            at == index or (current % 100 == 0 and float(item.value) < 100) or _tens(items, at)
        ):
            current += float(item.value)
            last = at
        elif not (item.word == "and" and last > index and at == last + 1):
            break
        at += 1
    if last == index or not all(item.word.isalpha() or " " in item.word for item in items[index : last + 1]):
        return None
    words = " ".join(item.word for item in items[index : last + 1])
    return Item("number", f"{total + current:g}", words, items[index].start, items[last].end), last


def _tens(items: list[Item], at: int) -> bool:
    """ "eighty five": a unit right after a ten."""
    before = items[at - 1]
    return (
        before.kind == "number" and float(before.value) % 10 == 0 < float(before.value) and float(items[at].value) < 10
    )


def _heads(found: list[Item]) -> bool:
    """A line's heading: "- **Loudness**: constant" says that it is so."""
    for item in reversed(found[-MOST_HEADING:]):
        if item.kind == "stop-mark":
            return found[-1].kind != "stop-mark"
        if item.kind not in ("topic", "event", "mark", "function", "ordinal", "number") and item.word != "count":
            return False
    return len(found) <= MOST_HEADING


def _passes(item: Item) -> bool:
    """Words between a verb of motion and its direction."""
    return item.word.endswith("ly") or item.word in _BETWEEN or item.kind == "hedge"


def _match(words: list[str], index: int) -> tuple[Lexeme, int]:
    """The longest phrase of the lexicon here, or what the word is by its letters."""
    word = words[index]
    entry = LEXICON.get(word)
    if entry is not None:
        following = words[index + 1] if index + 1 < len(words) else ""
        for phrase, lexeme in entry.phrases.get(following, ()):
            if phrase == tuple(words[index : index + len(phrase)]):
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


def _is_place(words: list[str], index: int) -> bool:
    """ "the onsets fall at 0.2 s", "they fall on the beat": no movement."""
    word = words[index] if index < len(words) else ""
    return word[:1].isdigit() or (word == "the" and words[index + 1 : index + 2] in (["beat"], ["grid"], ["pulse"]))


def _settled(word: str, lexeme: Lexeme, last: Item | None, following: str) -> Lexeme:
    """Words that are a noun or a verb by their place."""
    if word in AMBIGUOUS:
        noun = last is None or last.kind in ("number", "quality", "ordinal") or last.word in _NOUN_BEFORE
        return AMBIGUOUS[word] if noun else _BE
    if last is None:
        return lexeme
    if word in _SECONDS:
        measured = last.word == "a" and (not following.isalpha() or following in _AFTER_UNIT)
        return _UNIT if last.kind == "number" or measured or last.word in _EACH_TIME else lexeme
    for other, kinds, before, meaning in _BY_PLACE:
        if word == other and (last.kind in kinds or last.word in before):
            return meaning
    counted = word in _BEATING and last.kind in ("topic", "event") and following in _COUNTING
    return _BE if counted else lexeme


_NOUN_BEFORE = frozenset(
    {"the", "of", "separate", "distinct", "hear", "different", "individual", "these", "those", "all", "i", "there"}
    | {"are", "count", "and", "or", "short", "some", "there are", "i hear", "several", "many", "a few"}
)
_BEFORE_MOTION = frozenset({"topic", "event", "negation", "hedge"})
_FALLING = frozenset({"fall", "falls", "fell", "drop", "drops", "land", "lands"})
_TO_PLACE = frozenset({"at", "on", "near", "around", "between"})
_DEGREE = frozenset(
    {"how", "perfectly", "completely", "very", "entirely", "quite", "fairly", "totally", "absolutely", ":"}
)
_SECONDS = frozenset({"second", "seconds", "quarter"})
_BY_PLACE: tuple[tuple[str, frozenset[str], frozenset[str], Lexeme], ...] = (
    ("level", frozenset({"verb"}), _DEGREE, _FLAT),
    ("static", frozenset({"verb"}), frozenset({"as"}), _STEADY),
    ("ending", frozenset({"quality"}), frozenset(), _ENDING),
    ("sound", frozenset({"event"}), frozenset({"they"}), _BE),
)
"""Word, kinds or words before it, and what it means after them."""
_BEATING = frozenset({"beeps", "clicks", "beats", "chimes", "tones"})
_COUNTING = frozenset({"once", "twice", "one", "two", "three", "four", "five", "six", "seven", "eight", "regularly"})
