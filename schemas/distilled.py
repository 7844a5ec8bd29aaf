"""Table `distilled`: a training row: a kept chain, a cold-start demonstration (round 0) or a text-reasoning row."""

import pyarrow as pa

from schemas.base import Row, Table, optional, required


class DistilledRow(Row):
    row_id: str
    """Hash of question, chain and origin."""
    trace_id: str | None = None
    """The chain it was distilled from."""
    round: int
    origin: str
    """Distilled, replay, text or cold."""
    style: str | None = None
    """How a cold-start chain was written."""
    phase: int
    """Training phase within the stage."""
    question_id: str | None = None
    clip_id: str | None = None
    prompt: str
    """User text as rendered, without the audio part."""
    reasoning: str
    """Empty for a sample without a chain."""
    answer: str
    weight: float


DISTILLED = Table(
    name="distilled",
    row=DistilledRow,
    key=("row_id",),
    partition_by=("round",),
    arrow=pa.schema(
        [
            required("row_id", pa.string()),
            optional("trace_id", pa.string()),
            required("round", pa.int64()),
            required("origin", pa.string()),
            optional("style", pa.string()),
            required("phase", pa.int64()),
            optional("question_id", pa.string()),
            optional("clip_id", pa.string()),
            required("prompt", pa.string()),
            required("reasoning", pa.string()),
            required("answer", pa.string()),
            required("weight", pa.float64()),
        ]
    ),
)
