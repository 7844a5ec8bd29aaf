"""Table `ledger`: one finished stage. The ledger is the one source of idempotency."""

import pyarrow as pa

from schemas.base import Row, Table, optional, required


class LedgerRow(Row):
    entry_id: str
    round: int
    stage: str
    fingerprint: str
    inputs: str
    """JSON: table partition -> digest."""
    outputs: str
    """JSON: table partition -> digest and version."""
    rows_in: int
    rows_out: int
    counts: str
    """JSON: conservation counts of the stage."""
    seconds: float
    tokens: int
    cost: float
    finished_at: str
    """ISO 8601, UTC."""
    config: str | None = None
    """JSON: the settings and prompt hashes that the stage depends on; null in entries of before this column."""


LEDGER = Table(
    name="ledger",
    row=LedgerRow,
    key=("entry_id",),
    arrow=pa.schema(
        [
            required("entry_id", pa.string()),
            required("round", pa.int64()),
            required("stage", pa.string()),
            required("fingerprint", pa.string()),
            required("inputs", pa.string()),
            required("outputs", pa.string()),
            required("rows_in", pa.int64()),
            required("rows_out", pa.int64()),
            required("counts", pa.string()),
            required("seconds", pa.float64()),
            required("tokens", pa.int64()),
            required("cost", pa.float64()),
            required("finished_at", pa.string()),
            optional("config", pa.string()),
        ]
    ),
)
