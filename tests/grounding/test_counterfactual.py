"""What the sound adds: exact places of claims among the tokens, and other clips that really are others."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgrd.grounding.counterfactual import claim_gains, likeliest, other_clips, place_of, token_gains, tokens_within
from mgrd.models.checkpoints import load_model
from mgrd.models.render import Renderer, completion_text
from tests.tiny_model import tiny_model

CHAIN = "the pitch rises — from 220 Hz, né, so it climbs."
TEXT = completion_text(CHAIN, "rising")


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    return Renderer(load_model(tiny_model(tmp_path_factory.mktemp("models") / "tiny")).processor)


def test_spans_are_those_of_the_tokens_that_are_scored(renderer: Renderer) -> None:
    ids, spans = renderer.completion(TEXT), renderer.spans(TEXT)
    assert len(ids) == len(spans)
    for place, (start, end) in enumerate(spans):
        piece = renderer.decode(ids[place : place + 1])
        if "\N{REPLACEMENT CHARACTER}" not in piece:
            assert TEXT[start:end].strip() == piece.strip(), "no token stands for another's characters"
    covered = {sign for start, end in spans for sign in range(start, end)}
    assert covered >= {at for at, sign in enumerate(TEXT) if not sign.isspace()}


@pytest.mark.parametrize("words", ["pitch rises", "the", "220 Hz", "climbs", "—", "né", CHAIN])
def test_a_claims_tokens_are_its_words_and_no_others(renderer: Renderer, words: str) -> None:
    """Golden by construction: the tokens decode to the claim, and what stands beside them does not touch it."""
    spans, ids = renderer.spans(TEXT), renderer.completion(TEXT)
    start = CHAIN.index(words)
    offset = place_of(CHAIN, TEXT)
    assert offset == len("<think>\n")
    tokens = tokens_within(spans, start + offset, start + offset + len(words))
    assert words in renderer.decode(ids[tokens.start : tokens.stop])
    assert words not in renderer.decode(ids[tokens.start + 1 : tokens.stop])
    assert words not in renderer.decode(ids[tokens.start : tokens.stop - 1])


def test_golden_tokens_of_two_claims() -> None:
    """`the| pitch| rises|,| then| falls` with the claims "pitch rises" and "falls"."""
    spans = [(0, 3), (3, 9), (9, 15), (15, 16), (16, 21), (21, 27)]
    claims = [{"claim_id": "a", "start": 4, "end": 15}, {"claim_id": "b", "start": 22, "end": 27}]
    silence, swap = [0.0, 1.0, 3.0, 9.0, 9.0, -2.0], [0.0, 0.5, 0.5, 9.0, 9.0, 1.0]
    assert claim_gains(claims, 0, spans, silence, swap) == [
        {"claim_id": "a", "first_token": 1, "tokens": 2, "silence": 2.0, "swap": 0.5},
        {"claim_id": "b", "first_token": 5, "tokens": 1, "silence": -2.0, "swap": 1.0},
    ]
    moved = claim_gains(claims[:1], 6, spans, silence, [])
    assert (moved[0]["first_token"], moved[0]["tokens"], moved[0]["swap"]) == (2, 3, None)


def test_a_claim_that_cannot_be_placed_has_no_figures() -> None:
    claims = [{"claim_id": "a", "start": 0, "end": 3}]
    nothing = {"claim_id": "a", "first_token": 0, "tokens": 0, "silence": None, "swap": None}
    assert claim_gains(claims, None, [(0, 3)], [1.0], []) == [nothing]
    assert claim_gains(claims, 0, [], [], []) == [nothing]


@pytest.mark.parametrize(
    ("reasoning", "raw", "place"),
    [
        ("it rises", "<think>\nit rises\n</think>\n\nrising", 8),
        ("it rises", "it rises</think>rising", 0),
        ("think", "<think>think</think>", 7),
        ("a  b", "<think>a<think>  b</think>", None),
        (None, "rising", None),
        ("", "<think></think>", None),
    ],
)
def test_the_place_of_the_reasoning(reasoning: str | None, raw: str, place: int | None) -> None:
    assert place_of(reasoning, raw) == place


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.data())
def test_tokens_within_are_exactly_those_that_share_a_character(lengths: list[int], data: st.DataObject) -> None:
    ends = [sum(lengths[: k + 1]) for k in range(len(lengths))]
    spans = list(zip([0, *ends[:-1]], ends, strict=True))
    start = data.draw(st.integers(0, ends[-1] - 1))
    end = data.draw(st.integers(start + 1, ends[-1]))
    shared = [at for at, (a, b) in enumerate(spans) if set(range(a, b)) & set(range(start, end))]
    assert list(tokens_within(spans, start, end)) == shared


def test_gains_and_choices() -> None:
    assert token_gains([-1.0, -2.0], [-1.5, -1.0]) == [0.5, -1.0]
    with pytest.raises(ValueError, match="shorter"):
        token_gains([-1.0, -2.0], [-1.5])
    assert likeliest({"a": -2.0, "b": -1.0, "c": -1.0}) == "b"
    assert likeliest({}) is None


def question(key: str, clip: str | None, answer: str | None, text: str = "?", **rest: str) -> dict[str, object]:
    return {"question_id": key, "clip_id": clip, "answer": answer, "text": text, "split": "pool", "skill": "s", **rest}


def test_the_other_clip_is_of_the_split_and_has_another_answer() -> None:
    rows = [question(f"q{i}", f"c{i}", "up" if i % 3 else "down") for i in range(30)]
    rows += [question(f"d{i}", f"e{i}", "up", split="dev") for i in range(2)]
    swaps = other_clips(rows)
    answers, splits = ({r["clip_id"]: r[name] for r in rows} for name in ("answer", "split"))
    asked = {r["question_id"]: r for r in rows}
    assert set(swaps) == {f"q{i}" for i in range(30)}, "the dev questions have nobody to swap with"
    for key, clip in swaps.items():
        assert answers[clip] != asked[key]["answer"]
        assert splits[clip] == "pool"
    assert len(set(swaps.values())) > 5, "not one clip for all"
    assert other_clips(list(reversed(rows))) == swaps


def test_kin_come_first_and_a_clip_is_never_its_own_stand_in() -> None:
    rows = [
        question("a", "c1", "up", "pitch?"),
        question("b", "c2", "down", "pitch?"),
        question("c", "c3", "loud", "loudness?"),
        question("d", "c1", "three", "count?", skill="count"),
        question("e", None, "4", "2 + 2?", skill="text"),
        question("f", "c4", None, "free?", skill="free"),
    ]
    swaps = other_clips(rows)
    assert (swaps["a"], swaps["b"]) == ("c2", "c1")
    assert swaps["c"] in {"c1", "c2"}
    assert swaps["d"] in {"c2", "c3", "c4"}
    assert "e" not in swaps
    assert swaps["f"] != "c4", "without a right answer any other clip will do"


def test_a_template_that_opens_the_think_block_leaves_its_tag_out(tmp_path: Path, renderer: Renderer) -> None:
    loaded = load_model(tiny_model(tmp_path / "opened"))
    template = loaded.processor.chat_template
    assert isinstance(template, str)
    opening = "<|im_start|>assistant\n"
    assert opening.replace("\n", "\\n") in template
    loaded.processor.chat_template = template.replace(
        opening.replace("\n", "\\n"), opening.replace("\n", "\\n") + "<think>\\n"
    )
    opened = Renderer(loaded.processor)
    rest = TEXT.removeprefix("<think>\n")
    assert opened.completion(TEXT) == opened.completion(rest) == renderer.completion(rest)
    assert opened.spans(TEXT) == tuple((start + 8, end + 8) for start, end in renderer.spans(rest))
