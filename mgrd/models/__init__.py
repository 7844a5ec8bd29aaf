"""Models: loading and saving checkpoints, the embedded audio LLM, rendering, and attention over shared prefixes.

Names are resolved on first use, so that importing a light module of this room does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mgrd.models.checkpoints import LoadedModel, load_model, model_sha, save_model
    from mgrd.models.embedded import assemble_embedded

_HOMES = {
    "LoadedModel": "checkpoints",
    "assemble_embedded": "embedded",
    "load_model": "checkpoints",
    "model_sha": "checkpoints",
    "save_model": "checkpoints",
}

__all__ = ["LoadedModel", "assemble_embedded", "load_model", "model_sha", "save_model"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
