"""Table `metrics`: a measured figure, with a bootstrap interval where it is a mean over questions."""

import pyarrow as pa

from schemas.base import Row, Table, optional, required


class Metric(Row):
    round: int
    split: str
    name: str
    value: float
    low: float | None = None
    """2.5 % bootstrap quantile."""
    high: float | None = None
    """97.5 % bootstrap quantile."""
    n: int


METRICS = Table(
    name="metrics",
    row=Metric,
    key=(
        "round",
        "split",
        "name",
    ),
    partition_by=("round",),
    arrow=pa.schema(
        [
            required("round", pa.int64()),
            required("split", pa.string()),
            required("name", pa.string()),
            required("value", pa.float64()),
            optional("low", pa.float64()),
            optional("high", pa.float64()),
            required("n", pa.int64()),
        ]
    ),
)
