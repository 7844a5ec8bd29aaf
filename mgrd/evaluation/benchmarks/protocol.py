"""What every benchmark is: a reader of the owners' files, a writer of their prediction rows, and their scoring rule."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mgrd.errors import DataError
from mgrd.evaluation.benchmarks.files import Row


@dataclass(frozen=True, slots=True)
class Item:
    """One question: `audio` is None where the owners' row names no file; `choices` is empty where it is open."""

    item_id: str
    audio: Path | None
    question: str
    choices: tuple[str, ...]
    answer: str
    groups: Mapping[str, str]
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A family of questions.

    `read(data, scratch)` gives the items; sound that lies inside tables is written below `scratch`. `judge(item, row)`
    is the owners' rule on one prediction row: None where they leave the row out of the count. `predict(item, reasoning,
    answer)` is a row in their format. `in_order` is their rule where a verdict hangs on the rows before; the strict
    figure takes `judge`. With `stand_in`, the owners score by a model: our rule is no score of theirs, and
    the text says what they do.
    """

    name: str
    predictions_file: str
    read: Callable[[Path, Path], list[Item]]
    predict: Callable[[Item, str, str], Row]
    judge: Callable[[Item, Mapping[str, Any]], bool | None]
    key: str = "id"
    in_order: Callable[[Sequence[tuple[Item, Mapping[str, Any]]]], list[bool | None]] | None = None
    stand_in: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """`official` is the owners' figure, quirks included; `strict` counts whatever has no answer as wrong."""

    official: float | None
    strict: float
    items: int
    correct: int
    """Of the strict figure."""
    left_out: int
    """Rows that the owners skip or drop."""
    missing: int
    """Items without a prediction row."""
    groups: Mapping[str, Mapping[str, tuple[float, int]]] = field(default_factory=dict)
    """Strict accuracy and items of each value of each grouping column."""
    official_groups: Mapping[str, Mapping[str, tuple[float, int]]] = field(default_factory=dict)
    """The owners' accuracy and the rows that they count, likewise."""
    stand_in: str | None = None


def score_predictions(benchmark: Benchmark, items: Sequence[Item], rows: Sequence[Mapping[str, Any]]) -> Score:
    """The score of prediction rows. Raises DataError for no items, a row of no item, or two rows of one item."""
    if not items:
        raise DataError(f"{benchmark.name}: no questions to score; check --data")
    seen: set[str] = set()
    known = {item.item_id: item for item in items}
    for row in rows:
        key = str(row.get(benchmark.key))
        if key not in known:
            raise DataError(f"{benchmark.name}: prediction of {key!r}, which is no question of --data")
        if key in seen:
            raise DataError(f"{benchmark.name}: two predictions of {key!r}; keep one")
        seen.add(key)
    pairs = [(known[str(row.get(benchmark.key))], row) for row in rows]
    strict = {item.item_id: benchmark.judge(item, row) is True for item, row in pairs}
    verdicts = benchmark.in_order(pairs) if benchmark.in_order else [benchmark.judge(*pair) for pair in pairs]
    counted = {item.item_id: verdict for (item, _), verdict in zip(pairs, verdicts, strict=True) if verdict is not None}
    official = sum(counted.values()) / len(counted) if counted else 0.0
    return Score(
        official=None if benchmark.stand_in else official,
        strict=sum(strict.values()) / len(items),
        items=len(items),
        correct=sum(strict.values()),
        left_out=len(pairs) - len(counted),
        missing=len(items) - len(pairs),
        groups=_groups(items, {item.item_id: strict.get(item.item_id, False) for item in items}),
        official_groups={} if benchmark.stand_in else _groups(items, counted),
        stand_in=benchmark.stand_in,
    )


def _groups(items: Sequence[Item], verdicts: Mapping[str, bool]) -> dict[str, dict[str, tuple[float, int]]]:
    """Accuracy and count, by group and value, of the items that have a verdict."""
    found: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        if item.item_id in verdicts:
            for name, value in item.groups.items():
                found[name][value].append(verdicts[item.item_id])
    return {
        name: {value: (sum(hits) / len(hits), len(hits)) for value, hits in sorted(values.items())}
        for name, values in found.items()
    }


def kept_sound(scratch: Path, audio: object, data: Path) -> Path | None:
    """The file of an audio cell: a path below `data`, or `{bytes, path}` written below `scratch` by its hash."""
    if isinstance(audio, (list, tuple)):
        audio = audio[0] if audio else None
    if isinstance(audio, str):
        return below(data, audio)
    if not isinstance(audio, Mapping):
        return None
    content, name = audio.get("bytes"), str(audio.get("path") or "")
    if not content:
        return below(data, name) if name else None
    suffix = Path(name).suffix if Path(name).suffix.lower() in {".wav", ".flac", ".mp3", ".ogg"} else ".wav"
    path = scratch / "audio" / f"{hashlib.sha256(content).hexdigest()}{suffix}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path


def below(data: Path, name: str) -> Path:
    """The file `name` of the folder `data`. Raises DataError when it points outside."""
    path = (data / name).resolve()
    if not path.is_relative_to(data.resolve()):
        raise DataError(f"{name}: points outside of {data}; audio paths must stay below --data")
    return path


def text_of(value: object) -> str:
    """A cell as text; a list of texts joined by a semicolon; empty for a missing cell."""
    if isinstance(value, (list, tuple)):
        return "; ".join(str(part) for part in value)
    return "" if value is None else str(value)
