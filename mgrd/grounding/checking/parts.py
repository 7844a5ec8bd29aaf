"""Words for one sound of several, by the facts of that sound alone; and kinds of sounds in their order."""

from collections.abc import Callable
from dataclasses import replace

from mgrd.audio.facts import Fact
from mgrd.audio.words import ATTRIBUTES, Attribute
from mgrd.grounding.checking.evidence import Evidence
from mgrd.grounding.checking.inferred import SAME_START
from mgrd.grounding.checking.lookup import nth, of_sound
from mgrd.grounding.checking.verdicts import UNKNOWN, Verdict, Verification, held_as, told
from mgrd.grounding.claim import Claim
from mgrd.grounding.tolerances import MIN_RELIABILITY

PITCHED, UNPITCHED = 0.6, 0.2  # share of voiced frames from which a sound is a tone, and up to which it is none
CLEARLY_MORE = 1.15  # ratio by which another sound is longer or brighter without doubt
CLICK, NOISE = 0.16, 0.3  # s: a click is no longer, noise no shorter
HIT = 0.5  # s: the longest knock, with what rings on
LOUDER = 4.0  # dB against the other sounds, by which one is called loud or quiet among them
FACTS = {
    "timbre": "event_centroid",
    "register": "event_f0",
    "loudness": "event_trend",
    "stereo": "event_balance",
    "sound_length": "event_length",
}
"""Attributes whose bands hold for a fact of the single sound."""
ANY_OF = frozenset({"harmonicity", "timbre", "sound_length", "register"})
"""What may hold of one sound and not of the others."""
MOST_TRIED = 12  # sounds that are tried in turn
STILL = 1.0  # semitones within a sound whose pitch does not move by itself


def verify_part(claim: Claim, attribute: Attribute, evidence: Evidence) -> Verification | None:
    """The verdict on a word that is said of sound `claim.subject`; None where the clip is but that sound."""
    events = evidence.all("event")
    number = claim.subject or 1
    if len(events) == 1 and number in (1, -1):
        return None
    sound = nth(events, number)
    count = evidence.sure("event_count")
    if sound is None or count is None or claim.word is None:
        return UNKNOWN
    if claim.attribute in FACTS:
        return _by_band(claim, attribute, _at(sound, FACTS[claim.attribute], evidence))
    special = _SPECIAL.get(claim.attribute)
    return special(claim, sound, evidence) if special is not None else UNKNOWN


def any_sound(claim: Claim, attribute: Attribute, evidence: Evidence) -> Verdict | None:
    """Whether one of several sounds is as is said of one of them; None where none can be told to be."""
    if claim.attribute not in ANY_OF:
        return None
    numbers = range(1, min(len(evidence.all("event")), MOST_TRIED) + 1)
    found = (verify_part(replace(claim, subject=number), attribute, evidence) for number in numbers)
    if not any(v is not None and v.verdict == "supported" for v in found):
        return None
    return "supported" if claim.of_event else "unverifiable"


def _at(sound: Fact, name: str, evidence: Evidence) -> Fact | None:
    """The fact of that name of a sound."""
    return next((fact for fact in evidence.all(name) if abs(fact.start - sound.start) <= SAME_START), None)


def _by_band(claim: Claim, attribute: Attribute, fact: Fact | None) -> Verification:
    if fact is None:
        return UNKNOWN
    return told(claim, held_as(attribute.word(fact.value), claim.word), fact)


def _level(claim: Claim, sound: Fact, evidence: Evidence) -> Verification:
    """ "The first is quiet": against the other sounds, whatever the level of the recording."""
    others = [event.value for event in evidence.all("event") if event is not sound]
    gap = sound.value - sum(others) / len(others)
    held = "loud" if gap >= LOUDER else "quiet" if gap <= -LOUDER else None
    beside = Fact("event", gap, "dB", sound.start, sound.end, sound.reliability)
    return told(claim, held_as(held, claim.word), beside, LOUDER)


def _harmonicity(claim: Claim, sound: Fact, evidence: Evidence) -> Verification:
    voiced = _at(sound, "event_voiced", evidence)
    if voiced is None:
        return UNKNOWN
    held = "harmonic" if voiced.value >= PITCHED else "noisy" if voiced.value <= UNPITCHED else None
    return told(claim, held_as(held, claim.word), voiced, PITCHED)


def _contour(claim: Claim, sound: Fact, evidence: Evidence) -> Verification:
    """The movement of the pitch within the sound, by its voiced segments."""
    inside = [f for f in evidence.all("f0_segment") if sound.start - 0.05 <= f.start and f.end <= sound.end + 0.05]
    if not inside:
        return UNKNOWN
    found = _by_band(claim, ATTRIBUTES["contour"], max(inside, key=lambda fact: fact.end - fact.start))
    still = found.verdict == "contradicted" and abs(found.measured or 0.0) < STILL
    return replace(found, verdict="unverifiable") if still else found  # it may move away from the sound before


_SPECIAL: dict[str, Callable[[Claim, Fact, Evidence], Verification]] = {
    "level": _level,
    "harmonicity": _harmonicity,
    "contour": _contour,
}


def kinds_of(evidence: Evidence) -> list[tuple[str, Fact]]:
    """The kind of each sound that can be told, with the fact that tells it: "click", "tone" or "noise"."""
    found = []
    for sound in evidence.all("event"):
        voiced, length = _at(sound, "event_voiced", evidence), _at(sound, "event_length", evidence)
        if voiced is None or length is None:
            continue
        if length.value <= CLICK and voiced.value < PITCHED:
            found.append(("click", length))
        elif voiced.value >= PITCHED:
            found.append(("tone", voiced))
        elif voiced.value <= UNPITCHED and length.value >= NOISE:
            found.append(("noise", voiced))
    return found


LENGTHS = frozenset({"longest", "shortest", "longer", "shorter"})
_ALSO = {"hit": ("click",), "click": ("click",), "tone": ("tone",), "noise": ("noise",), "chord": ("tone",)}


def verify_kind(claim: Claim, evidence: Evidence) -> Verification:
    """ "It ends with a click", "first a tone, then noise". Voices and chords are not told from tones here."""
    kinds = kinds_of(evidence)
    if claim.reference is None and claim.subject is None:
        return _verify_order(claim, kinds)
    sound = nth(evidence.all("event"), claim.subject or 1)
    count = evidence.first("event_count")
    if sound is None or count is None or count.reliability < MIN_RELIABILITY or claim.word in ("chord", "voice"):
        return UNKNOWN
    known = next(((kind, fact) for kind, fact in kinds if abs(fact.start - sound.start) <= SAME_START), None)
    if known is None or claim.word is None:
        return UNKNOWN
    kind, fact = known
    length = _at(sound, "event_length", evidence)
    if claim.word == "hit" and kind != "click":  # a knock rings, a drum has a pitch
        return told(claim, "unverifiable" if length and length.value <= HIT else "contradicted", fact)
    if claim.word == "noise" and kind == "click":
        return told(claim, "unverifiable", fact)
    return told(claim, "supported" if kind in _ALSO[claim.word] else "contradicted", fact)


def verify_rank(claim: Claim, evidence: Evidence) -> Verification:
    """ "The last is the longest": by length or by colour."""
    name = "event_length" if claim.word in LENGTHS else "event_centroid"
    facts = evidence.all_sure(name)
    mine = of_sound(name, claim.subject or 1, evidence)
    if len(facts) < 2 or len(facts) != len(evidence.all("event")) or mine is None or mine not in facts:
        return UNKNOWN
    most = claim.word in ("longest", "brightest", "longer", "brighter")
    if claim.reference is not None:
        other = of_sound(name, claim.reference, evidence)
        if other is None or other is mine:
            return UNKNOWN
        gap = mine.value / other.value if most else other.value / mine.value
        known: Verdict = (
            "unverifiable" if 1 / CLEARLY_MORE < gap < CLEARLY_MORE else "supported" if gap > 1 else "contradicted"
        )
        return told(claim, known, mine)
    best = (max if most else min)(fact.value for fact in facts)
    ratio = best / mine.value if most else mine.value / max(best, 1e-6)
    held: Verdict = "supported" if mine.value == best else "unverifiable" if ratio < CLEARLY_MORE else "contradicted"
    return told(claim, held, mine)


def _verify_order(claim: Claim, kinds: list[tuple[str, Fact]]) -> Verification:
    named = (claim.word or "").replace("hit", "click").replace("chord", "tone")
    ordered = _in_order([(kind, fact.start) for kind, fact in kinds], named)
    if ordered is None or len(set(named.split(" before "))) < 2:
        return UNKNOWN
    first = min((fact for _, fact in kinds), key=lambda fact: fact.start)
    return told(claim, "supported" if ordered else "contradicted", first)


def _in_order(kinds: list[tuple[str, float]], word: str) -> bool | None:
    """Whether the first sound of one kind sets in before the first of the other; None where either is missing."""
    earlier, _, later = word.partition(" before ")
    starts = dict(reversed(kinds))
    if earlier not in starts or later not in starts:
        return None
    return starts[earlier] < starts[later]
