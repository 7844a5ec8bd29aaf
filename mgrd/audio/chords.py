"""Notes that sound at once: how many a sound has, the lowest of them, and whether three make a major or a minor triad.

The partials of a settled stretch of a sound are read from one long spectrum and shared out from below: a partial that
is no multiple of a note below it is a note of its own. Bells and rough sounds leave partials in no tuning, and a note
without its fundamental looks like two; neither is trusted.
"""

from dataclasses import dataclass

import numpy as np

from mgrd.audio.events import Event, Events
from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Floats, Frames

LEAST_SECONDS, MOST_SECONDS = 0.25, 1.5  # of a sound that is read
SETTLED = 0.04  # s after its onset
MOST_SOUNDS = 24  # that are read one by one
LOWEST, HIGHEST, TOP = 60.0, 1_600.0, 5_000.0  # Hz: notes lie between the first two, their partials up to the last
NOTE_DB, PARTIAL_DB = 26.0, 40.0  # under the strongest partial, at which a note or a partial is still heard
WIDTH_HZ = 4.0  # least distance between partials, in resolved widths of the spectrum
HARMONIC_CENTS = 30.0
TUNED_CENTS = 25.0  # from equal temperament, between notes that are played together
MOST_NOTES = 5
FOREIGN_SHARE = 0.03  # of the energy that may lie between all partials
TRIADS = {(0, 4, 7): 4.0, (0, 3, 7): 3.0}
SURE, UNSURE = 0.8, 0.4


@dataclass(frozen=True, slots=True)
class Chord:
    """The notes (Hz, from below) of one sound, and how far they may be trusted."""

    notes: tuple[float, ...]
    reliability: float
    purity: float
    """Share of the partials' energy that lies in the lowest."""


def chord_facts(frames: Frames, found: Events, spoken: bool) -> list[Fact]:
    """`event_notes`, `event_root` and `chord_quality` of each sound that is long and tonal enough; none of speech."""
    facts: list[Fact] = []
    purities: list[tuple[float, float]] = []
    if spoken or found.reliability < UNSURE:
        return facts
    for event in found.events[:MOST_SOUNDS]:
        chord = _read(frames, event)
        if chord is None:
            continue
        sure = min(chord.reliability, found.reliability)
        place = {"start": event.start, "end": event.end, "reliability": sure}
        facts.append(fact("event_notes", len(chord.notes), **place))
        facts.append(fact("event_root", chord.notes[0], **place))
        if len(chord.notes) == 1:
            purities.append((chord.purity, sure))
        else:
            facts += [fact("chord_note", note, **place) for note in chord.notes]
        third = third_of(chord.notes)
        if third is not None:
            facts.append(fact("chord_quality", third, **place))
    if purities:
        shares, sures = zip(*purities, strict=True)
        facts.append(fact("fundamental_share", np.median(shares), end=frames.duration, reliability=min(sures)))
    return facts


def third_of(notes: tuple[float, ...]) -> float | None:
    """Semitones of the third of a triad in any position: 4 is major, 3 minor; None for anything else."""
    steps = 12 * np.log2(np.array(notes) / notes[0])
    classes = sorted({round(step) % 12 for step in steps})
    if len(classes) != 3:
        return None
    for root in classes:
        shape = tuple(sorted((note - root) % 12 for note in classes))
        if shape in TRIADS:
            return TRIADS[shape]
    return None


def _read(frames: Frames, event: Event) -> Chord | None:
    rate = frames.rate
    start = round((event.start + SETTLED) * rate)
    size = min(round(MOST_SECONDS * rate), round(event.end * rate) - start)
    if size < LEAST_SECONDS * rate:
        return None
    part = frames.samples[start : start + size]
    power = np.abs(np.fft.rfft(part * np.hanning(size), 2 * size)) ** 2
    spacing = rate / (2 * size)
    partials, foreign = _partials(power, spacing, size / rate)
    if not len(partials) or foreign > FOREIGN_SHARE:
        return None
    notes = _notes(partials)
    if not notes or len(notes) > MOST_NOTES:
        return None
    energy = 10 ** (partials[:, 1] / 10)
    purity = float(energy[np.argmin(np.abs(partials[:, 0] - notes[0]))] / energy.sum())
    return Chord(tuple(notes), _trust(notes, partials), purity)


def _partials(power: Floats, spacing: float, seconds: float) -> tuple[Floats, float]:
    """([partials, (Hz, dB)] of a power spectrum, share of the energy that lies outside of them)."""
    top = min(len(power) - 2, round(TOP / spacing))
    low = max(2, round(LOWEST / 2 / spacing))
    reach = max(2, round(WIDTH_HZ / seconds / spacing / 2))
    inner = power[: top + 1]
    if inner[low:].sum() <= 0:
        return np.zeros((0, 2)), 1.0
    level = 10 * np.log10(np.maximum(inner, 1e-30))
    strongest = float(level[low:].max())
    peaks = (
        np.flatnonzero(
            (inner[low:-1] > np.roll(inner, 1)[low:-1])
            & (inner[low:-1] >= np.roll(inner, -1)[low:-1])
            & (level[low:-1] > strongest - PARTIAL_DB)
        )
        + low
    )
    found: list[tuple[float, float]] = []
    covered = np.zeros(len(inner), dtype=bool)
    for peak in peaks:
        around = inner[max(0, peak - reach) : peak + reach + 1]
        if inner[peak] < around.max():
            continue
        a, b, c = level[peak - 1 : peak + 2]
        shift = 0.5 * (a - c) / (a - 2 * b + c) if a - 2 * b + c else 0.0
        found.append(((peak + float(shift)) * spacing, float(b)))
        covered[max(0, peak - 2 * reach) : peak + 2 * reach + 1] = True
    foreign = float(inner[low:][~covered[low:]].sum() / inner[low:].sum())
    return np.array(found).reshape(-1, 2), foreign


def _notes(partials: Floats) -> list[float]:
    """The notes whose multiples the partials are, from below."""
    strongest = float(partials[:, 1].max())
    notes: list[float] = []
    for hertz, level in partials:
        if hertz < LOWEST or hertz > HIGHEST or level < strongest - NOTE_DB:
            continue
        if not any(_is_multiple(hertz, note) for note in notes):
            notes.append(float(hertz))
    return notes


def _is_multiple(hertz: float, note: float) -> bool:
    number = round(hertz / note)
    return number >= 1 and abs(1200 * np.log2(hertz / (number * note))) <= HARMONIC_CENTS


def _trust(notes: list[float], partials: Floats) -> float:
    """A chord is tuned, and is not the upper partials of one note that lacks its lowest."""
    if len(notes) == 1:
        return SURE
    steps = 12 * np.log2(np.array(notes) / notes[0])
    if float(np.abs(steps - np.round(steps)).max()) * 100 > TUNED_CENTS or float(np.diff(steps).min()) < 0.7:
        return UNSURE
    heard = partials[partials[:, 1] > partials[:, 1].max() - NOTE_DB, 0]
    for divisor in (2, 3):
        period = notes[0] / divisor
        numbers = heard / period
        if float(np.abs(1200 * np.log2(numbers / np.round(numbers))).max()) <= HARMONIC_CENTS / 2:
            whole = sorted({round(float(number)) for number in numbers})
            if len(whole) >= 3 and whole == list(range(whole[0], whole[0] + len(whole))):
                return UNSURE  # one note without its fundamental
    return SURE
