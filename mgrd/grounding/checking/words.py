"""Words in the light of the other facts: what a measurement may have missed, or a word may mean besides."""

import re
from dataclasses import replace

from mgrd.audio.facts import Fact
from mgrd.audio.words import Attribute
from mgrd.grounding.checking.evidence import SPOKEN, YES, Evidence
from mgrd.grounding.checking.inferred import NOISE_LENGTH, SAME_START
from mgrd.grounding.checking.lookup import OF_ALL, OF_EACH
from mgrd.grounding.checking.movements import flat_sound, keeps_still
from mgrd.grounding.checking.parts import MOST_TRIED, any_sound, verify_part
from mgrd.grounding.checking.registers import differ_in_colour, of_a_voice
from mgrd.grounding.checking.values import SILENT_SHARE, cycles
from mgrd.grounding.checking.verdicts import UNKNOWN, Verdict, Verification, told
from mgrd.grounding.claim import Claim
from mgrd.grounding.tolerances import MIN_RELIABILITY

SHORT_SILENCES = ("gap", "silen", "short", "brief", "tiny", "break")  # words for what is no pause yet
NOISE_ITSELF = 1.0  # dB of harmonic-to-noise ratio under which the sound is itself the noise
MASKING_SNR = 15.0  # dB under which speech is not always told from noise
WAVERING = 50.0  # cents of vibrato from which a line is neither steady nor unsteady
CLIPPED = 0.005  # share of clipped samples
HIGHEST_MIDDLE = 800.0  # Hz up to which somebody may still speak of a middle range
ENTIRELY = re.compile(r"\b(?:perfectly|completely|entirely|absolutely|dead|totally|utterly|slightest)\b", re.IGNORECASE)
VOICE = re.compile(r"\b(?:voice|speaker|talker|singer|speech|(?:wo)?man|narrator)\b", re.IGNORECASE)
DYING = re.compile(r"\b(?:dies? (?:away|down|out)|decays?|decaying|dying away|rings? out|trails? off)\b", re.IGNORECASE)
ONE_PITCH = re.compile(r"\b(?:one|single|lone)\b", re.IGNORECASE)
ALIKE = re.compile(r"\b(?:identical|alike|the same)\b", re.IGNORECASE)
OF_LOUDNESS = re.compile(r"\b(?:loud|level|volume|strength|intens)", re.IGNORECASE)
SIDES = re.compile(r"\b(?:left|right|channels?|ears?)\b", re.IGNORECASE)
ROUGH = re.compile(r"\b(?:harsh|sharp|edgy|metallic)\b", re.IGNORECASE)
LEVEL = re.compile(r"\blevel\b", re.IGNORECASE)
VOICELESS = 3.0  # dB of harmonic-to-noise ratio under which a voice may be a whisper
MAJOR = 3.6  # semitones of the third of a chord that is called bright
HISSING = re.compile(r"\b(?:hiss\w*|noise|static)\b", re.IGNORECASE)
QUIET_NOISE = 25.0  # dB of SNR under which noise beside a tone may be heard
RECOLOURED = 0.6  # octaves of centroid by which one end is of another colour than the other
ATTACK = re.compile(r"\b(?:attacks?|onsets?|abrupt\w*|transients?)\b", re.IGNORECASE)
DECAYING = 6.0  # dB by which the level falls within a sound that was struck
LEAST_FALL = 4.0  # dB within a sound that dies away
BEHIND = re.compile(r"\b(?:hum|hiss|buzz|background|rumble|drone|noise|static)\b", re.IGNORECASE)


def amended(claim: Claim, attribute: Attribute, evidence: Evidence, verdict: Verdict, fact: Fact) -> Verdict:
    """The verdict of a word's band in the light of the other facts: what it leaves out of account makes it open, or
    turns it."""
    if attribute.name == "register" and (voiced := _as_voice(claim, evidence, verdict, fact)) is not None:
        return voiced
    if claim.claimed == "contour flat" and OF_EACH.search(claim.text) and len(evidence.all("event_f0")) > 1:
        return _each_flat(claim, attribute, evidence)
    alone = claim.claimed == "contour flat" and ONE_PITCH.search(claim.text) and evidence.at_least("chord", YES)
    alike = claim.claimed == "loudness steady" and ALIKE.search(claim.text) and not OF_LOUDNESS.search(claim.text)
    if alone or (alike and differ_in_colour(evidence)):
        return "contradicted"
    if verdict != "contradicted":
        return _less(claim, evidence, fact) if verdict == "supported" else _struck(claim, evidence) or verdict
    found = _by_sounds(claim, attribute, evidence)
    return found if found is not None else _excused(claim, evidence, fact)


def _as_voice(claim: Claim, evidence: Evidence, verdict: Verdict, fact: Fact) -> Verdict | None:
    """A register that a voice has, though a tone of that pitch would not; None where no voice is spoken of."""
    if VOICE.search(claim.text):
        return of_a_voice(claim.word, fact.value)
    held = verdict == "contradicted" and evidence.at_least("speech", SPOKEN)
    return "supported" if held and of_a_voice(claim.word, fact.value) == "supported" else None


def _each_flat(claim: Claim, attribute: Attribute, evidence: Evidence) -> Verdict:
    """ "Each tone stays flat": no sound moves by itself, wherever the next one lies."""
    verdicts: set[Verdict] = set()
    for number in range(1, min(len(evidence.all("event_f0")), MOST_TRIED) + 1):
        found = flat_sound(claim, number, evidence)
        if found is UNKNOWN:
            found = verify_part(replace(claim, subject=number), attribute, evidence) or UNKNOWN
        verdicts.add(found.verdict)
    return verdicts.pop() if len(verdicts) == 1 else "contradicted" if "contradicted" in verdicts else "unverifiable"


def _by_sounds(claim: Claim, attribute: Attribute, evidence: Evidence) -> Verdict | None:
    """What single sounds say for a word that the whole clip refutes; None where they say nothing."""
    if claim.subject is None and not claim.negated and not OF_ALL.search(claim.text):
        found = any_sound(claim, attribute, evidence)
        if found is not None:
            return found
    dying = claim.claimed == "loudness softer" and DYING.search(claim.text) and _each_dies(evidence)
    if dying or (attribute.name == "sound_length" and _has_length(claim, attribute, evidence)):
        return "supported"
    return _struck(claim, evidence)


def _struck(claim: Claim, evidence: Evidence) -> Verdict | None:
    """Sounds that were struck or plucked have an attack, though most of their energy rings."""
    if claim.claimed != "percussiveness percussive" or claim.negated:
        return None
    dies = any(f.value <= -DECAYING and f.reliability >= MIN_RELIABILITY for f in evidence.all("event_trend"))
    trend, count = evidence.sure("loudness_trend"), evidence.first("event_count")
    dies = dies or (trend is not None and count is not None and count.value == 1 and trend.value <= -2 * DECAYING)
    attack = ATTACK.search(claim.text) is not None
    return "supported" if dies and attack else "unverifiable" if dies or attack else None


def _excused(claim: Claim, evidence: Evidence, fact: Fact) -> Verdict:
    """A refuted word that may mean something else, or that the measurement may have missed, is open."""
    excused = _means_else(claim, evidence, fact) or _is_missed(claim, evidence) or _is_of_part(claim, evidence)
    return "unverifiable" if excused else "contradicted"


def _means_else(claim: Claim, evidence: Evidence, fact: Fact) -> bool:
    """The word may mean something besides, and the clip has that."""
    match claim.claimed:
        case "timbre bright":  # of distortion, roughness or a mood
            rough = ROUGH.search(claim.text) is not None or evidence.at_least("clipping", CLIPPED)
            return rough or (evidence.at_least("chord_quality", MAJOR) and "bright" in claim.text.lower())
        case "loudness softer":  # into a pause
            return "silen" in claim.text and evidence.at_least("pause_count", YES)
        case "register middle":
            return fact.value <= HIGHEST_MIDDLE
        case "harmonicity noisy":  # of noise beside a tone
            return HISSING.search(claim.text) is not None and evidence.under("snr", QUIET_NOISE)
        case "phonation whispered":  # of a breathy voice
            return evidence.under("harmonic_ratio", VOICELESS)
    return False


def _is_missed(claim: Claim, evidence: Evidence) -> bool:
    """What the measurement of the whole clip leaves out."""
    match claim.attribute:
        case "pauses":  # of one side, or before the first sound and after the last
            return SIDES.search(claim.text) is not None or _is_silent_outside(claim, evidence)
        case "voice":
            return not claim.negated and evidence.under("snr", MASKING_SNR)
        case "noise":  # which is itself the sound
            ratio = evidence.first("harmonic_ratio")
            noise = ratio is not None and ratio.value < NOISE_ITSELF
            return noise and claim.word == "noisy" and not claim.negated
        case "purity" | "muffling" | "bass":
            return differ_in_colour(evidence) or _changes_colour(evidence)
    return False


def _is_silent_outside(claim: Claim, evidence: Evidence) -> bool:
    """Silence before the first sound or after the last is no pause, but whoever names it is not wrong."""
    share = evidence.first("silence_share")
    named = "silence" in claim.text.lower() or "silent" in claim.text.lower()
    return claim.word == "present" and named and share is not None and share.value > SILENT_SHARE


def _changes_colour(evidence: Evidence) -> bool:
    """The colour changes so far that what is said of one end is not so at the other."""
    trend = evidence.sure("brightness_trend")
    return trend is not None and abs(trend.value) >= RECOLOURED


def _is_of_part(claim: Claim, evidence: Evidence) -> bool:
    """What may be said of one sound of several, so that the whole clip does not refute it: each note dies away, noise
    follows a tone, a hum goes on under the clicks."""
    count = evidence.first("event_count")
    if claim.negated or count is None or count.value < 2:
        return False
    dies = claim.claimed == "loudness softer" and DYING.search(claim.text) is not None
    follows = claim.claimed == "noise noisy" and _has_unpitched_sound(evidence)
    return dies or follows or (claim.claimed == "pauses absent" and BEHIND.search(claim.text) is not None)


def _has_unpitched_sound(evidence: Evidence) -> bool:
    """A sound longer than a click has no pitch, so it may be noise."""
    pitched = [f0.start for f0 in evidence.all("event_f0")]
    return any(
        sound.end - sound.start >= NOISE_LENGTH and all(abs(start - sound.start) >= SAME_START for start in pitched)
        for sound in evidence.all("event")
    )


def _each_dies(evidence: Evidence) -> bool:
    """The level falls within the single sounds, as far as steps of it lie within them."""
    line, falls = evidence.all("level_line"), []
    for sound in evidence.all("event"):
        inside = [step.value for step in line if sound.start <= step.start and step.end <= sound.end]
        falls += [inside[0] - inside[-1]] if len(inside) > 1 else []
    return len(falls) > 1 and min(falls) >= LEAST_FALL


def _less(claim: Claim, evidence: Evidence, fact: Fact) -> Verdict:
    """A line that holds by its ends, and moves in between."""
    if claim.claimed == "loudness steady":
        if evidence.at_least("throb", YES):
            return "contradicted"
        return "unverifiable" if cycles(evidence, ("loudness",)) is not None else "supported"
    if claim.claimed != "contour flat":
        return "supported"
    if LEVEL.search(claim.text) and evidence.at_least("throb", YES):
        return "unverifiable"  # of its loudness
    verdict = _flat(evidence, fact)
    if verdict == "supported" and evidence.at_least("vibrato_depth", WAVERING):
        return "contradicted" if not claim.negated and ENTIRELY.search(claim.text) else "unverifiable"
    return verdict


def _flat(evidence: Evidence, fact: Fact) -> Verdict:
    """A line that comes back to where it began is not flat when it went far in between."""
    wide = evidence.first("f0_range")
    if wide is None or wide.reliability < MIN_RELIABILITY or fact.name == "f0_line":
        return "supported"
    return keeps_still(wide.value)


def _has_length(claim: Claim, attribute: Attribute, evidence: Evidence) -> bool:
    """One sound of several has the length that is said of one of them."""
    lengths = evidence.all_sure("event_length")
    return not OF_ALL.search(claim.text) and any(attribute.word(fact.value) == claim.word for fact in lengths)


def quality_of_any(claim: Claim, attribute: Attribute, evidence: Evidence) -> Verification:
    """Major or minor, of any of the chords."""
    chords = evidence.all_sure("chord_quality")
    if not chords:
        return UNKNOWN
    fitting = [fact for fact in chords if attribute.word(fact.value) == claim.word]
    return told(claim, "supported" if fitting else "contradicted", (fitting or chords)[0])


def short_gaps(claim: Claim, evidence: Evidence) -> Fact | None:
    """Silences too short for pauses are still gaps to whoever says so."""
    gaps = evidence.first("gap_count")
    named = any(word in claim.text.lower() for word in SHORT_SILENCES)
    return gaps if named and gaps is not None and gaps.value and gaps.reliability >= MIN_RELIABILITY else None
