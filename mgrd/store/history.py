"""What happened to the tables, and going back: commits, differences of two versions, rollback, clean-up.

Nothing here rewrites the past. Rolling back is a new commit; only `collect_garbage` deletes, and only
files that no version of the last days refers to.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from mgrd.errors import DataError, StoreError, boundary
from mgrd.store.checkpoints import unneeded_checkpoints
from mgrd.store.delta import Store
from mgrd.store.workspace import Workspace
from schemas import LEDGER, MODELS, OVERRIDES, TABLES, Table

EXAMPLES = 5
KEPT_DAYS = 7
"""Age in days from which files that no current version needs are deleted."""


@dataclass(frozen=True, slots=True)
class TableState:
    """A table as it stands."""

    name: str
    version: int
    rows: int
    files: int
    bytes: int
    changed_at: str


def table_named(name: str) -> Table:
    """The table. Raises DataError that lists the tables there are."""
    if name not in TABLES:
        raise DataError(f"there is no table {name!r}; the tables are {', '.join(TABLES)}")
    return TABLES[name]


def table_states(store: Store) -> list[TableState]:
    """All tables that have a commit."""
    states = []
    for table in TABLES.values():
        if (opened := store.open(table)) is not None:
            files = pl.DataFrame(opened.get_add_actions(flatten=True))
            states.append(
                TableState(
                    name=table.name,
                    version=opened.version(),
                    rows=int(files["num_records"].sum()),
                    files=files.height,
                    bytes=int(files["size_bytes"].sum()),
                    changed_at=_moment(opened.history(1)[0]),
                )
            )
    return states


def commits(store: Store, table: Table) -> list[dict[str, Any]]:
    """The table's commits, newest first: version, time, operation, rows added, and what the stage noted."""
    opened = store.open(table)
    if opened is None:
        return []
    return [
        {
            "version": commit["version"],
            "at": _moment(commit),
            "operation": commit["operation"].lower(),
            "rows_added": commit.get("operationMetrics", {}).get("num_added_rows"),
            "note": {
                key: commit[key]
                for key in ("stage", "round", "fingerprint", "model", "judges", "reason")
                if key in commit
            },
        }
        for commit in opened.history()
    ]


def read_version(store: Store, table: Table, version: int) -> pl.DataFrame:
    """The table's rows at a version. Raises DataError for one that never was, StoreError for one that was deleted."""
    newest = store.version(table)
    if newest < 0:
        raise DataError(f"table {table.name} has no versions yet; `mgrd data list` has the tables that were written")
    if not 0 <= version <= newest:
        raise DataError(
            f"table {table.name} has versions 0 to {newest}, not {version}; see `mgrd data history {table.name}`"
        )
    with boundary(StoreError, f"table {table.name} at version {version} (clean-up may have deleted its files)"):
        return store.read(table, version=version)


def difference(store: Store, table: Table, before: int, after: int) -> dict[str, Any]:
    """Keys that were added, removed and changed between two versions: counts, and the first few of each."""
    old, new = read_version(store, table, before), read_version(store, table, after)
    key = list(table.key)
    added = new.join(old, on=key, how="anti")
    removed = old.join(new, on=key, how="anti")
    both_old = old.join(new, on=key, how="semi").sort(key)
    both_new = new.join(old, on=key, how="semi").sort(key)
    columns = [name for name in table.arrow.names if name not in key]
    same = [both_old[name].eq_missing(both_new[name]).alias(name) for name in columns]
    unequal = pl.DataFrame(same).select(~pl.all()) if same else pl.DataFrame()
    changed = both_new.filter(pl.Series([any(row) for row in unequal.iter_rows()], dtype=pl.Boolean))
    return {
        "table": table.name,
        "before": before,
        "after": after,
        **{name: _keys(table, rows) for name, rows in (("added", added), ("removed", removed), ("changed", changed))},
        "columns": {name: int(unequal[name].sum()) for name in unequal.columns if unequal[name].any()},
    }


def restore(store: Store, table: Table, version: int) -> int:
    """Make the table what it was at a version, as a new commit; returns the new version."""
    read_version(store, table, version)
    opened = store.open(table)
    assert opened is not None
    with boundary(StoreError, f"restoring table {table.name} to version {version}"):
        opened.restore(version)
    return store.version(table)


def rollback(workspace: Workspace, round_: int) -> dict[str, int]:
    """Take out what rounds after `round_` wrote, table by table; returns the rows that were removed.

    The ledger goes last, so that a killed rollback is finished by the same command. What reviewers
    said stays: it speaks of chains by their content and holds again when they are sampled again.
    """
    store = workspace.store
    removed: dict[str, int] = {}
    for table in (*(table for table in TABLES.values() if table is not LEDGER), LEDGER):
        opened = store.open(table)
        if opened is None or table is OVERRIDES or "round" not in table.arrow.names:
            continue
        # A finished request would hide that its rounds are owed.
        owed = f"round > {round_} OR stage = 'request run'" if table is LEDGER else f"round > {round_}"
        rows = store.scan(table).filter(pl.sql_expr(owed)).select(pl.len()).collect().item()
        if rows:
            with boundary(StoreError, f"rolling back table {table.name}"):
                opened.delete(owed)
            removed[table.name] = rows
    return removed


def collect_garbage(workspace: Workspace, days: float = KEPT_DAYS, *, dry_run: bool = False) -> dict[str, int]:
    """Merge small files, delete files that no version of the last `days` needs, and folders of unknown checkpoints.

    Returns how many files of each table and how many checkpoint folders were (or would be) deleted. Older
    versions can then no longer be read; the current one is untouched.
    """
    store = workspace.store
    found: dict[str, int] = {}
    for table in TABLES.values():
        opened = store.open(table)
        if opened is None:
            continue
        with boundary(StoreError, f"cleaning up table {table.name}"):
            if not dry_run:
                opened.optimize.compact()
            files = opened.vacuum(retention_hours=round(days * 24), dry_run=dry_run, enforce_retention_duration=False)
        if files:
            found[table.name] = len(files)
    rounds = workspace.settings.runtime.keep_models
    unneeded = [] if rounds is None else unneeded_checkpoints(workspace, rounds)
    folders = [*_unknown_checkpoints(workspace), *unneeded]
    for folder in () if dry_run else folders:
        shutil.rmtree(folder)
    if folders:
        found["models"] = found.get("models", 0) + len(folders)
    return found


def _unknown_checkpoints(workspace: Workspace) -> list[Path]:
    """Folders of models/ that no row of the models table names; bases are never rows, and stay."""
    known = {uri.rsplit("/", 1)[-1] for uri in workspace.store.read(MODELS, columns=["uri"])["uri"]}
    if not known or not workspace.models.is_dir():
        return []
    return sorted(
        folder
        for folder in workspace.models.iterdir()
        if folder.is_dir() and folder.name not in known and not folder.name.startswith("base-")
    )


def _keys(table: Table, rows: pl.DataFrame) -> dict[str, Any]:
    few = [",".join(map(str, row)) for row in rows.select(table.key).sort(list(table.key)).head(EXAMPLES).iter_rows()]
    return {"rows": rows.height, "keys": few}


def _moment(commit: Mapping[str, Any]) -> str:
    return datetime.fromtimestamp(commit["timestamp"] / 1000, UTC).isoformat(timespec="seconds")
