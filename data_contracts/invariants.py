"""Invariants that every stage's output keeps; breaking one is a ContractError with examples.

Pure polars, no sampling: each check sees all rows, in time linear in them. Nothing here repairs or
drops a row. A message names the table, the rows by their keys, and what to do next.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from mgrd.errors import ContractError
from schemas import TABLES
from schemas.clips import HELD_OUT

EXAMPLES = 3
SPLIT = "Give the clips of one source one split in the manifest, `mgrd ingest` it again, then `mgrd run`"


def check_schema(table: str, frame: pl.DataFrame) -> None:
    """The frame has the table's columns, in order, with its Arrow types, and no null where none may be."""
    promised = TABLES[table].arrow
    wanted = pl.DataFrame(promised.empty_table()).schema
    if frame.schema != wanted:
        difference = _schema_difference(dict(wanted), dict(frame.schema))
        raise ContractError(f"table {table}: {difference}; {name_rows(table, frame)}. {to_schema(table)}")
    columns = [field.name for field in promised if not field.nullable]
    nulls = {name: count for name, count in frame.select(columns).null_count().row(0, named=True).items() if count}
    if nulls:
        name, count = next(iter(nulls.items()))
        raise ContractError(
            f"table {table}: {count} nulls in {name}, which may have none; {name_nulls(table, frame, name)}"
        )


def check_unique(table: str, frame: pl.DataFrame) -> None:
    """No two rows share the table's key."""
    key = list(TABLES[table].key)
    doubled = frame.filter(pl.struct(key).is_duplicated()).unique(key, maintain_order=True)
    if doubled.height:
        raise ContractError(
            f"table {table}: {doubled.height} keys stand more than once; {name_rows(table, doubled)}. "
            f"{next_step(table)}"
        )


def check_parts(table: str, parts: Callable[[], Iterable[pl.DataFrame]]) -> None:
    """Schema and unique keys of rows that come part by part; `parts` is called again to look closer at keys.

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


def check_references(table: str, frame: pl.DataFrame, column: str, target: str, parent: pl.DataFrame) -> None:
    """Every value of `column` stands in the column of that name of table `target`; null refers to nothing."""
    keys = frame[column].drop_nulls().unique(maintain_order=True)
    dangling = keys.filter(~keys.is_in(parent[column].implode()))
    if len(dangling):
        rows = frame.filter(pl.col(column).is_in(dangling.implode()))
        raise ContractError(
            f"table {table}: {len(dangling)} values of {column} are not in {target}; {_few(dangling)}; "
            f"{name_rows(table, rows)}. `mgrd data history {target}` shows what took them out: "
            f"`mgrd data restore {target} VERSION` brings them back, else `mgrd run` makes both anew"
        )


def check_split_leakage(training: pl.DataFrame, clips: pl.DataFrame, questions: pl.DataFrame) -> None:
    """No training row (table `distilled`) is on a held-out question, nor on a clip whose source is held out.

    Sources, not clips: another recording of a test voice leaks as surely as the test clip itself.
    """
    table = "distilled"
    check_references(table, training, "clip_id", "clips", clips)
    held_questions = questions.filter(pl.col("split").is_in(HELD_OUT))["question_id"]
    leaked = training.filter(pl.col("question_id").is_in(held_questions.implode()).fill_null(value=False))
    if leaked.height:
        raise ContractError(
            f"table {table}: {leaked.height} training rows ask held-out questions; {name_rows(table, leaked)}. {SPLIT}"
        )
    held_sources = clips.filter(pl.col("split").is_in(HELD_OUT))["source"]
    leaked = training.join(clips.select("clip_id", "source"), on="clip_id").filter(
        pl.col("source").is_in(held_sources.implode())
    )
    if leaked.height:
        sources = leaked["source"].unique(maintain_order=True)
        raise ContractError(
            f"table {table}: {leaked.height} training rows come from held-out sources ({_few(sources)}); "
            f"{name_rows(table, leaked)}. {SPLIT}"
        )


def check_decontaminated(table: str, rows: pl.DataFrame, overlaps: pl.DataFrame) -> None:
    """No row (with `question_id` and `clip_id`) is on a question, or a clip, that table `overlaps` names.

    A text question that a benchmark asks too does not taint its clip; a clip that it holds taints all questions on it.
    """
    sounds = overlaps.filter(pl.col("reason") != "question")["clip_id"].drop_nulls()
    held = pl.col("question_id").is_in(overlaps["question_id"].implode()) | pl.col("clip_id").is_in(sounds.implode())
    leaked = rows.filter(held.fill_null(value=False))
    if leaked.height:
        found = overlaps.filter(
            pl.col("question_id").is_in(leaked["question_id"].drop_nulls().implode())
            | pl.col("clip_id").is_in(leaked["clip_id"].drop_nulls().implode())
        ).row(0, named=True)
        raise ContractError(
            f"table {table}: {leaked.height} rows overlap with {found['benchmark']} ({found['reason']} of "
            f"{found['other']}); {name_rows(table, leaked)}. `mgrd data show overlaps` names all; `mgrd run` samples "
            "the round without them"
        )


def name_rows(table: str, rows: pl.DataFrame) -> str:
    """The rows by their keys, such as `trace_id such as a; b`; what can be told of a frame that lacks a key column."""
    key = [name for name in TABLES[table].key if name in rows.columns]
    if not key:
        return f"the rows have no {' and '.join(TABLES[table].key)}"
    few = [", ".join(str(part) for part in row) for row in rows.select(key).head(EXAMPLES).rows()]
    return f"{' and '.join(key)} such as {'; '.join(few)}"


def to_schema(table: str) -> str:
    """What to do about a frame that has not the table's columns."""
    return f"Write the columns of schemas/{table}.py and run the same command again"


def next_step(table: str) -> str:
    """What to do about rows that are refused."""
    return (
        f"`mgrd data show {table}` has the rows that are there; correct what made these and run the same command again"
    )


def name_nulls(table: str, frame: pl.DataFrame, column: str) -> str:
    """Rows that lack the column's value: by key, by their place and other columns where the key itself is missing."""
    rows = frame.with_row_index("row").filter(pl.col(column).is_null())
    if column not in TABLES[table].key:
        return f"{name_rows(table, rows)}. {next_step(table)}"
    ids = [name for name in rows.columns if name.endswith("_id") and name != column]
    places = [
        f"row {row['row']} ({', '.join(f'{name} {row[name]}' for name in ids)})"
        for row in rows.head(EXAMPLES).iter_rows(named=True)
    ]
    return f"{column} is missing in {'; '.join(places)}. {next_step(table)}"


def _schema_difference(wanted: dict[str, pl.DataType], found: dict[str, pl.DataType]) -> str:
    missing = sorted(wanted.keys() - found.keys())
    unknown = sorted(found.keys() - wanted.keys())
    if missing or unknown:
        return f"columns missing {missing}, unknown {unknown}"
    types = [f"{name} is {found[name]}, not {wanted[name]}" for name in wanted if found[name] != wanted[name]]
    return "; ".join(types) or f"columns stand in the order {list(found)}, not {list(wanted)}"


def _few(values: pl.Series) -> str:
    return f"such as {', '.join(str(value) for value in values.head(EXAMPLES))}"
