"""Work that executors are tried with: it must be importable where it runs."""

import os
from dataclasses import dataclass

import polars as pl

from mgrd.errors import DataError


@dataclass
class Doubled:
    """Twice the numbers, and how many they were; the process that did it stands beside them."""

    refused: int | None = None
    deadly: int | None = None

    def __call__(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        if self.refused in rows["number"]:
            raise DataError(f"number {self.refused} is refused; leave it out")
        if self.deadly in rows["number"]:
            os._exit(1)
        count = pl.DataFrame({"rows": [rows.height]})
        return rows.with_columns(pl.col("number") * 2, process=pl.lit(os.getpid())), count


def numbers(count: int, size: int) -> list[pl.DataFrame]:
    return [pl.DataFrame({"number": range(first, min(first + size, count))}) for first in range(0, count, size)]
