"""Families of chat formats: golden ids and masks, both think shapes, turns, sound in several windows."""

import json
from pathlib import Path

import pytest
from transformers import AddedToken, PreTrainedTokenizerBase, Qwen2Tokenizer

from mgrd.errors import DataError, EngineError
from mgrd.models.checkpoints import load_model
from mgrd.models.families import STEP_AUDIO
from mgrd.models.render import Message, Renderer, completion_text, parse_completion
from tests.tiny_model import PROMPTS, TEXTS, tiny_model

GOLDEN = Path(__file__).parent.parent / "golden" / "rendered_families.json"


def small_tokenizer(*tokens: str) -> PreTrainedTokenizerBase:
    """A byte-level tokenizer of a few words with the given special tokens; think tags are plain single tokens."""
    words = (*TEXTS, "human\n", "assistant\n", "system\n")
    tokenizer = Qwen2Tokenizer().train_new_from_iterator(iter(words), 320, show_progress=False)
    tokenizer.add_special_tokens({"additional_special_tokens": list(tokens)})
    for tag in ("<think>", "</think>"):
        tokenizer.add_tokens(AddedToken(tag, normalized=False, special=False))
    return tokenizer


@pytest.fixture(scope="module")
def step_tokenizer() -> PreTrainedTokenizerBase:
    return small_tokenizer(*STEP_AUDIO.chat)


@pytest.fixture(scope="module")
def step(step_tokenizer: PreTrainedTokenizerBase) -> Renderer:
    return Renderer(step_tokenizer)


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    return Renderer(load_model(tiny_model(tmp_path_factory.mktemp("models") / "tiny")).processor)


CONVERSATIONS = {
    "chain": (Message("user", PROMPTS[0], (3,)), Message("assistant", "rising", reasoning="the pitch rises")),
    "direct": (Message("user", PROMPTS[0], (3,)), Message("assistant", "rising", reasoning="")),
    "text": (Message("user", PROMPTS[1]), Message("assistant", "two", reasoning="one and one")),
    "windows": (Message("user", PROMPTS[0], (3, 2)), Message("assistant", "rising", reasoning="")),
    "turns": (
        Message("system", "Listen."),
        Message("user", PROMPTS[0], (2,)),
        Message("assistant", "rising", reasoning="the pitch rises"),
        Message("user", PROMPTS[1]),
        Message("assistant", "two", reasoning="one and one"),
    ),
}


@pytest.mark.parametrize("family", ["qwen2-audio", "step-audio"])
def test_ids_and_masks_equal_the_golden_file(family: str, qwen: Renderer, step: Renderer) -> None:
    renderer = {"qwen2-audio": qwen, "step-audio": step}[family]
    assert renderer.family.name == family
    found = {}
    for name, messages in CONVERSATIONS.items():
        example = renderer.render(messages)
        found[name] = {"ids": list(example.ids), "loss_mask": [int(learnt) for learnt in example.loss_mask]}
    assert found == json.loads(GOLDEN.read_text())[family]


def split(renderer: Renderer, tokenizer: PreTrainedTokenizerBase, name: str) -> tuple[str, str]:
    """What is given and what is learnt, as text."""
    example = renderer.render(CONVERSATIONS[name])
    pairs = list(zip(example.ids, example.loss_mask, strict=True))
    given, learnt = ([token for token, mask in pairs if mask == wanted] for wanted in (False, True))
    return str(tokenizer.decode(given)), str(tokenizer.decode(learnt))


def test_step_audio_opens_the_think_block_in_the_prompt(
    step: Renderer, step_tokenizer: PreTrainedTokenizerBase
) -> None:
    sound = "<audio_start>" + 3 * "<audio_patch>" + "<audio_end>"
    given = f"<|BOT|>human\n{sound}{PROMPTS[0]}<|EOT|><|BOT|>assistant\n<think>\n"
    assert split(step, step_tokenizer, "chain") == (given, "the pitch rises\n</think>\n\nrising<|EOT|>")
    assert split(step, step_tokenizer, "direct") == (given, "\n</think>\n\nrising<|EOT|>")


def test_earlier_turns_are_given_and_only_the_last_is_learnt(
    step: Renderer, step_tokenizer: PreTrainedTokenizerBase
) -> None:
    given, learnt = split(step, step_tokenizer, "turns")
    assert given.startswith("<|BOT|>system\nListen.<|EOT|><|BOT|>human\n")
    assert f"<|BOT|>assistant\n{completion_text('the pitch rises', 'rising')}<|EOT|>" in given
    assert learnt == "one and one\n</think>\n\ntwo<|EOT|>"


def test_each_window_of_a_long_clip_stands_between_its_own_marks(
    step: Renderer, step_tokenizer: PreTrainedTokenizerBase
) -> None:
    given, _ = split(step, step_tokenizer, "windows")
    assert (
        "<audio_patch><audio_patch><audio_patch><audio_end><audio_start><audio_patch><audio_patch><audio_end>" in given
    )


@pytest.mark.parametrize("family", ["qwen2-audio", "step-audio"])
@pytest.mark.parametrize("name", ["chain", "direct", "text", "windows"])
def test_a_question_renders_the_same_alone_and_as_a_conversation(
    family: str, name: str, qwen: Renderer, step: Renderer
) -> None:
    renderer = {"qwen2-audio": qwen, "step-audio": step}[family]
    asked, answered = CONVERSATIONS[name]
    alone = renderer.example(asked.text, asked.windows, answered.reasoning or "", answered.text)
    assert alone == renderer.render(CONVERSATIONS[name])


@pytest.mark.parametrize("name", ["chain", "direct", "turns"])
def test_what_is_learnt_is_read_back(step: Renderer, name: str) -> None:
    *_, final = CONVERSATIONS[name]
    parsed = parse_completion(step.decode(step.render(CONVERSATIONS[name]).completion))
    assert (parsed.reasoning, parsed.answer, parsed.problems) == (final.reasoning, final.text, ())


@pytest.mark.parametrize("token", ["<|BOT|>", "<|EOT|>", "<audio_patch>"])
def test_chat_tokens_of_the_family_are_refused_anywhere(step: Renderer, token: str) -> None:
    asked, answered = CONVERSATIONS["chain"]
    for messages in (
        (Message("user", f"what {token}?", (3,)), answered),
        (asked, Message("assistant", token, reasoning="")),
        (asked, Message("assistant", "rising", reasoning=f"it {token}")),
        (asked, Message("assistant", "rising", reasoning=token), asked, answered),
    ):
        with pytest.raises(DataError, match="chat token"):
            step.render(messages)


def test_a_conversation_must_end_with_the_assistant(step: Renderer) -> None:
    for messages in (CONVERSATIONS["chain"][:1], CONVERSATIONS["chain"][1:]):
        with pytest.raises(DataError, match="ends with the assistant"):
            step.render(messages)


def test_a_tokenizer_of_no_known_family_is_refused() -> None:
    with pytest.raises(EngineError, match="no known family"):
        Renderer(small_tokenizer("<|user|>"))
