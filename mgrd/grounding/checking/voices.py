"""Words for who speaks, a man or a woman, by how high the voice lies; of voices in turn, by each of them."""

from dataclasses import replace

from mgrd.audio.facts import Fact
from mgrd.audio.words import Attribute
from mgrd.grounding.checking.evidence import Evidence
from mgrd.grounding.checking.lookup import Span, fact_for, nth, utterances
from mgrd.grounding.checking.verdicts import UNKNOWN, Verification, told
from mgrd.grounding.claim import Claim
from mgrd.grounding.tolerances import MIN_RELIABILITY

VOICE = 0.3  # share of speech from which a pitch is taken for that of a voice
NO_VOICE = 0.04  # share of speech up to which nobody speaks
WHISPERED = 0.3  # share of whisper from which a voice has no pitch that tells
HIGHEST_VOICE = 450.0  # Hz; what lies higher is hardly an adult who speaks


def verify_speaker(claim: Claim, attribute: Attribute, evidence: Evidence, span: Span | None) -> Verification:
    """The verdict on `male` or `female`. A clip without any voice refutes both; a word that holds of one of several
    voices is supported, and refuted where it holds of none."""
    speech, whisper = evidence.sure("speech"), evidence.sure("whisper")
    if speech is None or (whisper is not None and whisper.value >= WHISPERED):
        return UNKNOWN
    if speech.value <= NO_VOICE:
        return told(claim, "contradicted", speech)
    voices = _voices(claim, attribute, evidence, span) if speech.value >= VOICE else []
    heard = [(attribute.word(voice.value), voice) for voice in voices if voice.value <= HIGHEST_VOICE]
    fitting = next((voice for word, voice in heard if word == claim.word), None)
    if fitting is not None:
        return told(claim, "supported", fitting)
    if not heard or len(heard) < len(voices) or any(word is None for word, _ in heard):
        return UNKNOWN
    return told(claim, "contradicted", heard[0][1])


def _voices(claim: Claim, attribute: Attribute, evidence: Evidence, span: Span | None) -> list[Fact]:
    """The pitches of the voices that the claim may be about."""
    turns = utterances(evidence)
    if claim.subject is not None and turns:
        turn = nth(turns, claim.subject)
        return [turn] if turn is not None else []
    if span is None and turns:
        return turns
    duration = evidence.first("duration")
    of_clip = fact_for(replace(claim, subject=None), attribute, evidence, span, duration.value if duration else 0.0)
    return [of_clip] if of_clip is not None and of_clip.reliability >= MIN_RELIABILITY else []
