"""An export's rows of one kind, in the order in which they are written: fixed by their ids and the seed alone.

A round's rows do not fit into memory together. They come in any order, are dealt to buckets by the beginning of their
place in the order, and wait in files of JSON lines; a bucket at a time is read and sorted. What the plan of the shards
and the card need is counted as the rows come.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mgrd.export.split import TRAIN, VALIDATION, Sources
from mgrd.ids import content_key

Row = dict[str, Any]
"""Keys as in `mgrd.export.columns`; in place of audio `uri`, `bytes`, `seconds` and `sha256` of the clip's file."""

IN_MEMORY = 4096
"""Rows that wait in memory before all that wait are put into files."""
BUCKET_DIGITS = 2
LENGTHS = {"token_count": "tokens of a row, audio included", "audio_tokens": "audio tokens"}
WORDS = "words of reasoning"


@dataclass(slots=True)
class Totals:
    """What is counted of rows as they come. Lengths are counted by value, so that any number of rows takes little."""

    skills: Counter[str] = field(default_factory=Counter)
    clips: dict[str, tuple[str, str]] = field(default_factory=dict)
    """clip_id -> uri and sha256 of its file."""
    lengths: dict[str, Counter[int]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        self.skills[row.get("skill") or "none"] += 1
        if row["clip_id"] is not None:
            self.clips.setdefault(row["clip_id"], (row.get("uri", ""), row.get("sha256", "")))
        lengths = {told: row.get(name) for name, told in LENGTHS.items()}
        if "reasoning" in row:
            lengths[WORDS] = len(row["reasoning"].split())
        for told, length in lengths.items():
            if length is not None:
                self.lengths.setdefault(told, Counter())[length] += 1


class RowSet:
    """Rows that were added, to be read in their order any number of times."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        """`folder` is where files are made if some are needed; the caller removes it."""
        self.totals = Totals()
        self._folder = folder
        self._seed = seed
        self._waiting: dict[str, list[tuple[str, Row]]] = {}
        self._filed: set[str] = set()
        self._count = 0
        self._sources = Sources()
        self._places = array("Q")
        self._audio_bytes = array("q")
        self._source_of = array("q")

    def __len__(self) -> int:
        return len(self._places)

    def add(self, row: Row) -> None:
        """Take a row in; its `id` is its own."""
        place = content_key("order", self._seed, row["id"])
        self._waiting.setdefault(place[:BUCKET_DIGITS], []).append((place, row))
        self._places.append(int(place, 16))
        self._audio_bytes.append(row.get("bytes") or 0)
        self._source_of.append(self._sources.add(row))
        self.totals.add(row)
        self._count += 1
        if self._count >= IN_MEMORY:
            self._file()

    def __iter__(self) -> Iterator[Row]:
        for bucket in sorted(self._waiting.keys() | self._filed):
            yield from (row for _, row in sorted(self._bucket(bucket), key=lambda item: (item[0], item[1]["id"])))

    def sides(self, share: float) -> list["Side"]:
        """The rows by split, `share` of the clips held out; a split without rows is left out."""
        held = self._sources.held_out(share, self._seed)
        names = frozenset(self._sources.names[number] for number in held)
        order = np.argsort(np.frombuffer(self._places, np.uint64), kind="stable") if len(self) else []
        outside = np.isin(np.frombuffer(self._source_of, np.int64), list(held))[order] if len(self) else []
        audio = np.frombuffer(self._audio_bytes, np.int64)[order] if len(self) else np.empty(0, np.int64)
        sides = [
            Side(self, TRAIN, names, audio[~np.asarray(outside, bool)]),
            Side(self, VALIDATION, names, audio[np.asarray(outside, bool)]),
        ]
        return [side for side in sides if len(side)]

    def _bucket(self, bucket: str) -> Iterable[tuple[str, Row]]:
        if bucket in self._filed:
            with self._path(bucket).open("rb") as file:
                for line in file:
                    place, row = json.loads(line)
                    yield place, row
        yield from self._waiting.get(bucket, ())

    def _file(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for bucket, rows in self._waiting.items():
            with self._path(bucket).open("ab") as file:
                file.writelines(json.dumps(item).encode() + b"\n" for item in rows)
        self._filed |= self._waiting.keys()
        self._waiting = {}
        self._count = 0

    def _path(self, bucket: str) -> Path:
        return self._folder / f"{bucket}.rows"


@dataclass(frozen=True, slots=True)
class Side:
    """The rows of one split, in order."""

    rows: RowSet
    split: str
    held: frozenset[str]
    """Sources that are held out."""
    audio_bytes: "np.ndarray[Any, np.dtype[np.int64]]"
    """Of each row's clip, in order."""

    def __len__(self) -> int:
        return len(self.audio_bytes)

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            outside = row["clip_id"] is not None and row["source"] in self.held
            if outside == (self.split == VALIDATION):
                yield row
