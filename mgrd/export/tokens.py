"""Token counts as the trainer will see them: the row rendered through the checkpoint's own chat template.

Where the checkpoint is out of reach, counts are those recorded at sampling time, or missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mgrd.models.render import Renderer, open_renderer
from mgrd.store import Workspace
from schemas import MODELS


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts with a checkpoint's renderer, or repeats what the trace recorded when there is none."""

    renderer: Renderer | None

    @classmethod
    def of(cls, workspace: Workspace, traces: pl.LazyFrame) -> "TokenCounter":
        """The counter of the checkpoint that wrote most of the traces."""
        folder = _checkpoint(workspace, traces)
        if folder is None:
            return cls(None)
        return cls(open_renderer(folder))

    def example(
        self, prompt: str, audio_tokens: int | None, reasoning: str, answer: str, trace: Mapping[str, object]
    ) -> int | None:
        """Tokens of prompt, audio and completion. Raises DataError when a text holds chat tokens."""
        if self.renderer is not None and audio_tokens is not None:
            return len(self.renderer.example(prompt, audio_tokens, reasoning, answer).ids)
        return int(str(trace["prompt_tokens"])) + int(str(trace["completion_tokens"])) if trace else None

    def prompt(self, text: str, audio_tokens: int | None) -> int | None:
        """Tokens of prompt and audio. Raises DataError when the text holds chat tokens."""
        if self.renderer is None or audio_tokens is None:
            return None
        return len(self.renderer.prompt(text, audio_tokens).ids)


def _checkpoint(workspace: Workspace, traces: pl.LazyFrame) -> Path | None:
    models = traces.group_by("model_id").len().sort("len", "model_id", descending=True).collect()
    if models.is_empty():
        return None
    model_id = models["model_id"][0]
    rows = workspace.store.read(MODELS).filter(pl.col("model_id") == model_id)
    base = workspace.settings.spec.model.base
    uri = rows["uri"][0] if rows.height else None if base == "embedded" else Path(base).expanduser().as_posix()
    if uri is None:
        return None
    folder = workspace.resolve(uri)
    return folder if (folder / "tokenizer_config.json").is_file() else None
