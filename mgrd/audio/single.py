"""What each separate sound is like by itself: its colour, how far it is pitched, how its level moves, its side.

A chain that says "the first is a dull hum, the second a bright hiss" is checked sound by sound. Everything is read
from frames already computed.
"""

import numpy as np
import numpy.typing as npt

from mgrd.audio.events import Events
from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Floats, Frames
from mgrd.audio.pitch import PitchLine
from mgrd.audio.stereo import balance_of

MOST_SOUNDS = 60  # of a clip that are described one by one
LEAST_FRAMES = 3
LEVEL_FRAMES = 9  # a shorter sound has no course of its level
LOUD_DB = 25.0  # frames this far under a sound's loudest do not speak for it
OWN_SHARE = 0.3  # of the power that must be left of a sound once the background is off


def single_facts(frames: Frames, line: PitchLine, found: Events, samples: npt.NDArray[np.floating]) -> list[Fact]:
    """Facts on each event: `event_centroid`, `event_voiced`, `event_trend`, and `event_balance` of two channels."""
    facts: list[Fact] = []
    stereo = samples if samples.ndim == 2 and samples.shape[1] == 2 else None
    scale = len(samples) / max(frames.duration, 1e-9)
    for event in found.events[:MOST_SOUNDS]:
        first, last = round(event.start / frames.hop_seconds), round(event.end / frames.hop_seconds)
        level = frames.level[first:last]
        if len(level) < LEAST_FRAMES:
            continue
        held = level > level.max() - LOUD_DB
        place = {"start": event.start, "end": event.end}
        power = _own_power(frames, slice(first, last))[:, held]
        magnitude = np.sqrt(power.sum(axis=1))
        if magnitude.sum() > 0:
            centroid = float(frames.frequencies @ magnitude / magnitude.sum())
            facts.append(fact("event_centroid", centroid, **place, reliability=min(0.8, found.reliability)))
        sure = min(0.8, found.reliability) * min(1.0, len(level) * frames.hop_seconds / 0.1)
        facts.append(fact("event_voiced", float(line.voiced[first:last][held].mean()), **place, reliability=sure))
        if len(level) >= LEVEL_FRAMES:
            facts.append(fact("event_trend", _course(level), **place, reliability=min(0.8, found.reliability)))
        if stereo is not None:
            part = stereo[round(event.start * scale) : round(event.end * scale)]
            if (balance := balance_of(part)) is not None:
                facts.append(fact("event_balance", balance, **place, reliability=min(0.8, found.reliability)))
    return facts


def _own_power(frames: Frames, part: slice) -> Floats:
    """Power of a stretch without the background, or as it is where little would be left."""
    clean, whole = frames.clean[:, part], frames.power[:, part]
    return clean if clean.sum() > OWN_SHARE * whole.sum() else whole


def _course(level: Floats) -> float:
    """Level of the last third minus that of the first, in dB, without the attack and the release."""
    inner = level[2:-2]
    thirds = np.array_split(10 ** (inner / 10), 3)
    return float(10 * np.log10(max(thirds[2].mean(), 1e-14) / max(thirds[0].mean(), 1e-14)))
