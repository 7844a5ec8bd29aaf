"""Items: one row per chain with all that queues order by and filters choose by, kept in step with the mirror.

A queue is an order over the chains that are in it. Each order has an index that covers the filters, so the next chain
is found by walking an index from the present one. Ranks (`mgrd.review.ranks`) are computed when the tables change,
never per request.
"""

import json
import sqlite3

from mgrd.evaluation.calibration import policy_threshold
from mgrd.review.mirror import Mirror, transaction
from mgrd.review.ranks import (
    Threshold,
    audit_rank,
    disagreement_rank,
    gold_rank,
    machine_disagreement,
    share_of,
    threshold_rank,
)
from mgrd.selection.overrides import WITHDRAWN
from schemas import CALIBRATIONS

MOST_CODES = 62
"""Codes of one kind that fit a bit mask of SQLite's integers; later ones share the last bit."""
ORDERS: dict[str, str] = {
    "disagreement": "by_disagreement",
    "threshold": "by_distance",
    "audit": "by_audit",
    "gold": "by_gold",
    "flipped": "by_flip",
    "all": "by_age",
}
"""Queue -> the column that it is ordered by; null: not in the queue."""
CODED = ("purpose", "skill", "decision", "domain")
MASKED = {"reason": "reasons", "judge": "judges"}
CHOSEN_BY = ("round", *CODED, *MASKED.values())

LAYOUT = f"""
CREATE TABLE IF NOT EXISTS codes (
    kind TEXT, code INTEGER, word TEXT, PRIMARY KEY (kind, code), UNIQUE (kind, word)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
    no INTEGER PRIMARY KEY AUTOINCREMENT, trace_id TEXT UNIQUE, round INTEGER, purpose INTEGER, skill INTEGER,
    decision INTEGER, domain INTEGER, reasons INTEGER, judges INTEGER, question_id TEXT, clip_id TEXT,
    sample_index INTEGER, score REAL, correct INTEGER, earlier TEXT, said TEXT,
    {", ".join(f"{order} REAL" for order in ORDERS.values())}
);
CREATE INDEX IF NOT EXISTS items_slot ON items (question_id, purpose, sample_index, round);
{
    "".join(
        f"CREATE INDEX IF NOT EXISTS items_{order} ON items ({order}, no, {', '.join(CHOSEN_BY)}) "
        f"WHERE {order} IS NOT NULL;"
        for order in ORDERS.values()
    )
}
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text, content='', tokenize='unicode61');
CREATE TABLE IF NOT EXISTS standing (
    trace_id TEXT, reviewer TEXT, override_id TEXT, verdict TEXT, correct INTEGER, reason TEXT, claims TEXT,
    seconds REAL, made_at TEXT, PRIMARY KEY (trace_id, reviewer)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS standing_reviewer ON standing (reviewer, made_at);
CREATE TABLE IF NOT EXISTS totals (queue TEXT PRIMARY KEY, items INTEGER);
"""

CHANGED = """
SELECT t.trace_id, t.round, t.purpose, t.question_id, t.clip_id, t.sample_index, t.reasoning, t.raw_text, t.answer,
       q.text AS question, q.skill, c.domain, d.decision, d.reasons, d.score, t.correct, d.grounded, d.supported,
       d.contradicted, d.decided_by, d.truth_grounded, f.silence_margin, p.disagreement AS spread, p.acoustic_grounding,
       (SELECT json_group_array(DISTINCT v.judge) FROM verdicts v WHERE v.trace_id = t.trace_id) AS judges
FROM touched JOIN traces t USING (trace_id)
LEFT JOIN questions q ON q.question_id = t.question_id
LEFT JOIN clips c ON c.clip_id = t.clip_id
LEFT JOIN decisions d ON d.trace_id = t.trace_id
LEFT JOIN counterfactuals f ON f.trace_id = t.trace_id
LEFT JOIN panels p ON p.trace_id = t.trace_id
"""

PUT = f"""
INSERT INTO items (trace_id, round, purpose, skill, decision, domain, reasons, judges, question_id, clip_id,
                   sample_index, score, correct, said, {", ".join(ORDERS.values())})
VALUES ({", ".join("?" * (14 + len(ORDERS)))})
ON CONFLICT (trace_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in (*CHOSEN_BY, "score", "correct", "said", *ORDERS.values()))}
"""

STANDING = """
INSERT OR REPLACE INTO standing
SELECT trace_id, reviewer, override_id, verdict, correct, reason, claims, seconds, made_at
FROM (SELECT *, max(made_at || override_id) FROM overrides {where} GROUP BY trace_id, reviewer)
"""
"""SQLite takes the other columns of a group from the row that holds the maximum."""


def refresh_items(mirror: Mirror) -> bool:
    """Follow the tables, then compute anew what their changes touch; False when nothing changed."""
    with mirror.lock:
        mirror.writer.executescript(LAYOUT)
        changed = mirror.refresh()
        writer = mirror.writer
        if "overrides" in changed:
            with transaction(writer):
                writer.execute("DELETE FROM standing")
                writer.execute(STANDING.format(where=""))
        owed = writer.execute("SELECT 1 FROM touched LIMIT 1").fetchone()
        if not owed and not changed & {"questions", "clips"}:
            return False
        with transaction(writer):
            if changed & {"questions", "clips"}:
                writer.execute("INSERT OR IGNORE INTO touched SELECT trace_id FROM traces")
            _update_items(mirror)
            writer.execute("DELETE FROM touched")
        writer.execute("PRAGMA optimize")
        return True


def _update_items(mirror: Mirror) -> None:
    writer = mirror.writer
    threshold = Threshold.of(
        mirror.workspace.settings.spec.policy, policy_threshold(mirror.workspace.store.read(CALIBRATIONS))
    )
    codes = Codes(writer)
    known = {row[0] for row in writer.execute("SELECT trace_id FROM items JOIN touched USING (trace_id)")}
    cursor = writer.execute(CHANGED)
    while rows := cursor.fetchmany(5_000):
        writer.executemany(PUT, [_item(row, codes, threshold, _votes(writer, row["trace_id"])) for row in rows])
        fresh = [row for row in rows if row["trace_id"] not in known]
        writer.executemany(
            "INSERT INTO words (rowid, text) SELECT no, ? FROM items WHERE trace_id = ?",
            [(_searched(row), row["trace_id"]) for row in fresh],
        )
    writer.execute(
        "DELETE FROM items WHERE trace_id IN "
        "(SELECT trace_id FROM touched WHERE trace_id NOT IN (SELECT trace_id FROM traces))"
    )
    _link_rounds(writer)
    writer.execute("DELETE FROM totals")
    for queue, order in ORDERS.items():
        writer.execute(f"INSERT INTO totals SELECT ?, count(*) FROM items WHERE {order} IS NOT NULL", (queue,))


def _link_rounds(writer: sqlite3.Connection) -> None:
    """The same question and sample in the last round before, for the touched chains and for those that follow them."""
    writer.execute(
        """INSERT OR IGNORE INTO touched SELECT n.trace_id FROM touched JOIN items i USING (trace_id)
           JOIN items n ON n.question_id = i.question_id AND n.purpose = i.purpose
                       AND n.sample_index = i.sample_index AND n.round > i.round"""
    )
    writer.execute(
        """UPDATE items SET earlier = (
               SELECT e.trace_id FROM items e WHERE e.question_id = items.question_id AND e.purpose = items.purpose
                  AND e.sample_index = items.sample_index AND e.round < items.round ORDER BY e.round DESC LIMIT 1)
           WHERE trace_id IN (SELECT trace_id FROM touched)"""
    )
    writer.execute(
        """UPDATE items SET by_flip = (
               SELECT items.by_age FROM items e WHERE e.trace_id = items.earlier AND e.decision != items.decision)
           WHERE trace_id IN (SELECT trace_id FROM touched)"""
    )


def restand(mirror: Mirror, trace_id: str) -> None:
    """What reviewers say of a chain changed: its standing verdicts and its place in the queues. Lock held."""
    writer = mirror.writer
    writer.execute("DELETE FROM standing WHERE trace_id = ?", (trace_id,))
    writer.execute(STANDING.format(where="WHERE trace_id = ?"), (trace_id,))
    said, verdicts = _votes(writer, trace_id)
    facts = json.loads(
        (writer.execute("SELECT said FROM items WHERE trace_id = ?", (trace_id,)).fetchone() or ["{}"])[0] or "{}"
    )
    base, machine = facts.get("base"), facts.get("machine")
    by = disagreement_rank(base, machine, verdicts, share_of(trace_id))
    writer.execute(
        "UPDATE items SET by_disagreement = ?, said = ? WHERE trace_id = ?",
        (by, json.dumps({**facts, "votes": said}), trace_id),
    )


def _votes(writer: sqlite3.Connection, trace_id: str) -> tuple[int, list[str]]:
    found = writer.execute("SELECT verdict FROM standing WHERE trace_id = ?", (trace_id,)).fetchall()
    verdicts = [row[0] for row in found if row[0] != WITHDRAWN]
    return len(verdicts), verdicts


def _item(row: sqlite3.Row, codes: "Codes", threshold: Threshold, votes: tuple[int, list[str]]) -> tuple[object, ...]:
    key = row["trace_id"]
    share = share_of(key)
    base, machine = machine_disagreement(row, threshold)
    codes.of("round", str(row["round"]))
    return (
        key, row["round"], codes.of("purpose", row["purpose"]), codes.of("skill", row["skill"]),
        codes.of("decision", row["decision"]), codes.of("domain", row["domain"]),
        codes.mask("reason", row["reasons"]), codes.mask("judge", row["judges"]), row["question_id"], row["clip_id"],
        row["sample_index"], row["score"], row["correct"],
        json.dumps({"base": base, "machine": machine, "votes": votes[0]}),
        disagreement_rank(base, machine, votes[1], share),
        threshold_rank(row, threshold, share),
        audit_rank(share),
        gold_rank(row, key),
        None,
        -row["round"] + share,
    )  # fmt: skip


def _searched(row: sqlite3.Row) -> str:
    return "\n".join(
        str(part)
        for part in (row["reasoning"] or row["raw_text"], row["answer"], row["question"], row["trace_id"])
        if part
    )


class Codes:
    """Words as small integers, so that an index holds them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.known = {(row[0], row[2]): row[1] for row in connection.execute("SELECT kind, code, word FROM codes")}

    def of(self, kind: str, word: str | None) -> int | None:
        """The word's code, a new one for a new word."""
        if word is None:
            return None
        if (kind, word) not in self.known:
            code = sum(1 for other, _ in self.known if other == kind)
            self.connection.execute("INSERT INTO codes VALUES (?, ?, ?)", (kind, code, word))
            self.known[kind, word] = code
        return self.known[kind, word]

    def mask(self, kind: str, words: str | None) -> int:
        """A JSON list of words as a bit mask."""
        mask = 0
        for word in json.loads(words) if words else ():
            mask |= bit(self.of(kind, word) or 0)
        return mask


def bit(code: int) -> int:
    return 1 << min(code, MOST_CODES - 1)
