"""Where a verdict turns: one clause, and one figure of the clip that is moved from one side of a bound to the other.

Each row says in words what the bound is of. `+` is supported, `-` contradicted, `?` unverifiable.
"""

from collections.abc import Callable
from math import log2

import pytest

from mgrd.audio.facts import Fact, fact
from mgrd.grounding.scorer import score_text
from tests.grounding.scenes import SECONDS, known, several
from tests.grounding.test_parts import sound
from tests.grounding.test_verify_voice import speech
from tests.grounding.verdict_table import SIGN

Row = tuple[str, str, str, Callable[[float], list[Fact]], dict[float, str]]
"""What the bound is of, a clause, the attribute of its claim, the clip by the figure that moves, and verdicts."""


def line(name: str, values: list[float], reliability: float = 1.0) -> list[Fact]:
    """A line of these values, evenly over the clip."""
    step = SECONDS / len(values)
    return [
        fact(name, value, start=k * step, end=(k + 1) * step, reliability=reliability) for k, value in enumerate(values)
    ]


def pair(
    level: float = -10.0,
    voiced: float = 1.0,
    length: float = 0.9,
    centroid: float = 500.0,
    hertz: float | None = 300.0,
) -> list[Fact]:
    """Two sounds that are apart: a tone of 0.84 s, and one whose properties are given."""
    first = sound(0.1, 1.0, voiced=1.0, level=-10.0, centroid=500.0, hertz=300.0)
    second = sound(1.5, 1.56 + length, voiced=voiced, level=level, centroid=centroid, hertz=hertz)
    return [*known(event_count=2), *first, *second]


def beeps(starts: list[float], length: float = 0.2, **values: float) -> list[Fact]:
    return [*known(event_count=len(starts), **values), *several("event", [0.0] * len(starts), starts, length)]


def notes(*pitches: float) -> list[Fact]:
    starts = [0.1 + 0.5 * k for k in range(len(pitches))]
    return [*beeps(starts), *several("event_f0", list(pitches), starts, 0.2)]


def gliding(hertz: list[float], reliability: float = 1.0, **values: float) -> list[Fact]:
    """One unbroken tone whose pitch takes these values, evenly."""
    whole = {
        "f0_median": 300.0,
        "f0_trend": 0.0,
        "f0_range": 12.0,
        "harmonic_ratio": 20.0,
        "event_count": 1,
        "silence_share": 0.0,
    }
    return [*known(**(whole | values)), *line("f0_line", hertz, reliability)]


ARCH = [200.0, 270.0, 400.0, 400.0, 270.0, 200.0]


def climb(semitones: float) -> list[Fact]:
    """Up by a fifth and down by so many."""
    return gliding([200.0, 300.0, 300.0 * 2 ** (-semitones / 12)], f0_trend=12 * log2(1.5) - semitones)


def swelling(turns: float, decibels: float = 6.0, **values: float) -> list[Fact]:
    """One unbroken sound whose level goes up and down in so many ways."""
    whole = {"event_count": 1, "silence_share": 0.0, "loudness_trend": 0.0, "f0_trend": 0.0, "f0_range": 0.0}
    return [
        *known(**(whole | values)),
        *line("level_line", [-20.0 + decibels * (k % 2) for k in range(int(turns) + 1)]),
    ]


def unpitched(**values: float) -> list[Fact]:
    return known(**({"harmonic_ratio": -8.0, "event_count": 1, "silence_share": 0.0} | values))


def apart(gap: float) -> list[Fact]:
    """Two sounds without a pause between them."""
    return beeps([0.1, 1.0 + gap], 0.9, pause_count=0, gap_count=1, silence_share=0.1)


def ringing(fall: float) -> list[Fact]:
    """Three sounds, each of which falls by so many dB; their overall level does not."""
    return [*beeps([0.0, 1.0, 2.0], 1.0, loudness_trend=0.0), *line("level_line", [-20.0, -20.0 - fall] * 3)]


def unlike(centroid: float, **values: float) -> list[Fact]:
    starts = [0.1, 1.0]
    return [*beeps(starts, **values), *several("event_centroid", [1000.0, centroid], starts, 0.2)]


OF_ONE_SOUND: list[Row] = [
    ("loud and quiet against the others", "The second sound is loud.", "level",
     lambda more: pair(level=-10 + more), {-4.5: "-", -3.5: "?", 3.5: "?", 4.5: "+"}),
    ("voiced frames of a pitched sound", "The second sound is pitched.", "harmonicity",
     lambda share: pair(voiced=share), {0.15: "-", 0.25: "?", 0.55: "?", 0.65: "+"}),
    ("voiced frames of a tone", "It ends with a tone.", "sound_kind",
     lambda share: pair(voiced=share), {0.15: "-", 0.25: "?", 0.55: "?", 0.65: "+"}),
    ("length of a click", "It ends with a click.", "sound_kind",
     lambda s: pair(voiced=0.0, length=s, hertz=None), {0.15: "+", 0.17: "?", 0.29: "?", 0.31: "-"}),
    ("length of a noise", "It ends with noise.", "sound_kind",
     lambda s: pair(voiced=0.0, length=s, hertz=None), {0.15: "?", 0.29: "?", 0.31: "+"}),
    ("length of a knock that rings", "It ends with a thump.", "sound_kind",
     lambda s: pair(length=s), {0.1: "?", 0.45: "?", 0.55: "-", 1.2: "-"}),
    ("lengths that differ", "The second lasts longer than the first.", "sound_rank",
     lambda s: pair(length=s), {0.7: "-", 0.8: "?", 0.9: "?", 1.0: "+"}),
    ("the brightest", "The second is the brightest.", "sound_rank",
     lambda hz: pair(centroid=hz), {400: "-", 450: "?", 510: "+"}),
    ("the darkest", "The second is the darkest.", "sound_rank",
     lambda hz: pair(centroid=hz), {490: "+", 550: "?", 600: "-"}),
    ("a short sound", "The tones are short.", "sound_length",
     lambda s: beeps([0.1, 0.9], s + 0.06), {0.35: "+", 0.45: "?", 0.65: "?", 0.75: "-"}),
    ("a sound that may be noise by its length", "Then a hiss follows.", "noise",
     lambda s: [*beeps([0.1, 1.0], s, snr=60.0), *several("event_f0", [440.0], [0.1], 0.2)],
     {0.14: "-", 0.16: "?", 1.0: "?"}),
]  # fmt: skip
OF_NOTES: list[Row] = [
    ("a step against each", "Each note is higher than the one before.", "pitch_order",
     lambda st: notes(200.0, 300.0, 300.0 * 2 ** (-st / 12)), {0.9: "?", 1.1: "-"}),
    ("the low one of two far apart", "There is a low tone.", "register",
     lambda hz: notes(300.0, hz), {440: "?", 530: "-", 550: "+"}),
    ("how high the low one may be", "There is a low tone.", "register",
     lambda hz: notes(hz, 1200.0), {519: "+", 521: "-"}),
    ("how low the high one may be", "There is a high tone.", "register",
     lambda hz: notes(180.0, hz), {329: "-", 331: "+"}),
    ("major thirds", "It is a major chord.", "chord_quality",
     lambda st: several("chord_quality", [st], [0.1], 1.0), {3.5: "-", 3.7: "+"}),
    ("the third of a chord that is called bright", "It is a bright chord.", "timbre",
     lambda st: known(spectral_centroid=800.0, chord_quality=st), {3.5: "-", 3.7: "?"}),
]  # fmt: skip
OF_THE_PITCH: list[Row] = [
    ("how high a middle may be", "The register is middle.", "register",
     lambda hz: known(f0_median=hz), {300: "+", 799: "?", 801: "-"}),
    ("a voice is low", "The voice is low.", "register",
     lambda hz: known(f0_median=hz, speech=1.0), {139: "+", 141: "?", 199: "?", 201: "-"}),
    ("a voice is high", "The voice is high.", "register",
     lambda hz: known(f0_median=hz, speech=1.0), {139: "-", 141: "?", 199: "?", 201: "+"}),
    ("speech whose register is that of a voice", "It is high.", "register",
     lambda share: known(f0_median=220.0, speech=share), {0.0: "-", 0.4: "-", 0.6: "+"}),
    ("a flat line", "The pitch stays flat.", "contour",
     lambda st: known(f0_trend=0.0, f0_range=st), {2.4: "+", 2.6: "?", 4.9: "?", 5.1: "-"}),
    ("vibrato of a flat line", "The pitch is flat.", "contour",
     lambda cents: known(f0_trend=0.0, f0_range=1.0, vibrato_depth=cents), {49.5: "+", 50.5: "?"}),
    ("vibrato of a perfectly flat line", "The pitch is perfectly flat.", "contour",
     lambda cents: known(f0_trend=0.0, f0_range=1.0, vibrato_depth=cents), {49.5: "+", 50.5: "-"}),
    ("a turn of the pitch", "It rises and then falls.", "contour",
     lambda st: gliding([200, 200 * 2 ** (st / 12), 200, 200]), {1.9: "-", 2.1: "+"}),
    ("a way back that makes a rise a half-truth", "The pitch rises.", "contour",
     climb, {1.9: "+", 2.1: "?", 4.0: "?"}),
    ("a change within a part", "In the first second the pitch rises.", "contour",
     lambda st: gliding([200, 200 * 2 ** (st / 12), 200 * 2 ** (st / 12), 200]), {1.9: "?", 2.1: "+"}),
    ("partials by which an unsure line shows its turns", "It rises and then falls.", "contour",
     lambda level: gliding(ARCH, 0.45, harmonic_ratio=level), {14.5: "?", 15.5: "+"}),
    ("how unsure such a line may be", "It rises and then falls.", "contour",
     lambda sure: gliding(ARCH, sure), {0.35: "?", 0.45: "+"}),
    ("sounds of which such a line is", "It rises and then falls.", "contour",
     lambda count: gliding(ARCH, 0.45, event_count=count), {1: "+", 2: "?"}),
    ("speech, whose accents are no turns", "It rises and then falls.", "contour",
     lambda share: gliding(ARCH, speech=share), {0.45: "+", 0.55: "?"}),
    ("noise that has no pitch", "The pitch is 440 Hz.", "f0_median",
     lambda level: known(harmonic_ratio=level), {-2.5: "-", -1.5: "?"}),
    ("a pitch that moves", "The pitch is 319.6 Hz.", "f0_median",
     lambda st: known(f0_median=300.0, f0_trend=st, f0_range=st), {0.9: "?", 1.1: "+"}),
    ("the way of a glide", "The pitch is 300 Hz.", "f0_median",
     lambda st: known(f0_median=200.0, f0_trend=st), {0.0: "-", 11.5: "-", 12.5: "?"}),
    ("how far a glide goes on beyond its line", "It ends at 350 Hz.", "f0_median",
     lambda st: gliding([300 * 2 ** ((k - 5) * st / 12) for k in range(6)], f0_trend=5 * st), {2: "?", 4: "+"}),
    ("how far it set out before its line", "The pitch starts at 260 Hz.", "f0_median",
     lambda st: gliding([300 * 2 ** (k * st / 12) for k in range(6)], f0_trend=5 * st), {2: "?", 4: "+"}),
    ("the last value of a line", "The pitch is 290 Hz.", "f0_median",
     lambda hz: gliding([200, 240, 290, hz], f0_median=220.0, f0_low=190.0, f0_high=400.0), {290: "+", 350: "?"}),
    ("the highest point of a glide", "The pitch is 500 Hz.", "f0_median",
     lambda hz: known(f0_median=300.0, f0_trend=9.0, f0_low=200.0, f0_high=hz), {440: "-", 448: "?", 480: "+"}),
]  # fmt: skip
OF_THE_LEVEL: list[Row] = [
    ("ways of a level that throbs", "The loudness throbs.", "throb", swelling, {2: "?", 3: "?", 4: "+", 6: "+"}),
    ("ways of a level that is steady", "The loudness is steady.", "loudness", swelling, {3: "+", 4: "?"}),
    ("a bound of the cycles of the level", "It goes through more than three cycles.", "cycle_count",
     swelling, {4: "-", 12: "+"}),
    ("cycles of the level", "It goes through six cycles.", "cycle_count", swelling, {4: "-", 12: "+", 20: "?"}),
    ("a turn of the level", "The loudness throbs.", "throb", lambda level: swelling(6, level), {3.9: "?", 4.1: "+"}),
    ("a pulse of the level", "The sound pulses at 120 BPM.", "tempo", swelling, {3: "?", 8: "-", 12: "+"}),
    ("colours of sounds that are alike", "The sounds are identical.", "loudness",
     lambda hz: unlike(hz, loudness_trend=0.0), {1900: "+", 2100: "-"}),
    ("how far each sound falls", "It dies away.", "loudness", ringing, {3.5: "?", 4.5: "+"}),
    ("sounds of which each may die away", "It dies away.", "loudness",
     lambda count: known(event_count=count, loudness_trend=0.0), {1: "-", 2: "?"}),
    ("a decay of one sound that was struck", "The sound has an abrupt attack.", "percussiveness",
     lambda level: known(percussive_share=0.1, loudness_trend=level, event_count=1), {-11.5: "?", -12.5: "+"}),
    ("a decay of sounds that were struck", "The sounds are percussive.", "percussiveness",
     lambda level: [*known(percussive_share=0.1), *several("event_trend", [level], [0.1], 0.2)],
     {-5.5: "-", -6.5: "?"}),
]  # fmt: skip
OF_NOISE: list[Row] = [
    ("a low hiss", "It is a low sound.", "register",
     lambda hz: unpitched(spectral_centroid=hz), {399.5: "+", 400.5: "?", 2499.5: "?", 2500.5: "-"}),
    ("a high hiss", "It is a high sound.", "register",
     lambda hz: unpitched(spectral_centroid=hz), {399.5: "-", 400.5: "?", 2499.5: "?", 2500.5: "+"}),
    ("a ratio without any pitch", "It is a low sound.", "register",
     lambda level: unpitched(spectral_centroid=3000.0, harmonic_ratio=level), {-0.5: "-", 0.5: "?"}),
    ("silence in which another sound may be", "It is a low sound.", "register",
     lambda share: unpitched(spectral_centroid=3000.0, silence_share=share), {0.04: "-", 0.06: "?"}),
    ("noise under which a voice is missed", "A voice is heard.", "voice",
     lambda level: known(speech=0.0, snr=level), {14.5: "?", 15.5: "-"}),
    ("noise that is the sound", "There is a lot of noise.", "noise",
     lambda level: known(snr=60.0, harmonic_ratio=level), {0.5: "?", 1.5: "-"}),
    ("noise beside a tone", "The sound is noise-like.", "harmonicity",
     lambda level: known(snr=level, harmonic_ratio=20.0), {24.5: "?", 25.5: "-"}),
    ("partials of a whisper", "It is a whisper.", "phonation",
     lambda level: known(speech=1.0, whisper=0.0, harmonic_ratio=level), {2.5: "?", 3.5: "-"}),
]  # fmt: skip
OF_COLOUR_AND_SIDES: list[Row] = [
    ("distortion that is called bright", "The sound is bright.", "timbre",
     lambda share: known(spectral_centroid=800.0, clipping=share), {0.004: "-", 0.006: "?"}),
    ("a colour that changes", "The sound is muffled.", "muffling",
     lambda octaves: known(band_high=8000.0, brightness_trend=octaves), {-0.7: "?", -0.5: "-", 0.5: "-", 0.7: "?"}),
    ("sounds of other colours", "The sound is muffled.", "muffling",
     lambda hz: unlike(hz, band_high=8000.0), {1900: "-", 2100: "?"}),
    ("sides that sound differently", "The sound is on the left.", "stereo",
     lambda share: known(stereo_balance=-0.5, stereo_width=share), {0.25: "-", 0.35: "?"}),
    ("equally loud sides", "The sound is on the left.", "stereo",
     lambda level: known(stereo_balance=level, stereo_width=0.5), {2.9: "?", 3.1: "-", -3.1: "+"}),
    ("a sound that changes sides", "The sound is on the left.", "stereo",
     lambda level: known(stereo_balance=0.0, stereo_width=0.0, balance_trend=level),
     {-6.5: "?", -5.5: "-", 5.5: "-", 6.5: "?"}),
]  # fmt: skip
OF_TIME: list[Row] = [
    ("a part that is the whole", "In the first 2.8 seconds the pitch rises.", "contour",
     lambda st: known(f0_trend=st), {12.0: "+", -12.0: "-"}),
    ("a part that is not", "In the first 2.6 seconds the pitch rises.", "contour",
     lambda st: known(f0_trend=st), {12.0: "?", -12.0: "?"}),
    ("an early and a late part", "In the last 1.5 seconds the sound is on the right.", "stereo",
     lambda level: known(balance_trend=level, stereo_balance=0.0), {12.0: "+", 6.5: "+", 5.5: "?", -6.5: "-"}),
    ("a part that is neither early nor late", "In the last two seconds the sound is on the right.", "stereo",
     lambda level: known(balance_trend=level, stereo_balance=0.0), {12.0: "?", -12.0: "?"}),
    ("a lower bound of a count", "There are more than three beeps.", "event_count",
     lambda count: known(event_count=count), {2: "-", 3: "-", 4: "+"}),
    ("an upper bound of a count", "There are fewer than three beeps.", "event_count",
     lambda count: known(event_count=count), {2: "+", 3: "-", 4: "-"}),
    ("the least tolerance of a short decay", "The reverberation time is 0.1 s.", "decay_time",
     lambda s: known(decay_time=s), {0.04: "?", 0.06: "+"}),
    ("a bound of a rate", "The tempo is below 100 bpm.", "tempo",
     lambda bpm: known(tempo=bpm), {99: "+", 103: "?", 110: "-"}),
    ("a value of a part", "From 1 s to 2 s the spectral centroid is 800 Hz.", "spectral_centroid",
     lambda hz: [*known(spectral_centroid=2500.0), *line("centroid_line", [2500.0] * 2 + [hz] * 2 + [2500.0] * 2)],
     {800: "+", 2500: "-"}),
    ("a pulse that surely changes", "The beat is regular.", "regularity",
     lambda share: [*known(tempo_trend=share), fact("pulse_regularity", 0.9, end=SECONDS, reliability=0.2)],
     {-0.5: "-", -0.3: "?", 0.3: "?", 0.5: "-"}),
    ("silence in which a pause may be", "The longest pause is 1 s.", "longest_pause",
     lambda share: known(pause_count=0, gap_count=0, silence_share=share), {0.04: "-", 0.06: "?"}),
    ("gaps that may be a pause", "The longest pause is 1 s.", "longest_pause",
     lambda count: known(pause_count=0, gap_count=count, silence_share=0.0), {0: "-", 1: "?"}),
    ("room for a pause between sounds", "The longest pause is 1 s.", "longest_pause", apart, {0.28: "-", 0.32: "?"}),
    ("silence that is named", "There is silence.", "pauses",
     lambda share: known(pause_count=0, silence_share=share), {0.04: "-", 0.06: "?"}),
    ("edges that silence beside them blurs", "The pitch rises by an octave and then falls.", "f0_trend",
     lambda share: [*gliding(ARCH, silence_share=share), *several("event", [0.0], [0.1], 2.8)], {0.0: "+", 0.05: "?"}),
    ("a step that ends outside of its sound", "In the last second the pitch rises.", "contour",
     lambda end: [*known(event_count=2, f0_trend=0.0, silence_share=0.2), *several("event", [0.0], [0.0], 1.0),
                  *several("event", [0.0], [1.6], end - 1.6), *line("f0_line", [200.0] * 4 + [240.0, 300.0])],
     {3.0: "+", 2.99: "+", 2.9: "-"}),
    ("a note that sets in where a range ends", "In the first second the pitch rises.", "contour",
     lambda start: [*beeps([0.0, 0.5, start]), *several("event_f0", [200.0, 300.0, 100.0], [0.0, 0.5, start], 0.2)],
     {0.95: "-", 1.0: "+", 1.2: "+"}),
    ("the pitch of a part", "Between 1 and 2 seconds the pitch is low.", "register",
     lambda hz: gliding([300.0] * 2 + [hz] * 2 + [300.0] * 2), {100: "+", 300: "-"}),
    ("the colour of a part", "From 1 s to 2 s the sound is dark.", "timbre",
     lambda hz: [*known(spectral_centroid=2500.0), *line("centroid_line", [2500.0] * 2 + [hz] * 2 + [2500.0] * 2)],
     {800: "+", 2500: "-"}),
    ("a pitch of a part that the line may have left", "Between 1 and 2 seconds the pitch is 300 Hz.", "f0_median",
     lambda st: known(f0_median=300.0, f0_trend=st, f0_range=st), {0.0: "+", 5.0: "?"}),
    ("a pause in a part", "There is a pause in the first second.", "pauses",
     lambda start: [*known(pause_count=1), *several("pause", [0.4], [start], 0.4)], {0.5: "+", 0.9: "+", 1.1: "-"}),
    ("the end of a range of time", "In the first second there are two beeps.", "event_count",
     lambda start: beeps([0.1, start, 2.1, 2.5]), {0.96: "+", 1.5: "?"}),
    ("the start of a range of time", "In the last second there are two beeps.", "event_count",
     lambda start: beeps([0.1, 0.5, start, 2.5]), {1.8: "?", 1.9: "+"}),
]  # fmt: skip
OF_VOICES: list[Row] = [
    ("speech by somebody", "A male voice speaks.", "speaker",
     lambda share: speech(115.0, share=share), {0.03: "-", 0.05: "?", 0.29: "?", 0.31: "+"}),
    ("the voice of the second speaker", "The second voice is female.", "speaker",
     lambda hz: speech(115.0, hz), {115: "-", 165: "?", 230: "+"}),
    ("a whisper, which has no pitch", "A male voice speaks.", "speaker",
     lambda share: speech(225.0, whisper=share), {0.29: "-", 0.31: "?"}),
    ("the highest voice", "A female voice is heard.", "speaker", speech, {200: "+", 449.5: "+", 450.5: "?"}),
]  # fmt: skip


def throbbing(count: float = 5, **values: float) -> list[Fact]:
    """So many regular rises of a level that is never silent."""
    still = {"silence_share": 0.0, "pulse_regularity": 0.9, "f0_range": 0.0}
    return beeps([0.1 + 0.5 * k for k in range(int(count))], 0.4, **(still | values))


def humming(**values: float) -> list[Fact]:
    """One sound whose period is that of no partial of it."""
    sure = {"f0_median": 100.0, "f0_range": 0.0, "harmonic_ratio": 20.0, "band_low": 400.0}
    return beeps([0.1], 2.8, **(sure | values))


OF_WHAT_IS_INFERRED: list[Row] = [
    ("rises of a level that throbs", "The loudness throbs.", "throb", throbbing, {3: "?", 4: "+"}),
    ("silence between such rises", "The loudness throbs.", "throb",
     lambda share: throbbing(silence_share=share), {0.01: "+", 0.03: "?"}),
    ("how regular they are", "The loudness throbs.", "throb",
     lambda share: throbbing(pulse_regularity=share), {0.75: "?", 0.85: "+"}),
    ("how far the pitch may move meanwhile", "The loudness throbs.", "throb",
     lambda st: throbbing(f0_range=st), {0.9: "+", 1.1: "?"}),
    ("dynamics of a level that does not throb", "The loudness throbs.", "throb",
     lambda level: beeps([0.1], 2.8, dynamic_range=level), {2.9: "-", 3.1: "?"}),
    ("notes of a chord", "It is a chord.", "chord",
     lambda count: [*beeps([0.1], 2.8), *several("event_notes", [count], [0.1], 2.8)], {1: "-", 2: "+"}),
    ("the lowest partial of a chord", "It is a chord.", "chord",
     lambda hz: humming(band_low=hz), {105: "-", 115: "?", 295: "?", 305: "+"}),
    ("how far a chord may move", "It is a chord.", "chord", lambda st: humming(f0_range=st), {0.9: "+", 1.1: "?"}),
    ("partials of a chord", "It is a chord.", "chord",
     lambda level: humming(harmonic_ratio=level), {9.5: "?", 10.5: "+"}),
    ("a telephone, which cuts the lowest partial", "It is a chord.", "chord",
     lambda share: humming(telephone_band=share), {0.15: "+", 0.25: "?"}),
    ("an entry at once", "The sound starts at once.", "entry",
     lambda s: beeps([s], silence_share=0.5), {0.1: "+", 0.2: "?", 0.4: "-"}),
    ("noise before a tone", "First comes noise, then a tone.", "noise_order",
     lambda s: [*known(event_count=2), *several("event", [0.0], [0.1], s), *several("event", [0.0], [1.0], 0.6),
                *several("event_f0", [400.0], [1.0], 0.6)], {0.14: "?", 0.16: "+"}),
    ("time before the first sound in which one may have been missed", "There are five beeps.", "event_count",
     lambda s: beeps([s, 1.2, 1.5, 1.8, 2.1], silence_share=0.0), {0.28: "+", 0.32: "?"}),
    ("silence in which none was missed", "There are five beeps.", "event_count",
     lambda share: beeps([0.6, 1.2, 1.5, 1.8, 2.1], silence_share=share), {0.09: "?", 0.11: "+"}),
]  # fmt: skip
FOUR = [0.2, 0.8, 1.4, 2.0]


def of_sounds(name: str, values: list[float], reliability: float, length: float = 0.3) -> list[Fact]:
    """Facts of this reliability on the first of four sounds."""
    return [fact(name, x, start=t, end=t + length, reliability=reliability) for x, t in zip(values, FOUR, strict=False)]


def of_line(reliability: float) -> list[Fact]:
    """Two tones that stay flat, whose line is so sure."""
    tones = [*beeps([0.0, 1.5], 1.5), *several("event_f0", [200.0, 300.0], [0.0, 1.5], 1.5)]
    return [*tones, *line("f0_line", [200.0] * 3 + [300.0] * 3, reliability)]


OF_RELIABILITY: list[Row] = [
    ("colours of a figure", "I hear two chimes.", "event_count",
     lambda sure: [*beeps(FOUR), *of_sounds("event_centroid", [800.0, 3000.0] * 2, sure)], {0.49: "-", 0.5: "?"}),
    ("pitches of a figure", "I hear two chimes.", "event_count",
     lambda sure: [*beeps(FOUR), *of_sounds("event_f0", [800.0, 300.0] * 2, sure)], {0.49: "-", 0.5: "?"}),
    ("lowest notes of chords", "The last chord is lower than the first.", "pitch_order",
     lambda sure: [*beeps(FOUR[:2]), *of_sounds("event_root", [300.0, 200.0], sure)], {0.49: "?", 0.5: "+"}),
    ("pitches of which one is low", "There is a low tone.", "register",
     lambda sure: [*beeps(FOUR[:2]), *of_sounds("event_f0", [100.0, 700.0], sure)], {0.49: "?", 0.5: "+"}),
    ("a long one among short ones that is denied", "There is no long tone.", "sound_length",
     lambda sure: [*known(event_count=5), *several("event", [0.0] * 4, [0.1, 0.4, 0.7, 1.0], 0.2),
                   fact("event", 0.0, start=1.4, end=2.6, reliability=sure)], {0.49: "+", 0.5: "-"}),
    ("a third", "It is a major chord.", "chord_quality",
     lambda sure: of_sounds("chord_quality", [4.0], sure), {0.49: "?", 0.5: "+"}),
    ("colours in their order", "The second is the brightest.", "sound_rank",
     lambda sure: [*beeps(FOUR[:2]), *of_sounds("event_centroid", [800.0, 3000.0], sure)], {0.49: "?", 0.5: "+"}),
    ("a row of notes", "It rises and then falls.", "contour",
     lambda sure: [*beeps(FOUR[:3], f0_trend=0.0), *of_sounds("event_f0", [200.0, 300.0, 200.0], sure)],
     {0.49: "?", 0.5: "+"}),
    ("a step back", "Each note is higher than the one before.", "pitch_order",
     lambda sure: [*beeps(FOUR[:3]), *of_sounds("event_f0", [200.0, 300.0, 200.0], sure)], {0.49: "?", 0.5: "-"}),
    ("a sound that was struck", "The sounds are percussive.", "percussiveness",
     lambda sure: [*known(percussive_share=0.1), *of_sounds("event_trend", [-9.0], sure)], {0.49: "-", 0.5: "?"}),
    ("colours of unlike sounds", "The sound is muffled.", "muffling",
     lambda sure: [*known(band_high=8000.0), *of_sounds("event_centroid", [800.0, 3000.0], sure)],
     {0.49: "-", 0.5: "?"}),
    ("the line of one sound", "The second tone stays flat.", "contour", of_line, {0.49: "?", 0.5: "+"}),
    ("the colour of a low one", "It is a low sound.", "register",
     lambda sure: [*unpitched(spectral_centroid=3000.0), *of_sounds("event_centroid", [300.0, 3000.0], sure),
                   fact("f0_median", 300.0, end=SECONDS, reliability=0.1)], {0.49: "-", 0.5: "+"}),
]  # fmt: skip
"""Facts are believed from a reliability of one half."""
ROWS = [
    *OF_RELIABILITY, *OF_ONE_SOUND, *OF_NOTES, *OF_THE_PITCH, *OF_THE_LEVEL, *OF_NOISE, *OF_COLOUR_AND_SIDES, *OF_TIME,
    *OF_VOICES, *OF_WHAT_IS_INFERRED,
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "attribute", "clip", "turns"), [row[1:] for row in ROWS], ids=[row[0].replace(" ", "_") for row in ROWS]
)
def test_the_verdict_turns_at_the_bound(
    text: str, attribute: str, clip: Callable[[float], list[Fact]], turns: dict[float, str]
) -> None:
    found = {
        figure: "".join(
            SIGN[c.verification.verdict]
            for c in score_text(text, clip(figure)).claims
            if c.claim.attribute == attribute
        )
        for figure in turns
    }
    assert found == turns
