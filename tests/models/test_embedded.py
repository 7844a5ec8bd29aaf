"""The embedded model: same arguments same files, and a folder that transformers loads by itself."""

from pathlib import Path

import pytest
import torch
from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration

from mgrd.errors import ConfigError, EngineError
from mgrd.models import assemble_embedded, load_model, model_sha
from mgrd.settings import ModelSpec
from tests.tiny_model import TEXTS, TINY, WINDOW, tiny_model


def test_the_same_arguments_give_the_same_files(tmp_path: Path) -> None:
    shas = [assemble_embedded(tmp_path / name, TEXTS, TINY, WINDOW, seed=0) for name in ("a", "b")]
    assert shas[0] == shas[1] == model_sha(tmp_path / "a")
    assert assemble_embedded(tmp_path / "c", TEXTS, TINY, WINDOW, seed=1) != shas[0]


def test_assembling_leaves_the_random_state_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    assemble_embedded(tmp_path / "a", TEXTS, TINY, WINDOW, seed=0)
    assert torch.equal(torch.rand(1), expected)


def test_the_folder_holds_no_pickle(tmp_path: Path) -> None:
    assemble_embedded(tmp_path / "a", TEXTS, TINY, WINDOW, seed=0)
    assert {path.suffix for path in (tmp_path / "a").iterdir()} == {".json", ".jinja", ".safetensors"}


def test_a_reloaded_folder_splits_and_writes_the_same(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "a")
    ours = load_model(folder)
    processor = AutoProcessor.from_pretrained(folder)
    model = Qwen2AudioForConditionalGeneration.from_pretrained(folder)
    text = "How does the pitch move, from 200.5 Hz?\n\n<think>\nit's rising\n</think> äö"
    assert processor.tokenizer(text).input_ids == ours.processor.tokenizer(text).input_ids
    assert processor.tokenizer.decode(processor.tokenizer(text).input_ids) == text
    prompt, noise = "<|audio_bos|><|AUDIO|><|audio_eos|>How?", torch.rand(16_000).numpy()
    batch = processor(text=prompt, audio=noise, sampling_rate=16_000, return_tensors="pt")
    assert int((batch.input_ids == model.config.audio_token_id).sum()) == ours.audio_tokens == 25
    first, second = (which.generate(**batch, max_new_tokens=8) for which in (ours.model, model))
    assert torch.equal(first, second)


def test_think_tags_are_single_tokens_and_not_special(tmp_path: Path) -> None:
    tokenizer = load_model(tiny_model(tmp_path / "a")).processor.tokenizer
    assert len(tokenizer("<think></think>").input_ids) == 2
    assert not {"<think>", "</think>"} & set(tokenizer.all_special_tokens)


def test_the_vocabulary_has_the_asked_size(tmp_path: Path) -> None:
    loaded = load_model(tiny_model(tmp_path / "a"))
    assert len(loaded.processor.tokenizer) == loaded.model.lm_head.out_features <= TINY.vocabulary


def test_the_encoder_key_follows_the_encoder_alone(tmp_path: Path) -> None:
    first, second = (load_model(tiny_model(tmp_path / str(seed), seed)) for seed in (0, 1))
    assert first.encoder_sha != second.encoder_sha  # random encoders
    with torch.no_grad():
        first.model.lm_head.weight.add_(1)
    assert load_model(first.folder).encoder_sha == first.encoder_sha
    assert load_model(first.folder).template_sha == second.template_sha


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="safetensors"):
        load_model(tmp_path)


def test_impossible_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="heads"):
        assemble_embedded(tmp_path / "a", TEXTS, ModelSpec(hidden=100, heads=8), WINDOW, seed=0)
