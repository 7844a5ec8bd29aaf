"""Words against facts: bands, and what a measurement may have missed or a word may mean besides."""

import re
from dataclasses import replace
from itertools import pairwise
from math import inf, log2

from mgrd.audio.facts import Fact
from mgrd.audio.words import Attribute
from mgrd.grounding.checking.inferred import NOISE_LENGTH
from mgrd.grounding.checking.lookup import Evidence, Span, nth, utterances
from mgrd.grounding.checking.parts import MOST_TRIED, any_sound, verify_part
from mgrd.grounding.checking.values import cycles
from mgrd.grounding.checking.verdicts import UNKNOWN, Verdict, Verification, opposite
from mgrd.grounding.claim import Claim
from mgrd.grounding.tolerances import FLAT_RANGE, MIN_RELIABILITY, STILL

SHORT_SILENCES = ("gap", "silen", "short", "brief", "tiny", "break")  # words for what is no pause yet
SILENT_SHARE = 0.05  # of the clip: silence that may be spoken of
MASKING_SNR = 15.0  # dB under which speech is not always told from noise
STEP = 1.0  # semitones of a step that goes against what is said of each
WAVERING = 50.0  # cents of vibrato from which a line is neither steady nor unsteady
CLIPPED = 0.005  # share of clipped samples
HIGHEST_MIDDLE = 800.0  # Hz up to which somebody may still speak of a middle range
WIDE = 0.3  # share of side energy from which a balance in the middle is of two sounds on two sides
WANDERING = 6.0  # dB by which the balance changes, so that no side is that of the whole
MIDDLE = 3.0  # dB of balance
FAR_APART = 1.8  # ratio of two notes of which one is the low and one the high one
HIGHEST_LOW, LOWEST_HIGH = 520.0, 330.0  # Hz that may still be the low and the high of two
APART = 1.5  # ratio of the highest to the lowest note from which a register is of single notes
ENTIRELY = re.compile(r"\b(?:perfectly|completely|entirely|absolutely|dead|totally|utterly|slightest)\b", re.IGNORECASE)
VOICE = re.compile(r"\b(?:voice|speaker|talker|singer|speech|(?:wo)?man|narrator)\b", re.IGNORECASE)
LOW_VOICE, HIGH_VOICE = 140.0, 200.0  # Hz: a high voice is a middle tone
LOW_NOISE, HIGH_NOISE = 400.0, 2500.0  # Hz of spectral centroid that make an unpitched sound low or high
DYING = re.compile(r"\b(?:dies? (?:away|down|out)|decays?|decaying|dying away|rings? out|trails? off)\b", re.IGNORECASE)
ONE_PITCH = re.compile(r"\b(?:one|single|lone)\b", re.IGNORECASE)
ALIKE = re.compile(r"\b(?:identical|alike|the same)\b(?! (?:loudness|level|volume|strength|intensity))", re.IGNORECASE)
SIDES = re.compile(r"\b(?:left|right|channels?|ears?)\b", re.IGNORECASE)
ROUGH = re.compile(r"\b(?:harsh|sharp|edgy|metallic)\b", re.IGNORECASE)
LEVEL = re.compile(r"\blevel\b", re.IGNORECASE)
STEPWISE = re.compile(r"\b(?:higher|lower|deeper|above|below|steps?)\b", re.IGNORECASE)
VOICELESS = 3.0  # dB of harmonic-to-noise ratio under which a voice may be a whisper
MAJOR = 3.6  # semitones of the third of a chord that is called bright
HISSING = re.compile(r"\b(?:hiss\w*|noise|static)\b", re.IGNORECASE)
QUIET_NOISE = 25.0  # dB of SNR under which noise beside a tone may be heard
RECOLOURED = 0.6  # octaves of centroid
SPOKEN = 0.5  # share of speech from which a register is of a voice
UNLIKE = 2.0  # ratio of the centroids of sounds that nobody calls the same
ATTACK = re.compile(r"\b(?:attacks?|onsets?|abrupt\w*|transients?)\b", re.IGNORECASE)
DECAYING = 6.0  # dB by which the level falls within a sound that was struck
SAME_START = 0.02  # s between the starts of a sound and of its pitch
LEAST_FALL = 4.0  # dB within a sound that dies away
BEHIND = re.compile(r"\b(?:hum|hiss|buzz|background|rumble|drone|noise|static)\b", re.IGNORECASE)
OF_EACH = re.compile(r"\b(?:each|every|neither|either|both|within)\b", re.IGNORECASE)
OF_ALL = re.compile(r"\b(?:each|every|all|they|whole|entire|throughout)\b", re.IGNORECASE)


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


def amended(claim: Claim, attribute: Attribute, evidence: Evidence, verdict: Verdict, fact: Fact) -> Verdict:
    """The verdict of a word's band in the light of the other facts: what it leaves out of account makes it open, or
    turns it."""
    if attribute.name == "register" and (voiced := _as_voice(claim, evidence, verdict, fact)) is not None:
        return voiced
    if claim.claimed == "contour flat" and OF_EACH.search(claim.text) and len(evidence.all("event_f0")) > 1:
        return _each_flat(claim, attribute, evidence)
    alone = claim.claimed == "contour flat" and ONE_PITCH.search(claim.text) and _at_least(evidence, "chord", 0.5)
    if alone or (claim.claimed == "loudness steady" and ALIKE.search(claim.text) and _differ(evidence)):
        return "contradicted"
    if verdict != "contradicted":
        return _less(claim, evidence, fact) if verdict == "supported" else _struck(claim, evidence) or verdict
    found = _by_sounds(claim, attribute, evidence)
    return found if found is not None else _excused(claim, attribute, evidence, fact)


def _as_voice(claim: Claim, evidence: Evidence, verdict: Verdict, fact: Fact) -> Verdict | None:
    """A register that a voice has, though a tone of that pitch would not; None where no voice is spoken of."""
    if VOICE.search(claim.text):
        return _voice_register(claim.word, fact.value)
    held = verdict == "contradicted" and _is_spoken(evidence)
    return "supported" if held and _voice_register(claim.word, fact.value) == "supported" else None


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


def _excused(claim: Claim, attribute: Attribute, evidence: Evidence, fact: Fact) -> Verdict:
    """A refuted word that may mean something else is open."""
    if claim.claimed == "loudness softer" and "silen" in claim.text and _at_least(evidence, "pause_count", 0.5):
        return "unverifiable"  # into a pause
    # Words for distortion, roughness or a mood, too.
    harsh = claim.claimed == "timbre bright" and (
        ROUGH.search(claim.text) is not None
        or _at_least(evidence, "clipping", CLIPPED)
        or (_at_least(evidence, "chord_quality", MAJOR) and "bright" in claim.text.lower())
    )
    middle = claim.claimed == "register middle" and fact.value <= HIGHEST_MIDDLE
    sided = attribute.name == "pauses" and SIDES.search(claim.text) is not None
    outside = sided or (attribute.name == "pauses" and _is_silent_outside(evidence, claim))
    masked = not claim.negated and _is_masked(claim, evidence)
    other = attribute.name in ("purity", "muffling", "bass") and (_differ(evidence) or _at_least_move(evidence))
    hissing = claim.claimed == "harmonicity noisy" and HISSING.search(claim.text) and _is_noisy(evidence)
    ratio = evidence.sure("harmonic_ratio")
    breathy = claim.claimed == "phonation whispered" and ratio is not None and ratio.value < VOICELESS
    open_ = breathy or harsh or middle or outside or masked or other or hissing or _is_of_part(claim, evidence)
    return "unverifiable" if open_ else "contradicted"


def _at_least_move(evidence: Evidence) -> bool:
    """The colour changes so far that what is said of one end is not so at the other."""
    trend = evidence.sure("brightness_trend")
    return trend is not None and abs(trend.value) >= RECOLOURED


def _is_noisy(evidence: Evidence) -> bool:
    """There may be noise beside a tone."""
    ratio = evidence.sure("snr")
    return ratio is not None and ratio.value < QUIET_NOISE


def _is_spoken(evidence: Evidence) -> bool:
    return _at_least(evidence, "speech", SPOKEN)


def _differ(evidence: Evidence) -> bool:
    """The sounds are not alike in colour."""
    colours = [f.value for f in evidence.all("event_centroid") if f.reliability >= MIN_RELIABILITY]
    return len(colours) > 1 and max(colours) > UNLIKE * min(colours)


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


def voice_register(claim: Claim, number: int, evidence: Evidence) -> Verification | None:
    """The register of one voice of several that take turns; None where there are no turns."""
    voice = nth(utterances(evidence), number)
    if voice is None:
        return None
    verdict = _voice_register(claim.word, voice.value)
    verdict = opposite(verdict) if claim.negated else verdict
    return Verification(verdict, voice.value, voice.unit, None, voice.reliability, (voice.start, voice.end))


def _voice_register(word: str | None, hertz: float) -> Verdict:
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
    if held is None or (held != claim.word and not alone):
        return UNKNOWN
    verdict: Verdict = "supported" if (held == claim.word) != claim.negated else "contradicted"
    edge = LOW_NOISE if held == "low" else HIGH_NOISE
    span = (centroid.start, centroid.end)
    return Verification(verdict, centroid.value, centroid.unit, edge, centroid.reliability, span)


def by_colour(claim: Claim, evidence: Evidence) -> Verification:
    """A register of sounds whose pitch is not sure, by where their energy lies, far from the middle.

    Of sounds that are not alike one may have it: the energy of all together lies where none of them is.
    """
    centroid = evidence.sure("spectral_centroid")
    if centroid is None or claim.subject is not None or claim.word == "middle":
        return UNKNOWN
    if _differ(evidence):
        return _coloured_of_any(claim, evidence)
    held = _noise_register(centroid.value)
    if held is None:
        return UNKNOWN
    verdict: Verdict = "supported" if (held == claim.word) != claim.negated else "contradicted"
    edge = LOW_NOISE if held == "low" else HIGH_NOISE
    span = (centroid.start, centroid.end)
    return Verification(verdict, centroid.value, centroid.unit, edge, centroid.reliability, span)


def _coloured_of_any(claim: Claim, evidence: Evidence) -> Verification:
    sounds = [fact for fact in evidence.all("event_centroid") if fact.reliability >= MIN_RELIABILITY]
    found = next((fact for fact in sounds if _noise_register(fact.value) == claim.word), None)
    if found is None or claim.negated:
        return UNKNOWN
    return Verification("supported", found.value, found.unit, None, found.reliability, (found.start, found.end))


def _noise_register(hertz: float) -> str | None:
    return "low" if hertz < LOW_NOISE else "high" if hertz > HIGH_NOISE else None


def flat_sound(claim: Claim, number: int, evidence: Evidence) -> Verification:
    """Whether the pitch of one sound of several keeps still, by its own part of the line."""
    sounds = evidence.all("event_f0")
    if len(sounds) < 2:
        return UNKNOWN
    sound = nth(sounds, number)
    line = [f for f in evidence.all("f0_line") if sound and sound.start <= f.start and f.end <= sound.end]
    if len(line) < 2 or min(step.reliability for step in line) < MIN_RELIABILITY:
        return UNKNOWN
    low, high = min(step.value for step in line), max(step.value for step in line)
    width = 12 * log2(high / low)
    still: Verdict = "supported" if width <= FLAT_RANGE[0] else "unverifiable"
    verdict = "contradicted" if width >= FLAT_RANGE[1] else still
    verdict = opposite(verdict) if claim.negated else verdict
    return Verification(verdict, width, "semitones", FLAT_RANGE[0], 1.0, (line[0].start, line[-1].end))


def _less(claim: Claim, evidence: Evidence, fact: Fact) -> Verdict:
    """A line that holds by its ends, and moves in between."""
    if claim.claimed == "loudness steady":
        if _at_least(evidence, "throb", 0.5):
            return "contradicted"
        return "unverifiable" if cycles(evidence, ("loudness",)) is not None else "supported"
    if claim.claimed != "contour flat":
        return "supported"
    if LEVEL.search(claim.text) and _at_least(evidence, "throb", 0.5):
        return "unverifiable"  # of its loudness
    verdict = _flat(evidence, fact)
    if verdict == "supported" and _at_least(evidence, "vibrato_depth", WAVERING):
        return "contradicted" if not claim.negated and ENTIRELY.search(claim.text) else "unverifiable"
    return verdict


def _at_least(evidence: Evidence, name: str, value: float) -> bool:
    fact = evidence.sure(name)
    return fact is not None and fact.value >= value


def _flat(evidence: Evidence, fact: Fact) -> Verdict:
    """A line that comes back to where it began is not flat when it went far in between."""
    wide = evidence.first("f0_range")
    if wide is None or wide.reliability < MIN_RELIABILITY or fact.name == "f0_line":
        return "supported"
    if wide.value >= FLAT_RANGE[1]:
        return "contradicted"
    return "supported" if wide.value <= FLAT_RANGE[0] else "unverifiable"


def _has_length(claim: Claim, attribute: Attribute, evidence: Evidence) -> bool:
    """One sound of several has the length that is said of one of them."""
    lengths = [fact for fact in evidence.all("event_length") if fact.reliability >= MIN_RELIABILITY]
    return not OF_ALL.search(claim.text) and any(attribute.word(fact.value) == claim.word for fact in lengths)


def is_wide(evidence: Evidence) -> bool:
    """The sides sound differently and equally loud, so that the balance of the whole says nothing of its sounds."""
    width, balance = evidence.first("stereo_width"), evidence.first("stereo_balance")
    trend = evidence.sure("balance_trend")
    wide = width is not None and balance is not None and width.value >= WIDE and abs(balance.value) < MIDDLE
    return wide or (trend is not None and abs(trend.value) >= WANDERING)


def steps_of_each(claim: Claim, evidence: Evidence) -> Verification | None:
    """ "Each tone is higher than the one before" as a movement of the line."""
    word = {"rising": "upwards", "falling": "downwards"}.get(claim.word or "")
    stepwise = word is not None and OF_EACH.search(claim.text) is not None and STEPWISE.search(claim.text) is not None
    return order_of_each(replace(claim, word=word), evidence) if stepwise else None


def order_of_each(claim: Claim, evidence: Evidence) -> Verification | None:
    """ "Each is higher than the one before": refuted by one step the other way."""
    notes = [fact for fact in evidence.all("event_f0") if fact.reliability >= MIN_RELIABILITY]
    if claim.negated or len(notes) < 3 or not OF_ALL.search(claim.text):
        return None
    sign = 1 if claim.word == "upwards" else -1
    steps = [(12 * log2(later.value / earlier.value), earlier, later) for earlier, later in pairwise(notes)]
    worst, earlier, later = min(steps, key=lambda step: sign * step[0])
    if sign * worst > -STEP:
        return None
    sure = min(earlier.reliability, later.reliability)
    return Verification("contradicted", worst, "semitones", STEP, sure, (earlier.start, later.end))


def register_of_any(claim: Claim, attribute: Attribute, evidence: Evidence, span: Span | None) -> Verification | None:
    """A register where the sounds differ in pitch: true if one of them has it, false if none comes near."""
    notes = [fact for fact in evidence.all("event_f0") if fact.reliability >= MIN_RELIABILITY]
    if claim.subject is not None or span is not None or claim.negated or len(notes) < 2 or claim.word is None:
        return None
    if max(note.value for note in notes) < APART * min(note.value for note in notes):
        return None
    verdicts: list[tuple[Verdict, Fact]] = [(judge_word(attribute, claim.word, note.value)[0], note) for note in notes]
    if not OF_ALL.search(claim.text):
        verdicts.append((_among(claim, [note.value for note in notes]), notes[0]))
    order: tuple[Verdict, ...] = ("supported", "unverifiable", "contradicted")
    verdict, note = min(verdicts, key=lambda found: order.index(found[0]))
    return Verification(verdict, note.value, note.unit, None, note.reliability, (note.start, note.end))


def _among(claim: Claim, pitches: list[float]) -> Verdict:
    """ "A low tone, then a high one": the lower and the higher of two that are far apart."""
    low, high = min(pitches), max(pitches)
    if high < FAR_APART * low or claim.word == "middle":
        return "contradicted"
    held = low < HIGHEST_LOW if claim.word == "low" else high > LOWEST_HIGH
    return "supported" if held else "contradicted"


def quality_of_any(claim: Claim, attribute: Attribute, evidence: Evidence) -> Verification:
    """Major or minor, of any of the chords."""
    chords = [fact for fact in evidence.all("chord_quality") if fact.reliability >= MIN_RELIABILITY]
    if not chords:
        return UNKNOWN
    fitting = [fact for fact in chords if attribute.word(fact.value) == claim.word]
    verdict: Verdict = "supported" if fitting else "contradicted"
    verdict = opposite(verdict) if claim.negated else verdict
    fact = (fitting or chords)[0]
    return Verification(verdict, fact.value, fact.unit, None, fact.reliability, (fact.start, fact.end))


def _is_masked(claim: Claim, evidence: Evidence) -> bool:
    """What a measurement may have missed: a voice under noise, and noise that is itself the sound."""
    if claim.attribute == "voice":
        snr = evidence.sure("snr")
        return snr is not None and snr.value < MASKING_SNR
    if claim.attribute == "noise" and claim.word == "noisy":
        pitched = evidence.first("harmonic_ratio")
        return pitched is not None and pitched.value < 1.0
    return False


def short_gaps(claim: Claim, evidence: Evidence) -> Fact | None:
    """Silences too short for pauses are still gaps to whoever says so."""
    gaps = evidence.first("gap_count")
    named = any(word in claim.text.lower() for word in SHORT_SILENCES)
    return gaps if named and gaps is not None and gaps.value and gaps.reliability >= MIN_RELIABILITY else None


def _is_silent_outside(evidence: Evidence, claim: Claim) -> bool:
    """Silence before the first sound or after the last is no pause, but whoever names it is not wrong."""
    share = evidence.first("silence_share")
    named = "silence" in claim.text.lower() or "silent" in claim.text.lower()
    return claim.word == "present" and named and share is not None and share.value > SILENT_SHARE
