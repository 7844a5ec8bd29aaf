"""From text to sentences of lexemes with their places in the text. It never drops or moves a character."""

import re
from dataclasses import dataclass

from mgrd.grounding.lexicon import AMBIGUOUS, LEXICON, Lexeme

_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+(?:[-'’][^\W\d_]+)*|[^\w\s]|\n+")
_SENTENCE_END = frozenset(".!?\n")
_CLAUSE_PUNCTUATION = frozenset(",;:()—–")
_NUMBER = "|".join(f"{word}" for word in "half|one|two|three|four|five|six|seven|eight|nine|ten".split("|"))
_SECONDS = r"(?:seconds?|secs?|s)\b"
_QUANTITY = rf"(\d+(?:\.\d+)?|{_NUMBER})"
_PLACES = {
    "beginning": (0.0, 1 / 3),
    "start": (0.0, 1 / 3),
    "outset": (0.0, 1 / 3),
    "opening": (0.0, 1 / 3),
    "middle": (1 / 3, 2 / 3),
    "end": (2 / 3, 1.0),
    "finish": (2 / 3, 1.0),
    "close": (2 / 3, 1.0),
}
_TIME = re.compile(
    rf"(?:(?:in|during|within|over|for)\s+the\s+(?P<edge>first|last|final|opening|second|closing)\s+"
    rf"(?:{_QUANTITY}\s+)?(?P<span>seconds?|half|third|quarter|part|portion|moments?)\b)"
    rf"|(?:(?:from|between)\s+{_QUANTITY}\s*(?:{_SECONDS}\s*)?(?:to|and|until|-)\s*{_QUANTITY}\s*{_SECONDS})"
    rf"|(?:(?P<side>at|after|before|around|near|until|past|by|from)\s+(?:about\s+|around\s+)?{_QUANTITY}\s*(?P<unit>{_SECONDS}|ms\b|milliseconds?\b))"
    r"|(?:(?:towards?|near|at|by|until)\s+(?:the|its)\s+(?:very\s+)?(?P<place>end|beginning|start|finish|close|outset)\b)"
    r"|(?:in\s+the\s+(?P<middle>middle|beginning|end)\s+of\s+(?:the|this)\s+(?:clip|recording|sound|audio|file|excerpt)\b)"
    r"|(?P<early>\b(?:at first|initially|in the beginning)\b)|(?P<late>\b(?:in the end|eventually|at last)\b)",
    re.IGNORECASE,
)
_WORDS = dict(zip(_NUMBER.split("|"), (0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), strict=True))


@dataclass(frozen=True, slots=True)
class Item:
    """A lexeme at its place: `word` in lower case, offsets in the text."""

    kind: str
    value: str
    word: str
    start: int
    end: int
    time: tuple[float, float, str] | None = None
    """Only for kind "time": start, end and "s" or "share"; end may be infinite."""


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
    times = {match.start(): match for match in _TIME.finditer(text)}
    tokens: list[tuple[str, int, int]] = []
    found: list[Item] = []
    position = 0
    for match in _TOKEN.finditer(text):
        if match.start() < position:
            continue
        if match.start() in times:
            time = times[match.start()]
            position = time.end()
            tokens.append(("\0time", time.start(), time.end()))
            continue
        tokens.append((match.group().lower().replace("’", "'"), match.start(), match.end()))
    index = 0
    while index < len(tokens):
        word, start, end = tokens[index]
        if word == "\0time":
            found.append(Item("time", "", text[start:end].lower(), start, end, _read_time(times[start])))
            index += 1
            continue
        item, used = _match(tokens, index)
        found.append(_settled(item, found, tokens, index + used))
        index += used
    return found


def _match(tokens: list[tuple[str, int, int]], index: int) -> tuple[Item, int]:
    word, start, end = tokens[index]
    for words, lexeme in LEXICON.get(word, ()):
        size = len(words)
        if size == 1 or words == tuple(token[0] for token in tokens[index : index + size]):
            last = tokens[index + size - 1][2]
            return Item(lexeme.kind, lexeme.value, " ".join(words), start, last), size
    if word[0].isdigit():
        return Item("number", word, word, start, end), 1
    if word[0] in _SENTENCE_END:
        return Item("stop-mark", "", word, start, end), 1
    if not word[0].isalnum():
        kind = "break" if word in _CLAUSE_PUNCTUATION else "mark"
        return Item(kind, "", word, start, end), 1
    if word.endswith("n't"):
        return Item("negation", "", word, start, end), 1
    return Item("unknown", "", word, start, end), 1


def _settled(item: Item, before: list[Item], tokens: list[tuple[str, int, int]], after: int) -> Item:
    """Words that are a noun or a verb by their place."""
    last = before[-1] if before else None
    if item.word in AMBIGUOUS:
        noun = last is None or last.kind in ("number", "quality", "ordinal") or last.word in _NOUN_BEFORE
        lexeme = AMBIGUOUS[item.word] if noun else Lexeme("verb", "be")
        return Item(lexeme.kind, lexeme.value, item.word, item.start, item.end)
    if last is None:
        return item
    if item.word == "level" and last.kind == "verb":
        return Item("quality", "flat", item.word, item.start, item.end)
    if item.word == "sound" and (last.kind == "event" or last.word == "they"):
        return Item("verb", "be", item.word, item.start, item.end)
    if (
        item.word in ("beeps", "clicks", "beats", "chimes", "tones")
        and last.kind in ("topic", "event")
        and last.word != "it"
    ):
        following = tokens[after][0] if after < len(tokens) else ""
        if following in ("once", "twice", "one", "two", "three", "four", "five", "six", "seven", "eight", "regularly"):
            return Item("verb", "be", item.word, item.start, item.end)
    return item


_NOUN_BEFORE = frozenset(
    "the of separate distinct hear different individual these those all i there are count and or short some".split()
)


def _read_time(match: re.Match[str]) -> tuple[float, float, str]:
    groups = match.groups()
    values = [float(g) if g[0].isdigit() else float(_WORDS[g.lower()]) for g in groups if g and _is_number(g)]
    if match["edge"]:
        return _edge(match["edge"].lower(), match["span"].lower(), values)
    if match["place"]:
        return (*_PLACES[match["place"].lower()], "share")
    if match["middle"]:
        return (*_PLACES[match["middle"].lower()], "share")
    if match["early"]:
        return (0.0, 1 / 3, "share")
    if match["late"]:
        return (2 / 3, 1.0, "share")
    if match["side"]:
        at = values[0] * (0.001 if match["unit"].lower().startswith("m") else 1.0)
        side = match["side"].lower()
        if side in ("after", "past", "from"):
            return (at, float("inf"), "s")
        if side in ("before", "until", "by"):
            return (0.0, at, "s")
        return (max(0.0, at - 0.25), at + 0.25, "s")
    return (min(values), max(values), "s")


def _is_number(group: str) -> bool:
    return group[0].isdigit() or group.lower() in _WORDS


def _edge(edge: str, span: str, values: list[float]) -> tuple[float, float, str]:
    first = edge in ("first", "opening")
    if span.startswith("second"):
        size = values[0] if values else 1.0
        return (0.0, size, "s") if first else (-size, float("inf"), "s")
    share = {"half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4}.get(span, 1 / 3)
    return (0.0, share, "share") if first else (1 - share, 1.0, "share")
