"""Table `overlaps`: a question that no stage trains on: a held-out clip or a benchmark holds its sound or wording."""

import pyarrow as pa

from schemas.base import Row, Table, optional, required


class Overlap(Row):
    question_id: str
    clip_id: str | None = None
    benchmark: str
    """Name of the benchmark; `held-out` for the campaign's own dev and test clips."""
    other: str
    """The clip_id or the benchmark's own key of what it overlaps with."""
    reason: str
    """Audio, source or question."""


OVERLAPS = Table(
    name="overlaps",
    row=Overlap,
    key=("question_id", "benchmark"),
    arrow=pa.schema(
        [
            required("question_id", pa.string()),
            optional("clip_id", pa.string()),
            required("benchmark", pa.string()),
            required("other", pa.string()),
            required("reason", pa.string()),
        ]
    ),
)
