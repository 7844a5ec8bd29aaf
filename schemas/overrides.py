"""Table `overrides`: a reviewer's decision on a chain; append-only.

Of each reviewer the newest row on a chain stands; `withdrawn` takes the earlier ones back.
"""

import pyarrow as pa

from schemas.base import Row, Table, optional, required


class Override(Row):
    override_id: str
    trace_id: str
    reviewer: str
    verdict: str
    """Grounded, not_grounded, unsure or withdrawn."""
    correct: bool | None = None
    """Whether the answer is right, where the reviewer says so."""
    reason: str | None = None
    seconds: float
    made_at: str
    """ISO 8601, UTC."""


OVERRIDES = Table(
    name="overrides",
    row=Override,
    key=("override_id",),
    arrow=pa.schema(
        [
            required("override_id", pa.string()),
            required("trace_id", pa.string()),
            required("reviewer", pa.string()),
            required("verdict", pa.string()),
            optional("correct", pa.bool_()),
            optional("reason", pa.string()),
            required("seconds", pa.float64()),
            required("made_at", pa.string()),
        ]
    ),
)
