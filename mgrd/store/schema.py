"""Tables that an earlier version of the pipeline wrote, read and written with the schema of this one.

A schema grows by optional columns only. A table that lacks some is read with nulls in their place, and
gains them with its next commit; nothing is rewritten. Anything else (a required column that is new, a
column of another type, a column that this version does not know) is refused with what to do about it.
"""

from collections.abc import Mapping

import polars as pl
from deltalake import DeltaTable

from data_contracts.invariants import EXAMPLES, name_rows
from mgrd.errors import StoreError
from schemas import Table


def missing_columns(table: Table, found: Mapping[str, object]) -> list[str]:
    """Optional columns of the table's schema that the stored table has not yet.

    Raises StoreError for a stored table that cannot be brought to the schema by adding nulls.
    """
    unknown = [name for name in found if name not in table.arrow.names]
    if unknown:
        raise StoreError(
            f"table {table.name} has columns {unknown} of a newer mgrd; nothing was changed. Install that version, or "
            f"go back to the table as this one wrote it: `mgrd data history {table.name}`, `mgrd data restore "
            f"{table.name} VERSION`"
        )
    lacking = [field for field in table.arrow if field.name not in found]
    required = [field.name for field in lacking if not field.nullable]
    if required:
        raise StoreError(
            f"table {table.name} lacks the required columns {required}: it was written by an mgrd that cannot be "
            "upgraded in place. Run this workspace with that version, or ingest and run anew in a new workspace"
        )
    return [field.name for field in lacking]


def upgraded(table: Table, frame: pl.LazyFrame) -> pl.LazyFrame:
    """A stored table's rows in the table's schema: new columns hold nulls. Raises StoreError as `missing_columns`."""
    found = frame.collect_schema()
    try:
        lacking = missing_columns(table, found)
    except StoreError as error:
        raise StoreError(f"{error} ({_rows(table, frame)})") from error
    wanted = pl.DataFrame(table.arrow.empty_table()).schema
    other = [f"{name} is {found[name]}, not {wanted[name]}" for name in found if found[name] != wanted[name]]
    if other:
        raise StoreError(
            f"table {table.name}: {'; '.join(other)}. It was changed by another program: `mgrd data history "
            f"{table.name}` shows when, `mgrd data restore {table.name} VERSION` goes back ({_rows(table, frame)})"
        )
    if lacking:
        frame = frame.with_columns(pl.lit(None, dtype=wanted[name]).alias(name) for name in lacking)
    return frame.select(wanted.names())


def _rows(table: Table, frame: pl.LazyFrame) -> str:
    """Some of a stored table's rows by their keys."""
    key = [name for name in table.key if name in frame.collect_schema()]
    return name_rows(table.name, frame.select(key).head(EXAMPLES).collect())


def stored_types(table: DeltaTable) -> dict[str, str]:
    """Column names and types of a stored table."""
    return {field.name: str(field.type) for field in table.schema().fields}
