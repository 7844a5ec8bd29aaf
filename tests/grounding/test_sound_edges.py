"""Edges of what is said of one sound of several, of lines that turn, and of what questions and conclusions take in."""

import pytest

from mgrd.audio.facts import Fact
from mgrd.grounding.conclusions import concludes
from mgrd.grounding.relevance import relevant_attributes
from mgrd.grounding.scorer import score_text
from tests.grounding.scenes import known, several
from tests.grounding.test_parts import sound


def verdicts(text: str, facts: list[Fact], attribute: str) -> list[str]:
    return [c.verification.verdict for c in score_text(text, facts).claims if c.claim.attribute == attribute]


def gliding(hertz: list[float], trend: float) -> list[Fact]:
    """One unbroken tone whose pitch takes these values, half a second each."""
    whole = known(f0_median=300.0, f0_trend=trend, f0_range=12.0, harmonic_ratio=20.0, event_count=1, silence_share=0.0)
    return [*whole, *several("f0_line", hertz, [k / 2 for k in range(len(hertz))], 0.5)]


def test_only_one_way_is_refuted_by_a_line_that_turns_and_borne_out_by_one_that_does_not() -> None:
    arch, climb = gliding([200, 270, 400, 400, 270, 200], 0.0), gliding([200, 230, 260, 300, 350, 400], 12.0)
    assert verdicts("The pitch only rises.", arch, "contour") == ["contradicted"]
    assert verdicts("The pitch rises.", arch, "contour") == ["unverifiable"]
    assert verdicts("The pitch only rises.", climb, "contour") == ["supported"]


def test_a_way_up_and_back_is_refuted_by_a_line_that_only_goes_up() -> None:
    arch, climb = gliding([200, 270, 400, 400, 270, 200], 0.0), gliding([200, 230, 260, 300, 350, 400], 12.0)
    said = "The pitch goes up to a peak and then back down."
    assert set(verdicts(said, arch, "contour")) == {"supported"}
    assert set(verdicts(said, climb, "contour")) == {"contradicted"}


def test_what_lies_between_pauses_is_one_sound_only_where_somebody_speaks() -> None:
    starts = [0.0, 0.5, 1.5]
    notes = [*several("event", [0.0] * 3, starts, 0.4), *several("event_f0", [200.0, 400.0, 100.0], starts, 0.4)]
    lines = [
        *several("f0_line", [200.0, 400.0, 100.0, 100.0], [0.0, 0.5, 1.5, 1.7], 0.2),
        *several("pause", [0.6], [0.9], 0.6),
    ]
    said = "The second one is higher than the first."
    assert verdicts(said, [*known(event_count=3), *notes, *lines], "pitch_order") == ["supported"]
    assert verdicts(said, [*known(event_count=3, speech=1.0), *notes, *lines], "pitch_order") == ["contradicted"]


def test_a_click_after_a_tone_leaves_no_room_for_noise_and_a_longer_sound_without_pitch_does() -> None:
    tone = [*several("event", [0.0], [0.1], 1.2), *several("event_f0", [880.0], [0.1], 1.2)]
    for length, verdict in ((0.1, "contradicted"), (0.2, "unverifiable")):
        facts = [*known(event_count=2, snr=60.0), *tone, *several("event", [0.0], [1.5], length)]
        assert verdicts("Then a hiss follows.", facts, "noise") == [verdict]


def test_what_holds_of_one_of_several_sounds_is_open_for_the_clip_and_refuted_where_it_holds_of_none() -> None:
    clip = known(event_count=2, harmonic_ratio=20.0)
    first = sound(0.1, 1.0, voiced=1.0, level=-20, centroid=500, hertz=300)
    noise = sound(1.5, 2.9, voiced=0.0, level=-20, centroid=500, hertz=None)
    tone = sound(1.5, 2.9, voiced=1.0, level=-20, centroid=500, hertz=300)
    for second, of_clip, of_second in ((noise, "unverifiable", "supported"), (tone, "contradicted", "contradicted")):
        facts = [*clip, *first, *second]
        assert verdicts("The sound is noise-like.", facts, "harmonicity") == [of_clip]
        assert verdicts("The second sound is noise-like.", facts, "harmonicity") == [of_second]
    uncounted = [fact for fact in [*clip, *first, *noise] if fact.name != "event_count"]
    assert verdicts("The sound is noise-like.", uncounted, "harmonicity") == ["contradicted"]
    assert verdicts("The second sound is noise-like.", uncounted, "harmonicity") == ["unverifiable"]


def two_tones(semitones: float) -> list[Fact]:
    """A tone that stays at 200 Hz, and one from 300 Hz on that rises by so many."""
    clip = known(event_count=2, f0_trend=7.0 + semitones, f0_median=200.0)
    sounds = [*several("event", [0.0] * 2, [0.0, 1.5], 1.5), *several("event_f0", [200.0, 300.0], [0.0, 1.5], 1.5)]
    line = [200.0] * 3 + [300.0 * 2 ** (k * semitones / 24) for k in range(3)]
    return [*clip, *sounds, *several("f0_line", line, [k / 2 for k in range(6)], 0.5)]


@pytest.mark.parametrize(
    "text",
    [
        "Each tone stays flat.",
        "Every one of the notes holds its pitch.",
        "Both tones are flat.",
        "Neither tone glides.",
    ],
)
def test_each_sound_may_be_flat_wherever_the_next_one_lies(text: str) -> None:
    found = {st: verdicts(text, two_tones(st), "contour") for st in (0.0, 3.0, 6.0)}
    assert found == {0.0: ["supported"], 3.0: ["unverifiable"], 6.0: ["contradicted"]}


def test_what_is_said_of_all_sounds_is_not_borne_out_by_one() -> None:
    facts = [*known(event_count=2), *several("event_f0", [150.0, 600.0], [0.1, 1.0], 0.5)]
    assert verdicts("There is a low tone.", facts, "register") == ["supported"]
    assert verdicts("All notes are low.", facts, "register") == ["unverifiable"]
    assert verdicts("All notes are high.", facts, "register") == ["unverifiable"]
    assert verdicts("Both tones are high.", facts, "register") == ["unverifiable"]
    low = [*known(event_count=2), *several("event_f0", [80.0, 150.0], [0.1, 1.0], 0.5)]
    assert verdicts("All notes are low.", low, "register") == ["supported"]
    assert verdicts("All notes are high.", low, "register") == ["contradicted"]


def test_what_is_said_of_the_first_sound_of_one_is_said_of_the_clip() -> None:
    for said in ("The first sound is low.", "The sound is low."):
        for measured in ({"f0_median": 100.0}, {"harmonic_ratio": -8.0, "spectral_centroid": 300.0}):
            alone = [*known(event_count=1, silence_share=0.0, **measured), *several("event", [0.0], [0.1], 2.8)]
            assert verdicts(said, alone, "register") == ["supported"], said


def test_a_chain_of_one_sentence_has_no_last_sentence_that_restates_the_answer() -> None:
    assert not concludes(" rising.", 1, 7, "rising")
    assert concludes("It goes up first. Rising.", 18, 24, "rising")


def test_a_question_after_one_property_of_alike_sounds_is_after_that_property_alone() -> None:
    of_pitch, of_any = (relevant_attributes(f"Do the two sounds differ{end}?", None) for end in (" in pitch", ""))
    assert of_pitch is not None
    assert of_any is not None
    assert "timbre" in of_any - of_pitch
    assert "register" in of_any & of_pitch


def test_a_question_is_after_what_its_choices_tell_apart_too() -> None:
    def asked(*choices: str) -> set[str]:
        return set(relevant_attributes("How many sounds are there?", choices) or ())

    assert "stereo" not in asked("three", "four")
    assert "stereo" in asked("three, on the left", "four, on the right")
    assert "register" in asked("three low ones", "four high ones")
    assert "register" not in asked("three low ones", "four")  # tones are named by the way
