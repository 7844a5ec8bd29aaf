"""Rows that a stage could not process: looking at them, and having them tried again."""

import polars as pl

from mgrd.errors import StoreError, boundary
from mgrd.store.delta import Store, empty_frame
from mgrd.store.workspace import Workspace
from schemas import LEDGER, QUARANTINE


def quarantined(store: Store, stage: str | None = None, round_: int | None = None) -> pl.DataFrame:
    """The rows in quarantine, of one stage or round if wished, in a stable order."""
    rows = store.scan(QUARANTINE)
    if stage is not None:
        rows = rows.filter(pl.col("stage") == stage)
    if round_ is not None:
        rows = rows.filter(pl.col("round") == round_)
    return rows.collect().sort("round", "stage", "row_id")


def empty_quarantine(store: Store, stage: str, round_: int = 0) -> None:
    """Take out what an earlier run of the stage left there: it tries these rows again."""
    store.replace(QUARANTINE, empty_frame(QUARANTINE), {"stage": stage, "round": round_})


def requeue(workspace: Workspace, stage: str | None = None, round_: int | None = None) -> dict[tuple[str, int], int]:
    """Make the stages of quarantined rows owed again; returns the rows by stage and round.

    The rows stay until their stage runs: it empties its own quarantine when it starts, so a row is in one
    place at any time. Stages take what they have already done by key; only the lost rows are work.
    """
    rows = quarantined(workspace.store, stage, round_)
    counts = {
        (name, at): count
        for name, at, count in rows.group_by("stage", "round").len().sort("round", "stage").iter_rows()
    }
    ledger = workspace.store.open(LEDGER)
    if ledger is None or not counts:
        return counts
    owed = " OR ".join(f"(stage = '{name.replace(chr(39), chr(39) * 2)}' AND round = {at})" for name, at in counts)
    with boundary(StoreError, "taking stages out of the ledger"):
        # A request remembers that everything was done; it is not, now.
        ledger.delete(f"{owed} OR starts_with(stage, 'request ')")
    return counts
