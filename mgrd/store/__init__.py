"""Versioned tables, the ledger and the workspace that holds them."""

from mgrd.store.delta import DatasetRef, Partition, Store, digest, empty_frame, frame_of, question_ranges, to_arrow
from mgrd.store.digest import Digest
from mgrd.store.ledger import Entry, Ledger, Outcome, fingerprint, newest_entries
from mgrd.store.spool import Spool
from mgrd.store.workspace import Stage, Workspace, init_workspace, run_stage

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
    "empty_frame",
    "fingerprint",
    "frame_of",
    "init_workspace",
    "newest_entries",
    "question_ranges",
    "run_stage",
    "to_arrow",
]
