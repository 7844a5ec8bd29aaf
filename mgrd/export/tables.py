"""The tables that an export reads: each at one version, so that a campaign that goes on meanwhile does not show in it.

Their content's digests are the export's identity.
"""

from collections.abc import Sequence

import polars as pl

from mgrd.export.choices import ExportConfig
from mgrd.export.formats import Purpose
from mgrd.store import Digest, Partition, Store, empty_frame
from schemas import (
    CLAIMS,
    CLIPS,
    CURRICULUM,
    DECISIONS,
    DISTILLED,
    OVERLAPS,
    OVERRIDES,
    PREFERENCES,
    QUESTIONS,
    TRACES,
    VERDICTS,
    Table,
)
from schemas.traces import DISTILL, PREFER

ROWS_OF: dict[Purpose, Table] = {"sft": DISTILLED, "dpo": PREFERENCES, "rl": CURRICULUM}
"""The table whose rows of the round become the export's."""


class Tables:
    """A workspace's tables, each at the version that was newest when it was first read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.versions: dict[str, int] = {}
        self.digests: dict[str, str] = {}

    def scan(self, table: Table, partition: Partition | None = None) -> pl.LazyFrame:
        """As `Store.scan`, at the remembered version."""
        version = self.versions.setdefault(table.name, self._store.version(table))
        return empty_frame(table).lazy() if version < 0 else self._store.scan(table, partition, version=version)

    def read(
        self, table: Table, partition: Partition | None = None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """As `Store.read`, at the remembered version."""
        frame = self.scan(table, partition)
        return (frame if columns is None else frame.select(columns)).collect()

    def note_all(self, purpose: Purpose, round_: int) -> None:
        """Fill `digests` with the content of every table that an export of the purpose depends on."""
        sampled: Partition = {"round": round_, "purpose": DISTILL}
        if purpose == "dpo":
            self._note(TRACES, {"round": round_, "purpose": PREFER})
            self._note(OVERLAPS, {})
        for table in (CLIPS, QUESTIONS, OVERRIDES):
            self._note(table, {})
        for table in (TRACES, CLAIMS, DECISIONS):
            self._note(table, sampled)
        for table in (VERDICTS, ROWS_OF[purpose]):
            self._note(table, {"round": round_})
        if purpose == "sft":
            self._note(DISTILLED, {"round": 0})

    def _note(self, table: Table, partition: Partition) -> None:
        name = "/".join([table.name, *(f"{column}={value}" for column, value in partition.items())])
        if name in self.digests:
            return
        version = self.versions.setdefault(table.name, self._store.version(table))
        found = Digest(table) if version < 0 else self._store.digest(table, partition, version=version)
        self.digests[name] = found.value


def sampled_chains(tables: Tables, config: ExportConfig) -> pl.LazyFrame:
    """The round's traces that rows can come from: pairs are also made of replies to probes."""
    purposes = [DISTILL, PREFER] if config.purpose == "dpo" else [DISTILL]
    return tables.scan(TRACES, {"round": config.round}).filter(pl.col("purpose").is_in(purposes))
