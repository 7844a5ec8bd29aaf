"""What reviewers say, as rows of `overrides`: appended, never changed; undoing is a row that repeats what stood before.

A verdict is acknowledged once its row is committed to the Delta table, so a server that is killed loses none.
"""

import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deltalake import DeltaTable

from mgrd.errors import DataError
from mgrd.review.items import restand
from mgrd.review.mirror import Mirror, transaction
from mgrd.selection.overrides import GROUNDED, NOT_GROUNDED, UNSURE, WITHDRAWN
from mgrd.store import frame_of
from schemas import OVERRIDES

SAID = (GROUNDED, NOT_GROUNDED, UNSURE)
CLAIM_VERDICTS = ("supported", "contradicted", "unverifiable")
REASONS: dict[str, str] = {
    "claim_wrong": "a claim does not hold",
    "claim_missed": "the checks misread a claim",
    "measured_wrong": "the measurement is wrong",
    "from_text": "argues from text, not from sound",
    "not_followed": "the answer does not follow",
    "vague": "says nothing that can be heard",
    "bad_audio": "the clip is broken",
    "bad_question": "the question is unclear",
}
"""Codes for why a reviewer decided so."""
MOST_SECONDS = 3_600.0
MOST_REVIEWER = 80
COMPACT_EVERY = 200
"""Files of the overrides table from which it is compacted when the server starts."""


@dataclass(frozen=True, slots=True)
class Said:
    """A reviewer's word on a chain."""

    verdict: str
    correct: bool | None = None
    reason: str | None = None
    claims: Mapping[str, str] | None = None
    seconds: float = 0.0


def record_verdict(mirror: Mirror, reviewer: str, trace_id: str, said: Said) -> dict[str, Any]:
    """Append the verdict and return its row. Raises DataError for an unknown chain, claim, verdict or reason."""
    _check(mirror, trace_id, said)
    with mirror.lock:
        return _append(mirror, reviewer, trace_id, said, undoes=None)


def undo_verdict(mirror: Mirror, reviewer: str) -> dict[str, Any] | None:
    """Take back the reviewer's last verdict that stands; the new row, or None when there is nothing to undo."""
    with mirror.lock:
        last = _last_standing(mirror.writer, reviewer)
        if last is None:
            return None
        before = _before(mirror.writer, reviewer, last)
        said = Said(WITHDRAWN) if before is None else _said(before)
        return _append(mirror, reviewer, last["trace_id"], said, undoes=last["override_id"])


def _said(row: sqlite3.Row) -> Said:
    claims = {vote["claim_id"]: vote["verdict"] for vote in json.loads(row["claims"])} if row["claims"] else None
    return Said(row["verdict"], None if row["correct"] is None else bool(row["correct"]), row["reason"], claims)


TAKEN_BACK = "override_id IN (SELECT undoes FROM overrides WHERE undoes IS NOT NULL)"


def _last_standing(connection: sqlite3.Connection, reviewer: str) -> sqlite3.Row | None:
    return connection.execute(
        f"""SELECT * FROM overrides WHERE reviewer = ? AND undoes IS NULL AND NOT {TAKEN_BACK}
            AND verdict != ? ORDER BY made_at DESC, override_id DESC LIMIT 1""",
        (reviewer, WITHDRAWN),
    ).fetchone()


def _before(connection: sqlite3.Connection, reviewer: str, row: sqlite3.Row) -> sqlite3.Row | None:
    """What the reviewer had said of the same chain before `row`, as far as it was not taken back."""
    return connection.execute(
        f"""SELECT * FROM overrides WHERE trace_id = ? AND reviewer = ? AND undoes IS NULL AND NOT {TAKEN_BACK}
            AND made_at < ? ORDER BY made_at DESC, override_id DESC LIMIT 1""",
        (row["trace_id"], reviewer, row["made_at"]),
    ).fetchone()


def _append(mirror: Mirror, reviewer: str, trace_id: str, said: Said, *, undoes: str | None) -> dict[str, Any]:
    """Commit to the table first, then to the mirror: a kill in between costs a refresh, never a verdict."""
    row: dict[str, Any] = {
        "override_id": uuid.uuid4().hex[:16],
        "trace_id": trace_id,
        "reviewer": reviewer,
        "verdict": said.verdict,
        "correct": said.correct,
        "reason": said.reason,
        "claims": [{"claim_id": key, "verdict": verdict} for key, verdict in sorted((said.claims or {}).items())],
        "undoes": undoes,
        "seconds": round(min(max(said.seconds, 0.0), MOST_SECONDS), 1),
        "made_at": _now(mirror.writer, reviewer),
    }
    mirror.workspace.store.append(OVERRIDES, frame_of(OVERRIDES, [row]))
    mirror.follow(OVERRIDES)  # by its file, as any row: what other servers wrote meanwhile comes along
    with transaction(mirror.writer):
        for (changed,) in mirror.writer.execute("SELECT trace_id FROM touched").fetchall():
            restand(mirror, changed)
    return row


def _now(connection: sqlite3.Connection, reviewer: str) -> str:
    """The time, later than any of the reviewer's rows: their order decides what stands."""
    now = datetime.now(UTC)
    newest = connection.execute("SELECT max(made_at) FROM overrides WHERE reviewer = ?", (reviewer,)).fetchone()[0]
    try:
        if newest and datetime.fromisoformat(newest) >= now:
            now = datetime.fromisoformat(newest) + timedelta(microseconds=1)
    except (ValueError, TypeError):  # a row from a labels file carries no clock
        pass
    return now.isoformat(timespec="microseconds")


def _check(mirror: Mirror, trace_id: str, said: Said) -> None:
    if said.verdict not in SAID:
        raise DataError(f"a verdict is one of {', '.join(SAID)}")
    if said.reason is not None and said.reason not in REASONS:
        raise DataError(f"a reason is one of {', '.join(REASONS)}")
    reader = mirror.reader
    if reader.execute("SELECT 1 FROM items WHERE trace_id = ?", (trace_id,)).fetchone() is None:
        raise DataError("there is no such chain; the tables may have changed, reload the page")
    known = {row[0] for row in reader.execute("SELECT claim_id FROM claims WHERE trace_id = ?", (trace_id,))}
    for claim, verdict in (said.claims or {}).items():
        if claim not in known or verdict not in CLAIM_VERDICTS:
            raise DataError("a claim's verdict must name a claim of this chain and one of " + ", ".join(CLAIM_VERDICTS))


def compact_overrides(mirror: Mirror) -> None:
    """Many small files into one; the rows and their history stay."""
    path = mirror.workspace.store.path(OVERRIDES).as_posix()
    if DeltaTable.is_deltatable(path):
        table = DeltaTable(path)
        if len(table.file_uris()) > COMPACT_EVERY:
            table.optimize.compact()


def reviewer_name(text: str) -> str:
    """A name as it is stored; raises DataError when nothing is left of it."""
    name = "".join(sign for sign in text if sign.isprintable()).strip()[:MOST_REVIEWER]
    if not name:
        raise DataError("a reviewer needs a name")
    return name


def standing_of(mirror: Mirror, trace_id: str) -> Sequence[dict[str, Any]]:
    """What each reviewer says of a chain now, the newest last."""
    found = mirror.reader.execute("SELECT * FROM standing WHERE trace_id = ? ORDER BY made_at", (trace_id,)).fetchall()
    rows = [dict(row) for row in found if row["verdict"] != WITHDRAWN]
    return [{**row, "claims": json.loads(row["claims"]) if row["claims"] else []} for row in rows]
