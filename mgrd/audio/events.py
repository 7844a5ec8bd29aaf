"""Separate sounds of a clip: when each begins, how loud it is, and what pulse they make.

An onset is a moment at which much of the spectrum is new. The count is reliable only when a stricter and a
laxer threshold agree on it; speech and continuous textures must not yield a confident count.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from mgrd.audio.attacks import NEW_SHARE as SLOWLY_NEW
from mgrd.audio.attacks import Attack, slow_attacks
from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import ABSOLUTE_GATE_DB, Floats, Frames, decibels, smooth_level
from mgrd.audio.pitch import PitchLine, pitch_steps

BANDS_PER_OCTAVE = 6
LOWEST_BAND = 60.0  # Hz
AFTER_FRAMES = 3
ATTACK_FRAMES = 15  # before the peak of novelty, in which an attack may set in
SOFT_FRAMES = 3  # from its setting in to the peak, from which an attack is soft
ATTACK_SHARE = 0.15  # of the new magnitude, under which it has not set in
BEFORE_FRAMES = (2, 5)  # frames back that count as "before"
MARGIN = 1.25  # by which a band must be louder than before
FLOOR_BELOW_PEAK_DB = 60.0  # under which nothing of the sound is heard
AHEAD = 0.06  # s about an onset in which its sound is loud, and before which the level dips
NEW_SHARE = 0.36  # share of the magnitude that is new at an onset
STRICT, LAX = 1.3, 0.72  # thresholds that must agree on the count, as factors
MIN_GAP = 0.075  # s between onsets
RISE_FREE, RISE_WEIGHT, RISE_MOST = 3.0, 0.02, 0.22  # dB, per dB, at most: a rise of level makes an onset likelier
RISE_OF_NOISE = 4.0  # dB; a toneless sound that gets no louder only fluctuates
TONAL_STRENGTH = 0.75
STEP_DROP = 8.0  # dB that a pitch step may be under the sound before it; further down it is a dying tail
STEP_STRENGTH = 0.8  # periodicity around a step from note to note
OVERTONE_STEPS = (12.0, 19.0, 24.0, 28.0, 31.0)  # semitones by which a pitch tracker slips
APART_DB = 3.0  # dip of the level between sounds that decay each by themselves
DENSE_GAP = 0.16  # s between sounds that overlap, under which some of them are missed
BRISK_GAP = 0.3  # s between sounds that melt into each other, under which a long gap may hide one
MISSED = 1.7  # times the usual gap, from which a sound may have been missed in such a row
APART = 0.09  # s within which a pitch step and a spectral onset are one
NEAR_ATTACK = 0.1  # s within which a slow attack and an onset are one
LATE_ONSET = 0.03  # s after a slow attack set in, from which the onset is moved to it
SLOW_AMONG_FAST = 0.4  # of the magnitude, that must be new at a slow attack where most attacks are fast
FAST, MANY = 0.6, 3  # novelty of a fast attack; how many make a row of them
RELEASE_DROP = 6.0  # dB by which the level falls within 0.1 s where a sound ends and none begins
FAINT_SHARE = 0.08  # of the magnitude, new where a slow attack may have been missed
LONG_GAP = 1.6  # times the usual gap, from which it may hold an attack that was missed
BED_START, BED_BELOW, BED_WITHIN = 0.03, 6.0, 4.0  # s; dB under the sounds on it; dB by which it may get softer
UNSURE = 0.45  # reliability of a count that may be wrong
SETTLED, LONG = 12, 60  # frames at the ends of a long sound that are let be; how long it must be at least
RESTLESS_DB = 0.8  # about its slow course, by which the level of one long sound without pitch never moves
GLIDE_STEP, GLIDE_LEAST = 0.5, 0.15  # semitones: from frame to frame at most, in each third of the place at least
CLEAR_SILENCE_DB = 3.0  # under the gate
BELOW_LOUDEST_DB = 32.0  # quieter events are echoes or noise


@dataclass(frozen=True, slots=True)
class Event:
    """A separate sound: start and end in seconds, level in dBFS, strength of its onset in [0, 1]."""

    start: float
    end: float
    level: float
    strength: float


@dataclass(frozen=True, slots=True)
class Events:
    """The events in order, and how far their count may be trusted."""

    events: tuple[Event, ...]
    reliability: float

    @property
    def onsets(self) -> Floats:
        """Starts (s) of the events."""
        return np.array([event.start for event in self.events])


def find_events(frames: Frames, line: PitchLine) -> Events:
    """Events of a clip: what is new in the spectrum, and steps of the pitch line (legato notes).

    Without any sounding frame there are none; that is certain unless something lies just under the gate.
    """
    if frames.silent:
        return Events((), 0.95 if frames.peak_level < ABSOLUTE_GATE_DB - CLEAR_SILENCE_DB else 0.45)
    magnitude = _bands_over_time(frames)
    fresh = _novelty(magnitude)
    rise = _rise(frames)
    novelty = np.minimum(1.0, fresh + np.clip(RISE_WEIGHT * (rise - RISE_FREE), 0.0, RISE_MOST))
    tonal = maximum_filter1d(line.strength, 9) > TONAL_STRENGTH
    novelty = np.where(tonal | (rise > RISE_OF_NOISE), novelty, 0.0)
    steps = [frame for frame, jump in pitch_steps(line) if _is_note(frames, line, fresh, frame, jump)]
    peaks = {factor: _peaks(frames, novelty, NEW_SHARE * factor) for factor in (STRICT, 1.0, LAX)}
    faint = [
        attack
        for attack in slow_attacks(frames, FAINT_SHARE)
        if not _glides(frames, line, attack) and not _is_release(frames, attack)
    ]
    slow = _credible(frames, novelty, peaks[1.0], faint)
    found: dict[float, tuple[list[int], list[int]]] = {}
    for factor, fast in peaks.items():
        merged = _merged(fast, steps, frames)
        starts = [_attack(magnitude, peak) for peak in merged]
        found[factor] = _with_slow(merged, starts, [a for a in slow if a.share >= SLOWLY_NEW * factor], frames)
    events = _without_bed(frames, _bounded(frames, novelty, *found[1.0]))
    spread = (len(found[LAX][0]) - len(found[STRICT][0])) / max(1, len(events))
    reliability = float(np.clip(0.97 - spread, 0.1, 0.97))
    if _is_dense(frames, events) or _misses_some(events, faint) or _is_restless(frames, line, events):
        reliability = min(reliability, UNSURE)
    return Events(events, reliability)


def _without_bed(frames: Frames, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The events less a hum or noise that is there from the start, under louder sounds, and goes on between them."""
    if len(events) < 3 or events[0].start > BED_START:
        return events
    bed, others = events[0], events[1:]
    between = float(np.percentile(frames.level[round(others[0].start / frames.hop_seconds) :], 20))
    usual = float(np.median([event.level for event in others]))
    is_bed = bed.level < usual - BED_BELOW and between > bed.level - BED_WITHIN
    return others if is_bed else events


def _is_release(frames: Frames, attack: Attack) -> bool:
    """The sound falls off where it seems new: a note that is cut splashes over all bands."""
    frame, reach = round(attack.start / frames.hop_seconds), round(NEAR_ATTACK / frames.hop_seconds)
    before, after = frames.level[max(0, frame - reach) : frame], frames.level[frame + reach // 2 : frame + reach]
    return bool(len(before) and len(after) and after.mean() < before.mean() - RELEASE_DROP)


def _credible(frames: Frames, novelty: Floats, peaks: list[int], slow: list[Attack]) -> list[Attack]:
    """The slow attacks that count: in a row of fast attacks, partials that beat are no attacks of their own."""
    if len(peaks) < MANY or float(np.median(novelty[peaks])) < FAST:
        return slow
    times = np.array(peaks) * frames.hop_seconds
    return [a for a in slow if a.share >= SLOW_AMONG_FAST or np.abs(times - a.start).min() <= NEAR_ATTACK]


def _is_dense(frames: Frames, events: tuple[Event, ...]) -> bool:
    """The sounds follow each other so fast that some are missed where they overlap."""
    gaps = [b.start - a.start for a, b in pairwise(events)]
    if not gaps or min(gaps) >= BRISK_GAP:
        return False
    apart = are_apart(frames, events)
    if min(gaps) >= DENSE_GAP:
        return not apart and max(gaps) > MISSED * float(np.median(gaps))
    return not apart or max(gaps) > MISSED * min(gaps)


def _misses_some(events: tuple[Event, ...], faint: list[Attack]) -> bool:
    """A gap much longer than the others holds an attack too faint to count."""
    starts = [event.start for event in events]
    gaps = np.diff(starts)
    if len(gaps) < 2:
        return False
    long = [(a, b) for a, b in pairwise(starts) if b - a > LONG_GAP * float(np.median(gaps))]
    return any(a + NEAR_ATTACK < attack.start < b - NEAR_ATTACK for a, b in long for attack in faint)


def _is_restless(frames: Frames, line: PitchLine, events: tuple[Event, ...]) -> bool:
    """What counts as one long sound without pitch has a level that never rests: there may be many in it."""
    if len(events) != 1:
        return False
    first, last = (round(time / frames.hop_seconds) for time in (events[0].start, events[0].end))
    level = smooth_level(frames.level[first + SETTLED : last - SETTLED])
    if len(level) < LONG or line.voiced[first:last].mean() > 0.5:
        return False
    course = uniform_filter1d(level, LONG, mode="nearest")
    return float((level - course).std()) > RESTLESS_DB


def are_apart(frames: Frames, events: tuple[Event, ...]) -> bool:
    """The level dips before most of the events."""
    starts = [round(event.start / frames.hop_seconds) for event in events]
    near = round(AHEAD / frames.hop_seconds)
    dips = [
        min(before.level, after.level) - float(frames.level[max(min(a + 1, b), b - near) : b + 2].min())
        for before, after, a, b in zip(events, events[1:], starts, starts[1:], strict=False)
    ]
    return float(np.median(dips)) >= APART_DB


def _bands(frequencies: Floats) -> list[tuple[int, int]]:
    """Bin ranges of BANDS_PER_OCTAVE bands, no narrower than one bin."""
    top = frequencies[-1]
    edges = LOWEST_BAND * 2.0 ** (np.arange(0, np.log2(top / LOWEST_BAND) * BANDS_PER_OCTAVE + 1) / BANDS_PER_OCTAVE)
    bins = np.unique(np.searchsorted(frequencies, edges))
    return [(int(a), int(b)) for a, b in pairwise(bins) if b > a]


def _bands_over_time(frames: Frames) -> Floats:
    """Magnitude [bands, frames] over the background, with a floor 60 dB under the peak."""
    starts = [a for a, _ in _bands(frames.frequencies)]
    power = frames.power - 2.0 * frames.noise[:, None]
    floor = 10 ** ((frames.peak_level - FLOOR_BELOW_PEAK_DB) / 10) / len(starts)
    banded = np.maximum(np.add.reduceat(np.maximum(power, 0.0), starts, axis=0), floor)
    return np.sqrt(banded)


def _novelty(magnitude: Floats) -> Floats:
    """Share of the magnitude [frames] that was not there just before, widened over neighbouring bands.

    The maximum over neighbouring bands keeps glides and vibrato from looking new (SuperFlux, Boeck and Widmer 2013).
    """
    count = magnitude.shape[1]
    near, far = BEFORE_FRAMES
    padded = np.pad(magnitude, ((0, 0), (far, AFTER_FRAMES)), mode="edge")
    padded[:, :far] = magnitude.min()
    before = np.max([padded[:, far - k : far - k + count] for k in range(near, far + 1)], axis=0)
    before = maximum_filter1d(before, 3, axis=0)
    after = np.mean([padded[:, far + k : far + k + count] for k in range(AFTER_FRAMES)], axis=0)
    fresh = np.maximum(after - MARGIN * before, 0.0).sum(axis=0)
    return fresh / after.sum(axis=0)


def _attack(magnitude: Floats, peak: int) -> int:
    """Frame at which what is new at `peak` sets in: a soft attack begins before it is at its newest."""
    before = magnitude[:, max(0, peak - BEFORE_FRAMES[1]) : peak - BEFORE_FRAMES[0] + 1]
    if not before.size:
        return peak
    after = magnitude[:, peak : peak + AFTER_FRAMES].mean(axis=1)
    new = np.maximum(after - MARGIN * before.max(axis=1), 0.0)
    if not new.any():
        return peak
    first = max(0, peak - ATTACK_FRAMES)
    course = new @ magnitude[:, first : peak + 1]
    under = np.flatnonzero(course < ATTACK_SHARE * float(new @ after))
    start = first + int(under[-1]) + 1 if len(under) else peak
    return start if peak - start >= SOFT_FRAMES else peak


def _rise(frames: Frames) -> Floats:
    """Rise of the level [frames] in dB over that of the 50 ms before."""
    floor = frames.peak_level - FLOOR_BELOW_PEAK_DB
    level = np.maximum(frames.level, floor)
    padded = np.pad(level, (7, 5), mode="edge")
    padded[:7] = floor
    count = len(level)
    before = np.mean([padded[k : k + count] for k in range(1, 5)], axis=0)
    after = np.max([padded[7 + k : 7 + k + count] for k in range(6)], axis=0)
    return after - before


def _is_note(frames: Frames, line: PitchLine, fresh: Floats, frame: int, jump: float) -> bool:
    """A pitch step is a new note when the sound goes on and, for wide steps, when something new is heard.

    A tracker slips by the intervals of overtones; there more must be new.
    """
    around = slice(max(0, frame - 8), frame + 9)
    if line.strength[around][line.voiced[around]].mean() < STEP_STRENGTH:
        return False
    near = round(0.1 / frames.hop_seconds)
    before = frames.level[max(0, frame - near) : frame].max()
    after = frames.level[frame : frame + near].max()
    if after < before - STEP_DROP:
        return False
    new = float(fresh[max(0, frame - 5) : frame + 6].max())
    slip = min(abs(abs(jump) - overtone) for overtone in OVERTONE_STEPS) < 0.6
    wanted = 0.1 if slip else 0.06 if abs(jump) > 3.5 or after < before - 3.0 else 0.0
    return new >= wanted


def _peaks(frames: Frames, novelty: Floats, threshold: float) -> list[int]:
    """Frames of the onsets: local maxima of novelty above the threshold where the sound is loud enough."""
    radius = max(1, round(MIN_GAP / frames.hop_seconds))
    ahead = max(2, round(AHEAD / frames.hop_seconds))
    coming = maximum_filter1d(frames.level, ahead, origin=-(ahead // 2), mode="nearest")
    loudest = frames.peak_level
    flags = (novelty >= threshold) & (coming > loudest - BELOW_LOUDEST_DB)
    flags &= coming > frames.noise_level + 4.0
    top = maximum_filter1d(novelty, 2 * radius + 1, mode="nearest")
    candidates = np.flatnonzero(flags & (novelty >= top - 1e-12))
    chosen: list[int] = []
    for index in candidates:
        if not chosen or index - chosen[-1] > radius:
            chosen.append(int(index))
    if not chosen:
        chosen = [int(np.argmax(frames.sounding))]
    return chosen


def _merged(peaks: list[int], steps: list[int], frames: Frames) -> list[int]:
    """Onsets from both sources; a pitch step near a spectral onset is the same onset."""
    apart = round(APART / frames.hop_seconds)
    return sorted(peaks + [step for step in steps if all(abs(step - peak) > apart for peak in peaks)])


def _glides(frames: Frames, line: PitchLine, attack: Attack) -> bool:
    """The pitch slides through the place without a jump, so that its partials are new all the time."""
    frame, reach = round(attack.start / frames.hop_seconds), round(NEAR_ATTACK / frames.hop_seconds)
    around = line.semitones()[max(0, frame - reach) : frame + 2 * reach]
    around = around[~np.isnan(around)]
    if len(around) < 2 * reach or float(np.abs(np.diff(around)).max()) > GLIDE_STEP:
        return False
    moved = np.array([part[-1] - part[0] for part in np.array_split(around, 3)])
    return bool((moved > GLIDE_LEAST).all() or (moved < -GLIDE_LEAST).all())


def _with_slow(peaks: list[int], starts: list[int], slow: list[Attack], frames: Frames) -> tuple[list[int], list[int]]:
    """Onset frames and where they set in, with slow attacks added, or an onset moved to where its attack sets in."""
    hop = frames.hop_seconds
    onsets = dict(zip(peaks, starts, strict=True))
    for attack in slow:
        frame = min(round(attack.start / hop), len(frames.level) - 1)
        near = [peak for peak, start in onsets.items() if abs(start - frame) * hop <= NEAR_ATTACK]
        if not near:
            onsets[frame] = frame
        elif len(near) == 1 and (onsets[near[0]] - frame) * hop > LATE_ONSET:
            onsets[near[0]] = frame
    ordered = sorted(onsets.items(), key=lambda item: item[1])
    return [peak for peak, _ in ordered], [start for _, start in ordered]


def _bounded(frames: Frames, novelty: Floats, peaks: list[int], attacks: list[int]) -> tuple[Event, ...]:
    """Events from onset frames: each lasts until the next onset or until it has faded by 30 dB or into the gate."""
    events: list[Event] = []
    hop = frames.hop_seconds
    for index, first in enumerate(peaks):
        last = max(first + 1, peaks[index + 1] - 3) if index + 1 < len(peaks) else len(frames.level)
        level = frames.level[first:last]
        top = float(level.max())
        loud = np.flatnonzero(level > max(top - 30.0, frames.noise_level + 3.0))
        end = first + (int(loud[-1]) + 1 if len(loud) else 1)
        around = max(1, round(0.05 / hop))
        best = float(decibels(np.mean(10 ** (np.sort(level)[-around:] / 10))))
        begin = max(attacks[index], peaks[index - 1] + SOFT_FRAMES) if index else attacks[index]
        events.append(Event(begin * hop, min(end * hop, frames.duration), best, float(novelty[first])))
    return tuple(events)


def event_facts(frames: Frames, found: Events) -> list[Fact]:
    """Facts on number, place, level and order of the events."""
    duration = frames.duration
    events, trust = found.events, found.reliability
    facts = [
        fact("event_count", len(events), end=duration, reliability=trust),
        fact("onset_count", len(events), end=duration, reliability=trust),
    ]
    louder = sorted((event.level for event in events), reverse=True)
    for event in events:
        sure = min(trust, 0.5 + event.strength / 2)
        rank = 1 + louder.index(event.level)
        facts.append(fact("event_rank", rank, start=event.start, end=event.end, reliability=sure))
        facts.append(fact("event", event.level, start=event.start, end=event.end, reliability=sure))
        facts.append(fact("onset", event.start, start=event.start, end=event.start, reliability=sure))
    if len(events) >= 2:
        gap = events[-1].level - events[0].level
        facts.append(fact("order_loudness", gap, end=duration, reliability=min(trust, 0.9)))
    return facts
