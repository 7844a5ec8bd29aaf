"""One verb, several quantities: "it grows" is true where either the level or the pitch does."""

from collections.abc import Sequence
from dataclasses import replace

from mgrd.grounding.claims import Claim
from mgrd.grounding.lexicon import LEXICON
from mgrd.grounding.verdicts import RIVAL, Verification

WAYS = {
    "up": ("rising", "upwards", "louder", "brighter", "speeding up"),
    "down": ("falling", "downwards", "softer", "darker", "slowing down"),
}
"""Movements of pitch, level, colour and pulse that one verb may say."""
_WAY = {word: way for way, words in WAYS.items() for word in words}


def without_rivals(claims: Sequence[Claim], found: Sequence[Verification]) -> list[Verification]:
    """The verifications, with a movement open whose words were also read as the same movement of another quantity,
    which holds: nobody knows which of the two was meant."""
    held = [c for c, v in zip(claims, found, strict=True) if v.verdict == "supported" and c.word in _WAY]
    if not held:
        return list(found)
    return [
        replace(v, verdict="unverifiable", note=RIVAL)
        if v.verdict == "contradicted" and any(_is_rival(claim, other) for other in held)
        else v
        for claim, v in zip(claims, found, strict=True)
    ]


def _is_rival(claim: Claim, held: Claim) -> bool:
    if claim.negated or held.negated or claim.attribute == held.attribute:
        return False
    same = (claim.start, claim.end) == (held.start, held.end) and claim.word in _WAY
    return same and _WAY[claim.word or ""] == _WAY[held.word or ""] and not _names(claim.text)


def _names(text: str) -> bool:
    """A quantity stands among the words: "the pitch and the level both rise" says two things."""
    entries = [LEXICON.get(word) for word in text.lower().split()]
    kinds = [entry.alone for entry in entries if entry is not None and entry.alone is not None]
    return any(lexeme.kind in ("topic", "event") and lexeme.value != "it" for lexeme in kinds)
