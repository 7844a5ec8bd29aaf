"""Invariants that every stage's output keeps; breaking one is a ContractError with examples.

Pure polars, no sampling: each check sees all rows, in time linear in them. Nothing here repairs or
drops a row.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from mgrd.errors import ContractError
from schemas import TABLES

HELD_OUT = ("dev", "test")
EXAMPLES = 3


def check_schema(table: str, frame: pl.DataFrame) -> None:
    """The frame has the table's columns, in order, with its Arrow types, and no null where none may be."""
    promised = TABLES[table].arrow
    wanted = pl.DataFrame(promised.empty_table()).schema
    if frame.schema != wanted:
        raise ContractError(f"table {table}: {_schema_difference(dict(wanted), dict(frame.schema))}; cast on write")
    columns = [field.name for field in promised if not field.nullable]
    nulls = {name: count for name, count in frame.select(columns).null_count().row(0, named=True).items() if count}
    if nulls:
        name, count = next(iter(nulls.items()))
        rows = frame.filter(pl.col(name).is_null())
        raise ContractError(f"table {table}: {count} nulls in {name}, which may have none; {_keys(table, rows)}")


def check_unique(table: str, frame: pl.DataFrame) -> None:
    """No two rows share the table's key."""
    key = list(TABLES[table].key)
    doubled = frame.filter(pl.struct(key).is_duplicated()).unique(key, maintain_order=True)
    if doubled.height:
        raise ContractError(f"table {table}: {doubled.height} keys stand more than once; {_keys(table, doubled)}")


def check_table(table: str, frame: pl.DataFrame) -> None:
    """Schema and unique keys: what every frame passes before it is committed."""
    check_schema(table, frame)
    check_unique(table, frame)


def check_parts(table: str, parts: Callable[[], Iterable[pl.DataFrame]]) -> None:
    """`check_table` for rows that come part by part; `parts` is called again to look closer at keys.

    What stays in memory is eight bytes of hash per row. Two keys of one hash are told apart by a second look.
    """
    hashes: list[npt.NDArray[np.uint64]] = []
    for part in parts():
        check_schema(table, part)
        hashes.append(part.select(_hash(table)).to_series().to_numpy())
    found = np.sort(np.concatenate(hashes)) if hashes else np.empty(0, np.uint64)
    twice = np.unique(found[1:][found[1:] == found[:-1]])
    if len(twice):
        alike = pl.Series(twice).implode()
        check_unique(table, pl.concat(part.filter(_hash(table).is_in(alike)) for part in parts()))


def _hash(table: str) -> pl.Expr:
    return pl.struct(TABLES[table].key).hash()


def check_counts(stage: str, rows_in: int, parts: Mapping[str, int]) -> None:
    """Rows in = the sum of the parts, such as kept, rejected, unscored and quarantined."""
    rows_out = sum(parts.values())
    if rows_in != rows_out:
        counts = " + ".join(f"{count} {name}" for name, count in parts.items())
        raise ContractError(f"stage {stage}: {rows_in} rows in, but {counts} = {rows_out} out")


def check_conserved(stage: str, wanted: pl.Series, parts: Mapping[str, pl.Series]) -> None:
    """Every wanted key stands in exactly one part, and no part holds a key that was not wanted."""
    found = pl.concat([keys.cast(wanted.dtype).alias("key") for keys in parts.values()])
    lost = wanted.filter(~wanted.is_in(found.implode()))
    strange = found.filter(~found.is_in(wanted.implode()))
    doubled = found.filter(found.is_duplicated()).unique(maintain_order=True)
    for what, keys in (("lost", lost), ("not asked for", strange), ("in more than one place", doubled)):
        if len(keys):
            raise ContractError(f"stage {stage}: {len(keys)} rows {what} among {', '.join(parts)}; {_few(keys)}")


def check_references(
    table: str, frame: pl.DataFrame, column: str, target: str, parent: pl.DataFrame, parent_column: str | None = None
) -> None:
    """Every value of `column` stands in the parent's column (of the same name unless said); null refers to nothing."""
    keys = frame[column].drop_nulls().unique(maintain_order=True)
    dangling = keys.filter(~keys.is_in(parent[parent_column or column].implode()))
    if len(dangling):
        raise ContractError(f"table {table}: {len(dangling)} values of {column} are not in {target}; {_few(dangling)}")


def check_split_leakage(training: pl.DataFrame, clips: pl.DataFrame, questions: pl.DataFrame) -> None:
    """No training row (table `distilled`) is on a held-out question, nor on a clip whose source is held out.

    Sources, not clips: another recording of a test voice leaks as surely as the test clip itself.
    """
    check_references("distilled", training, "clip_id", "clips", clips)
    held_questions = questions.filter(pl.col("split").is_in(HELD_OUT))["question_id"]
    leaked = training.filter(pl.col("question_id").is_in(held_questions.implode()).fill_null(value=False))
    if leaked.height:
        raise ContractError(f"{leaked.height} training rows ask held-out questions; {_keys('distilled', leaked)}")
    held_sources = clips.filter(pl.col("split").is_in(HELD_OUT))["source"]
    leaked = training.join(clips.select("clip_id", "source"), on="clip_id").filter(
        pl.col("source").is_in(held_sources.implode())
    )
    if leaked.height:
        sources = leaked["source"].unique(maintain_order=True)
        raise ContractError(
            f"{leaked.height} training rows come from held-out sources ({_few(sources)}); {_keys('distilled', leaked)}"
        )


def _schema_difference(wanted: dict[str, pl.DataType], found: dict[str, pl.DataType]) -> str:
    missing = sorted(wanted.keys() - found.keys())
    unknown = sorted(found.keys() - wanted.keys())
    if missing or unknown:
        return f"columns missing {missing}, unknown {unknown}"
    types = [f"{name} is {found[name]}, not {wanted[name]}" for name in wanted if found[name] != wanted[name]]
    return "; ".join(types) or f"columns stand in the order {list(found)}, not {list(wanted)}"


def _keys(table: str, rows: pl.DataFrame) -> str:
    few = [", ".join(str(part) for part in row) for row in rows.select(TABLES[table].key).head(EXAMPLES).rows()]
    return f"{' and '.join(TABLES[table].key)} such as {'; '.join(few)}"


def _few(values: pl.Series) -> str:
    return f"such as {', '.join(str(value) for value in values.head(EXAMPLES))}"
