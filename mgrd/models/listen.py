"""Hearing a clip: from a file to the frozen encoder's outputs, exactly as Qwen2-Audio computes them.

Padding up to the window is hidden from the encoder's attention, and a shorter clip has fewer audio
tokens. A clip longer than the window is refused, or heard in pieces where that is asked for: it is
never cut silently, and the tokens are counted against the duration.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from mgrd.audio.decode import Samples, decode, mono_16k
from mgrd.errors import AudioError
from mgrd.models.checkpoints import LoadedModel

LongClips = Literal["refuse", "split"]

TOKENS_PER_SECOND = 25.0
"""Of Whisper-style encoders with pooling, as in Qwen2-Audio."""
TOKEN_SLACK = 2.0
"""Tokens by which rounding at the end of a window may differ from its duration."""
SLACK_SAMPLES = 160
"""A clip may pass the window by one hop (10 ms) of resampling tail; it is cut off."""


def read_windows(path: Path, window_seconds: float, sample_rate: int, long_clips: LongClips) -> list[Samples]:
    """A clip as windows of mono samples [frames] at the encoder's rate, one unless it is longer than the window.

    A longer clip is cut into equal windows, as few as will do, when `long_clips` is "split". Raises
    AudioError when it is "refuse".
    """
    samples = mono_16k(decode(path))
    limit = round(window_seconds * sample_rate)
    if len(samples) <= limit + SLACK_SAMPLES:
        return [samples[:limit]]
    if long_clips == "refuse":
        raise AudioError(
            f"{path}: {len(samples) / sample_rate:.2f} s is longer than the model's window of {window_seconds:g} s; "
            "split it at ingest (spec.ingest.window_seconds), or have it heard in pieces (spec.model.long_clips)"
        )
    count = math.ceil(len(samples) / limit)
    edges = [round(place * len(samples) / count) for place in range(count + 1)]
    return [samples[start:end] for start, end in pairwise(edges)]


def token_count(frames: int) -> int:
    """Audio tokens of a clip with `frames` log-mel frames of 10 ms: two strides of two (Qwen2-Audio)."""
    return ((frames - 1) // 2 + 1 - 2) // 2 + 1


def encode_clips(
    loaded: LoadedModel, paths: Sequence[Path], long_clips: LongClips = "refuse"
) -> list[tuple[Tensor, ...]]:
    """Encoder outputs [tokens, width] (float32), before the projector, of each clip's windows.

    Raises AudioError naming a clip that cannot be read, is too short for a token or longer than the
    window (unless it may be split), or whose tokens do not stand for all of it.
    """
    rate = int(loaded.processor.feature_extractor.sampling_rate)
    clips = [read_windows(path, loaded.window_seconds, rate, long_clips) for path in paths]
    heard = iter(_encode(loaded, [window for windows in clips for window in windows]))
    outputs = []
    for path, windows in zip(paths, clips, strict=True):
        states = tuple(next(heard) for _ in windows)
        for state, window in zip(states, windows, strict=True):
            check_tokens(path, len(state), len(window) / rate)
        outputs.append(states)
    return outputs


@torch.inference_mode()
def _encode(loaded: LoadedModel, waves: Sequence[Samples]) -> list[Tensor]:
    """Encoder outputs [tokens, width] of each window, after pooling."""
    extractor = loaded.processor.feature_extractor
    batch = extractor(
        list(waves),
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
    tokens = [token_count(int(count)) for count in frames]
    return [states[: max(0, count)] for states, count in zip(output.last_hidden_state.cpu(), tokens, strict=True)]


def check_tokens(path: Path, tokens: int, seconds: float) -> None:
    """Raises AudioError unless so many audio tokens stand for a window of this length: none of it was cut."""
    if tokens < 1:
        raise AudioError(f"{path}: {seconds:.3f} s is too short for a single audio token (40 ms)")
    if abs(tokens - seconds * TOKENS_PER_SECOND) > TOKEN_SLACK:
        raise AudioError(f"{path}: {tokens} audio tokens stand for {seconds:.2f} s, part of it was not heard")
