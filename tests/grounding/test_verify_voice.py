"""Whether a man or a woman speaks, by how high the voice lies."""

import pytest

from mgrd.audio.facts import Fact, fact
from mgrd.grounding.scorer import score_text

LENGTH = 4.0


def speech(*turns: float, share: float = 1.0, **more: float) -> list[Fact]:
    """Facts of speech in turns of these pitches (Hz), half a second of silence between them."""
    ends = [LENGTH * (k + 1) / len(turns) for k in range(len(turns))]
    facts = [fact("duration", LENGTH, end=LENGTH), fact("speech", share, end=LENGTH)]
    facts.append(fact("f0_median", sorted(turns)[len(turns) // 2], end=LENGTH))
    facts += [fact("pause", 0.5, start=end - 0.5, end=end) for end in ends[:-1]]
    for pitch, end in zip(turns, ends, strict=True):
        steps = [end - LENGTH / len(turns) + 0.1 * k for k in range(10)]
        facts += [fact("f0_line", pitch, start=step, end=step + 0.1) for step in steps]
    return facts + [fact(name, value, end=LENGTH) for name, value in more.items()]


def verdicts(text: str, facts: list[Fact]) -> list[str]:
    found = score_text(text, facts).claims
    return [checked.verification.verdict for checked in found if checked.claim.attribute == "speaker"]


@pytest.mark.parametrize(
    "text",
    [
        "A male voice speaks.",
        "The speaker is a man.",
        "I hear a man's voice in a quiet room.",
        "The voice sounds like that of an adult male.",
        "It is spoken by a man.",
        "It isn't a female speaker.",
    ],
)
def test_a_low_voice_is_a_man_s_and_a_high_one_is_not(text: str) -> None:
    assert verdicts(text, speech(115.0)) == ["supported"]
    assert verdicts(text, speech(225.0)) == ["contradicted"]


def test_between_the_ranges_of_men_and_women_nothing_is_decided() -> None:
    assert verdicts("A male voice speaks.", speech(165.0)) == ["unverifiable"]
    assert verdicts("A woman is talking.", speech(165.0)) == ["unverifiable"]


def test_where_two_speak_each_word_that_holds_of_one_of_them_is_supported() -> None:
    both = speech(110.0, 230.0)
    assert verdicts("A male voice is heard. A female voice is heard.", both) == ["supported", "supported"]
    assert verdicts("A female voice is heard.", speech(110.0, 120.0)) == ["contradicted"]


def test_the_order_of_speakers_is_checked() -> None:
    said = "A man speaks first, followed by a woman."
    assert verdicts(said, speech(110.0, 230.0)) == ["supported", "supported"]
    assert verdicts(said, speech(230.0, 110.0)) == ["contradicted", "contradicted"]


def test_a_whisper_and_speech_that_is_not_sure_decide_nothing() -> None:
    assert verdicts("A male voice speaks.", speech(225.0, whisper=0.9)) == ["unverifiable"]
    assert verdicts("A male voice speaks.", speech(225.0, share=0.2)) == ["unverifiable"]


def test_where_nobody_speaks_no_man_speaks() -> None:
    assert verdicts("A male voice speaks.", speech(115.0, share=0.0)) == ["contradicted"]


def test_a_squeak_is_no_woman() -> None:
    assert verdicts("A female voice is heard.", speech(900.0)) == ["unverifiable"]


@pytest.mark.parametrize("text", ["That is far over a typical male range.", "If a man were speaking, it would be low."])
def test_what_is_compared_or_supposed_claims_no_speaker(text: str) -> None:
    assert verdicts(text, speech(230.0)) == []


def test_a_question_for_the_speaker_is_answered_by_the_voice() -> None:

    from mgrd.grounding.relevance import relevant_attributes

    asked = relevant_attributes("What is the gender of the speaker?", ["male", "female"])
    assert asked is not None
    assert {"speaker", "register", "f0_median"} <= asked
    assert "tempo" not in asked
