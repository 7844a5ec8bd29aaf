"""The digest of a table's content: the same rows give the same digest, in any order and any file layout.

Rows are hashed one by one and their hashes added, so that a digest is computed in one pass over a table that does not
fit into memory, and parts of it in any order.
"""

import hashlib
import io

import polars as pl

from mgrd.ids import KEY_DIGITS
from schemas import Table

UNHASHED = frozenset({"seconds", "finished_at"})
"""Columns that say how long or when, never what: two equal runs differ in them."""
_MODULUS = 1 << 256


class Digest:
    """Sum of the SHA-256 of the rows as JSON, modulo 2^256, with their number and the names of their columns."""

    def __init__(self, table: Table) -> None:
        self._columns = [name for name in table.arrow.names if name not in UNHASHED]
        self._sum = 0
        self.rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Count the frame's rows in."""
        text = io.BytesIO()
        frame.select(self._columns).write_ndjson(text)
        sha256, convert = hashlib.sha256, int.from_bytes
        self._sum = (
            self._sum + sum(convert(sha256(line).digest(), "big") for line in text.getvalue().split(b"\n")[:-1])
        ) % _MODULUS
        self.rows += frame.height

    @property
    def value(self) -> str:
        """Hexadecimal digits of all that was counted in."""
        head = f"{','.join(self._columns)}|{self.rows}|".encode()
        return hashlib.sha256(head + self._sum.to_bytes(32, "big")).hexdigest()[:KEY_DIGITS]
