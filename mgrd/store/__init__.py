"""Versioned tables, the ledger and the workspace that holds them."""

from mgrd.store.delta import (
    DatasetRef,
    Partition,
    Store,
    digest,
    digests,
    empty_frame,
    frame_of,
    question_ranges,
    to_arrow,
)
from mgrd.store.digest import Digest
from mgrd.store.ledger import Entry, Ledger, Outcome, fingerprint, newest_entries
from mgrd.store.spool import Spool
from mgrd.store.stage import Stage, run_stage
from mgrd.store.workspace import Workspace, init_workspace

__all__ = [
    "DatasetRef",
    "Digest",
    "Entry",
    "Ledger",
    "Outcome",
    "Partition",
    "Spool",
    "Stage",
    "Store",
    "Workspace",
    "digest",
    "digests",
    "empty_frame",
    "fingerprint",
    "frame_of",
    "init_workspace",
    "newest_entries",
    "question_ranges",
    "run_stage",
    "to_arrow",
]
