"""One verb, several quantities: "it grows" is true where either the level or the pitch does."""

from collections.abc import Sequence
from dataclasses import replace

from mgrd.grounding.claims import Claim
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
    same = (claim.start, claim.end) == (held.start, held.end)
    return same and claim.word in _WAY and _WAY[claim.word] == _WAY[held.word or ""]
