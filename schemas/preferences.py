"""Table `preferences`: chosen and rejected chains of one question, with the reason for the pair."""

import pyarrow as pa

from schemas.base import Row, Table, required


class Preference(Row):
    pair_id: str
    round: int
    question_id: str
    chosen_trace_id: str
    rejected_trace_id: str
    reason: str


PREFERENCES = Table(
    name="preferences",
    row=Preference,
    key=("pair_id",),
    partition_by=("round",),
    arrow=pa.schema(
        [
            required("pair_id", pa.string()),
            required("round", pa.int64()),
            required("question_id", pa.string()),
            required("chosen_trace_id", pa.string()),
            required("rejected_trace_id", pa.string()),
            required("reason", pa.string()),
        ]
    ),
)
