"""What reviewers settled: of each reviewer the newest row on a chain stands, and the majority of them decides."""

import polars as pl

from mgrd.selection.policy import Vote
from mgrd.store import DatasetRef, Workspace, digest
from schemas import DECISIONS, OVERRIDES

GROUNDED, NOT_GROUNDED, UNSURE, WITHDRAWN = "grounded", "not_grounded", "unsure", "withdrawn"
VERDICTS = (GROUNDED, NOT_GROUNDED, UNSURE, WITHDRAWN)


def standing_overrides(overrides: pl.DataFrame) -> pl.DataFrame:
    """The newest row of each reviewer on each chain, without withdrawn ones (OVERRIDES)."""
    newest = overrides.sort("made_at", "override_id").unique(["trace_id", "reviewer"], keep="last", maintain_order=True)
    return newest.filter(pl.col("verdict") != WITHDRAWN)


def votes_of(overrides: pl.DataFrame) -> dict[str, Vote]:
    """trace_id -> what the reviewers settled; a chain with as many votes for as against is not settled.

    `unsure` is no vote. The answer counts as right or wrong only where all who spoke of it agree.
    """
    settled: dict[str, Vote] = {}
    standing = standing_overrides(overrides)
    for (trace_id,), rows in standing.group_by(["trace_id"], maintain_order=True):
        lean = int((rows["verdict"] == GROUNDED).sum()) - int((rows["verdict"] == NOT_GROUNDED).sum())
        if lean:
            said = rows["correct"].drop_nulls().unique()
            settled[str(trace_id)] = Vote(lean > 0, bool(said[0]) if len(said) == 1 else None)
    return settled


def split_votes(overrides: pl.DataFrame) -> list[str]:
    """Chains on which somebody voted and nothing is settled."""
    standing = standing_overrides(overrides)
    voted = standing.filter(pl.col("verdict").is_in([GROUNDED, NOT_GROUNDED]))["trace_id"].unique(maintain_order=True)
    settled = votes_of(overrides)
    return [trace_id for trace_id in voted if trace_id not in settled]


def reviewers_wait(workspace: Workspace, round_: int) -> bool:
    """Reviewers have spoken on the round's chains, or taken back what they said, since it was decided."""
    entry = workspace.ledger.newest(round_, "decide")
    if entry is None:
        return False
    return entry.inputs.get("overrides") != digest(OVERRIDES, spoken_on(workspace, entry.output(DECISIONS.name)))


def spoken_on(workspace: Workspace, decisions: DatasetRef) -> pl.DataFrame:
    """The overrides of chains of the partition."""
    overrides = workspace.store.read(OVERRIDES)
    chains = workspace.store.scan(DECISIONS, decisions.partition).select("trace_id")
    there = chains.filter(pl.col("trace_id").is_in(overrides["trace_id"].unique().implode())).collect()["trace_id"]
    return overrides.filter(pl.col("trace_id").is_in(there.implode()))
