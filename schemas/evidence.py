"""Table `evidence`: the measured acoustic facts of a clip, with the version of the measuring code."""

import pyarrow as pa

from schemas.base import FACT, FactRow, Row, Table, listed, required


class Evidence(Row):
    clip_id: str
    version: str
    """Version of the measuring code."""
    facts: list[FactRow]
    seconds: float
    """Time the measurement took."""


EVIDENCE = Table(
    name="evidence",
    row=Evidence,
    key=("clip_id",),
    arrow=pa.schema(
        [
            required("clip_id", pa.string()),
            required("version", pa.string()),
            listed("facts", FACT),
            required("seconds", pa.float64()),
        ]
    ),
)
