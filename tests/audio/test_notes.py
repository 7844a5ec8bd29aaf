"""Rendered notes against the score they were rendered from; onsets and beats are scored by mir_eval."""

import mir_eval
import numpy as np
import pytest

from mgrd.audio.evidence import measure
from mgrd.audio.facts import Fact
from mgrd.ingest.embedded.notes import PATCHES, render_notes
from tests.audio.sounds import RATE, click, midi, placed, pluck, tone

STRUCK = (0, 2, 4, 5, 6, 11, 13, 24, 25, 27, 46)  # pianos, mallets, guitars, harp: their attack is the note's time
PROGRAMS = sorted(program for groups in PATCHES.values() for patches in groups.values() for program in patches)


def melody(program: int, gap: float = 0.45, count: int = 8) -> list[tuple[int, float, float, int]]:
    """(pitch, start, end, velocity) of a melody that is the program's own."""
    generator = np.random.default_rng(program)
    base = int(generator.integers(52, 66))
    pitches = base + generator.integers(0, 17, count)
    return [(int(p), 0.2 + gap * k, 0.2 + gap * k + 0.8 * gap, 100) for k, p in enumerate(pitches)]


def cents(measured: float, note: int) -> float:
    return abs(1200 * np.log2(measured / (440 * 2 ** ((note - 69) / 12))))


def listed(facts: list[Fact], name: str) -> list[Fact]:
    return [fact for fact in facts if fact.name == name]


def test_f0_of_97_of_100_rendered_notes_is_within_50_cents() -> None:
    """Every patch of the default clips, over the registers that it plays."""
    notes = [(program, pitch, 500) for program in PROGRAMS for pitch in (60, 64, 69, 74)]
    rendered = render_notes(notes)
    wrong = []
    for note in notes:
        samples = np.pad(rendered[note], (1600, 1600))
        median = next(iter(listed(measure(samples, RATE), "f0_median")), None)
        if median is None or cents(median.value, note[1]) > 50:
            wrong.append(note)
    assert len(wrong) <= 0.03 * len(notes), wrong


def test_notes_that_ring_into_each_other_keep_their_pitch() -> None:
    """The synthesizer's own reverberation is on; reliable pitches must be right, and most notes have one."""
    right = wrong = total = 0
    for program in STRUCK:
        score = melody(program)
        found = [
            fact for fact in listed(measure(midi(score, program, 4.6), RATE), "event_f0") if fact.reliability >= 0.5
        ]
        total += len(score)
        for pitch, start, _, _ in score:
            near = [fact for fact in found if abs(fact.start - start) < 0.1]
            if near:
                good = cents(min(near, key=lambda fact: abs(fact.start - start)).value, pitch) < 50
                right, wrong = right + good, wrong + (not good)
    assert right >= 0.97 * (right + wrong)
    assert right >= 0.9 * total


def test_onsets_of_rendered_melodies_reach_f_092() -> None:
    scores = []
    for program in STRUCK:
        for gap in (0.22, 0.45):
            score = melody(program, gap)
            found = np.array([fact.value for fact in listed(measure(midi(score, program, 4.6), RATE), "onset")])
            scores.append(
                mir_eval.onset.f_measure(np.array([start for _, start, _, _ in score]), found, window=0.05)[0]
            )
    assert np.mean(scores) >= 0.92


def test_a_soft_attack_begins_where_it_sets_in() -> None:
    rise = np.minimum(1.0, np.arange(round(0.5 * RATE)) / (0.12 * RATE))
    parts = [(0.3 + 0.7 * k, rise * tone(f0, 0.5)) for k, f0 in enumerate((330, 440, 392))]
    found = [fact.value for fact in listed(measure(placed(parts, 2.4), RATE), "onset")]
    assert found == pytest.approx([0.3, 1.0, 1.7], abs=0.05)


@pytest.mark.parametrize("bpm", [48, 80, 112, 160, 210])
def test_beats_of_a_steady_pulse_are_those_of_the_score(bpm: float) -> None:
    times = np.arange(0.3, 9.5, 60 / bpm)
    facts = measure(placed([(t, click()) for t in times], 10.0), RATE)
    beats = np.array([fact.value for fact in listed(facts, "onset")])
    assert mir_eval.beat.f_measure(mir_eval.beat.trim_beats(times, 0.0), beats) >= 0.95
    (tempo,) = listed(facts, "tempo")
    assert tempo.value == pytest.approx(bpm, rel=0.04)
    assert tempo.reliability >= 0.8
    assert [fact.value for fact in listed(facts, "tempo_alternative")] == pytest.approx([bpm / 2, bpm * 2], rel=0.04)


@pytest.mark.parametrize("ratio", [0.5, 0.75, 1.0, 1.4, 2.0])
def test_the_tempo_trend_is_the_last_rate_over_the_first(ratio: float) -> None:
    intervals = 0.4 * ratio ** -np.linspace(0, 1, 10)
    times = 0.2 + np.concatenate([[0], np.cumsum(intervals)])
    (trend,) = listed(measure(placed([(t, click()) for t in times], times[-1] + 0.5), RATE), "tempo_trend")
    assert trend.value == pytest.approx(ratio - 1, abs=0.08 * max(1, ratio))
    assert trend.reliability >= 0.5


def test_an_irregular_row_has_no_trend_to_rely_on() -> None:
    times = [0.2, 0.35, 0.95, 1.1, 1.9, 2.05, 2.9]
    (trend,) = listed(measure(placed([(t, click()) for t in times], 3.3), RATE), "tempo_trend")
    assert trend.reliability < 0.5


def test_notes_are_named_and_their_intervals_told() -> None:
    score = [60, 64, 67, 72, 65]
    parts = [(0.2 + 0.5 * k, pluck(440 * 2 ** ((note - 69) / 12), 0.45)) for k, note in enumerate(score)]
    facts = measure(placed(parts, 3.0), RATE)
    assert [fact.value for fact in listed(facts, "event_note")] == score
    assert all(fact.unit == "midi" and fact.reliability >= 0.8 for fact in listed(facts, "event_note"))
    assert [fact.value for fact in listed(facts, "event_interval")] == pytest.approx([4, 3, 5, -7], abs=0.3)


def test_a_pitch_between_two_notes_names_neither_surely() -> None:
    (note,) = listed(measure(placed([(0.2, pluck(440 * 2 ** (0.5 / 12), 0.8))], 1.2), RATE), "event_note")
    (pitch,) = listed(measure(placed([(0.2, pluck(440 * 2 ** (0.5 / 12), 0.8))], 1.2), RATE), "event_f0")
    assert note.reliability < 0.7 * pitch.reliability


@pytest.mark.parametrize(("programs", "least"), [((40, 42, 56, 64, 68, 80), 0.92), ((48, 52, 73, 89, 91, 95), 0.72)])
def test_onsets_of_slow_attacks_are_where_the_notes_set_in(programs: tuple[int, ...], least: float) -> None:
    """Bowed, blown and synthetic sounds; then ensembles, flute and pads, whose notes melt into each other."""
    scores = []
    for program in programs:
        for gap, held in ((0.5, 1.0), (0.6, 0.75)):
            pitches = 55 + np.random.default_rng(program).permutation(12)[:8]
            score = [(int(p), 0.2 + gap * k, 0.2 + gap * (k + held), 100) for k, p in enumerate(pitches)]
            found = [fact.value for fact in listed(measure(midi(score, program, 5.6), RATE), "onset")]
            times = np.array([start for _, start, _, _ in score])
            scores.append(mir_eval.onset.f_measure(times, np.sort(found), window=0.05)[0])
    assert np.mean(scores) >= least, scores


def test_counts_of_rendered_melodies_that_are_relied_on_are_right() -> None:
    """Ringing, sustained and melting instruments: what is not counted surely is left open."""
    sure = wrong = 0
    for program in range(0, 96, 5):
        for gap, held in ((0.5, 1.0), (0.6, 0.75)):
            score = [(55 + (5 * k + program) % 12, 0.2 + gap * k, 0.2 + gap * (k + held), 100) for k in range(8)]
            (count,) = listed(measure(midi(score, program, score[-1][2] + 0.8), RATE), "event_count")
            sure += count.reliability >= 0.5
            wrong += count.reliability >= 0.5 and count.value != 8
    assert sure >= 28
    assert wrong <= 0.1 * sure


@pytest.mark.parametrize("program", [5, 11])
def test_a_sound_that_is_cut_off_begins_no_new_one(program: int) -> None:
    score = [(55 + (5 * k) % 12, 0.2 + 0.6 * k, 0.65 + 0.6 * k, 100) for k in range(8)]
    (count,) = listed(measure(midi(score, program, score[-1][2] + 0.8), RATE), "event_count")
    assert count.value == 8


@pytest.mark.parametrize("program", [38, 87])
def test_an_offset_that_comes_with_the_sound_is_no_sound_in_the_silence_around_it(program: int) -> None:
    facts = measure(midi(melody(program), program, 5.0), RATE)
    assert min(fact.value for fact in listed(facts, "onset")) == pytest.approx(0.2, abs=0.03)


def test_the_common_period_of_a_bell_is_not_relied_on_as_its_pitch() -> None:
    """Partials at 3 and 8 times 110 Hz, as of a bar or bell: nobody hears 110 Hz."""
    time = np.arange(RATE) / RATE
    bell = (np.sin(2 * np.pi * 330 * time) + 0.5 * np.sin(2 * np.pi * 880 * time)) * np.exp(-2 * time) * 0.2
    low = [f for f in measure(np.pad(bell, 3200), RATE) if f.name in {"event_f0", "f0_median"} and f.value < 200]
    assert all(fact.reliability < 0.5 for fact in low)


@pytest.mark.parametrize("program", [27, 45, 65, 88])
def test_a_melody_of_held_notes_is_not_taken_for_speech(program: int) -> None:
    score = melody(program)
    (speech,) = listed(measure(midi(score, program, 4.6), RATE), "speech")
    assert speech.value < 0.5
