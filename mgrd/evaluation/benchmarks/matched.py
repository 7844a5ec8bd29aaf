"""MMAU and MMAR: the answer's text is matched by words; MMAU-Pro has the same shape and another scorer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgrd.evaluation.benchmarks.files import Row, find_rows, folder_of
from mgrd.evaluation.benchmarks.protocol import Benchmark, Item, kept_sound, text_of
from mgrd.evaluation.benchmarks.rules import string_match


def _items(rows: list[Row], data: Path, scratch: Path, audio: str, groups: tuple[str, ...]) -> list[Item]:
    folder = folder_of(data)
    return [
        Item(
            item_id=str(row["id"]),
            audio=kept_sound(scratch, row.get(audio), folder),
            question=text_of(row.get("question")),
            choices=tuple(str(choice) for choice in row.get("choices") or ()),
            answer=text_of(row.get("answer")),
            groups={name: text_of(row[name]) for name in groups if row.get(name) is not None},
            row={name: value for name, value in row.items() if name != "audio"},
        )
        for row in rows
        if "id" in row
    ]


def _read_mmau(data: Path, scratch: Path) -> list[Item]:
    rows = find_rows(data, "mmau-test-mini.json", "*test-mini*.json", "*.json", "*.parquet")
    return _items(rows, data, scratch, "audio_id", ("task", "difficulty", "sub-category"))


def _read_mmar(data: Path, scratch: Path) -> list[Item]:
    rows = find_rows(data, "MMAR-meta.jsonl", "*.jsonl", "MMAR-meta.json", "*.json")
    return _items(rows, data, scratch, "audio_path", ("modality", "category", "sub-category", "language"))


def _read_mmau_pro(data: Path, scratch: Path) -> list[Item]:
    return _items(find_rows(data, "*.parquet"), data, scratch, "audio_path", ("category", "length_type"))


def _judge(column: str, item: Item, row: Mapping[str, Any]) -> bool | None:
    said = row.get(column)
    return string_match(item.answer, text_of(said), item.choices)


def _skipping(column: str, item: Item, row: Mapping[str, Any]) -> bool | None:
    """A row without the column is skipped: the denominator is of the rows that have it."""
    return None if column not in row else _judge(column, item, row)


MMAU = Benchmark(
    "mmau", "predictions.json", _read_mmau,
    lambda item, _reasoning, answer: {**item.row, "model_output": answer},
    lambda item, row: _skipping("model_output", item, row),
)  # fmt: skip
MMAR = Benchmark(
    "mmar", "predictions.jsonl", _read_mmar,
    lambda item, reasoning, answer: {**item.row, "answer_prediction": answer, "thinking_prediction": reasoning},
    lambda item, row: _skipping("answer_prediction", item, row),
)  # fmt: skip
MMAU_PRO = Benchmark(
    "mmau-pro", "predictions.parquet", _read_mmau_pro,
    lambda item, _reasoning, answer: {**item.row, "model_output": answer},
    lambda item, row: _judge("model_output", item, row),
    stand_in="the owners compare embeddings (NV-Embed-v2) and ask Qwen2.5-7B-Instruct about open answers; here words "
    "are matched as in MMAU",
)  # fmt: skip
