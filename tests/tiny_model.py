"""A whole model of a few thousand random parameters, and clips for it to hear."""

from pathlib import Path

import numpy as np
import polars as pl
import soundfile
import torch

from mgrd.models.checkpoints import load_model, save_model
from mgrd.models.embedded import assemble_embedded
from mgrd.settings import ModelSpec

TINY = ModelSpec(
    hidden=16, layers=2, heads=4, key_value_heads=2, feed_forward=24, vocabulary=300, encoder="random"
)  # fmt: skip
WINDOW = 1.0
RATE = 16_000
PROMPTS = ("How does the pitch move? Choices: falling, rising.", "How many sounds are there? Choices: one, two.")
TEXTS = [*PROMPTS, "the pitch rises, so the answer is rising.", "falling", "one", "two"]


def tiny_model(folder: Path, seed: int = 0) -> Path:
    """A checkpoint whose decoder has weights large enough for every input to matter."""
    assemble_embedded(folder, TEXTS, TINY, WINDOW, seed)
    loaded = load_model(folder)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in loaded.model.named_parameters():
            if "audio_tower" not in name and parameter.ndim == 2:
                parameter.normal_(0.0, 0.4, generator=generator)
    save_model(loaded.model, loaded.processor, folder)
    return folder


def tone(path: Path, frequency: float, seconds: float = WINDOW) -> Path:
    time = np.arange(round(seconds * RATE)) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * frequency * time).astype(np.float32), RATE)
    return path


def tones(folder: Path, count: int, seconds: float = WINDOW) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return {f"clip{i}": tone(folder / f"clip{i}.wav", 200.0 * 2**i, seconds) for i in range(count)}


def rows(clips: list[str | None], *, reasoning: str = "the pitch rises") -> pl.DataFrame:
    """Two training rows per clip, one per prompt."""
    return pl.DataFrame(
        [
            {
                "row_id": f"row{i}-{j}",
                "clip_id": clip,
                "prompt": prompt,
                "reasoning": reasoning if j else "",
                "answer": ("rising", "two")[j] if i % 2 else ("falling", "one")[j],
                "weight": 1.0,
            }
            for i, clip in enumerate(clips)
            for j, prompt in enumerate(PROMPTS)
        ],
        schema_overrides={"clip_id": pl.String},
    )
