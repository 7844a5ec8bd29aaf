"""Registers: whether what sounds is low or high, by its pitch, by a voice's narrower range, or by its colour."""

from mgrd.audio.facts import Fact
from mgrd.audio.words import Attribute
from mgrd.grounding.checking.bands import judge_word
from mgrd.grounding.checking.evidence import Evidence
from mgrd.grounding.checking.lookup import OF_ALL, Span, nth, utterances
from mgrd.grounding.checking.values import SILENT_SHARE
from mgrd.grounding.checking.verdicts import UNKNOWN, Verdict, Verification, held_as, told
from mgrd.grounding.claim import Claim

LOW_VOICE, HIGH_VOICE = 140.0, 200.0  # Hz: a high voice is a middle tone
LOW_NOISE, HIGH_NOISE = 400.0, 2500.0  # Hz of spectral centroid that make an unpitched sound low or high
APART = 1.5  # ratio of the highest to the lowest note from which a register is of single notes
FAR_APART = 1.8  # ratio of two notes of which one is the low and one the high one
HIGHEST_LOW, LOWEST_HIGH = 520.0, 330.0  # Hz that may still be the low and the high of two
UNLIKE = 2.0  # ratio of the centroids of sounds that nobody calls the same


def voice_register(claim: Claim, number: int, evidence: Evidence) -> Verification | None:
    """The register of one voice of several that take turns; None where there are no turns."""
    voice = nth(utterances(evidence), number)
    if voice is None:
        return None
    return told(claim, of_a_voice(claim.word, voice.value), voice)


def of_a_voice(word: str | None, hertz: float) -> Verdict:
    """Voices are called low and high within a narrower range than tones."""
    held = "low" if hertz < LOW_VOICE else "high" if hertz > HIGH_VOICE else "middle"
    return "supported" if word == held else "unverifiable" if "middle" in (word, held) else "contradicted"


def unpitched_register(claim: Claim, evidence: Evidence) -> Verification:
    """A register of a sound without a pitch, by where its energy lies; only one sound that never stops refutes it."""
    ratio, centroid = evidence.sure("harmonic_ratio"), evidence.sure("spectral_centroid")
    if ratio is None or ratio.value > 0 or centroid is None or claim.subject is not None or claim.word == "middle":
        return UNKNOWN
    held = _noise_register(centroid.value)
    count, silence = evidence.first("event_count"), evidence.first("silence_share")
    alone = count is not None and count.value == 1 and silence is not None and silence.value < SILENT_SHARE
    return _coloured(claim, centroid) if held == claim.word or alone else UNKNOWN


def by_colour(claim: Claim, evidence: Evidence) -> Verification:
    """A register of sounds whose pitch is not sure, by where their energy lies, far from the middle.

    Of sounds that are not alike one may have it: the energy of all together lies where none of them is.
    """
    centroid = evidence.sure("spectral_centroid")
    if centroid is None or claim.subject is not None or claim.word == "middle":
        return UNKNOWN
    return _coloured_of_any(claim, evidence) if differ_in_colour(evidence) else _coloured(claim, centroid)


def _coloured(claim: Claim, centroid: Fact) -> Verification:
    held = _noise_register(centroid.value)
    edge = LOW_NOISE if held == "low" else HIGH_NOISE
    return told(claim, held_as(held, claim.word), centroid, edge) if held is not None else UNKNOWN


def _coloured_of_any(claim: Claim, evidence: Evidence) -> Verification:
    sounds = evidence.all_sure("event_centroid")
    found = next((fact for fact in sounds if _noise_register(fact.value) == claim.word), None)
    return told(claim, "supported", found) if found is not None and not claim.negated else UNKNOWN


def differ_in_colour(evidence: Evidence) -> bool:
    """The sounds are not alike in colour."""
    colours = [fact.value for fact in evidence.all_sure("event_centroid")]
    return len(colours) > 1 and max(colours) > UNLIKE * min(colours)


def _noise_register(hertz: float) -> str | None:
    return "low" if hertz < LOW_NOISE else "high" if hertz > HIGH_NOISE else None


def register_of_any(claim: Claim, attribute: Attribute, evidence: Evidence, span: Span | None) -> Verification | None:
    """A register where the sounds differ in pitch: true if one of them has it, false if none comes near. Of all of them
    it is open where only some have it."""
    notes = evidence.all_sure("event_f0")
    if claim.subject is not None or span is not None or claim.negated or len(notes) < 2 or claim.word is None:
        return None
    if max(note.value for note in notes) < APART * min(note.value for note in notes):
        return None
    verdicts: list[tuple[Verdict, Fact]] = [(judge_word(attribute, claim.word, note.value)[0], note) for note in notes]
    if not OF_ALL.search(claim.text):
        verdicts.append((_among(claim, [note.value for note in notes]), notes[0]))
    elif len({verdict for verdict, _ in verdicts}) > 1:
        return UNKNOWN
    order: tuple[Verdict, ...] = ("supported", "unverifiable", "contradicted")
    verdict, note = min(verdicts, key=lambda found: order.index(found[0]))
    return told(claim, verdict, note)


def _among(claim: Claim, pitches: list[float]) -> Verdict:
    """ "A low tone, then a high one": the lower and the higher of two that are far apart."""
    low, high = min(pitches), max(pitches)
    if high < FAR_APART * low or claim.word == "middle":
        return "contradicted"
    held = low < HIGHEST_LOW if claim.word == "low" else high > LOWEST_HIGH
    return "supported" if held else "contradicted"
