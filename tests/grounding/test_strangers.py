"""Classes of wording that came from people who did not know the grammar: each line is one way to say one thing."""

import pytest

from mgrd.audio.facts import Fact
from mgrd.grounding.checking.evidence import Evidence
from mgrd.grounding.checking.lookup import utterances
from mgrd.grounding.claims import extract_claims
from mgrd.grounding.conclusions import concludes
from mgrd.grounding.relevance import is_relevant, relevant_attributes
from mgrd.grounding.scorer import score_text

SAID = (
    ("The clip's a bit above three seconds.", "duration above 3 s"),
    ("It's a four-second clip.", "duration 4 s"),
    ("Each of them lasts about four tenths of a second.", "duration 0.4 s"),
    ("The beeps are 200 ms long.", "duration 0.2 s"),
    ("There's a single tick at 2.5 s.", "onset 2.5 s"),
    ("The tone begins around the two-second mark.", "onset 2 s"),
    ("Then silence from roughly 1.1 to 2.5 seconds.", "gap 1.4 s"),
    ("A half-second pause separates the words.", "longest_pause 0.5 s"),
    ("Hence a hundred and twenty beats per minute.", "tempo 120 BPM"),
    ("A tempo in the neighbourhood of 90.", "tempo 90 BPM"),
    ("They come two thirds of a second apart.", "tempo 90 BPM"),
    ("The last note has double the frequency of the first.", "event_interval 12 semitones"),
    ("It covers more than two octaves of travel.", "event_interval above 24 semitones"),
    ("A sudden drop of about 20 dB halfway.", "loudness_trend -20 dB"),
    ("I hear no other click after that.", "event_count one"),
    ("I count five separate sweeps.", "event_count five"),
    ("Nine beeps, all of them pure in tone.", "purity pure"),
    ("Two notes taking turns.", "alternation present"),
    ("C, E and G simultaneously.", "chord present"),
    ("It has that sad ring: a minor chord held throughout.", "chord_quality minor"),
    ("Every step goes upward here.", "contour rising"),
    ("Each one after that is weaker.", "loudness softer"),
    ("The upper harmonics disappear one after the other.", "brightness_trend darker"),
    ("The left goes silent and the right begins.", "stereo_trend rightwards"),
    ("It wanders from the right side to the left.", "stereo_trend leftwards"),
    ("A click, followed by a tone.", "kind_order click before tone"),
    ("Noise at the start, a tone at the end.", "kind_order noise before tone"),
    ("It swells and vanishes, over and over.", "throb present"),
    ("The lower voice speaks first.", "pitch_order upwards"),
    ("Eight or more syllables a second.", "syllable_rate 8 1/s"),
)


@pytest.mark.parametrize(("text", "claimed"), SAID)
def test_a_way_to_say_it_is_read(text: str, claimed: str) -> None:
    assert claimed in [claim.claimed for claim in extract_claims(text)], extract_claims(text)


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("So what is heard is a slow beating.", "tempo"),
        ("Each is a quick 'tweep' that ends soon.", "tempo"),
        ("The partials don't form a harmonic series.", "harmonicity"),
        ("The pattern repeats four times.", "event_count"),
        ("The first of three groups is fast, with three beeps.", "event_count"),
        ("In the first half the pitch rises.", "event_interval"),
        ("After the initial strike the sound gets softer.", "loudness_order"),
        ("Four notes are played one by one.", "chord"),
        ("From zero to one second there is a tone.", "pauses"),
    ],
)
def test_words_that_mean_something_else_are_not_read(text: str, attribute: str) -> None:
    assert attribute not in [claim.attribute for claim in extract_claims(text)], extract_claims(text)


def voice(hertz: float, start: float) -> Fact:
    return Fact("f0_line", hertz, "Hz", start, start + 1.0, 0.9)


TURNS = [
    Fact("duration", 3.0, "s", 0.0, 3.0, 1.0), Fact("speech", 0.9, "share", 0.0, 3.0, 0.7),
    Fact("pause", 0.5, "s", 1.2, 1.8, 0.9), voice(100.0, 0.0), voice(240.0, 1.9),
]  # fmt: skip


def test_voices_that_take_turns_have_pitches_of_their_own() -> None:
    assert [fact.value for fact in utterances(Evidence(TURNS))] == [100.0, 240.0]
    for text, verdict in (
        ("The second voice is noticeably higher.", "supported"),
        ("The higher voice speaks first.", "contradicted"),
        ("The first one's voice is deep.", "supported"),
    ):
        found = [checked.verification.verdict for checked in score_text(text, TURNS).claims]
        assert verdict in found, (text, found)


def test_without_a_pause_there_is_one_voice() -> None:
    assert utterances(Evidence([fact for fact in TURNS if fact.name != "pause"])) == []


def test_sides_of_a_sound_that_goes_over_are_those_of_its_parts() -> None:
    facts = [
        Fact("duration", 4.0, "s", 0.0, 4.0, 1.0), Fact("stereo_balance", 0.0, "dB", 0.0, 4.0, 1.0),
        Fact("stereo_width", 0.5, "share", 0.0, 4.0, 1.0), Fact("balance_trend", 40.0, "dB", 0.0, 4.0, 0.9),
    ]  # fmt: skip
    verdicts = {
        text: [checked.verification.verdict for checked in score_text(text, facts).claims]
        for text in ("In the first second the sound is on the left.", "In the first second the sound is on the right.")
    }
    assert list(verdicts.values()) == [["supported"], ["contradicted"]]


def test_a_count_may_miss_a_first_sound_where_it_is_not_silent_before() -> None:
    events = [Fact("event", -20.0, "dB", start, start + 0.4, 0.9) for start in (0.5, 1.0, 1.5)]
    facts = [Fact("duration", 2.0, "s", 0.0, 2.0, 1.0), Fact("event_count", 3.0, "count", 0.0, 2.0, 0.9), *events]
    silent = Fact("silence_share", 0.3, "share", 0.0, 2.0, 0.9)
    sounding = Fact("silence_share", 0.0, "share", 0.0, 2.0, 0.9)
    assert score_text("There are four beeps.", [*facts, silent]).contradicted == 1
    assert score_text("There are four beeps.", [*facts, sounding]).contradicted == 0


def test_what_restates_the_answer_is_no_evidence_however_it_is_introduced() -> None:
    chain = "RMS energy, contour, attack. The contour analysis suggests the level jumps up."
    assert concludes(chain, chain.index("level"), len(chain) - 1, "The level jumps up")


def test_what_is_so_of_most_recordings_answers_no_open_question() -> None:
    asked = relevant_attributes("Which best describes the sound?", ())
    assert asked is not None
    assert not is_relevant("not noise noisy", "noise", asked)
    assert is_relevant("noise noisy", "noise", asked)
