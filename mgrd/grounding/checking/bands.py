"""A word against its band: supported in it, open in the neutral zone beside it, else refuted."""

from math import inf

from mgrd.audio.words import Attribute
from mgrd.grounding.checking.verdicts import Verdict
from mgrd.grounding.tolerances import STILL


def judge_word(attribute: Attribute, word: str, value: float) -> tuple[Verdict, float | None]:
    """Supported in the word's band, unverifiable in a neutral zone that touches it, else contradicted.

    A word without a band ("moderate" of a rate that has only slow and fast) holds between the bands.
    """
    held = attribute.word(value)
    still = STILL.get(attribute.name)
    if still is not None and abs(value) <= still and held is None:
        return ("supported" if word in ("steady", "flat") else "contradicted"), still
    edges = [edge for band in attribute.bands if band.word == word for edge in (band.low, band.high)]
    edge = min(edges, key=lambda e: abs(e - value)) if edges else None
    if edge is not None and edge in (inf, -inf):
        edge = next((e for e in edges if abs(e) != inf), None)
    if not edges:
        return ("supported" if held is None else "contradicted"), None
    if held is None:
        return ("unverifiable" if _borders(attribute, word, value) else "contradicted"), edge
    return ("supported" if held == word else "contradicted"), edge


def _borders(attribute: Attribute, word: str, value: float) -> bool:
    """The neutral zone that holds the value touches the word's band."""
    below = [band.word for band in attribute.bands if band.high <= value]
    above = [band.word for band in attribute.bands if band.low > value]
    return word in (*below[-1:], *above[:1])
