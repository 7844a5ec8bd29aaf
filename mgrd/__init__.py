"""Modality-Grounded Reasoning Distillation. `load_round` is resolved on first use: importing this stays light."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mgrd.export.load import load_round

__all__ = ["load_round"]


def __getattr__(name: str) -> Any:
    if name != "load_round":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mgrd.export.load import load_round

    return load_round
