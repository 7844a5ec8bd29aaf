"""Comparisons between events: "the last sound is higher than the first"."""

from mgrd.grounding.context import Draft
from mgrd.grounding.lexer import Item

PITCH, LOUDNESS = "pitch_order", "loudness_order"
_SIGN = {"high": 1, "low": -1, "loud": 1, "quiet": -1}
_TRENDS = {"high": ("contour", "rising"), "low": ("contour", "falling")}
_TRENDS |= {"loud": ("loudness", "louder"), "quiet": ("loudness", "softer")}
_RELATION = {"rising": "rises", "louder": "rises", "falling": "falls", "softer": "falls"}
EACH = frozenset({"each", "every"})
PREVIOUS = frozenset({"previous", "preceding", "before", "prior"})


def read_comparison(items: tuple[Item, ...]) -> Draft | None:
    """The draft of a comparison with "than" between two named events, or None."""
    than = next((k for k, item in enumerate(items) if item.word == "than"), None)
    if than is None:
        return None
    compared = next((item for item in items[:than] if item.kind == "comparative" and item.value in _SIGN), None)
    if compared is None:
        return None
    negated = sum(item.kind == "negation" for item in items[:than]) % 2 == 1
    weight = 0.5 ** sum(item.kind == "hedge" for item in items)
    start = next(item.start for item in items if item.kind != "hedge")
    base: Draft = {"start": start, "end": items[-1].end, "negated": negated, "weight": weight}
    left, right = items[:than], items[than + 1 :]
    if any(item.word in EACH for item in left):
        attribute, word = _TRENDS[compared.value]
        return base | {
            "attribute": attribute, "relation": _RELATION[word], "claimed": f"{attribute} {word}", "word": word,
        }  # fmt: skip
    subject, reference = _ordinal(left), _ordinal(right)
    if subject is None or reference is None or subject == reference:
        return None
    return base | _order(compared.value, subject, reference)


def _ordinal(items: tuple[Item, ...]) -> int | None:
    return next((int(item.value) for item in items if item.kind == "ordinal"), None)


def _order(compared: str, subject: int, reference: int) -> Draft:
    """Towards the later event: its word says what the later is against the earlier."""
    sign = _SIGN[compared]
    later_first = _later(subject, reference)
    upward = sign > 0 if later_first else sign < 0
    if compared in ("high", "low"):
        attribute, word = PITCH, "upwards" if upward else "downwards"
    else:
        attribute, word = LOUDNESS, "last louder" if upward else "first louder"
    later, earlier = (subject, reference) if later_first else (reference, subject)
    return {
        "attribute": attribute,
        "relation": "above" if sign > 0 else "below",
        "claimed": f"{attribute} {word}",
        "word": word,
        "subject": later,
        "reference": earlier,
    }


def _later(first: int, second: int) -> bool:
    """Whether event `first` comes after event `second`; negative numbers count from the end."""
    return (first < 0, first) > (second < 0, second)
