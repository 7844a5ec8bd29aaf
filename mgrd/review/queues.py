"""What a page asks of the items: the chains of a view in order, the neighbours of one, and the words to filter by.

Every question walks an index from a known place and stops after a page; none reads a whole table.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any

from mgrd.review.filters import View
from mgrd.review.items import CODED, MASKED, ORDERS, bit
from mgrd.review.mirror import Mirror

PAGE = 40
COUNTED = 1_000
"""Chains of a filtered view that are counted; beyond, the page says "more than"."""
MOST_HITS = 2_000
"""Chains that a search looks at, the newest first."""

LISTED = "i.no, i.trace_id, i.clip_id, i.round, i.score, i.correct, i.said, i.earlier"


@dataclass(frozen=True, slots=True)
class Place:
    """A chain in a queue."""

    order: float
    no: int

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        order, _, no = text.partition("_")
        try:
            return cls(float(order), int(no))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.order!r}_{self.no}"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The chains around one in a view, and how many the view has; `exact` is False when there are more."""

    earlier: str | None
    later: str | None
    position: int | None
    total: int
    exact: bool


def list_items(mirror: Mirror, view: View, reviewer: str, after: Place | None = None) -> list[sqlite3.Row]:
    """A page of a view, one row more than PAGE when there are more."""
    where, values = _where(mirror, view, reviewer)
    order = ORDERS[view.queue]
    if after is not None:
        where, values = f"{where} AND (i.{order}, i.no) > (?, ?)", [*values, after.order, after.no]
    return mirror.reader.execute(
        f"SELECT {LISTED}, i.{order} AS place, t.reasoning, t.raw_text, t.answer, t.choice, q.text AS question, "
        "q.skill, d.decision, d.reasons, d.supported, d.contradicted, d.unverifiable "
        f"FROM (SELECT * FROM items i {_index(view)} WHERE {where} ORDER BY i.{order}, i.no LIMIT {PAGE + 1}) i "
        "LEFT JOIN traces t INDEXED BY traces_trace_id ON t.trace_id = i.trace_id "
        "LEFT JOIN questions q INDEXED BY questions_question_id ON q.question_id = i.question_id "
        f"LEFT JOIN decisions d INDEXED BY decisions_trace_id ON d.trace_id = i.trace_id ORDER BY i.{order}, i.no",
        values,
    ).fetchall()


def find_neighbours(mirror: Mirror, view: View, reviewer: str, trace_id: str) -> Neighbours:
    """The chains before and after one in a view; of a chain that is not in it, the first as the next."""
    order = ORDERS[view.queue]
    total, exact = count_items(mirror, view, reviewer)
    at = mirror.reader.execute(f"SELECT {order} AS place, no FROM items WHERE trace_id = ?", (trace_id,)).fetchone()
    if at is None or at["place"] is None:
        return Neighbours(None, first_item(mirror, view, reviewer), None, total, exact)
    where, values = _where(mirror, view, reviewer)
    around = (at["place"], at["no"])
    sides = {}
    for side, sign, way in (("earlier", "<", "DESC"), ("later", ">", "ASC")):
        found = mirror.reader.execute(
            f"SELECT i.trace_id FROM items i {_index(view)} WHERE {where} AND (i.{order}, i.no) {sign} (?, ?) "
            f"ORDER BY i.{order} {way}, i.no {way} LIMIT 1",
            (*values, *around),
        ).fetchone()
        sides[side] = found and found[0]
    before = mirror.reader.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM items i {_index(view)} WHERE {where} AND (i.{order}, i.no) < (?, ?) "
        f"LIMIT {COUNTED})",
        (*values, *around),
    ).fetchone()[0]
    return Neighbours(sides["earlier"], sides["later"], before + 1 if before < COUNTED else None, total, exact)


def first_item(mirror: Mirror, view: View, reviewer: str) -> str | None:
    """The trace_id at the head of a view; None when nothing is in it."""
    where, values = _where(mirror, view, reviewer)
    order = ORDERS[view.queue]
    found = mirror.reader.execute(
        f"SELECT i.trace_id FROM items i {_index(view)} WHERE {where} ORDER BY i.{order}, i.no LIMIT 1", values
    ).fetchone()
    return found and found[0]


def count_items(mirror: Mirror, view: View, reviewer: str) -> tuple[int, bool]:
    """(chains of a view, whether that is all of them). Whole queues are counted when the tables change."""
    if not view.filters and not view.q and not view.todo:
        found = mirror.reader.execute("SELECT items FROM totals WHERE queue = ?", (view.queue,)).fetchone()
        return (found[0] if found else 0), True
    where, values = _where(mirror, view, reviewer)
    count = mirror.reader.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM items i {_index(view)} WHERE {where} LIMIT {COUNTED + 1})", values
    ).fetchone()[0]
    return min(count, COUNTED), count <= COUNTED


def filter_words(mirror: Mirror) -> dict[str, list[str]]:
    """The words that each filter may be set to, by the filter's name."""
    found: dict[str, list[str]] = {}
    for kind, word in mirror.reader.execute("SELECT kind, word FROM codes ORDER BY kind, word"):
        found.setdefault(kind, []).append(word)
    return found


def _index(view: View) -> str:
    """A search starts from its few hits, anything else walks the queue's index."""
    return "" if view.q else f"INDEXED BY items_{ORDERS[view.queue]}"


def _where(mirror: Mirror, view: View, reviewer: str) -> tuple[str, list[Any]]:
    parts, values = [f"i.{ORDERS[view.queue]} IS NOT NULL"], []
    for name, word in view.filters.items():
        if name == "round":
            parts.append("i.round = ?")
            values.append(int(word) if word.isdecimal() else -1)
            continue
        code = mirror.reader.execute("SELECT code FROM codes WHERE kind = ? AND word = ?", (name, word)).fetchone()
        if code is None:
            parts.append("i.round = ?")  # a word that no chain has: a constant would forbid the index
            values.append(-1)
        elif name in CODED:
            parts.append(f"i.{name} = ?")
            values.append(code[0])
        else:
            parts.append(f"i.{MASKED[name]} & ? != 0")
            values.append(bit(code[0]))
    if view.todo:
        parts.append(
            "NOT EXISTS (SELECT 1 FROM standing s WHERE s.trace_id = i.trace_id AND s.reviewer = ? "
            "AND s.verdict != 'withdrawn')"
        )
        values.append(reviewer)
    if view.q:
        parts.append(f"i.no IN (SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT {MOST_HITS})")
        values.append(match_words(view.q))
    return " AND ".join(parts), values


def match_words(text: str) -> str:
    """A search as FTS5 reads it: every word must occur, the last may be a beginning; no operator is heeded."""
    words = [word.replace('"', '""') for word in text.split()]
    return " ".join(f'"{word}"' for word in words) + ("*" if words else "")
