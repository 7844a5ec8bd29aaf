"""Time phrases of a chain: "in the first second", "after 1.2 s", "towards the end"."""

import re
from math import inf

Time = tuple[float, float, str]
"""Start, end and "s" or "share" of the clip; negative seconds count from the end; the end may be infinite."""

_NUMBERS = {
    "half a": 0.5,
    "half": 0.5,
    "one": 1,
    "a": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "one and a half": 1.5,
    "a couple of": 2,
    "few": 2,
    "couple of": 2,
}
_QUANTITY = rf"([0-9]+(?:\.[0-9]+)?|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_SECONDS = r"(?:-?seconds?|-?secs?|s|ms|milliseconds?)\b"
_PLACES = {
    **dict.fromkeys(("beginning", "start", "outset", "opening", "onset"), (0.0, 1 / 3)),
    "middle": (1 / 3, 2 / 3),
    **dict.fromkeys(("end", "finish", "close", "ending", "tail end"), (2 / 3, 1.0)),
}
_SPANS = {"half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4}
_AFTER, _BEFORE = ("after", "past", "from", "starting at", "beyond"), ("before", "until", "by", "up to", "up until")
_ABOUT = r"(?:about|around|roughly|approximately|approx\.?|nearly|just|the|a|an|~)"
NEAR_SECONDS = 0.25  # either side of "at 1.2 s"

PATTERN = re.compile(
    rf"\b(?:in|during|within|over|for|throughout|across)\s+(?:just\s+|only\s+)?(?:the|its)\s+(?:very\s+)?"
    rf"(?P<edge>first|last|final|opening|second|closing|initial|middle)\s+"
    rf"(?:{_ABOUT}\s+)?(?:{_QUANTITY}\s*)?(?P<span>{_SECONDS}|half|third|quarter|part|portion|moments?|section|stretch)"
    rf"|\b(?P<range>from|between)\s+(?:{_ABOUT}\s+)*{_QUANTITY}\s*(?:{_SECONDS}\s*)?(?:to|and|until|-|–)\s*"
    rf"(?:{_ABOUT}\s+)*{_QUANTITY}\s*{_SECONDS}"
    r"|\b(?:the\s+)?(?P<part>first|second|last|opening|closing|final)\s+(?P<of>half|third|quarter)(?=\s*:)"
    r"|(?<![\w.])(?P<bare>[0-9]+(?:\.[0-9]+)?)\s*(?:s\s*)?[-–—]\s*(?P<until>[0-9]+(?:\.[0-9]+)?)\s*(?:s|secs?|seconds?)\b"
    r"|(?<!lasts )(?<!lasting )(?<!lasted )(?<!long )(?<!is )(?<!was )(?<!of )"
    rf"\b(?P<side>at|after|before|around|near|until|past|by|from|up to|up until|starting at|beyond)\s+"
    rf"(?:{_ABOUT}\s+)*(?<!after a )(?<!after about a ){_QUANTITY}\s*(?P<unit>{_SECONDS})(?:\s+mark)?(?!\s+of\b)(?!-)"
    r"|\b(?:towards?|near|at|by|until)\s+(?:the|its)\s+(?:very\s+)?"
    r"(?P<place>tail end|end|beginning|start|finish|close|outset|onset|ending)\b"
    r"(?!\s+of\s+(?:the|each|every|this|that|a)\s+(?:range|scale|spectrum|note|tone|beep|register|pitch|frequency))"
    r"|\bin\s+the\s+(?P<inside>middle|beginning|end)\s+of\s+(?:the|this)\s+(?:clip|recording|sound|audio|file|excerpt|tone)\b"
    r"|\b(?P<early>at first|initially|in the beginning|to begin with|to start with|early on|at the start)\b"
    r"|\b(?P<late>in the end|eventually|at last|late in the clip|later on|finally)\b"
    r"|\b(?P<halved>after|before|past|until)\s+(?:the\s+)?(?:mid-?point|middle|half-?way(?:\s+(?:point|mark))?)\b"
    r"|\b(?:once|when|as soon as)\s+(?:we(?:'re|\s+are)?\s+)?(?:pass|past|beyond|reach|over)\s+(?:the\s+)?"
    r"(?P<passed>mid-?point|middle|half-?way(?:\s+(?:point|mark))?)\b"
    r"|\b(?P<beyond>past|beyond)\s+(?:the\s+)(?:halfway\s+mark|half)\b"
    r"|(?<!is )(?<!lies )(?<!sits )(?<!was )(?<!'s )\bin\s+the\s+(?P<central>middle)\b(?=\s*(?:[.,;:!?)]|$))"
    r"|\b(?P<half>half ?way (?:through|in|along)|at the mid ?point|at the half ?way (?:point|mark))\b",
    re.IGNORECASE,
)


OPENING = frozenset(
    {"in", "during", "within", "over", "for", "throughout", "across", "from", "between", "the", "first", "second"}
    | {"last", "opening", "closing", "final", "at", "after", "before", "around", "near", "until", "past", "by", "up"}
    | {"starting", "beyond", "towards", "toward", "initially", "to", "early", "eventually", "later", "late"}
    | {"finally", "once", "when", "as", "half", "halfway", "half-way"}
)
"""Words with which a time phrase begins, where it begins with no number."""


def time_at(text: str, start: int) -> tuple[int, Time] | None:
    """End and meaning of the time phrase that begins at a character."""
    match = PATTERN.match(text, start)
    return None if match is None else (match.end(), _read(match))


def find_times(text: str) -> list[tuple[int, int, Time]]:
    """Start, end (characters) and meaning of each time phrase."""
    return [(match.start(), match.end(), _read(match)) for match in PATTERN.finditer(text)]


def _read(match: re.Match[str]) -> Time:
    if match["passed"] or match["beyond"] or match["half"] or match["halved"]:
        late = match["passed"] or match["beyond"] or str(match["halved"]).lower() in _AFTER
        return (0.4, 0.6, "share") if match["half"] else (0.5, 1.0, "share") if late else (0.0, 0.5, "share")
    place = (
        match["place"]
        or match["inside"]
        or match["central"]
        or (match["early"] and "start")
        or (match["late"] and "end")
    )
    if place:
        return (*_PLACES[" ".join(place.lower().split())], "share")
    numbers = [_number(group) for group in match.groups() if group and _is_number(group)]
    small = 0.001 if re.search(r"m(?:s|illiseconds?)(?:\s+mark)?$", match.group(), re.IGNORECASE) else 1.0
    if match["edge"]:
        return _edge(str(match["edge"]).lower(), str(match["span"]).lower().lstrip("-"), numbers, small)
    if match["part"]:
        return _edge(str(match["part"]).lower(), str(match["of"]).lower(), [], 1.0)
    if match["range"] or match["bare"]:
        return (small * min(numbers), small * max(numbers), "s")
    return _side(str(match["side"]).lower(), numbers[0] * small)


def _side(side: str, at: float) -> Time:
    """ "after 1.2 s", "before 2 s", "at 1.5 s"."""
    if side in _AFTER:
        return (at, inf, "s")
    return (0.0, at, "s") if side in _BEFORE else (max(0.0, at - NEAR_SECONDS), at + NEAR_SECONDS, "s")


def _is_number(group: str) -> bool:
    return group[0] in "0123456789" or group.lower() in _NUMBERS


def _number(group: str) -> float:
    return float(group) if group[0] in "0123456789" else float(_NUMBERS[group.lower()])


def _edge(edge: str, span: str, numbers: list[float], small: float) -> Time:
    first = edge in ("first", "opening", "initial")
    if edge == "middle":
        return (*_PLACES["middle"], "share")
    if (span[0] in "sm" and not span.startswith(("se", "st", "mo"))) or (span.startswith("sec") and span != "section"):
        size = (numbers[0] if numbers else 1.0) * small
        if edge == "second":
            return (1.0, 2.0, "s")
        return (0.0, size, "s") if first else (-size, inf, "s")
    share = _SPANS.get(span, 1 / 3)
    return (0.0, share, "share") if first else (1 - share, 1.0, "share")
