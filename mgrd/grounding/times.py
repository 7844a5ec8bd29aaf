"""Time phrases of a chain: "in the first second", "after 1.2 s", "towards the end"."""

import re
from math import inf

Time = tuple[float, float, str]
"""Start, end and "s" or "share" of the clip; negative seconds count from the end; the end may be infinite."""

_NUMBERS = {"half": 0.5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_QUANTITY = rf"([0-9]+(?:\.[0-9]+)?|{'|'.join(_NUMBERS)})"
_SECONDS = r"(?:seconds?|secs?|s)\b"
_PLACES = {
    **dict.fromkeys(("beginning", "start", "outset", "opening"), (0.0, 1 / 3)),
    "middle": (1 / 3, 2 / 3),
    **dict.fromkeys(("end", "finish", "close"), (2 / 3, 1.0)),
}
_SPANS = {"half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4}
_AFTER, _BEFORE = ("after", "past", "from"), ("before", "until", "by")
NEAR_SECONDS = 0.25  # either side of "at 1.2 s"

PATTERN = re.compile(
    rf"\b(?:in|during|within|over|for)\s+the\s+(?P<edge>first|last|final|opening|second|closing)\s+"
    rf"(?:{_QUANTITY}\s+)?(?P<span>seconds?|half|third|quarter|part|portion|moments?)\b"
    rf"|\b(?P<range>from|between)\s+{_QUANTITY}\s*(?:{_SECONDS}\s*)?(?:to|and|until|-)\s*{_QUANTITY}\s*{_SECONDS}"
    rf"|\b(?P<side>at|after|before|around|near|until|past|by|from)\s+(?:about\s+|around\s+)?{_QUANTITY}\s*"
    rf"(?P<unit>{_SECONDS}|ms\b|milliseconds?\b)"
    r"|\b(?:towards?|near|at|by|until)\s+(?:the|its)\s+(?:very\s+)?(?P<place>end|beginning|start|finish|close|outset)\b"
    r"|\bin\s+the\s+(?P<inside>middle|beginning|end)\s+of\s+(?:the|this)\s+(?:clip|recording|sound|audio|file|excerpt)\b"
    r"|\b(?P<early>at first|initially|in the beginning)\b|\b(?P<late>in the end|eventually|at last)\b",
    re.IGNORECASE,
)


def find_times(text: str) -> list[tuple[int, int, Time]]:
    """Start, end (characters) and meaning of each time phrase."""
    return [(match.start(), match.end(), _read(match)) for match in PATTERN.finditer(text)]


def _read(match: re.Match[str]) -> Time:
    place = match["place"] or match["inside"] or (match["early"] and "start") or (match["late"] and "end")
    if place:
        return (*_PLACES[place.lower()], "share")
    numbers = [_number(group) for group in match.groups() if group and _is_number(group)]
    if match["edge"]:
        return _edge(str(match["edge"]).lower(), str(match["span"]).lower(), numbers)
    if match["range"]:
        return (min(numbers), max(numbers), "s")
    at = numbers[0] * (0.001 if str(match["unit"]).lower().startswith("m") else 1.0)
    side = str(match["side"]).lower()
    if side in _AFTER:
        return (at, inf, "s")
    return (0.0, at, "s") if side in _BEFORE else (max(0.0, at - NEAR_SECONDS), at + NEAR_SECONDS, "s")


def _is_number(group: str) -> bool:
    return group[0] in "0123456789" or group.lower() in _NUMBERS


def _number(group: str) -> float:
    return float(group) if group[0] in "0123456789" else float(_NUMBERS[group.lower()])


def _edge(edge: str, span: str, numbers: list[float]) -> Time:
    first = edge in ("first", "opening")
    if span.startswith("second"):
        size = numbers[0] if numbers else 1.0
        return (0.0, size, "s") if first else (-size, inf, "s")
    share = _SPANS.get(span, 1 / 3)
    return (0.0, share, "share") if first else (1 - share, 1.0, "share")
