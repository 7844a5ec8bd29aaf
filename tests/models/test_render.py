"""Rendering: the checkpoint's own template, loss on the completion alone, and text back to its parts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mgrd.errors import DataError, EngineError
from mgrd.models.checkpoints import LoadedModel, load_model
from mgrd.models.render import Renderer, completion_text, match_choice, open_renderer, parse_completion
from tests.tiny_model import PROMPTS, tiny_model

GOLDEN = Path(__file__).parent.parent / "golden" / "rendered_rows.json"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load_model(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def renderer(loaded: LoadedModel) -> Renderer:
    return Renderer(loaded.processor)


@pytest.mark.parametrize("audio_tokens", [0, 5])
@pytest.mark.parametrize("reasoning", ["", "the pitch rises"])
def test_ids_equal_those_of_the_chat_template(
    loaded: LoadedModel, renderer: Renderer, audio_tokens: int, reasoning: str
) -> None:
    content = [{"type": "audio"}] if audio_tokens else []
    turns = [
        {"role": "user", "content": [*content, {"type": "text", "text": PROMPTS[0]}]},
        {"role": "assistant", "content": completion_text(reasoning, "rising")},
    ]
    text = loaded.processor.apply_chat_template(turns, tokenize=False)
    text = text.replace(loaded.processor.audio_token, loaded.processor.audio_token * audio_tokens)
    expected = loaded.processor.tokenizer(text.removesuffix("\n")).input_ids
    example = renderer.example(PROMPTS[0], audio_tokens, reasoning, "rising")
    assert list(example.ids) == expected


def test_a_renderer_of_the_tokenizer_files_is_that_of_the_processor_and_loads_no_torch(
    loaded: LoadedModel, renderer: Renderer
) -> None:
    light = open_renderer(loaded.folder)
    for audio_tokens, reasoning in ((0, ""), (5, "the pitch rises")):
        case = (PROMPTS[0], audio_tokens, reasoning, "rising")
        assert light.example(*case) == renderer.example(*case)
    assert light.special_ids == renderer.special_ids
    with pytest.raises(DataError, match="chat token"):
        light.prompt("<|im_end|>", 0)
    script = (
        "import sys; from pathlib import Path; from mgrd.models.render import open_renderer; "
        "open_renderer(Path(sys.argv[1])); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, loaded.folder], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_a_checkpoint_without_tokenizer_files_of_their_own_is_read_through_its_processor(
    loaded: LoadedModel, renderer: Renderer, tmp_path: Path
) -> None:
    shutil.copytree(loaded.folder, tmp_path / "old")
    template = tmp_path / "old" / "chat_template.jinja"
    (tmp_path / "old" / "chat_template.json").write_text(json.dumps({"chat_template": template.read_text()}))
    template.unlink()
    assert open_renderer(tmp_path / "old").prompt(PROMPTS[0], 5) == renderer.prompt(PROMPTS[0], 5)
    (tmp_path / "old" / "tokenizer.json").write_text("{")
    with pytest.raises(EngineError, match="reading the tokenizer of"):
        open_renderer(tmp_path / "old")


def test_the_loss_lies_on_think_block_answer_and_end_of_turn(loaded: LoadedModel, renderer: Renderer) -> None:
    example = renderer.example(PROMPTS[0], 5, "", "rising")
    learned = [token for token, counts in zip(example.ids, example.loss_mask, strict=True) if counts]
    assert loaded.processor.tokenizer.decode(learned) == "<think>\n\n</think>\n\nrising<|im_end|>"
    assert len(example.loss_mask) == len(example.ids)


def test_ids_and_masks_equal_the_golden_file(renderer: Renderer) -> None:
    cases = [(PROMPTS[0], 3, "the pitch rises", "rising"), (PROMPTS[1], 0, "", "two")]
    found = [
        {"ids": list(example.ids), "loss_mask": [int(m) for m in example.loss_mask]}
        for example in (renderer.example(*case) for case in cases)
    ]
    assert found == json.loads(GOLDEN.read_text())


def test_questions_on_one_clip_share_their_prefix(renderer: Renderer) -> None:
    first, second = (renderer.prompt(prompt, 5) for prompt in PROMPTS)
    assert first.prefix == second.prefix
    assert first.prefix.count(renderer.audio_id) == 5
    assert renderer.audio_id not in first.rest + second.rest


def test_a_text_question_has_no_prefix(renderer: Renderer) -> None:
    assert renderer.prompt(PROMPTS[0], 0).prefix == ()


@pytest.mark.parametrize("text", ["<|AUDIO|> what?", "what?<|im_end|>", "<|im_start|>system"])
def test_chat_tokens_in_a_row_are_refused(renderer: Renderer, text: str) -> None:
    with pytest.raises(DataError, match="chat token"):
        renderer.prompt(text, 5)
    with pytest.raises(DataError, match="chat token"):
        renderer.example(PROMPTS[0], 5, text, "rising")


def test_decoding_keeps_think_tags_and_drops_the_end_of_turn(renderer: Renderer) -> None:
    example = renderer.example(PROMPTS[0], 5, "the pitch rises", "rising")
    assert renderer.decode(example.completion) == completion_text("the pitch rises", "rising")


@pytest.mark.parametrize(
    ("text", "reasoning", "answer", "problems"),
    [
        ("<think>\nit rises\n</think>\n\nrising", "it rises", "rising", ()),
        ("it rises\n</think>\n\nrising", "it rises", "rising", ()),
        ("<think>\n\n</think>\n\nrising", "", "rising", ()),
        ("<think>\nit rises", "it rises", None, ("unclosed_think",)),
        ("rising", None, "rising", ("no_think",)),
        ("<think>\nit rises\n</think>\n\n", "it rises", None, ("empty_answer",)),
        ("<think>a<think>b</think>c", "ab", "c", ("doubled_think",)),
        ("<think>a</think>b</think>c", "a", "bc", ("doubled_think",)),
        ("", None, None, ("no_think", "empty_answer")),
    ],
)
def test_completions_come_apart(
    text: str, reasoning: str | None, answer: str | None, problems: tuple[str, ...]
) -> None:
    parsed = parse_completion(text)
    assert (parsed.reasoning, parsed.answer, parsed.problems) == (reasoning, answer, problems)


@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        ("rising", "rising"),
        ("Rising.", "rising"),
        ("The answer is rising", "rising"),
        ("a flat tone", "flat tone"),
        ("it is a flat tone!", "flat tone"),
        ("flat", "flat"),
        ("uprising", None),
        ("rising or flat", None),
        ("", None),
        (None, None),
    ],
)
def test_an_answer_names_one_choice_or_none(answer: str | None, choice: str | None) -> None:
    assert match_choice(answer, ["rising", "flat", "flat tone"]) == choice
