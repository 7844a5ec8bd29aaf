"""The pitch of separate sounds, told by what each adds to the spectrum.

While earlier notes ring on, a period common to all of them wins the autocorrelation: an octave or more under the
note. The spectrum of the note, less that of the moment before it, tells which partials are its own.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from mgrd.audio.events import Event, Events
from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Floats, Frames
from mgrd.audio.pitch import MIN_RUN, PitchLine

SETTLED = 0.02  # s after the onset at which a note has its pitch
LISTENED = (0.06, 0.3)  # s of a note that are looked at, least and most
STEADY = 0.3  # semitones, standard deviation; moving pitches are not notes
HELD_SHARE = 0.5  # of the event's voiced frames that must hold the note
PRESENT_SHARE = 0.1  # of the strongest partial, from which a tone is heard at the tracked pitch itself
PARTIALS = 24
HIGHEST_PARTIAL = 6_000.0  # Hz
APART = 2.5  # bins of the note's spectrum between partials that can be told apart
MULTIPLES = range(2, 9)
ABSENT_SHARE = 0.02  # of the strongest partial, under which no tone stands at the pitch itself
FEW = 6  # of the first 8 partials, too few to imply a pitch
OWN_SHARE = 0.3  # of the energy up to HIGHEST_PARTIAL, that lies on the multiples of a pitch that is heard
NEAR_BINS = 2.5  # about a multiple
DOUBT = 0.45  # reliability of a pitch that may be a period of the partials and not a tone
FOREIGN_SHARE = 0.06  # energy outside the multiples of a higher tone, under which the note is that tone
SAME_NOTE = 1.0  # semitones
REFERENCE = 440.0  # Hz of MIDI note 69
BETWEEN = 0.35  # semitones off the nearest note from which a pitch lies between two notes


def retuned(frames: Frames, line: PitchLine, events: Events) -> PitchLine:
    """The line with the notes that were tracked at a subharmonic moved up to their pitch."""
    f0 = line.f0.copy()
    for event in events.events:
        first, last = _span(frames, event)
        pitches = f0[first:last]
        held = pitches > 0
        if held.sum() * frames.hop_seconds < MIN_RUN:
            continue
        semitones = 12 * np.log2(pitches[held])
        middle = float(np.median(semitones))
        same = np.abs(semitones - middle) < SAME_NOTE
        if same.mean() < HELD_SHARE or float(semitones[same].std()) > STEADY:
            continue
        multiple = _multiple(frames, event, 2 ** (middle / 12))
        if multiple > 1:
            note = np.zeros(len(pitches), dtype=bool)
            note[held] = same
            pitches[note] *= multiple
    return replace(line, f0=f0)


def _span(frames: Frames, event: Event) -> tuple[int, int]:
    return round(event.start / frames.hop_seconds), round(event.end / frames.hop_seconds)


def _multiple(frames: Frames, event: Event, f0: float) -> int:
    """How many times the tracked pitch the note's pitch is."""
    power, whole, spacing = _added(frames, event)
    if spacing <= 0 or f0 < APART * spacing:
        return 1
    heard = _partials(whole, f0 / spacing, HIGHEST_PARTIAL / spacing)
    if heard[0] >= PRESENT_SHARE * heard.max():
        return 1
    total = 1
    for share in (FOREIGN_SHARE, FOREIGN_SHARE / 4):
        energy = _partials(power, f0 * total / spacing, HIGHEST_PARTIAL / spacing)
        for multiple in MULTIPLES:
            own = float(energy[multiple - 1 :: multiple].sum())
            if own > 0 and energy.sum() - own < share * own:
                total *= multiple
                break
        else:
            break
    return total


def _added(frames: Frames, event: Event) -> tuple[Floats, Floats, float]:
    """(power spectrum of the note less that of as long before it, that with it, Hz between bins)."""
    rate = frames.rate
    start = round((event.start + SETTLED) * rate)
    size = min(round(LISTENED[1] * rate), round(event.end * rate) - start)
    if size < LISTENED[0] * rate:
        return np.zeros(0), np.zeros(0), 0.0
    window = np.hanning(size)
    whole = np.abs(np.fft.rfft(frames.samples[start : start + size] * window)) ** 2
    power = whole
    until = round((event.start - SETTLED) * rate)
    before = frames.samples[max(0, until - size) : max(0, until)]
    if len(before) >= size // 2:
        # Twice the earlier power, so that its ups and downs do not remain.
        scale = 2.0 * (size / len(before)) ** 2
        power = power - scale * np.abs(np.fft.rfft(before * np.hanning(len(before)), size)) ** 2
    return np.maximum(power, 0.0), whole, rate / size


def _partials(power: Floats, bins: float, top: float) -> Floats:
    """Energy of the partials of a pitch given in bins."""
    energy = np.zeros(PARTIALS)
    for partial in range(1, PARTIALS + 1):
        centre = partial * bins
        if centre + 2 >= min(len(power), top):
            break
        reach = min(max(1.0, 0.006 * centre), bins / 3)
        energy[partial - 1] = power[round(centre - reach) : round(centre + reach) + 1].max()
    return energy


def _is_heard(frames: Frames, event: Event, f0: float) -> bool:
    """A tone stands at the pitch, or enough partials imply it, and the sound is made of its multiples.

    Bells, bars and chords have a common period, too, that nobody hears as their pitch.
    """
    _, whole, spacing = _added(frames, event)
    if spacing <= 0 or f0 < APART * spacing:
        return True
    energy = _partials(whole, f0 / spacing, HIGHEST_PARTIAL / spacing)
    if energy[0] < ABSENT_SHARE * energy.max() and (energy[:8] > energy.max() / 100).sum() < FEW:
        return False
    bins = np.arange(round(f0 / 2 / spacing), min(len(whole), round(HIGHEST_PARTIAL / spacing)))
    multiple = bins * spacing / f0
    own = np.abs(multiple - np.round(multiple)) * f0 / spacing <= NEAR_BINS
    return float(whole[bins][own].sum()) >= OWN_SHARE * float(whole[bins].sum())


def note_facts(frames: Frames, line: PitchLine, events: Events, trust: float, spoken: bool) -> list[Fact]:
    """Pitch, MIDI note and interval of each pitched event, and the interval from the first to the last."""
    semitones = line.semitones()
    notes: list[Fact] = []
    for event in events.events:
        first, last = _span(frames, event)
        values = semitones[first:last]
        values = values[~np.isnan(values)]
        if len(values) * frames.hop_seconds < MIN_RUN:
            continue
        sure = trust * min(1.0, 2 * len(values) / max(1, last - first))
        hertz = 2 ** (float(np.median(values)) / 12)
        low, high = np.percentile(values[: round(LISTENED[1] / frames.hop_seconds)], [25, 75])
        steady = high - low <= STEADY  # the spectrum of a moving pitch is smeared
        if steady and not spoken and not _is_heard(frames, event, hertz):
            sure = min(sure, DOUBT)
        notes.append(fact("event_f0", hertz, start=event.start, end=event.end, reliability=sure))
    facts = [*notes, *map(_midi_note, notes), *(_interval("event_interval", a, b) for a, b in pairwise(notes))]
    if len(notes) >= 2:
        whole = _interval("order_pitch", notes[0], notes[-1])
        sure = min(whole.reliability, events.reliability)
        facts.append(replace(whole, start=0.0, end=frames.duration, reliability=sure))
    return facts


def _midi_note(note: Fact) -> Fact:
    exact = 69 + 12 * float(np.log2(note.value / REFERENCE))
    sure = note.reliability * (1.0 if abs(exact - round(exact)) <= BETWEEN else 0.6)
    return fact("event_note", round(exact), start=note.start, end=note.end, reliability=sure)


def _interval(name: str, earlier: Fact, later: Fact) -> Fact:
    value = 12 * float(np.log2(later.value / earlier.value))
    return fact(
        name, value, start=earlier.start, end=later.end, reliability=min(earlier.reliability, later.reliability)
    )
