"""Hearing a clip: from a file to the frozen encoder's outputs, exactly as Qwen2-Audio computes them.

Padding up to the window is hidden from the encoder's attention, and a shorter clip has fewer audio
tokens. A clip longer than the window is refused: it is never cut silently.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from mgrd.audio.decode import Samples, decode, mono_16k
from mgrd.errors import AudioError
from mgrd.models.checkpoints import LoadedModel

SLACK_SAMPLES = 160
"""A clip may pass the window by one hop (10 ms) of resampling tail; it is cut off."""


def read_clip(path: Path, window_seconds: float, sample_rate: int) -> Samples:
    """Mono samples [frames] at the encoder's rate. Raises AudioError when the clip is longer than the window."""
    samples = mono_16k(decode(path))
    limit = round(window_seconds * sample_rate)
    if len(samples) > limit + SLACK_SAMPLES:
        raise AudioError(
            f"{path}: {len(samples) / sample_rate:.2f} s is longer than the model's window of {window_seconds:g} s; "
            "split it at ingest (spec.ingest.window_seconds)"
        )
    return samples[:limit]


def token_count(frames: int) -> int:
    """Audio tokens of a clip with `frames` log-mel frames of 10 ms: two strides of two (Qwen2-Audio)."""
    return ((frames - 1) // 2 + 1 - 2) // 2 + 1


@torch.inference_mode()
def encode_clips(loaded: LoadedModel, paths: Sequence[Path]) -> tuple[Tensor, Tensor]:
    """Encoder outputs [n, tokens, width] (float32) after pooling, before the projector, and token counts [n]."""
    extractor = loaded.processor.feature_extractor
    waves = [read_clip(path, loaded.window_seconds, extractor.sampling_rate) for path in paths]
    batch = extractor(
        waves,
        sampling_rate=extractor.sampling_rate,
        return_attention_mask=True,
        padding="max_length",
        return_tensors="pt",
    )
    frames = torch.as_tensor(batch["attention_mask"]).sum(-1)
    positions = (frames - 1) // 2 + 1
    tower = loaded.model.model.audio_tower
    longest = tower.config.max_source_positions
    mask = None
    if int(positions.min()) < longest:
        hidden = torch.arange(longest)[None, :] >= positions[:, None]
        mask = torch.zeros(len(waves), 1, 1, longest).masked_fill_(
            hidden[:, None, None], torch.finfo(torch.float32).min
        )
        mask = mask.expand(-1, 1, longest, longest)
    device = tower.device
    output = tower(batch["input_features"].to(device), attention_mask=None if mask is None else mask.to(device))
    tokens = torch.tensor([token_count(int(count)) for count in frames])
    short = [str(path) for path, count in zip(paths, tokens.tolist(), strict=True) if count < 1]
    if short:
        raise AudioError(f"{short[0]}: too short for a single audio token (40 ms)")
    return output.last_hidden_state.cpu(), tokens
