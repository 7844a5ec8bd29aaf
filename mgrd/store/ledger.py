"""The ledger: which stages are finished, from what and into what. The one source of idempotency.

A stage's fingerprint covers the content of its inputs, the settings that it depends on, the prompts
and the version of its code. When the newest entry of a round's stage has the same fingerprint, the
stage is skipped; otherwise it runs again and replaces its outputs. Times, versions and paths never
enter a fingerprint.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import polars as pl

from data_contracts.invariants import check_counts
from mgrd.ids import canonical, content_key
from mgrd.store.delta import DatasetRef, Store, frame_of
from schemas import LEDGER

FINGERPRINT_VERSION = 1
"""Raised when the meaning of a fingerprint changes; every stage then runs again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished stage, as later stages need it."""

    round: int
    stage: str
    fingerprint: str
    outputs: tuple[DatasetRef, ...]
    counts: dict[str, object]
    seconds: float
    inputs: dict[str, str]

    def output(self, table: str) -> DatasetRef:
        return next(reference for reference in self.outputs if reference.table == table)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage reports when it is done.

    `counts` holds the conservation counts: `rows_in` must equal the sum over `accounted`.
    """

    outputs: tuple[DatasetRef, ...]
    rows_in: int
    accounted: Mapping[str, int]
    counts: Mapping[str, object] = field(default_factory=dict)
    tokens: int = 0
    cost: float = 0.0


def fingerprint(stage: str, version: int, config: Mapping[str, object], inputs: Mapping[str, str]) -> str:
    """The stage's identity: name and code version, settings, and the digests of its inputs."""
    return content_key("stage", FINGERPRINT_VERSION, stage, version, dict(config), dict(inputs))


class Ledger:
    """The ledger table of a store, read once and kept in step."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._newest: dict[tuple[int, str], Entry] | None = None

    def newest(self, round_: int, stage: str) -> Entry | None:
        """The newest entry of a round's stage."""
        return self._entries().get((round_, stage))

    def finished(self, round_: int, stage: str, mark: str) -> Entry | None:
        """The newest entry if it carries this fingerprint, else None: the stage is owed."""
        entry = self.newest(round_, stage)
        return entry if entry is not None and entry.fingerprint == mark else None

    def record(
        self,
        round_: int,
        stage: str,
        mark: str,
        inputs: Mapping[str, str],
        outcome: Outcome,
        seconds: float,
        config: Mapping[str, object] | None = None,
    ) -> Entry:
        """Commit a finished stage. Raises ContractError when rows were lost on the way."""
        check_counts(f"{stage} of round {round_}", outcome.rows_in, outcome.accounted)
        finished_at = datetime.now(UTC).isoformat()
        counts = {**outcome.accounted, **outcome.counts}
        row = {
            "entry_id": content_key("ledger", round_, stage, mark, finished_at),
            "round": round_,
            "stage": stage,
            "fingerprint": mark,
            "inputs": json.dumps(dict(inputs), sort_keys=True),
            "outputs": json.dumps([asdict(reference) for reference in outcome.outputs]),
            "rows_in": outcome.rows_in,
            "rows_out": sum(reference.rows for reference in outcome.outputs),
            "counts": json.dumps(counts, sort_keys=True),
            "seconds": seconds,
            "tokens": outcome.tokens,
            "cost": outcome.cost,
            "finished_at": finished_at,
            "config": canonical(dict(config or {})),
        }
        self.store.append(LEDGER, frame_of(LEDGER, [row]), {"stage": stage, "fingerprint": mark})
        entry = _entry(row)
        self._entries()[round_, stage] = entry
        return entry

    def _entries(self) -> dict[tuple[int, str], Entry]:
        if self._newest is None:
            rows = self.store.read(LEDGER).sort("finished_at").iter_rows(named=True)
            self._newest = {(row["round"], row["stage"]): _entry(row) for row in rows}
        return self._newest


def newest_entries(ledger: pl.DataFrame) -> pl.DataFrame:
    """One row per round and stage of a ledger frame: the newest."""
    return ledger.sort("finished_at").unique(["round", "stage"], keep="last", maintain_order=True)


def _entry(row: Mapping[str, object]) -> Entry:
    return Entry(
        round=int(str(row["round"])),
        stage=str(row["stage"]),
        fingerprint=str(row["fingerprint"]),
        outputs=tuple(DatasetRef(**reference) for reference in json.loads(str(row["outputs"]))),
        counts=json.loads(str(row["counts"])),
        seconds=float(str(row["seconds"])),
        inputs=json.loads(str(row["inputs"])),
    )
