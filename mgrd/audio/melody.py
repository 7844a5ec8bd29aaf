"""The facts read from the pitch line: where it lies, how it moves, how it wobbles."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mgrd.audio.events import Events
from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Floats, Frames
from mgrd.audio.notes import DOUBT, note_facts
from mgrd.audio.pitch import MIN_CLIP, MIN_VOICED, VIBRATO_HZ, PitchLine, pitch_trust, stretches

Places = npt.NDArray[np.integer]
"""Indices of frames."""

EDGE_SECONDS = (0.04, 0.12)  # stretch of a pitch line, least and most, that tells its start or its end
EDGE_SHARE = 0.15  # of the voiced part
STRAIGHT = 0.12  # semitones; an edge that scatters less about a line is followed to the end of the sound
REACH_SECONDS = 0.04  # how far beyond the voiced frames: half of the tracker's window
SEGMENT_GAP = 0.05  # s; a shorter gap does not part two segments
SAME_PITCH = 1.0  # semitones from the end of one to the start of the other, up to which it does not
OF_STEP = 2  # frames at the ends of a stretch that belong to the step
CARRIED = 0.2  # of the loud frames that must be voiced for the voiced ones to speak for the harmonicity
NOISIEST = 0.03  # periodicity under which noise is not told from noise
DEEP_ENOUGH = 12.0  # cents; shallower is no vibrato
PURE_ENOUGH = 0.5
SHORTEST_WOBBLE = 0.45  # s


@dataclass(frozen=True, slots=True)
class Wobble:
    """The wobble of a stretch of frames [first, last): `swing` in semitones [last - first] is its fitted course."""

    rate: float
    depth: float
    purity: float
    first: int
    last: int
    swing: Floats


def pitch_facts(frames: Frames, line: PitchLine, events: Events, spoken: bool) -> list[Fact]:
    """Facts on pitch. Without voiced frames only `voiced_share` and `harmonic_ratio` remain.

    The median is over separate sounds where there are some, so that a long note does not outvote two short ones.
    """
    duration = frames.duration
    sounding = int(frames.sounding.sum())
    voiced = line.voiced
    share = float(voiced.sum() / sounding) if sounding else 0.0
    facts = [fact("voiced_share", share, end=duration, reliability=0.9 if duration >= MIN_CLIP else 0.3)]
    trust = pitch_trust(frames, line) if voiced.any() else 0.0
    facts += _harmonic_ratio(frames, line, trust)
    if not voiced.any():
        return facts
    semitones = line.semitones()
    where = np.flatnonzero(voiced)
    begin, finish = float(frames.times[where[0]]), min(duration, float(frames.times[where[-1]]) + frames.hop_seconds)
    weights = 10 ** (np.minimum(0.0, frames.level[voiced] - frames.peak_level + 20) / 10)
    low, middle, high = _weighted_percentiles(semitones[voiced], weights, (5, 50, 95))
    span = {"start": begin, "end": finish, "reliability": trust}
    notes = note_facts(frames, line, events, trust, spoken)
    doubted = [min(trust, note.reliability) for note in notes if note.name == "event_f0"]
    if doubted and float(np.median(doubted)) == DOUBT:
        span["reliability"] = DOUBT
    separate = [note.value for note in notes if note.name == "event_f0"]
    centre = float(np.median(separate)) if len(separate) > 1 and events.reliability >= 0.5 else 2 ** (middle / 12)
    facts += [
        fact("f0_median", centre, **span),
        fact("f0_low", 2 ** (low / 12), **span),
        fact("f0_high", 2 ** (high / 12), **span),
        fact("f0_range", high - low, **span),
    ]
    parts = stretches(line)
    wobbles = _wobbles(semitones, parts, frames.hop_seconds)
    still = semitones.copy()
    for wobble in wobbles:
        if wobble.depth > DEEP_ENOUGH and wobble.purity > PURE_ENOUGH:
            still[wobble.first : wobble.last] -= wobble.swing
    facts += _trend(frames, still, trust)
    facts += _segments(frames, line, still, parts, trust)
    facts += notes
    facts += _vibrato(frames, wobbles, trust)
    return facts


def _harmonic_ratio(frames: Frames, line: PitchLine, trust: float) -> list[Fact]:
    """Of the voiced frames where they carry the sound, else of all sounding frames."""
    if frames.silent or frames.duration < MIN_CLIP:
        return []
    loud = frames.sounding & (frames.level > frames.peak_level - 25)
    carried = float((line.voiced & loud).sum() / max(1, loud.sum())) >= CARRIED
    periodic = float((line.strength[line.voiced] if carried else line.periodicity[loud]).mean())
    periodic = float(np.clip(periodic, NOISIEST, 1 - 1e-5))
    value = 10 * float(np.log10(periodic / (1 - periodic)))
    return [fact("harmonic_ratio", value, end=frames.duration, reliability=max(trust, 0.5) if carried else 0.8)]


def _weighted_percentiles(values: Floats, weights: Floats, percents: tuple[int, ...]) -> list[float]:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    index = np.searchsorted(total, np.array(percents) / 100 * total[-1])
    return [float(values[order[min(i, len(order) - 1)]]) for i in index]


def _trend(frames: Frames, still: Floats, trust: float) -> list[Fact]:
    """End minus start of the whole pitch line, in semitones."""
    where = np.flatnonzero(~np.isnan(still))
    values = still[where]
    if len(values) * frames.hop_seconds < MIN_VOICED:
        return []
    trend = _movement(frames, where, values)
    overall = float(np.polyfit(where, values, 1)[0] * (where[-1] - where[0]))
    if trend * overall < 0 and max(abs(trend), abs(overall)) > 1.5:
        trust = min(trust, 0.4)  # the ends and the whole disagree
    end = min(frames.duration, float(frames.times[where[-1]]) + frames.hop_seconds)
    return [fact("f0_trend", trend, start=float(frames.times[where[0]]), end=end, reliability=trust)]


def _movement(frames: Frames, where: Places, values: Floats) -> float:
    """End minus start of a pitch line given at frames `where` (semitones).

    An end that is straight is followed to where the sound ends, because the tracker needs some periods of it; an end
    that scatters is told by its median.
    """
    least, most = (round(seconds / frames.hop_seconds) for seconds in EDGE_SECONDS)
    edge = int(np.clip(round(EDGE_SHARE * len(values)), min(least, len(values)), most))
    return _end(frames, where[-edge:], values[-edge:], 1) - _end(frames, where[:edge], values[:edge], -1)


def _end(frames: Frames, where: Places, values: Floats, step: int) -> float:
    """The pitch (semitones) at the outer end of an edge of the line; `step` is -1 at its start, 1 at its end."""
    slope, offset = np.polyfit(where, values, 1)
    if float(np.std(values - slope * where - offset)) > STRAIGHT:
        return float(np.median(values))
    outer = int(where[-1] if step > 0 else where[0])
    for _ in range(round(REACH_SECONDS / frames.hop_seconds)):
        if not 0 <= outer + step < len(frames.sounding) or not frames.sounding[outer + step]:
            break
        outer += step
    return float(slope * outer + offset)


def _segments(frames: Frames, line: PitchLine, still: Floats, parts: list[tuple[int, int]], trust: float) -> list[Fact]:
    """Movement of each voiced segment; steps of the line and gaps part segments."""
    gap = round(SEGMENT_GAP / frames.hop_seconds)
    segments: list[tuple[int, int]] = []
    for a, b in parts:
        joined = segments and segments[-1][1] < a <= segments[-1][1] + gap
        if joined and abs(still[a] - still[segments[-1][1] - 1]) < SAME_PITCH:
            segments[-1] = (segments[-1][0], b)
        else:
            segments.append((a, b))
    facts: list[Fact] = []
    for a, b in segments:
        where = a + np.flatnonzero(line.voiced[a:b])
        if len(where) * frames.hop_seconds < MIN_VOICED:
            continue
        sure = min(trust, float(np.clip((line.strength[where].mean() - 0.5) / 0.3, 0.0, 1.0)))
        start, end = float(frames.times[a]), min(frames.duration, float(frames.times[b - 1]) + frames.hop_seconds)
        facts.append(fact("f0_segment", _movement(frames, where, still[where]), start=start, end=end, reliability=sure))
    return facts


def _vibrato(frames: Frames, wobbles: list[Wobble], trust: float) -> list[Fact]:
    """Rate and depth (half the extent from peak to peak) of the strongest wobble."""
    if not wobbles:
        return []
    best = max(wobbles, key=lambda wobble: wobble.depth * wobble.purity)
    start, end = float(frames.times[best.first]), float(frames.times[best.last - 1])
    sure = trust * float(np.clip(best.purity * 1.3, 0, 1))
    deep = best.depth > DEEP_ENOUGH
    return [
        fact("vibrato_rate", best.rate, start=start, end=end, reliability=sure if deep else 0.2),
        fact("vibrato_depth", best.depth, start=start, end=end, reliability=sure if deep else trust),
    ]


def _wobbles(semitones: Floats, parts: list[tuple[int, int]], hop: float) -> list[Wobble]:
    """The periodic wobble of each long voiced stretch between steps of the line."""
    found: list[Wobble] = []
    for a, b in parts:
        wobble = _wobble(semitones[a + OF_STEP : b - OF_STEP], hop)
        if wobble:
            found.append(replace(wobble, first=a + OF_STEP, last=b - OF_STEP))
    return found


def _wobble(values: Floats, hop: float) -> Wobble | None:
    """The wobble of a pitch stretch of SHORTEST_WOBBLE or more, by the peak of its spectrum about a parabola."""
    if len(values) * hop < SHORTEST_WOBBLE:
        return None
    x = np.linspace(-1, 1, len(values))
    residue = values - np.polyval(np.polyfit(x, values, 2), x)
    size = 1 << max(10, (4 * len(residue)).bit_length())
    spectrum = np.abs(np.fft.rfft(residue * np.hanning(len(residue)), size))
    rates = np.fft.rfftfreq(size, hop)
    band = (rates >= VIBRATO_HZ[0]) & (rates <= VIBRATO_HZ[1])
    peak = int(np.argmax(np.where(band, spectrum, 0)))
    amplitude = float(spectrum[peak] / (0.5 * len(values) * 0.5))
    purity = float(np.clip(amplitude**2 / 2 / max(1e-9, float(np.var(residue))), 0, 1))
    phase = 2 * np.pi * float(rates[peak]) * hop * np.arange(len(values))
    terms = np.stack([np.cos(phase), np.sin(phase), x**3, x**2, x, np.ones(len(x))], axis=1)
    weights = np.linalg.lstsq(terms, values, rcond=None)[0]
    return Wobble(float(rates[peak]), 100 * amplitude, purity, 0, 0, terms[:, :2] @ weights[:2])
