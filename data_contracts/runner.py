"""Apply a table's Great Expectations suite to a frame and return what it found.

Great Expectations is imported on first use (it takes seconds), with analytics off and an ephemeral
context, so nothing is written and nothing is sent. It reads pandas frames: the rows are bounded, and
lists become plain columns first (`reasons_count`, `facts_shortest`, ...). A finding is returned,
never raised: callers decide what an error or a warning stops.
"""

import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import polars as pl

from mgrd.errors import ContractError
from mgrd.ids import KEY_DIGITS
from schemas import TABLES

FOLDER = Path(__file__).parent
EXAMPLES = 5
LIMIT_ROWS = 100_000
"""Rows that a suite looks at, at most."""
SHOWN = 80
"""Characters of a value in a message."""
_LOCK = threading.Lock()

Severity = Literal["error", "warn"]
Policy = Literal["freeze", "discard_row"]
"""What an error does: stop the stage, or move the rows that break it to quarantine."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An expectation that a table does not meet, with the keys of the rows that break it."""

    table: str
    expectation: str
    severity: Severity
    keys: tuple[str, ...]
    """Of all rows that break it; parts of a key are joined by commas. Empty: the table as a whole breaks it."""
    message: str
    policy: Policy = "freeze"


def suite_tables() -> tuple[str, ...]:
    """The tables that have a suite."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def load_suite(table: str) -> dict[str, Any]:
    """The suite of a table as plain data. Raises ContractError when there is none."""
    path = FOLDER / f"{table}.json"
    if not path.is_file():
        raise ContractError(f"no suite for table {table!r}; there are {', '.join(suite_tables())}")
    return json.loads(path.read_text())


def check(
    table: str,
    frame: pl.DataFrame,
    limit_rows: int = LIMIT_ROWS,
    show: Callable[[str, str], None] | None = None,
) -> list[Finding]:
    """What the table's suite finds in the frame, errors first.

    Larger frames are thinned evenly to at most `limit_rows` rows; the message then says so. `show` is handed
    the table's name and its Data Docs page.
    """
    thinned = Thinned(frame.height, limit_rows)
    thinned.add(frame)
    return check_thinned(table, thinned, show)


class Thinned:
    """Rows of a table that come part by part, thinned evenly to at most `limit_rows` of `total`."""

    def __init__(self, total: int, limit_rows: int = LIMIT_ROWS) -> None:
        self.total = total
        self._step = max(1, -(-total // limit_rows))
        self._seen = 0
        self._kept: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame) -> None:
        """The next rows of the table."""
        self._kept.append(frame.gather_every(self._step, -self._seen % self._step))
        self._seen += frame.height

    @property
    def rows(self) -> pl.DataFrame:
        return pl.concat(self._kept)

    @property
    def looked(self) -> str:
        """What a message says of the rows that were left out."""
        return f" (looked at {self.rows.height} of {self.total} rows)" if self._step > 1 else ""


def check_thinned(table: str, thinned: Thinned, show: Callable[[str, str], None] | None = None) -> list[Finding]:
    """As `check`, for rows that were thinned on the way."""
    suite = load_suite(table)
    rows = _flat(table, thinned.rows)
    with _LOCK:
        validation = _validate(suite, rows)
        if show is not None:
            show(table, _page(validation))
    findings = [_finding(table, result, rows, thinned.looked) for result in validation.results if not result.success]
    return sorted(findings, key=lambda finding: (finding.severity != "error", finding.expectation))


@cache
def _batch_definition() -> Any:  # the library's classes carry no useful types
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.data_context.types.base import logger as context_logger

    context_logger.setLevel(logging.WARNING)  # it announces its temporary folder at each start

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


def _validate(suite: dict[str, Any], rows: pl.DataFrame) -> Any:
    batch = _batch_definition().get_batch({"dataframe": rows.to_pandas()})
    from great_expectations import ExpectationSuite

    expectations = ExpectationSuite(suite["name"], expectations=suite["expectations"])
    # Rows are told by their place: the library looks the columns of a key up cell by cell.
    return batch.validate(expectations, result_format={"result_format": "COMPLETE"})


def _page(validation: Any) -> str:
    """The Data Docs page of a validation, as HTML."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    return _page_view().render(ValidationResultsPageRenderer().render(validation))


@cache
def _page_view() -> Any:
    """One for all pages: each would compile its seventeen templates anew."""
    from great_expectations.render.view.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def _finding(table: str, result: Any, frame: pl.DataFrame, looked: str) -> Finding:
    config = result.expectation_config
    kwargs = config.kwargs
    columns = [kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs]
    broken = frame.select(TABLES[table].key)[result.result.get("unexpected_index_list") or []]
    keys = tuple(",".join(map(str, key)) for key in broken.iter_rows())
    expectation = ".".join([*columns, config.type])
    message = f"{table}.{', '.join(columns) or 'rows'}: {config.meta['why']}{_detail(result)}{looked}"
    return Finding(table, expectation, config.meta["severity"], keys, message, config.meta.get("policy", "freeze"))


def _detail(result: Any) -> str:
    if result.exception_info.get("raised_exception", True) and not result.result:
        return "; the expectation could not be evaluated, is a column missing?"
    if (count := result.result.get("unexpected_count")) is not None:
        values = [_short(value) for value in result.result.get("partial_unexpected_list", [])[:EXAMPLES]]
        return f"; {count} of {result.result['element_count']} rows break it, with values {values}"
    return f"; found {result.result.get('observed_value')}"


def _short(value: object) -> object:
    """A value that fits into a message."""
    return f"{value[:SHOWN]}..." if isinstance(value, str) and len(value) > SHOWN else value


def _flat(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with plain columns in the place of lists, and the table's derived columns."""
    derived = [expression for make in (_DERIVED.get(table),) if make for expression in make(frame)]
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    plain = [expression for name in lists for expression in _plain(name, frame.schema[name])]
    return frame.with_columns(*derived, *plain).drop(lists)


def _plain(name: str, dtype: pl.DataType) -> list[pl.Expr]:
    column = pl.col(name)
    count = column.list.len().cast(pl.Int64).alias(f"{name}_count")
    if not (isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct)):
        return [count]
    fact = pl.element().struct.field
    return [
        count,
        column.list.eval(fact("reliability")).list.min().alias(f"{name}_low_reliability"),
        column.list.eval(fact("reliability")).list.max().alias(f"{name}_high_reliability"),
        column.list.eval(fact("end") - fact("start")).list.min().alias(f"{name}_shortest"),
        column.list.eval(fact("value").is_finite()).list.all().alias(f"{name}_finite"),
    ]


def _clip_columns(frame: pl.DataFrame) -> list[pl.Expr]:
    if not {"clip_id", "sha256"} <= set(frame.columns):
        return []
    return [(pl.col("clip_id") == pl.col("sha256").str.head(KEY_DIGITS)).alias("sha256_names_clip")]


def _question_columns(frame: pl.DataFrame) -> list[pl.Expr]:
    if not {"answer", "choices"} <= set(frame.columns):
        return []
    choices = pl.col("choices")
    stated = pl.col("answer").is_not_null() & (choices.list.len() > 0)
    return [
        pl.when(stated).then(choices.list.contains(pl.col("answer"))).alias("answer_is_choice"),
        (choices.list.n_unique() == choices.list.len()).alias("choices_distinct"),
    ]


def _metric_columns(frame: pl.DataFrame) -> list[pl.Expr]:
    if not {"value", "low", "high"} <= set(frame.columns):
        return []
    value = pl.col("value")
    return [
        value.is_finite().alias("value_finite"),
        pl.min_horizontal(value - pl.col("low"), pl.col("high") - value).alias("interval_margin"),
    ]


_DERIVED: dict[str, Callable[[pl.DataFrame], list[pl.Expr]]] = {
    "clips": _clip_columns,
    "questions": _question_columns,
    "metrics": _metric_columns,
}
