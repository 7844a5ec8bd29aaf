"""Edges of the verdicts: each line of facts decides one clause, and the same clause is decided otherwise beside it."""

import pytest

from mgrd.audio.facts import Fact, fact
from mgrd.grounding.scorer import score_text
from tests.grounding.scenes import SECONDS, known, several


def verdicts(text: str, facts: list[Fact], attribute: str | None = None) -> list[str]:
    found = score_text(text, facts).claims
    return [c.verification.verdict for c in found if attribute in (None, c.claim.attribute)]


def line(name: str, values: list[float], step: float = 0.5) -> list[Fact]:
    return several(name, values, [k * step for k in range(len(values))], step)


def arch() -> list[Fact]:
    """A pitch that goes up by an octave and comes back."""
    ends = known(f0_median=300.0, f0_trend=0.0, f0_range=12.0, harmonic_ratio=20.0, event_count=1, silence_share=0.0)
    return ends + line("f0_line", [200, 270, 400, 400, 270, 200])


def test_a_sound_that_wanders_is_early_on_one_side_and_late_on_the_other() -> None:
    rightwards = known(balance_trend=12.0, stereo_balance=0.0, stereo_width=0.5)
    assert verdicts("In the last second the sound is on the right.", rightwards, "stereo") == ["supported"]
    assert verdicts("In the last second the sound is on the left.", rightwards, "stereo") == ["contradicted"]
    assert verdicts("In the first second the sound is on the left.", rightwards, "stereo") == ["supported"]


def test_a_pulse_that_surely_speeds_up_is_not_regular_though_its_regularity_is_unsure() -> None:
    unsure = fact("pulse_regularity", 0.9, end=SECONDS, reliability=0.2)
    assert verdicts("The beat is regular.", [*known(tempo_trend=0.8), unsure], "regularity") == ["contradicted"]
    assert verdicts("The beat is regular.", [*known(tempo_trend=0.1), unsure], "regularity") == ["unverifiable"]


@pytest.mark.parametrize(("silence", "verdict"), [(0.0, "contradicted"), (0.2, "unverifiable")])
def test_a_pause_is_refuted_only_where_next_to_nothing_is_silent(silence: float, verdict: str) -> None:
    unbroken = known(pause_count=0, gap_count=0, silence_share=silence, event_count=1)
    assert verdicts("The longest pause is 1 s.", unbroken, "longest_pause") == [verdict]


def test_sounds_are_counted_within_the_time_that_is_named() -> None:
    starts = [0.1, 0.5, 2.1, 2.5]
    beeps = [*known(event_count=4), *several("event", [0.0] * 4, starts, 0.2)]
    assert verdicts("In the first second there are two beeps.", beeps, "event_count") == ["supported"]
    assert verdicts("In the first second there are four beeps.", beeps, "event_count") == ["contradicted"]
    assert verdicts("In the first second there are two beeps.", known(event_count=4), "event_count") == ["unverifiable"]


def test_a_count_in_the_last_part_is_of_that_part_or_of_all_that_was_heard_by_then() -> None:
    starts = [0.1, 0.5, 2.1, 2.4, 2.7]
    beeps = [*known(event_count=5), *several("event", [0.0] * 5, starts, 0.2)]
    assert verdicts("In the last third there are three beeps.", beeps, "event_count") == ["supported"]
    assert verdicts("By the end there are five beeps.", beeps, "event_count") == ["supported"]
    assert verdicts("By the end there are nine beeps.", beeps, "event_count") == ["contradicted"]
    assert verdicts("By the end there are five beeps.", known(event_count=5), "event_count") == ["supported"]


def test_swellings_of_one_sound_are_no_count_of_sounds() -> None:
    levels = [-20.0, -14.0, -20.0, -14.0, -20.0, -14.0, -20.0]
    swelling = [*known(event_count=1, silence_share=0.0, loudness_trend=0.0), *line("level_line", levels, 3 / 7)]
    for said in ("It swells and fades three times.", "There are three swells."):
        assert verdicts(said, swelling, "event_count") == ["unverifiable"]
    assert verdicts("It swells and fades eight times.", swelling, "event_count") == ["contradicted"]
    several_sounds = [known(event_count=9)[-1], *swelling]
    assert verdicts("There are three swells.", several_sounds, "event_count") == ["contradicted"]


def test_sounds_of_one_loudness_need_not_be_alike_in_colour() -> None:
    starts = [0.1, 1.0]
    unlike = [*known(event_count=2, loudness_trend=0.0), *several("event", [0.0, 0.0], starts, 0.3)]
    unlike += several("event_centroid", [800.0, 4000.0], starts, 0.3)
    for said in ("The volume stays the same.", "They have the same loudness.", "Both tones are identical in loudness."):
        assert verdicts(said, unlike, "loudness") == ["supported"], said
    assert verdicts("The two sounds are identical.", unlike, "loudness") == ["contradicted"]


def test_silence_before_the_first_sound_is_a_silence_of_its_length() -> None:
    late = [*known(event_count=1, pause_count=0, silence_share=0.27), *several("event", [0.0], [0.8], 2.2)]
    assert verdicts("It opens with 0.8 seconds of silence.", late, "gap") == ["supported"]
    assert verdicts("It opens with two seconds of silence.", late, "gap") == ["contradicted"]


def test_a_value_on_the_way_of_a_glide_is_open_and_one_beyond_it_false() -> None:
    glide = known(f0_median=300.0, f0_trend=14.0, f0_range=14.0, f0_low=200.0, f0_high=450.0)
    assert verdicts("The pitch is 380 Hz.", glide, "f0_median") == ["unverifiable"]
    assert verdicts("The pitch is 900 Hz.", glide, "f0_median") == ["contradicted"]
    narrow = known(f0_median=300.0, f0_trend=14.0, f0_range=14.0)
    assert verdicts("The pitch is 900 Hz.", narrow, "f0_median") == ["contradicted"]


def test_a_moving_pitch_is_named_with_a_wider_tolerance_and_a_bound_of_it_is_not() -> None:
    """1.1 semitones beside a step of the line."""
    moving = [*known(f0_median=300.0, f0_trend=8.0, f0_range=8.0), *line("f0_line", [240, 270, 300, 340, 380])]
    still = known(f0_median=300.0, f0_trend=0.0, f0_range=0.0)
    assert verdicts("The pitch is 319.6 Hz.", moving, "f0_median") == ["supported"]
    assert verdicts("The pitch is 319.6 Hz.", still, "f0_median") == ["unverifiable"]


def test_the_size_of_a_movement_is_that_between_its_turns() -> None:
    assert verdicts("The pitch rises by an octave and then falls.", arch(), "f0_trend") == ["supported"]
    assert verdicts("The pitch rises by two octaves and then falls.", arch(), "f0_trend") == ["unverifiable"]
    assert verdicts("It rises and then falls.", arch(), "contour") == ["supported"]
    assert verdicts("It falls and then rises.", arch(), "contour") == ["contradicted", "contradicted"]


def test_noise_after_a_tone_does_not_make_the_recording_noisy_or_clean() -> None:
    sounds = several("event", [0.0, 0.0], [0.1, 1.5], 1.2)
    pitched = several("event_f0", [880.0], [0.1], 1.2)
    facts = [*known(event_count=2, snr=60.0), *sounds, *pitched]
    assert verdicts("Then a hiss follows.", facts, "noise") == ["unverifiable"]
    assert verdicts("There is constant noise.", [*known(event_count=1, snr=60.0)], "noise") == ["contradicted"]


@pytest.mark.parametrize(("events", "verdict"), [(1.0, "contradicted"), (3.0, "unverifiable")])
def test_a_sound_without_pitch_is_low_or_high_by_its_spectrum_if_it_is_the_only_one(
    events: float, verdict: str
) -> None:
    hiss = known(harmonic_ratio=-8.0, spectral_centroid=4000.0, event_count=events, silence_share=0.0)
    assert verdicts("It is a low sound.", hiss, "register") == [verdict]
    assert verdicts("It is a high sound.", hiss, "register") == ["supported"]
    tonal = known(harmonic_ratio=8.0, spectral_centroid=4000.0, event_count=events, silence_share=0.0)
    assert verdicts("It is a high sound.", tonal, "register") == ["unverifiable"]


def test_a_count_within_a_time_is_told_with_that_time() -> None:
    beeps = [*known(event_count=4), *several("event", [0.0] * 4, [0.1, 0.5, 2.1, 2.5], 0.2)]
    (found,) = [c.verification for c in score_text("In the first second there are two beeps.", beeps).claims]
    assert found.time == (0.0, 1.0)


def test_the_start_of_one_sound_is_looked_up_at_that_sound() -> None:
    starts = [0.1, 0.5, 2.1]
    beeps = [*known(event_count=3), *several("onset", starts, starts, 0.0), *several("event", [0.0] * 3, starts, 0.2)]
    assert verdicts("The second beep starts at 0.5 s.", beeps, "onset") == ["supported"]
    assert verdicts("The second beep starts at 2.1 s.", beeps, "onset") == ["contradicted"]


def test_a_pitch_that_comes_back_has_passed_what_lies_between_its_lowest_and_highest() -> None:
    there_and_back = known(f0_median=300.0, f0_trend=0.0, f0_range=14.0, f0_low=200.0, f0_high=450.0)
    assert verdicts("The pitch is 395 Hz.", there_and_back, "f0_median") == ["unverifiable"]
    assert verdicts("The pitch is 800 Hz.", there_and_back, "f0_median") == ["contradicted"]


def test_two_movements_of_one_verb_are_open_in_the_other_order() -> None:
    assert verdicts("The pitch goes down and then comes back up.", arch(), "contour") == ["unverifiable"]
    assert verdicts("The pitch goes up and then comes back down.", arch(), "contour") == ["supported"]
