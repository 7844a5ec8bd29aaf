"""Table `curriculum`: pass counts of a question, and whether it lies inside the difficulty window."""

import pyarrow as pa

from schemas.base import Row, Table, required


class CurriculumRow(Row):
    question_id: str
    round: int
    samples: int
    passed: int
    inside: bool


CURRICULUM = Table(
    name="curriculum",
    row=CurriculumRow,
    key=(
        "round",
        "question_id",
    ),
    partition_by=("round",),
    arrow=pa.schema(
        [
            required("question_id", pa.string()),
            required("round", pa.int64()),
            required("samples", pa.int64()),
            required("passed", pa.int64()),
            required("inside", pa.bool_()),
        ]
    ),
)
