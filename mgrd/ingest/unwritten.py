"""Questions that stand in no table, made again: probes, and held-out text problems.

Each is known by its content (`question_id`), so what comes back is the question that was asked, or nothing.
"""

from typing import Any

import polars as pl

from mgrd.errors import DataError
from mgrd.ingest.probes import probe_with_id
from mgrd.ingest.text_set import heldout_texts
from mgrd.store import Workspace


def unwritten_question(workspace: Workspace, question_id: str, clip_id: str | None) -> dict[str, Any] | None:
    """The question (a row of QUESTIONS) that a trace was asked; None when it cannot be told any more.

    A probe is found under any settings. A text problem is found while seed, number and file of the held-out problems
    are those under which it was asked.
    """
    if clip_id is not None:
        return probe_with_id(question_id, clip_id)
    try:
        asked = heldout_texts(workspace)
    except DataError:  # the file is gone or another; the chain itself can still be told
        return None
    found = asked.filter(pl.col("question_id") == question_id)
    return found.row(0, named=True) if found.height else None
