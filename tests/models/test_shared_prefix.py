"""Shared prefixes: packing changes the cost, never the result."""

import copy
from dataclasses import replace

import pytest
import torch

from mgrd.errors import DataError
from mgrd.models.checkpoints import LoadedModel, load_model
from mgrd.models.forward import completion_logprobs, pack_rows
from mgrd.models.render import RenderedExample, Renderer
from tests.tiny_model import PROMPTS, tiny_model

TOKENS = (25, 11, 0)
"""Audio tokens of three clips; the last row is text alone."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load_model(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


def clip_name(tokens: int) -> str | None:
    return f"clip{tokens}" if tokens else None


def features_of(tokens: int) -> torch.Tensor:
    return torch.randn(1, tokens, 8, generator=torch.Generator().manual_seed(tokens))


def example_rows(renderer: Renderer) -> list[tuple[int, RenderedExample]]:
    return [
        (tokens, renderer.example(prompt, tokens, reasoning, "rising"))
        for tokens in TOKENS
        for prompt, reasoning in zip(PROMPTS, ("the pitch rises", ""), strict=True)
    ]


def packed_logprobs(loaded: LoadedModel, rows: list[tuple[int, RenderedExample]]) -> list[torch.Tensor]:
    pack = pack_rows([e.prompt for _, e in rows], [e.completion for _, e in rows], [clip_name(n) for n, _ in rows])
    counts = list(dict.fromkeys(tokens for tokens, _ in rows if tokens))
    features = torch.zeros(len(counts), max(counts, default=0), 8)
    for at, tokens in enumerate(counts):
        features[at, :tokens] = features_of(tokens)
    lengths = [len(e.completion) for _, e in rows]
    return list(completion_logprobs(loaded.model, pack, lengths, features, torch.tensor(counts)).split(lengths))


def library_logprobs(loaded: LoadedModel, tokens: int, example: RenderedExample) -> torch.Tensor:
    """One row through the library's own attention, without any packing."""
    model = loaded.model
    model.model.language_model.set_attn_implementation("eager")
    ids = torch.tensor([example.ids])
    embeddings = model.model.language_model.get_input_embeddings()(ids)
    if tokens:
        audio = (ids == model.config.audio_token_id)[..., None]
        embeddings = embeddings.masked_scatter(audio, model.model.multi_modal_projector(features_of(tokens)))
    logits = model.lm_head(model.model.language_model(inputs_embeds=embeddings).last_hidden_state)
    chosen = torch.log_softmax(logits[0, :-1], -1).gather(1, ids[0, 1:, None])[:, 0]
    return chosen[-len(example.completion) :]


def test_packed_rows_equal_the_librarys_separate_rows(loaded: LoadedModel) -> None:
    rows = example_rows(Renderer(loaded.processor))
    packed = packed_logprobs(loaded, rows)
    for (tokens, example), found in zip(rows, packed, strict=True):
        assert torch.allclose(found, library_logprobs(loaded, tokens, example), atol=1e-5)


def test_packed_loss_and_gradients_equal_separate_ones(loaded: LoadedModel) -> None:
    rows = example_rows(Renderer(loaded.processor))
    weight = loaded.model.model.multi_modal_projector.linear.weight
    loaded.model.requires_grad_(True)
    together = torch.cat(packed_logprobs(loaded, rows)).sum()
    apart = torch.stack([packed_logprobs(loaded, [row])[0].sum() for row in rows]).sum()
    (first,) = torch.autograd.grad(together, weight)
    (second,) = torch.autograd.grad(apart, weight)
    loaded.model.requires_grad_(False)
    assert torch.allclose(together, apart, atol=1e-4)
    assert first.abs().max() > 0
    assert torch.allclose(first, second, atol=1e-4, rtol=1e-4)


def test_a_row_does_not_see_its_neighbours(loaded: LoadedModel) -> None:
    rows = example_rows(Renderer(loaded.processor))
    alone = packed_logprobs(loaded, rows[:1])[0]
    beside = packed_logprobs(loaded, rows)[0]
    assert torch.allclose(alone, beside, atol=1e-5)


def test_features_and_audio_tokens_must_agree(loaded: LoadedModel) -> None:
    example = Renderer(loaded.processor).example(PROMPTS[0], 25, "", "rising")
    pack = pack_rows([example.prompt], [example.completion], ["clip"])
    with pytest.raises(DataError, match="audio tokens"):
        completion_logprobs(loaded.model, pack, [2], torch.zeros(1, 24, 8), torch.tensor([24]))


def test_everything_moves_to_the_models_device(loaded: LoadedModel) -> None:
    """The meta device refuses tensors that were left on the CPU, as a GPU does."""
    rows = example_rows(Renderer(loaded.processor))
    elsewhere = copy.deepcopy(loaded.model).to("meta").requires_grad_(True)
    logprobs = packed_logprobs(replace(loaded, model=elsewhere), rows)
    assert {part.device.type for part in logprobs} == {"meta"}
    torch.cat(logprobs).sum().backward()


def test_tokens_of_a_shared_prefix_count_once(loaded: LoadedModel) -> None:
    renderer = Renderer(loaded.processor)
    examples = [renderer.example(prompt, 25, "", "rising") for prompt in PROMPTS]
    pack = pack_rows([e.prompt for e in examples], [e.completion for e in examples], ["clip", "clip"])
    assert pack.tokens == sum(len(e.ids) for e in examples) - len(examples[0].prompt.prefix)
