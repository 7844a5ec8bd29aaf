"""Surrogates and leaks: every code is found where it is, and not where a chain only listens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgrd.grounding.leaks import find_leaks, split_chain
from mgrd.grounding.surrogate import find_surrogates
from mgrd.ingest.embedded.chains import HABITS, SOURCES
from mgrd.ingest.embedded.phrases import CLAUSES

QUESTION, CHOICES = "How does the pitch move?", ["rising", "falling", "flat"]


@pytest.mark.parametrize("text", [source.format(answer="rising") for source in SOURCES] + list(HABITS))
def test_every_surrogate_of_the_embedded_chains_is_found(text: str) -> None:
    assert find_surrogates(text).share > 0.9


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The transcript says please hold the line.", "text_source"),
        ("The caption mentions a slow ballad.", "text_source"),
        ("The lyrics are about going up.", "text_source"),
        ("The title of the song suggests sadness.", "text_source"),
        ("According to the metadata it is slow.", "from_text"),
        ("Based on the given description, it rises.", "from_text"),
        ("As described, the tone rises.", "from_text"),
        ("I imagine the transcript reading like a question.", "imagined"),
        ("The speaker says that she is late.", "quoted"),
        ('He asks "are you there".', "quoted"),
        ("Such songs are usually slow.", "habit"),
        ("Recordings like this are noisy.", "habit"),
        ("People who say this are in a hurry.", "habit"),
        ("A lullaby is typically slow.", "habit"),
        ("In most clips the pitch rises.", "habit"),
        ("It is well known that sirens rise.", "knowledge"),
        ("As everyone knows, sirens rise.", "knowledge"),
        ("As a text model I cannot hear.", "denial"),
        ("I am unable to listen to audio files.", "denial"),
        ("No audio was provided.", "denial"),
        ("I don't have access to the recording.", "denial"),
    ],
)
def test_a_surrogate_is_found(text: str, code: str) -> None:
    assert code in find_surrogates(text).codes


@pytest.mark.parametrize(
    "text",
    [
        *(f"{clause}." for clauses in CLAUSES.values() for clause in clauses),
        "I hear a person speaking quickly.",
        "There is no transcript; I only listen.",
        "Not from the caption but from the sound: the pitch rises.",
        "I ignore what the lyrics might say.",
        "I cannot hear any echo.",
        "I don't hear a rise in pitch.",
        "Listening closely, I notice that the tone brightens.",
        "The background is quiet, so the recording is clean.",
        "",
    ],
)
def test_listening_is_no_surrogate(text: str) -> None:
    assert find_surrogates(text).share == 0


def test_the_share_counts_only_the_clauses_that_argue_from_text() -> None:
    text = "The pitch climbs from low to high. The caption says it rises."
    found = find_surrogates(text)
    assert 0.3 < found.share < 0.6
    assert [text[start:end].strip() for start, end in found.spans] == ["The caption says it rises."]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_a_share_and_spans_inside_it(text: str) -> None:
    found = find_surrogates(text)
    assert 0 <= found.share <= 1
    assert all(0 <= start < end <= len(text) for start, end in found.spans)
    split_chain(text)
    find_leaks(text, text, text, QUESTION, CHOICES)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ('{"model": "x", "choices": []}', "provider_json"),
        ("<think>fine</think>", None),
        ("how does the pitch move? it rises", "prompt_echo"),
        ("the options rising, falling, flat are given", "prompt_echo"),
        ("<|im_start|>user", "prompt_echo"),
        ("<think>the pitch rises", "unclosed_think"),
        ("<think><think>the pitch rises</think></think>rising", "doubled_think"),
        ("<think>\n\n</think>\n\nrising", "no_reasoning"),
        ("", "no_reasoning"),
        ("as a language model i cannot listen", "denial"),
        ("the pitch rises, so the answer is rising.", None),
        ("fine</think>\n\nrising", None),
    ],
)
def test_leaks_have_their_codes(raw: str, code: str | None) -> None:
    reasoning, _ = split_chain(raw)
    codes = find_leaks(raw, reasoning, "rising", QUESTION, CHOICES)
    assert codes == ([code] if code else [])


def test_an_answer_before_its_evidence_is_a_leak() -> None:
    text = "the answer is rising. the pitch rises."
    assert find_leaks(text, text, "rising", QUESTION, CHOICES, first_claim=text.index("pitch")) == [
        "answer_before_evidence"
    ]
    text = "the pitch rises, so the answer is rising."
    assert find_leaks(text, text, "rising", QUESTION, CHOICES, first_claim=4) == []


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        ("<think>\na</think>b", "\na"),
        ("a</think>b", "a"),
        ("a", "a"),
        ("<think>a", "a"),
        ("<think> </think>b", None),
    ],
)
def test_both_shapes_of_a_chain_are_split(raw: str, body: str | None) -> None:
    reasoning, offset = split_chain(raw)
    assert reasoning == body
    if body is not None:
        assert raw[offset : offset + len(body)] == body
