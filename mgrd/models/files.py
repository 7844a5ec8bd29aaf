"""What a checkpoint's small files say of it, read without loading the model: no torch, no weights."""

import json
from pathlib import Path
from typing import Any

SERVING_RECORD = "serving.json"
"""Says of which checkpoint a folder is the serving copy, and what that one was made to hear."""
_EXTRACTOR_FILES = ("preprocessor_config.json", "processor_config.json")


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """A JSON file of a checkpoint; empty where there is none, or where it holds no object."""
    try:
        told = json.loads((folder / name).read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def window_seconds(folder: Path, otherwise: float) -> float:
    """The longest clip (s) that the checkpoint was made to hear: of a serving copy, what the original heard."""
    known = read_config(folder, SERVING_RECORD).get("window_seconds")
    for name in _EXTRACTOR_FILES:
        told = read_config(folder, name)
        known = known or told.get("feature_extractor", told).get("chunk_length")
    return float(known or otherwise)
