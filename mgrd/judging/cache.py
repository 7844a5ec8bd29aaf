"""Replies that were read once are not paid again: one SQLite file beside a campaign's tables.

A key covers the rendered prompt, the model, its parameters and the reply schema, so that a changed
prompt or rubric misses. Only a reply that was read as a grade is ever stored: an error, an empty or
an unreadable reply must not come back as if it were an answer. The file also remembers batches that
a provider still works on, so that a killed run collects them instead of paying twice.
"""

import sqlite3
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from mgrd.errors import StoreError, boundary
from mgrd.ids import content_key, sha256_bytes
from mgrd.judging.rubric import SCHEMA_SHA
from mgrd.settings import JudgeSpec

FILE = "replies.sqlite"
TABLES = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, reply TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (batch_id TEXT PRIMARY KEY, judge TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class CachedReply:
    """The text of a reply that was read as a grade, and the tokens that were once paid for it."""

    content: str
    prompt_tokens: int
    completion_tokens: int


def reply_key(prompt: str, judge: JudgeSpec) -> str:
    """The key of a judge's reply to a rendered prompt."""
    parameters = (judge.model, judge.temperature, judge.max_tokens, SCHEMA_SHA)
    return content_key("reply", sha256_bytes(prompt.encode()), *parameters)


class ReplyCache:
    """The replies in `folder`, or in memory for the life of the object when it is None.

    `alone` says that no other process opens the file, which may then lie on a network's file system: the write-ahead
    log of the shared one needs memory that all its processes share, and so one machine.
    """

    def __init__(self, folder: Path | None, *, alone: bool = False) -> None:
        self.path = ":memory:"
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.path = str(folder / FILE)
        with self._guarded("opening"):
            self._database = sqlite3.connect(self.path, timeout=30.0, isolation_level=None)
            if folder is not None:
                self._database.execute(f"PRAGMA journal_mode = {'DELETE' if alone else 'WAL'}")
                self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(TABLES)

    def get(self, key: str) -> CachedReply | None:
        with self._guarded("reading"):
            query = "SELECT reply, prompt_tokens, completion_tokens FROM replies WHERE key = ?"
            row = self._database.execute(query, (key,)).fetchone()
        return None if row is None else CachedReply(*row)

    def put(self, key: str, model: str, reply: CachedReply) -> None:
        """Keep a reply that was read as a grade."""
        row = (key, model, reply.content, reply.prompt_tokens, reply.completion_tokens)
        with self._guarded("writing"):
            self._database.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?)", row)

    def __contains__(self, key: str) -> bool:
        with self._guarded("reading"):
            return self._database.execute("SELECT 1 FROM replies WHERE key = ?", (key,)).fetchone() is not None

    def paid(self, model: str) -> tuple[int, int]:
        """Prompt and completion tokens of all replies of the model."""
        query = "SELECT total(prompt_tokens), total(completion_tokens) FROM replies WHERE model = ?"
        with self._guarded("reading"):
            asked, replied = self._database.execute(query, (model,)).fetchone()
        return int(asked), int(replied)

    def take(self, folder: Path) -> None:
        """Add the replies of the cache in another folder, which nobody has open."""
        other = ReplyCache(folder, alone=True)  # a process that was killed may have left a journal: played back here
        other.close()
        with self._guarded(f"adding {other.path} to"):
            self._database.execute("ATTACH DATABASE ? AS other", (other.path,))
            self._database.execute("INSERT OR IGNORE INTO replies SELECT * FROM other.replies")
            self._database.execute("DETACH DATABASE other")

    def open_batches(self, judge: str) -> list[str]:
        """Batches of the judge that were handed in and not yet collected."""
        with self._guarded("reading"):
            rows = self._database.execute("SELECT batch_id FROM batches WHERE judge = ? ORDER BY batch_id", (judge,))
            return [batch_id for (batch_id,) in rows]

    def remember_batch(self, batch_id: str, judge: str) -> None:
        with self._guarded("writing"):
            self._database.execute("INSERT OR REPLACE INTO batches VALUES (?, ?)", (batch_id, judge))

    def forget_batch(self, batch_id: str) -> None:
        with self._guarded("writing"):
            self._database.execute("DELETE FROM batches WHERE batch_id = ?", (batch_id,))

    def close(self) -> None:
        self._database.close()

    def _guarded(self, doing: str) -> AbstractContextManager[None]:
        return boundary(StoreError, f"{doing} the reply cache {self.path} (it may be deleted: replies are asked again)")
