"""What lies around the sound: background noise, and how long sound lingers.

Decay time is read from what follows the sounds. An instrument that rings by itself looks like a room; such
decays are given with a reliability that refutes nothing, while a short decay proves a dry room.
"""

from dataclasses import dataclass

import numpy as np

from mgrd.audio.events import Events
from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Floats, Frames, decibels
from mgrd.audio.pitch import PitchLine

MIN_DROP = 12.0  # dB of free decay that a slope needs
FIT_TOP, FIT_BOTTOM = 4.0, 28.0  # dB below the start of the decay between which the slope is fitted
CLEANEST = 80.0  # dB; cleaner is not told apart
LOWEST_SHARE = 0.6  # of the noise; a sound further under it is not told from nothing
OPEN_WITHOUT_GAPS = (20.0, 28.0)  # dB; what is heard between partials may be their own skirts, so it is at least this
LOW_VOICE = 160.0  # Hz; partials of lower sounds lie so close that no background shows between them
SPREAD = 0.4  # median over mean of a background's bins from which it fills the spectrum, as no skirts of partials do
KNEE_SECONDS = 0.06  # a decay that sets in sooner after the loudest frame belongs to the sound itself
SHORTEST, LONGEST = 0.03, 8.0  # s
DRY = 0.25  # s, the upper edge of the word "dry"


@dataclass(frozen=True, slots=True)
class Decay:
    """A free decay: its T60, how many dB were seen, and how far its slope bends from a line (dB)."""

    t60: float
    drop: float
    bend: float
    from_attack: bool
    pitched: bool


def room_facts(frames: Frames, events: Events, line: PitchLine) -> list[Fact]:
    """Facts on noise and reverberation; nothing for silence."""
    if frames.silent:
        return []
    return [*_noise(frames, line), *_decay_time(frames, events, line)]


def _noise(frames: Frames, line: PitchLine) -> list[Fact]:
    """Mean power of the clip over the background's, in dB.

    Without gaps the background is what lies between the partials, skirts included: a high value is a lower bound, which
    is enough to call a clip clean, and a low one says little where the partials are close, unless the background also
    fills the bands where the voice has none.
    """
    whole = float((10 ** (frames.level / 10)).mean())
    noise = float(frames.noise.sum())
    snr = float(decibels(max(whole - noise, LOWEST_SHARE * noise)) - decibels(noise))
    snr = min(CLEANEST, snr)
    sure = 0.3 if frames.duration < 0.15 else frames.noise_trust
    low, high = OPEN_WITHOUT_GAPS
    crowded = bool(line.voiced.any()) and float(np.median(line.f0[line.voiced])) < LOW_VOICE
    crowded &= float(np.median(frames.noise)) < SPREAD * float(frames.noise.mean())
    if not frames.has_gaps and (low < snr < high or (crowded and snr < high)):
        sure = min(sure, 0.45)
    return [fact("snr", snr, end=frames.duration, reliability=sure)]


def _decay_time(frames: Frames, events: Events, line: PitchLine) -> list[Fact]:
    decays = find_decays(frames, events, line)
    if not decays:
        return []
    times = np.array([decay.t60 for decay in decays])
    value = float(np.clip(np.percentile(times, 30), SHORTEST, LONGEST))
    near = times[np.abs(np.log2(times / value)) < 0.7]
    agreement = len(near) / len(times)
    depth = float(np.clip((np.median([d.drop for d in decays]) - 8.0) / 14.0, 0.2, 1.0))
    bend = float(np.clip(1.4 - np.median([d.bend for d in decays]) / 3.0, 0.3, 1.0))
    sure = depth * bend * (0.5 + 0.5 * agreement) * (1.0 if len(decays) > 1 else 0.85)
    ringing = np.mean([d.from_attack and d.pitched for d in decays])
    if value > DRY and ringing > 0.5:
        sure = min(sure, 0.4)
    if value <= DRY:
        sure = max(sure, 0.6)
    return [fact("decay_time", value, end=frames.duration, reliability=float(np.clip(sure, 0.1, 0.9)))]


def find_decays(frames: Frames, events: Events, line: PitchLine) -> list[Decay]:
    """Free decays between the last strong frame of each event and the next onset, noise or end."""
    found: list[Decay] = []
    hop = frames.hop_seconds
    starts = [round(event.start / hop) for event in events.events]
    for index, first in enumerate(starts):
        stop = starts[index + 1] - 2 if index + 1 < len(starts) else len(frames.level)
        level = _cleaned_level(frames, first, stop)
        if len(level) < 5:
            continue
        top = float(level.max())
        strong = np.flatnonzero(level >= top - 3.0)
        knee = int(strong[-1])
        decay = _fit(level[knee:], hop, frames.noise_level)
        if decay is None:
            continue
        attack = int(np.argmax(level))
        pitched = bool(line.voiced[first + knee : first + knee + 8].any())
        at_once = (knee - attack) * hop < KNEE_SECONDS + 1.5 * 3.0 / 60.0 * decay[0]
        found.append(Decay(*decay, from_attack=at_once, pitched=pitched))
    return found


def _cleaned_level(frames: Frames, first: int, stop: int) -> Floats:
    """Level [frames] with the background's power taken off."""
    power = 10 ** (frames.level[first:stop] / 10) - 10 ** (frames.noise_level / 10)
    return decibels(power)


def _fit(level: Floats, hop: float, noise_level: float) -> tuple[float, float, float] | None:
    """(T60, dB seen, bend) by backward integration (Schroeder 1965) and a line between FIT_TOP and FIT_BOTTOM."""
    floor = max(noise_level + 3.0, level[0] - 55.0)
    under = np.flatnonzero(level < floor)
    tail = level[: int(under[0])] if len(under) else level
    if len(tail) < 3:
        seen = level[0] - floor
        return (SHORTEST, seen, 0.0) if len(under) and seen >= MIN_DROP else None
    seen = float(tail[0] - tail[-1])
    if seen < MIN_DROP:
        return None
    curve = decibels(np.cumsum(10 ** (tail[::-1] / 10))[::-1])
    curve -= curve[0]
    rest = 10 ** (tail[-1] / 10)
    bottom = -min(FIT_BOTTOM, max(8.0, seen - 4.0))
    part = np.flatnonzero((curve <= -FIT_TOP) & (curve >= bottom))
    if len(part) < 3 or rest <= 0:
        return max(SHORTEST, 60.0 * len(tail) * hop / max(seen, 1.0)), seen, 1.0
    slope, offset = np.polyfit(part * hop, curve[part], 1)
    if slope >= -1.0:
        return None
    bend = float(np.sqrt(np.mean((curve[part] - slope * part * hop - offset) ** 2)))
    return float(np.clip(-60.0 / slope, SHORTEST, LONGEST)), seen, bend
