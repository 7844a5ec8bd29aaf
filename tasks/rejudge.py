"""Rejudge: what a round's decisions were, and what became of them."""

import polars as pl

from mgrd.errors import DataError
from mgrd.store import DatasetRef
from schemas import DECISIONS, TRACES
from schemas.traces import DISTILL
from tasks.run import Run
from tasks.stage_task import stage_task


@stage_task("sampled traces")
def sampled_traces(run: Run, round_: int) -> DatasetRef:
    """The chains of a committed round. Raises DataError when the round has none."""
    workspace = run.open()
    entry = workspace.ledger.newest(round_, f"sample-{DISTILL}")
    if entry is None:
        rounds = workspace.store.read(TRACES, {"purpose": DISTILL}, columns=["round"])["round"].unique().sort()
        there = ", ".join(map(str, rounds)) or "none"
        raise DataError(f"round {round_} has no sampled chains (rounds with some: {there}); sample it with `mgrd run`")
    return workspace.store.reference(TRACES, entry.output(TRACES.name).partition)


@stage_task("standing decisions")
def standing_decisions(run: Run, round_: int) -> DatasetRef:
    """The round's decisions as they stand before anything is decided again."""
    return run.open().store.reference(DECISIONS, {"round": round_, "purpose": DISTILL})


@stage_task("compare decisions")
def compare(run: Run, before: DatasetRef, after: DatasetRef, distilled: DatasetRef) -> dict[str, object]:
    """How many chains went from which decision to which, and the reasons that came and went."""
    store = run.open().store
    old = store.read(DECISIONS, before.partition, version=before.version) if before.rows else None
    new = store.read(DECISIONS, after.partition)
    standing = new.head(0) if old is None else old
    moved = new.join(standing, on="trace_id", how="left", suffix="_before").select(
        before=pl.col("decision_before").fill_null("undecided"), after="decision"
    )
    moves = moved.group_by("before", "after").len().sort("before", "after")
    return {
        "round": after.partition["round"],
        "chains": new.height,
        "moves": {f"{row['before']}->{row['after']}": row["len"] for row in moves.iter_rows(named=True)},
        "changed": moved.filter(pl.col("before") != pl.col("after")).height,
        "kept": new.filter(pl.col("decision") == "kept").height,
        "reasons": {"before": _reasons(standing), "after": _reasons(new)},
        "distilled": distilled.rows,
    }


def _reasons(decisions: pl.DataFrame) -> dict[str, int]:
    counts = decisions.select(pl.col("reasons").explode()).drop_nulls()["reasons"].value_counts(sort=True)
    return dict(counts.iter_rows())
