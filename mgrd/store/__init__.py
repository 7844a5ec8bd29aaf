"""Versioned tables, the ledger and the workspace that holds them."""

from mgrd.store.delta import DatasetRef, Partition, Store, digest, empty_frame, frame_of, to_arrow
from mgrd.store.ledger import Entry, Ledger, Outcome, fingerprint, newest_entries
from mgrd.store.workspace import Stage, Workspace, init_workspace, run_stage

__all__ = [
    "DatasetRef",
    "Entry",
    "Ledger",
    "Outcome",
    "Partition",
    "Stage",
    "Store",
    "Workspace",
    "digest",
    "empty_frame",
    "fingerprint",
    "frame_of",
    "init_workspace",
    "newest_entries",
    "run_stage",
    "to_arrow",
]
