"""Decisions counted as they pass: what a stage's ledger entry and the funnel show."""

from collections import Counter
from collections.abc import Iterable

import polars as pl

COUNTED = ("decision", "correct", "grounded", "reasons", "decided_by")
"""Columns of DECISIONS that are counted."""


class Tally:
    """Counts over frames of decisions."""

    def __init__(self, parts: Iterable[pl.DataFrame] = ()) -> None:
        self._decisions: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._decided_by: Counter[str] = Counter()
        self._correct = 0
        self._grounded = 0
        for part in parts:
            self.add(part)

    def add(self, decisions: pl.DataFrame) -> None:
        self._decisions.update(dict(decisions.group_by("decision").len().iter_rows()))
        self._decided_by.update(dict(decisions.group_by("decided_by").len().iter_rows()))
        reasons = decisions.select(pl.col("reasons").explode()).drop_nulls()["reasons"]
        self._reasons.update(dict(reasons.value_counts().iter_rows()))
        self._correct += int(decisions["correct"].sum() or 0)
        self._grounded += int(decisions["grounded"].sum())

    @property
    def rows(self) -> int:
        return self._decisions.total()

    @property
    def decided(self) -> dict[str, int]:
        return {name: self._decisions[name] for name in ("kept", "rejected", "unscored")}

    @property
    def decided_by(self) -> dict[str, int]:
        return dict(sorted(self._decided_by.items()))

    @property
    def funnel(self) -> dict[str, object]:
        """What the report's funnel shows, whichever arm decided."""
        reasons = dict(sorted(self._reasons.items(), key=lambda item: (-item[1], item[0])))
        return {"correct": self._correct, "grounded": self._grounded, "reasons": reasons}
