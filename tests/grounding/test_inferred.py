"""Facts that single events imply, from events that are given, and not measured."""

import pytest

from mgrd.audio.facts import Fact, fact
from mgrd.grounding.verify import Evidence


def clip(starts: list[float], length: float = 0.1, sure: float = 0.45, pitched: tuple[int, ...] = ()) -> Evidence:
    """Events at given starts, of a count that is known with `sure`; those numbered in `pitched` have a pitch."""
    end = starts[-1] + 1.0
    events = [fact("event", -20.0, start=t, end=t + length, reliability=sure) for t in starts]
    pitches = [fact("event_f0", 440.0, start=starts[k], end=starts[k] + length, reliability=sure) for k in pitched]
    rest = [
        fact("duration", end, end=end),
        fact("silence_share", 0.5, end=end),
        fact("event_count", len(starts), end=end, reliability=sure),
    ]
    return Evidence([*rest, *events, *pitches])


def value(evidence: Evidence, name: str) -> float | None:
    found: Fact | None = evidence.sure(name)
    return None if found is None else found.value


def test_intervals_that_shrink_are_a_pulse_that_speeds_up_whatever_event_was_missed() -> None:
    starts = [0.0, 0.5, 0.9, 1.22, 1.48, 1.69, 1.86]
    assert (value(clip(starts), "tempo_trend") or 0.0) > 0.4
    assert (value(clip([4.0 - t for t in starts[::-1]]), "tempo_trend") or 0.0) < -0.3


def test_even_intervals_have_no_trend() -> None:
    assert value(clip([0.5 * k for k in range(8)]), "tempo_trend") is None


def test_intervals_of_many_sizes_are_uneven_but_a_grid_with_holes_is_not() -> None:
    assert (value(clip([0.2, 0.5, 1.6, 1.9, 3.4, 4.7, 4.9]), "pulse_regularity") or 1.0) < 0.6
    assert value(clip([0.0, 0.5, 1.0, 2.5, 3.0, 4.5, 5.0]), "pulse_regularity") is None


def test_entry_is_the_time_before_the_first_sound() -> None:
    assert value(clip([3.0], length=0.8, sure=0.9), "entry") == pytest.approx(3.03 / 4.0)
    assert value(clip([0.0], length=0.8, sure=0.9), "entry") == 0.0


def test_noise_before_a_tone_is_known_by_which_of_them_has_a_pitch() -> None:
    assert value(clip([0.0, 1.5], length=0.8, sure=0.9, pitched=(1,)), "noise_order") == 1.0
    assert value(clip([0.0, 1.5], length=0.8, sure=0.9, pitched=(0,)), "noise_order") == -1.0
    assert value(clip([0.0, 1.5], length=0.8, sure=0.9, pitched=(0, 1)), "noise_order") is None


def test_without_events_nothing_is_inferred() -> None:
    assert set(Evidence([fact("duration", 1.0, end=1.0)]).by_name) == {"duration"}
