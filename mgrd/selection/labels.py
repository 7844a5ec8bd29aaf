"""Human labels from a file: JSON lines with `trace_id` and `verdict`, read as a reviewer's votes.

A bad line is told, never guessed at and never a crash.
"""

import json
from collections.abc import Iterable

import polars as pl

from mgrd.ids import content_key
from mgrd.selection.overrides import GROUNDED, NOT_GROUNDED, VERDICTS
from mgrd.store import frame_of
from schemas import OVERRIDES

SAME = {"kept": GROUNDED, "rejected": NOT_GROUNDED}
"""Words for a verdict that labels from elsewhere use."""
FILE_REVIEWER = "labels file"


def read_labels(lines: Iterable[str]) -> tuple[pl.DataFrame, list[str]]:
    """(rows of OVERRIDES, one message per bad line). `reviewer` and `correct` may be given; blank lines are skipped.

    A later line of the same reviewer on the same chain replaces the earlier one.
    """
    rows: list[dict[str, object]] = []
    bad: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(_row(json.loads(line), number))
        except (TypeError, ValueError, RecursionError) as error:
            bad.append(f"line {number}: {error}")
    return frame_of(OVERRIDES, rows), bad


def _row(data: object, number: int) -> dict[str, object]:
    if not isinstance(data, dict):
        raise TypeError(f"a JSON object is wanted, not {type(data).__name__}")
    trace_id, verdict, correct = data.get("trace_id"), data.get("verdict"), data.get("correct")
    reviewer = data.get("reviewer", FILE_REVIEWER)
    if not isinstance(trace_id, str) or not trace_id:
        raise ValueError("`trace_id` must be a trace's id")
    verdict = SAME.get(verdict, verdict) if isinstance(verdict, str) else verdict
    if verdict not in VERDICTS:
        raise ValueError(f"`verdict` must be one of {', '.join(VERDICTS)}, not {verdict!r}"[:200])
    if not isinstance(reviewer, str) or not (correct is None or isinstance(correct, bool)):
        raise ValueError("`reviewer` must be a text and `correct` true or false")
    return {
        "override_id": content_key("label", number, trace_id, reviewer),
        "trace_id": trace_id,
        "reviewer": reviewer,
        "verdict": verdict,
        "correct": correct,
        "seconds": 0.0,
        "made_at": f"line {number:09d}",
    }
