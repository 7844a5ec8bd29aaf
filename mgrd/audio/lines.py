"""Level, pitch and brightness in steps of a quarter of a second, so that a claim about a part of the clip can
be checked in that part. It summarises frames already computed and measures nothing anew.
"""

import numpy as np

from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Frames, decibels
from mgrd.audio.pitch import PitchLine, pitch_trust

STEP_SECONDS = 0.25
MOST_STEPS = 240  # longer clips get longer steps


def line_facts(frames: Frames, line: PitchLine) -> list[Fact]:
    """`level_line`, `f0_line` and `centroid_line`: one fact per step where it can be read."""
    if frames.silent:
        return []
    step = max(STEP_SECONDS, frames.duration / MOST_STEPS)
    facts: list[Fact] = []
    semitones = line.semitones()
    trust = pitch_trust(frames, line) if line.voiced.any() else 0.0
    magnitude = np.sqrt(frames.clean)
    total = magnitude.sum(axis=0)
    centroid = (frames.frequencies[:, None] * magnitude).sum(axis=0) / np.maximum(total, 1e-12)
    count = max(1, round(frames.duration / step))
    for part in np.array_split(np.arange(len(frames.level)), count):
        if not len(part):
            continue
        start = float(frames.times[part[0]])
        end = min(frames.duration, float(frames.times[part[-1]]) + frames.hop_seconds)
        level = float(decibels((10 ** (frames.level[part] / 10)).mean()))
        facts.append(fact("level_line", level, start=start, end=end, reliability=0.95))
        pitches = semitones[part][~np.isnan(semitones[part])]
        if len(pitches) >= 5:
            sure = float(min(0.95, trust, line.strength[part][line.voiced[part]].mean()))
            value = 2 ** (float(np.median(pitches)) / 12)
            facts.append(fact("f0_line", value, start=start, end=end, reliability=sure))
        if frames.sounding[part].sum() >= 3:
            weights = total[part] * frames.sounding[part]
            if weights.sum() > 0:
                value = float(np.average(centroid[part], weights=weights))
                facts.append(fact("centroid_line", value, start=start, end=end, reliability=0.8))
    return facts
