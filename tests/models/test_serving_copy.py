"""The serving copy: vLLM's shapes, the checkpoint's own function, and a record of whose copy it is."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.engines.protocol import SampleRequest, Sampling, ScoreRequest
from mgrd.engines.transformers import TransformersEngine
from mgrd.errors import AudioError, EngineError
from mgrd.models.checkpoints import load_model, model_sha, save_model
from mgrd.models.embedded import assemble_embedded
from mgrd.models.listen import encode_clips
from mgrd.models.serving_copy import (
    HEAD_SIZES,
    POSITIONS,
    needs_copy,
    read_record,
    servable,
    write_serving_copy,
)
from tests.tiny_model import PROMPTS, TEXTS, TINY, WINDOW, tiny_model, tone

ALMOST = WINDOW - 0.1
"""A clip that the window's end does not touch."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny heads, and norms and biases that are not those of a fresh model: each must be copied by its own rule."""
    path = tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    loaded = load_model(path)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in loaded.model.named_parameters():
            if "audio_tower" not in name and parameter.ndim == 1:
                parameter.normal_(0.6, 0.4, generator=generator)
    save_model(loaded.model, loaded.processor, path)
    return path


@pytest.fixture(scope="module")
def copy(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return servable(folder, model_sha(folder), tmp_path_factory.mktemp("copies"))


def engine_of(folder: Path, tmp_path: Path) -> TransformersEngine:
    return TransformersEngine(folder, tmp_path / "features", precision="float32")


def test_the_copy_has_the_shapes_that_vllm_takes(folder: Path, copy: Path) -> None:
    assert needs_copy(folder)
    assert not needs_copy(copy)
    config = load_model(copy).model.config
    assert config.audio_config.max_source_positions == POSITIONS
    assert config.text_config.hidden_size // config.text_config.num_attention_heads in HEAD_SIZES
    assert load_model(copy).processor.feature_extractor.nb_max_frames == 3000


def test_the_copy_computes_the_same_logits(folder: Path, copy: Path) -> None:
    ours, theirs = load_model(folder).model, load_model(copy).model
    ids = torch.randint(0, 250, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        own, other = (model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits for model in (ours, theirs))
    assert own.std() > 0.5
    assert torch.allclose(own, other, atol=1e-4)


def test_the_copy_hears_a_clip_inside_the_window_as_the_checkpoint_does(
    folder: Path, copy: Path, tmp_path: Path
) -> None:
    clip = tone(tmp_path / "clip.wav", 440.0, ALMOST)
    (own,), (other,) = (encode_clips(load_model(which), [clip])[0] for which in (folder, copy))
    assert torch.allclose(own, other, atol=1e-5)


def test_the_transformers_engine_writes_and_scores_the_same_with_either(
    folder: Path, copy: Path, tmp_path: Path
) -> None:
    clip = tone(tmp_path / "clip.wav", 440.0, ALMOST)
    asked = [SampleRequest(f"q{at}", "c", clip, prompt, (0, 1), (7, 8)) for at, prompt in enumerate(PROMPTS)]
    scored = [ScoreRequest("s", "c", clip, PROMPTS[0], "<think>\n\n</think>\n\nrising", ended=True)]
    engines = [engine_of(folder, tmp_path / "a"), engine_of(copy, tmp_path / "b")]
    sampling = Sampling(1.0, 0.9, 12)
    own, other = ([chain for batch in engine.sample(asked, sampling) for chain in batch] for engine in engines)
    assert [dataclasses.replace(chain, logprob=None) for chain in own] == [
        dataclasses.replace(chain, logprob=None) for chain in other
    ]
    first, second = (np.array(engine.score(scored)[0].token_logprobs) for engine in engines)
    assert np.abs(first - second).max() < 1e-4


def test_a_clip_longer_than_the_original_window_is_refused_by_the_copy(copy: Path, tmp_path: Path) -> None:
    clip = tone(tmp_path / "long.wav", 440.0, WINDOW + 0.5)
    with pytest.raises(AudioError, match="longer than the model's window of 1 s"):
        encode_clips(load_model(copy), [clip])


def test_a_copy_is_made_once_and_says_whose_it_is(folder: Path, copy: Path) -> None:
    written = (copy / "model.safetensors").stat().st_mtime_ns
    assert servable(folder, model_sha(folder), copy.parent) == copy
    assert (copy / "model.safetensors").stat().st_mtime_ns == written
    record = read_record(copy)
    assert record is not None
    assert (record.source, record.copy, record.window_seconds) == (model_sha(folder), model_sha(copy), WINDOW)


def test_a_checkpoint_that_vllm_takes_is_served_as_it_is(copy: Path, tmp_path: Path) -> None:
    assert servable(copy, model_sha(copy), tmp_path) == copy
    assert not list(tmp_path.iterdir())


def test_a_folder_that_changed_since_is_nobodys_copy_and_is_made_anew(folder: Path, tmp_path: Path) -> None:
    copy = servable(folder, model_sha(folder), tmp_path)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"changed": True}))
    assert read_record(copy) is None
    assert read_record(servable(folder, model_sha(folder), tmp_path)) is not None


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"source": "a", "copy": "b"}', '{"unknown": 1}'])
def test_a_broken_record_is_none(record: str, tmp_path: Path) -> None:
    (tmp_path / "serving.json").write_text(record)
    assert read_record(tmp_path) is None


def test_heads_larger_than_any_are_refused(tmp_path: Path) -> None:
    large = TINY.model_copy(update={"hidden": 520, "heads": 1, "key_value_heads": 1, "layers": 1})
    assemble_embedded(tmp_path / "large", TEXTS, large, WINDOW, 0)
    with pytest.raises(EngineError, match="heads of 520 numbers"):
        write_serving_copy(tmp_path / "large", tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["large"], "no half copy is left"


def test_the_command_writes_a_copy_and_says_how_to_serve_it(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["serving-copy", str(folder), str(tmp_path / "copy")])
    assert done.exit_code == 0, done.output
    record = read_record(tmp_path / "copy")
    assert record is not None
    assert f"--served-model-name {record.source}" in done.output
