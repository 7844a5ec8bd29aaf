"""Engines: sampling and scoring behind one protocol."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mgrd.engines.protocol import Engine
    from mgrd.settings import Settings


def open_engine(settings: "Settings", model_folder: Path, features: Path) -> "Engine":
    """The engine that the settings name, on a checkpoint; `features` is the folder of the encoder cache."""
    from mgrd.engines.transformers import TransformersEngine

    runtime = settings.runtime
    return TransformersEngine(model_folder, features, runtime.device, runtime.batch_requests)
