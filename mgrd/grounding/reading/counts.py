"""How many sounds (or pauses) a sentence claims: "i hear three notes", "two clicks and then a third"."""

from math import isfinite

from mgrd.grounding.reading.context import Clause
from mgrd.grounding.reading.drafts import Draft, count_said
from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.lexicon import NUMBER_WORDS
from mgrd.grounding.reading.values import draft_value, number_of

BETWEEN = 3  # words between the number and the noun
MOST = 60  # larger numbers count no sounds
_PASSED = frozenset({"very", "clearly", "separate", "distinct", "individual", "different", "same", "clear-cut"})
_NOT_COUNTS = frozenset({"channel", "number", "level", "per", "track", "part"})
_NUMBERED = frozenset({"beat", "beats", "bar", "bars", "measure", "measures", "option", "options", "choice", "choices"})
"""Nouns whose members have numbers: "on beats one and three"."""
_NUMBER_OF = frozenset({"number", "count", "total", "amount"})
_ONE_BY_ONE = frozenset({"at", "by", "of", "to", "and", "per", "every", "each"})
_OTHER = frozenset({"another", "other", "next", "one"})
_PARTIAL = frozenset(
    {"for", "first", "last", "final", "opening", "closing", "initial", "next", "these", "those", "every"}
)
"""Words before a number of some of the sounds: "the pitch rises for three notes"."""
_RATIO = frozenset({"as", "more", "the", "that", "its"})
_DURING = frozenset({"over", "across", "within", "during", "through"})
_PAIRS = frozenset(
    {"pair", "pairs", "twos", "singles", "doublets", "group", "groups", "cluster", "clusters", "batch", "batches"}
    | {"pattern", "deviant", "exception"}
)
_SOMETIMES = frozenset({"sometimes", "occasionally", "often"})
_IN_ALL = frozenset({"of them", "in total", "altogether", "in all", "all in all"})
_EXIST = frozenset({"hear", "be", "follow"})
_SUPPOSED = frozenset({"must be", "could be", "should be"})
_RATES = frozenset({"per", "/", "every", "each"})
_A_PERIOD = frozenset({"second", "minute", "s", "sec", "half second", "beat", "bar"})
_COUNTING = frozenset(
    {"count", "counted", "i count", "i counted", "i get", "makes", "that makes", "i make it", "is", ":", "="}
)
_LAST = frozenset({"the last", "last", "final", "the final"})
_COUNTED = frozenset({"count", "number", "total", "count is"})
_POINTING = frozenset({"these", "those", "the", "this", "that", "each", "every"})


def read_counts(clauses: list[Clause], counted: bool = False) -> list[Draft]:
    """Drafts of counts; different partial counts in one sentence are summed ("two low and one high note").

    `counted` says that sounds were spoken of before, so that "there are five" counts them.
    """
    counts = [
        draft
        for at, clause in enumerate(clauses)
        if not clause.stopped
        for index, item in enumerate(clause.items)
        if item.kind == "number"
        and not (item.word == "one" and _goes_on(clauses[at + 1 : at + 4]))
        and not (_is_ratio(clause.items[index + 1 :], clauses[at + 1 : at + 2]))
        and (draft := _count(clause, index, counted or _named(clauses, item.start)))
    ]
    counts += [draft for clause in clauses if not clause.stopped and (draft := _another(clause))]
    counts += [draft for clause in clauses if not clause.stopped and (draft := _last_of_all(clause))]
    if any(item.word in _PAIRS for clause in clauses for item in clause.items):
        counts = [count for count in counts if count["attribute"] != "event_count"]  # sounds by pairs: no total
    # "Rather than a lone note" denies a solo, and counts nothing.
    counts = [count for count in counts if not (count["negated"] and count["value"] == 1)]
    events = [count for count in counts if count["attribute"] == "event_count"]
    if len(events) < 2:
        return counts
    rest = [count for count in counts if count["attribute"] != "event_count"]
    if len({count["claimed"] for count in events}) == 1:
        return [events[0], *rest]
    total = sum(count["value"] for count in events)
    return [events[0] | {"end": events[-1]["end"], "value": total, "claimed": count_said("event_count", total)}, *rest]


def _goes_on(following: list[Clause]) -> bool:
    """ "one click after another", "one beep and the next"."""
    return any(
        clause.link in ("after", "and", "before", "then", ",", ";")
        and any(item.word in _OTHER for item in clause.items[:2])
        for clause in following
    )


def _named(clauses: list[Clause], before: int) -> bool:
    return any(item.kind == "event" and item.start < before for clause in clauses[:4] for item in clause.items)


def _another(clause: Clause) -> Draft | None:
    """ "there is a third beep", "then a second one follows": at least so many."""
    items = clause.items
    if not any(item.kind == "verb" and item.value in _EXIST for item in items):
        return None
    for index, item in enumerate(items[:-1]):
        noun = items[index + 1]
        counted = noun.kind == "event" or noun.word in ("tone", "sound", "one")
        if item.kind == "ordinal" and item.value in "2345" and index and items[index - 1].word == "a" and counted:
            if any(other.kind in ("quality", "comparative") for other in items[index + 2 :]):
                return None
            number = int(item.value)
            draft = draft_value(clause, index, index + 1, "event_count", number - 1, "count")
            return draft | {"relation": "above", "claimed": f"event_count at least {NUMBER_WORDS[number]}"}
    return None


def _last_of_all(clause: Clause) -> Draft | None:
    """ "the third beep is the last one"."""
    items = clause.items
    at = next((k for k, item in enumerate(items) if item.kind == "ordinal" and item.value in "23456789"), None)
    is_ = (
        None
        if at is None
        else next((k for k in range(at + 1, min(at + 4, len(items))) if items[k].value == "be"), None)
    )
    if (
        at is None
        or is_ is None
        or not any(item.kind == "event" or item.word in ("tone", "sound") for item in items[at:is_])
    ):
        return None
    rest = [item.word for item in items[is_ + 1 :]]
    if not (set(rest) & _LAST) or len(rest) > 3 or any(item.kind == "negation" for item in items):
        return None
    return draft_value(clause, at, len(items) - 1, "event_count", float(items[at].value), "count") | {
        "relation": "count",
        "claimed": count_said("event_count", float(items[at].value)),
        "negated": False,
    }


def _count(clause: Clause, index: int, known: bool) -> Draft | None:
    items = clause.items
    value = number_of(items[index])
    if value is None or not isfinite(value) or value > MOST or value != int(value) or _is_no_count(items, index):
        return None
    if _is_a_name(items, index) or _is_a_guess(items, index):
        return None
    before = items[index - 1] if index else None
    of_some = before is not None and _is_of_some(items, index, before)
    if of_some or any(item.word in _SOMETIMES for item in items[:index]) or _is_ratio_or_rate(items, index):
        return None
    stated = before is not None and (before.kind == "verb" or before.word in (":", "="))
    if stated and (named := _named_before(clause, index)) is not None:
        return _draft(clause, named, index, value)
    if (known or _says_how_many(items, index)) and _alone(items, index):
        return _draft(clause, index, index, value)
    at = _counted_noun(items, index)
    return None if at is None or _means_otherwise(clause, index, at, value) else _draft(clause, index, at, value)


def _is_a_name(items: tuple[Item, ...], index: int) -> bool:
    """ "beats one and three"."""
    while index and (items[index - 1].kind == "number" or items[index - 1].word in ("and", "or", ",")):
        index -= 1
    return index > 0 and items[index - 1].word in _NUMBERED


def _is_a_guess(items: tuple[Item, ...], index: int) -> bool:
    """ "seven or eight": neither is said."""
    after, before = items[index + 1 : index + 3], items[max(0, index - 2) : index]
    ahead = len(after) == 2 and after[0].word == "or" and after[1].kind == "number"
    behind = len(before) == 2 and before[1].word == "or" and before[0].kind == "number"
    return ahead or behind


def _is_of_some(items: tuple[Item, ...], index: int, before: Item) -> bool:
    """ "Two single beeps", "note three", "over four notes it falls", "for three notes": no count of all sounds."""
    twice = items[index].word in ("single", "lone") and before.kind == "number" and before.word != "one"
    spanned = index == 1 and before.word in _DURING
    return twice or spanned or before.kind == "event" or before.word in _PARTIAL


def _is_ratio_or_rate(items: tuple[Item, ...], index: int) -> bool:
    """ "Four times higher", "five of them every second"."""
    following = [item.word for item in items[index + 1 : index + 2]]
    if following == ["of them"]:
        return _is_rate(items, index + 2)
    if _is_rate(items, index + 1):
        return True
    return following == ["times"] and _compares(items[index + 2 : index + 3])


def _is_ratio(rest: tuple[Item, ...], following: list[Clause]) -> bool:
    """ "four times as high": the clause ends before "as"."""
    return len(rest) == 1 and rest[0].word == "times" and bool(following) and following[0].link == "as"


def _compares(following: tuple[Item, ...]) -> bool:
    """ "four times as high", "twice the frequency": a ratio."""
    return bool(following) and (following[0].word in _RATIO or following[0].kind == "comparative")


def _is_no_count(items: tuple[Item, ...], index: int) -> bool:
    """A number that is part of a name ("C#5"), or said of something else ("channel two")."""
    before = items[index - 1] if index else None
    if before is None:
        return "." in items[index].word
    glued = before.end == items[index].start and before.kind != "break"
    if "." in items[index].word:
        return True
    return before.kind == "ordinal" or before.word in _NOT_COUNTS or glued


def _counted_noun(items: tuple[Item, ...], index: int) -> int | None:
    """Index of the noun that the number counts."""
    for at in range(index + 1, min(len(items), index + 2 + BETWEEN)):
        item = items[at]
        counted = item.kind == "event" or item.word in ("tone", "sound", "whistle")
        if counted or (item.kind == "topic" and item.value == "pause"):
            return at
        if item.kind not in ("quality", "unknown") and item.word not in _PASSED:
            return None
    return None


def _alone(items: tuple[Item, ...], index: int) -> bool:
    """ "there are five", "five of them", "five in total": the noun was named before."""
    following = items[index + 1] if index + 1 < len(items) else None
    if following is not None:
        return following.word in _IN_ALL
    if items[index].word == "one" or (index and items[index - 1].word in _POINTING):
        return False
    if index > 1 and items[index - 1].word in ("least", "most") and items[index - 2].word == "at":
        return True
    return (
        index > 0
        and any(item.value in ("hear", "be") or item.word in _SUPPOSED for item in items[:index])
        and (not any(item.kind == "topic" and item.value not in ("it", "sound", "tone") for item in items[:index]))
    )


def _is_rate(items: tuple[Item, ...], at: int) -> bool:
    """ "(two) per second", "(two) a second", "(two) to the second"."""
    following = [item.word for item in items[at : at + 3]]
    if not following:
        return False
    period = following[1] if len(following) > 1 else ""
    if following[0] in _RATES:
        return True
    return (
        following[0] == "a" and (period in _A_PERIOD or (at + 1 < len(items) and items[at + 1].kind == "unit"))
    ) or (following[:2] == ["to", "the"] and following[2:] == ["second"])


def _says_how_many(items: tuple[Item, ...], index: int) -> bool:
    """ "three in total", "there are three of them", "I counted 5", "that makes three", "the count is three"."""
    following = items[index + 1].word if index + 1 < len(items) else ""
    before = items[index - 1].word if index else ""
    if following in _IN_ALL and index + 2 >= len(items):
        return following != "of them" or any(item.value in ("hear", "be") for item in items[:index])
    counting = before in _COUNTING - {"is", ":", "="} or (
        before in _COUNTING and any(item.word in _COUNTED for item in items[:index])
    )
    return not following and counting


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
    timed = _is_rate(items, at + 1)
    if timed or following in _RATES or (value == 1 and following in _ONE_BY_ONE and "single" not in items[index].word):
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
    draft["claimed"] = count_said(name, value)
    return draft
