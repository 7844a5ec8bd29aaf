"""How many sounds (or pauses) a sentence claims: "i hear three notes", "two clicks and then a third"."""

from math import isfinite

from mgrd.grounding.context import Clause, Draft
from mgrd.grounding.lexicon import NUMBER_WORDS
from mgrd.grounding.values import draft_value, number_of

BETWEEN = 3  # words between the number and the noun
MOST = 60  # larger numbers count no sounds
_PASSED = frozenset({"very", "clearly", "separate", "distinct", "individual", "different", "same", "clear-cut"})
_NOT_COUNTS = frozenset({"channel", "number", "level", "per", "track", "part"})
_NUMBER_OF = frozenset({"number", "count", "total", "amount"})
_ONE_BY_ONE = frozenset({"after", "at", "by", "of"})
_POINTING = frozenset({"the", "this", "that", "each", "every"})


def read_counts(clauses: list[Clause]) -> list[Draft]:
    """Drafts of counts; different partial counts in one sentence are summed ("two low and one high note")."""
    following = [clause.link for clause in clauses[1:]] + [""] * min(1, len(clauses))
    counts = [
        draft
        for clause, link in zip(clauses, following, strict=True)
        if not clause.stopped
        for index, item in enumerate(clause.items)
        if item.kind == "number"
        and not (item.word == "one" and link in _ONE_BY_ONE)
        and (draft := _count(clause, index))
    ]
    events = [count for count in counts if count["attribute"] == "event_count"]
    if len(events) < 2:
        return counts
    rest = [count for count in counts if count["attribute"] != "event_count"]
    if len({count["claimed"] for count in events}) == 1:
        return [events[0], *rest]
    total = sum(count["value"] for count in events)
    return [events[0] | {"end": events[-1]["end"], "value": total, "claimed": _counted("event_count", total)}, *rest]


def _count(clause: Clause, index: int) -> Draft | None:
    items = clause.items
    value = number_of(items[index])
    if value is None or not isfinite(value) or value > MOST or value != int(value):
        return None
    before = items[index - 1] if index else None
    if before is not None and (before.kind == "ordinal" or before.word in _NOT_COUNTS):
        return None
    if before is not None and before.kind == "verb" and (named := _named_before(clause, index)) is not None:
        return _draft(clause, named, index, value)
    for at in range(index + 1, min(len(items), index + 2 + BETWEEN)):
        item = items[at]
        if item.kind == "event" or (item.kind == "topic" and item.value == "pause") or item.word in ("tone", "sound"):
            return None if _means_otherwise(clause, index, at, value) else _draft(clause, index, at, value)
        if item.kind not in ("quality", "unknown") and item.word not in _PASSED:
            return None
    return None


def _named_before(clause: Clause, index: int) -> int | None:
    """Index of the noun in "the number of beeps is five"."""
    items = clause.items[:index]
    if not any(item.word in _NUMBER_OF for item in items):
        return None
    return next((at for at, item in enumerate(items) if item.kind == "event"), None)


def _means_otherwise(clause: Clause, index: int, at: int, value: float) -> bool:
    """ "three beats per second", "one note after another", "the one note"."""
    items = clause.items
    following = items[at + 1].word if at + 1 < len(items) else ""
    if following == "per" or (value == 1 and following in _ONE_BY_ONE):
        return True
    return value == 1 and items[index].word == "one" and index > 0 and items[index - 1].word in _POINTING


def _draft(clause: Clause, index: int, at: int, value: float) -> Draft:
    items = clause.items
    name = "pause_count" if items[at].value == "pause" else "event_count"
    draft = draft_value(clause, index, at, name, value, "count")
    before = {item.word for item in items[max(0, index - 2) : index]}
    if "least" in before:
        draft |= {"value": value - 1, "relation": "above"}
    elif "most" in before:
        draft |= {"value": value + 1, "relation": "below"}
    elif draft["relation"] == "is":
        draft["relation"] = "count"
    draft["claimed"] = _counted(name, value)
    return draft


def _counted(name: str, value: float) -> str:
    number = int(value)
    return f"{name} {NUMBER_WORDS[number] if number < len(NUMBER_WORDS) else number}"
