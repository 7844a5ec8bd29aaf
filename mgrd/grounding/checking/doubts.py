"""What a measurement does not refute: where a word may mean something else that the clip bears out.

A claim that is read wrongly is most often read as false, so a refutation needs more than a support. Each rule names
what the words may mean besides; where the clip shows it, `contradicted` becomes `unverifiable`.

| claim | not refuted where |
|---|---|
| a movement whose aspect is not named ("it grows", "the increase") | pitch, loudness, colour or pulse moves that way |
| a count of two or more | the sounds are so many times a figure of unlike sounds or gaps ("ding-dong", twice) |
| a final intonation | nobody speaks |
| two pitches in turn | the pitch moves too fast or too far to be followed |
"""

import re
from collections.abc import Callable
from itertools import pairwise
from math import log2

from mgrd.grounding.checking.evidence import Evidence
from mgrd.grounding.checking.voices import VOICE
from mgrd.grounding.claim import Claim
from mgrd.grounding.tolerances import ALL_ATTRIBUTES

NAMED = re.compile(
    r"pitch|tone|note|frequenc|melod|scale|regist|glid|slid|gliss|bend|bent|siren|high|low|deep|semitone|octave|hertz|\bhz\b|"
    r"loud|quiet|soft|volume|level|fad|swell|crescendo|diminu|decibel|\bdb\b|strong|weak|faint|intens|vanish|power|dynamic|"
    r"bright|dark|dull|treble|timbre|colou?r|fast|slow|quick|speed|tempo|pace|accel|beat|puls|rate|rhythm|gap|interval|voice|"
    r"intonation|inflection|sentence|word",
    re.IGNORECASE,
)
"""Words by which a movement names its aspect."""
WAYS = (
    ("contour", "f0_trend"),
    ("pitch_order", "order_pitch"),
    ("loudness", "loudness_trend"),
    ("loudness_order", "order_loudness"),
    ("brightness_trend", "brightness_trend"),
    ("tempo_trend", "tempo_trend"),
    ("intonation", "final_rise"),
)
"""Attributes that may move, each with the fact of its movement; the last band is upwards."""
STILL = 1.5  # semitones of a pitch that does not move
UNLIKE_PITCH = 1.0  # semitones between the sounds of a figure
UNLIKE_COLOUR = 1.5  # ratio of their centroids
UNEVEN = 1.5  # ratio of the gaps within a figure and between two


def is_doubtful(claim: Claim, evidence: Evidence) -> bool:
    """Whether a claim that the measurement is against may mean something that the clip bears out."""
    doubt = _DOUBTS.get(claim.attribute)
    return doubt is not None and not claim.negated and doubt(claim, evidence)


def _moves_otherwise(claim: Claim, evidence: Evidence) -> bool:
    """ "It grows": in pitch, loudness, brightness or speed."""
    if claim.relation not in ("rises", "falls") or claim.sequence or NAMED.search(claim.text):
        return False
    up = claim.relation == "rises"
    for attribute, name in WAYS:
        fact = evidence.sure(name)
        band = ALL_ATTRIBUTES[attribute].bands[-1 if up else 0]
        if fact is not None and band.low <= fact.value < band.high:
            return True
    return any((size > 0) == up for line in ("contour", "loudness") for size, _, _ in evidence.movements(line) or ())


def _nobody_speaks(_: Claim, evidence: Evidence) -> bool:
    return evidence.under("speech", VOICE)


def _counts_figures(claim: Claim, evidence: Evidence) -> bool:
    """ "The chime is played twice": four sounds, high and low in turn."""
    count = evidence.sure("event_count")
    if count is None or claim.value is None or claim.value < 2 or claim.relation in ("above", "below"):
        return False
    times, rest = divmod(count.value, claim.value)
    return times >= 2 and rest == 0 and _has_figure(evidence)


def _has_figure(evidence: Evidence) -> bool:
    """The sounds, or the gaps between them, are not all alike."""
    pitches = [fact.value for fact in evidence.all_sure("event_f0")]
    if len(pitches) > 1 and 12 * log2(max(pitches) / min(pitches)) >= UNLIKE_PITCH:
        return True
    colours = [fact.value for fact in evidence.all_sure("event_centroid") if fact.value > 0]
    if len(colours) > 1 and max(colours) >= UNLIKE_COLOUR * min(colours):
        return True
    starts = [sound.start for sound in evidence.all("event")]
    waits = [later - earlier for earlier, later in pairwise(starts)]
    return len(waits) > 1 and max(waits) >= UNEVEN * min(waits)


def _may_alternate(_: Claim, evidence: Evidence) -> bool:
    """A trill is too fast for its notes to be told apart; what has but one pitch has none."""
    moved = [fact for name in ("f0_range", "f0_trend") if (fact := evidence.sure(name)) is not None]
    return not moved or any(abs(fact.value) >= STILL for fact in moved)


_DOUBTS: dict[str, Callable[[Claim, Evidence], bool]] = {
    "contour": _moves_otherwise,
    "loudness": _moves_otherwise,
    "brightness_trend": _moves_otherwise,
    "tempo_trend": _moves_otherwise,
    "intonation": _nobody_speaks,
    "event_count": _counts_figures,
    "alternation": _may_alternate,
}
