"""Comparisons with "than": between events ("the last sound is higher than the first"), from each event to the next,
and between parts of the clip ("louder at the end than at the start").
"""

from mgrd.grounding.reading.context import Clause
from mgrd.grounding.reading.drafts import HEDGE_WEIGHT, Draft, statement
from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.senses import Sense

PITCH, LOUDNESS = "pitch_order", "loudness_order"
_SIGN = {"high": 1, "low": -1, "loud": 1, "quiet": -1}
_TRENDS: dict[str, Sense] = {"high": ("contour", "rising"), "low": ("contour", "falling")}
_TRENDS |= {"loud": ("loudness", "louder"), "quiet": ("loudness", "softer")}
_TRENDS |= {"fast": ("tempo_trend", "speeding up"), "slow": ("tempo_trend", "slowing down")}
_TRENDS |= {"bright": ("brightness_trend", "brighter"), "dark": ("brightness_trend", "darker")}
_OF_GAPS = {"long": "slowing down", "short": "speeding up"}
_REVERSED = {"rising": "falling", "louder": "softer", "speeding up": "slowing down", "brighter": "darker"}
_REVERSED |= {later: earlier for earlier, later in _REVERSED.items()}
_KNOWN = frozenset(_TRENDS) | frozenset(_OF_GAPS)
_STEADY: dict[str, Sense] = {"contour": ("contour", "flat"), "loudness": ("loudness", "steady")}
EACH = frozenset({"each", "every"})
PREVIOUS = frozenset({"previous", "preceding", "before", "prior"})
ABOVE = {
    "above": "high",
    "below": "low",
    "exceeds": "high",
    "exceed": "high",
    "over": "high",
    "beneath": "low",
    "under": "low",
}
EDGES = {
    **dict.fromkeys(("final", "last", "closing", "ending", "end", "concluding"), -1),
    **dict.fromkeys(("start", "starting", "initial", "opening", "beginning", "first"), 1),
}
OTHERS = frozenset({"others", "rest", "other", "another", "any"})
PARTS = frozenset({"half", "part", "portion", "section", "end", "beginning", "start", "ending"})
REACH = 3  # clauses before "than" over which a comparison may stretch


def read_comparisons(clauses: list[Clause]) -> list[Draft]:
    """Drafts of the comparisons of a sentence; the clauses that they cover are marked as compared."""
    drafts: list[Draft] = []
    for at, clause in enumerate(clauses):
        than = _than(clause.items)
        if than is None:
            continue
        first = at
        if not _has_subject(clause.items[:than]):
            first = max(0, at - 1)
            while first > max(0, at - REACH) and not _has_subject(clauses[first].items):
                first -= 1
        if not _has_subject(clauses[first].items):
            first = at
        left = tuple(item for c in clauses[first:at] for item in c.items) + clause.items[:than]
        between = clause.items[than]
        if between.word in ABOVE:
            left += (Item("comparative", ABOVE[between.word], between.word, between.start, between.end),)
        right = clause.items[than + 1 :]
        if not right and at + 1 < len(clauses):
            right = clauses[at + 1].items
        found = _compare(left, right)
        drafts += found
        if found:
            for covered in clauses[first : at + 1]:
                covered.compared = True
    return drafts


def _than(items: tuple[Item, ...]) -> int | None:
    """Index of "than", or of the "above" in "the first is an octave above the second"."""
    for index, item in enumerate(items):
        if item.word == "than":
            return index
        if item.word in ABOVE:
            left, right = items[:index], items[index + 1 :]
            each = any(other.word in EACH for other in left) and _is_previous(right)
            if each or (_ordinal(left) and _ordinal(right)):
                return index
    return None


def _is_previous(items: tuple[Item, ...]) -> bool:
    """ "the last", "its predecessor", "the one before"."""
    return any(item.word in PREVIOUS or item.value == "-1" or item.word == "predecessor" for item in items[:3])


def _has_subject(items: tuple[Item, ...]) -> bool:
    return any(
        item.kind == "ordinal" or _edge_of(item) or item.word in EACH or item.word in ("none", "no") for item in items
    )


def _compare(left: tuple[Item, ...], right: tuple[Item, ...]) -> list[Draft]:
    compared = [item for item in left if item.kind == "comparative" and item.value in _KNOWN]
    if not compared or any(item.kind in ("stop", "number") for item in left if item.start > compared[-1].start):
        return []
    negations = [item for item in left if item.kind == "negation"]
    weight = HEDGE_WEIGHT ** sum(item.kind == "hedge" for item in left)
    start = next(item.start for item in left if item.kind != "hedge")
    end = right[-1].end if right else left[-1].end
    drafts: list[Draft] = []
    for item in compared:
        negated = sum(n.start < item.start for n in negations) % 2 == 1
        base: Draft = {"start": start, "end": end, "negated": negated, "weight": weight}
        draft = _one(item.value, left, right, negated)
        if draft is not None:
            drafts.append(base | draft)
    return drafts


def _one(value: str, left: tuple[Item, ...], right: tuple[Item, ...], negated: bool) -> Draft | None:
    """The draft of one comparative between what stands left and right of "than"."""
    if value in _OF_GAPS:
        spaced = any(item.value in ("interval", "pause") for item in left)
        each = any(item.word in EACH for item in left)
        return statement("tempo_trend", _OF_GAPS[value]) if spaced and each else None
    attribute, word = _TRENDS[value]
    if negated and any(item.word in OTHERS for item in right) and attribute in _STEADY:
        return statement(*_STEADY[attribute]) | {"negated": False}
    if any(item.word in EACH for item in left):
        return statement(attribute, word)
    return _between(value, left, right)


def _between(value: str, left: tuple[Item, ...], right: tuple[Item, ...]) -> Draft | None:
    """Of two parts of the clip, or of two events."""
    attribute, word = _TRENDS[value]
    subject, reference = _ordinal(left), _ordinal(right)
    if subject is not None and reference is None and any(item.word in PREVIOUS for item in right):
        reference = subject - 1 if subject > 1 else None
    part = {item.word for item in (*left, *right)} & PARTS
    earlier = _is_earlier(left, right)
    if earlier is not None and (part or subject is None or reference is None):
        return statement(attribute, _REVERSED[word] if earlier else word)
    if subject is None or reference is None or subject == reference:
        return None
    if part or value not in _SIGN:
        later = _later(subject, reference)
        return statement(attribute, word if later else _REVERSED[word])
    (attribute, word), (later_event, earlier_event, relation) = order(value, subject, reference)
    placed = {"relation": relation, "subject": later_event, "reference": earlier_event}
    return statement(attribute, word) | placed


def _edge_of(item: Item) -> int | None:
    """The first or last sound of "the final pitch"."""
    head, space, _ = item.word.partition(" ")
    return EDGES.get(head) if item.kind == "topic" and space else None


def _ordinal(items: tuple[Item, ...]) -> int | None:
    for item in items:
        edge = int(item.value) if item.kind == "ordinal" else _edge_of(item)
        if edge is not None:
            return edge
    return None


def _is_earlier(left: tuple[Item, ...], right: tuple[Item, ...]) -> bool | None:
    """Whether the left side speaks of an earlier part of the clip than the right one; None when neither says so."""
    places = [_middle(side) for side in (left, right)]
    if places[0] is None or places[1] is None or places[0] == places[1]:
        return None
    return places[0] < places[1]


def _middle(items: tuple[Item, ...]) -> float | None:
    """0 for a beginning, 1 for an end."""
    for item in items:
        if item.time is not None and item.time[2] == "share":
            return (item.time[0] + item.time[1]) / 2
        if item.kind == "verb" and item.value in ("begin", "end"):
            return 0.0 if item.value == "begin" else 1.0
        if item.word in ("end", "ending", "start", "beginning"):
            return 0.0 if item.word in ("start", "beginning") else 1.0
    return None


def order(compared: str, subject: int, reference: int) -> tuple[Sense, tuple[int, int, str]]:
    """The order that "event `subject` is <compared> than event `reference`" states.

    Returns ((attribute, word), (later event, earlier event, relation)): the word says what the later is against
    the earlier.
    """
    sign = _SIGN[compared]
    later_first = _later(subject, reference)
    upward = sign > 0 if later_first else sign < 0
    if compared in ("high", "low"):
        sense = PITCH, "upwards" if upward else "downwards"
    else:
        sense = LOUDNESS, "last louder" if upward else "first louder"
    later, earlier = (subject, reference) if later_first else (reference, subject)
    return sense, (later, earlier, "above" if sign > 0 else "below")


def _later(first: int, second: int) -> bool:
    """Whether event `first` comes after event `second`; negative numbers count from the end."""
    return (first < 0, first) > (second < 0, second)
