"""What every table shares: the row base class, the table record and the struct of a measured fact.

A table is a pydantic row and an Arrow schema side by side. The row validates single records at
the boundaries (manifests, judge replies); whole frames are checked against the Arrow schema, which
costs nothing per row. A test keeps the two in step.
"""

from dataclasses import dataclass

import pyarrow as pa
from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    """A record of a table. Unknown fields are refused: a misspelt column is an error, not data."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Table:
    """A Delta table: its row, its Arrow schema, its unique key and the columns it is partitioned by."""

    name: str
    row: type[Row]
    arrow: pa.Schema
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()


class FactRow(Row):
    """One measured or constructed fact of a clip.

    `value` is in `unit`; `start` and `end` (seconds) bound the part of the clip it speaks of;
    `reliability` in [0, 1] says how far it may be used to refute a claim.
    """

    name: str
    value: float
    unit: str
    start: float
    end: float
    reliability: float


FACT = pa.struct(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("start", pa.float64(), nullable=False),
        pa.field("end", pa.float64(), nullable=False),
        pa.field("reliability", pa.float64(), nullable=False),
    ]
)


def required(name: str, type_: pa.DataType) -> pa.Field:
    return pa.field(name, type_, nullable=False)


def optional(name: str, type_: pa.DataType) -> pa.Field:
    return pa.field(name, type_, nullable=True)


def listed(name: str, item: pa.DataType, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, pa.list_(item), nullable=nullable)
