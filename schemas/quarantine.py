"""Table `quarantine`: a row that a stage could not process."""

import pyarrow as pa

from schemas.base import Row, Table, required


class QuarantineRow(Row):
    row_id: str
    stage: str
    round: int
    boundary: str
    """What was being done."""
    message: str
    attempts: int
    payload: str
    """JSON of the row."""


QUARANTINE = Table(
    name="quarantine",
    row=QuarantineRow,
    key=("row_id",),
    partition_by=("stage",),
    arrow=pa.schema(
        [
            required("row_id", pa.string()),
            required("stage", pa.string()),
            required("round", pa.int64()),
            required("boundary", pa.string()),
            required("message", pa.string()),
            required("attempts", pa.int64()),
            required("payload", pa.string()),
        ]
    ),
)
