"""Drafts: what the readers write of a claim before its text is cut out, and the one way to word what it claims."""

from typing import Any

from mgrd.grounding.reading.lexicon import NUMBER_WORDS
from mgrd.grounding.reading.senses import RELATION

Draft = dict[str, Any]
"""Keyword arguments of a Claim, without its text."""

HEDGE_WEIGHT = 0.5
"""What each hedge ("maybe", "I think") leaves of a claim's weight."""


def statement(attribute: str, word: str) -> Draft:
    """The draft of a word claim, without its place."""
    claimed = f"{attribute} {word}"
    return {"attribute": attribute, "relation": RELATION.get(word, "is"), "claimed": claimed, "word": word}


def value_said(name: str, relation: str, value: float, unit: str) -> str:
    """What a number claims: "tempo above 120 BPM"."""
    shown = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
    return f"{name} {'' if relation == 'is' else relation + ' '}{shown} {unit}"


def count_said(name: str, number: float) -> str:
    """What a count claims: "event_count three", or "event_count 21", which has no word of its own."""
    whole = int(number)
    return f"{name} {NUMBER_WORDS[whole] if whole < len(NUMBER_WORDS) else whole}"


def of_period(draft: Draft) -> Draft:
    """ "Under half a second apart" is more than 120 BPM: a bound of a period is the other bound of its rate."""
    turned = {"below": "above", "above": "below"}.get(draft["relation"])
    if turned is None:
        return draft
    return draft | {"relation": turned, "claimed": draft["claimed"].replace(draft["relation"], turned, 1)}
