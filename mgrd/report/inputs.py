"""What a report is made of: frames in their schemas, the settings, and where audio bytes come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from mgrd.errors import DataError
from mgrd.report.studies import Studies
from schemas import CLAIMS, CLIPS, DECISIONS, LEDGER, METRICS, MODELS, QUESTIONS, TRACES, Table

Span = tuple[int, int]
"""Character offsets in a chain's reasoning: start, and end behind the last character."""

FRAMES: dict[str, Table] = {
    "metrics": METRICS,
    "ledger": LEDGER,
    "traces": TRACES,
    "claims": CLAIMS,
    "decisions": DECISIONS,
    "clips": CLIPS,
    "questions": QUESTIONS,
    "models": MODELS,
}


def no_surrogate_spans(reasoning: str) -> Sequence[Span]:
    """For callers without a detector: nothing is marked."""
    del reasoning
    return ()


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """Frames in the schemas of the tables that they are named after.

    `load_audio` maps a clip's uri to the bytes of its file and may raise AudioError or OSError.
    `surrogate_spans` maps a reasoning text to the spans that argue from text instead of sound.
    """

    metrics: pl.DataFrame
    ledger: pl.DataFrame
    traces: pl.DataFrame
    claims: pl.DataFrame
    decisions: pl.DataFrame
    clips: pl.DataFrame
    questions: pl.DataFrame
    models: pl.DataFrame
    settings: Mapping[str, object]
    load_audio: Callable[[str], bytes]
    surrogate_spans: Callable[[str], Sequence[Span]] = no_surrogate_spans
    studies: Studies = field(default_factory=Studies)

    def __post_init__(self) -> None:
        for name, table in FRAMES.items():
            missing = sorted(set(table.arrow.names) - set(getattr(self, name).columns))
            if missing:
                raise DataError(f"report: frame {name} lacks the columns {missing}; pass it in the schema of its table")
