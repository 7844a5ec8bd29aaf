"""MMSU and AIR-Bench Foundation: a letter is read from the response, and its choice compared with the answer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgrd.evaluation.benchmarks.files import find_rows
from mgrd.evaluation.benchmarks.protocol import Benchmark, Item, Row, kept_sound, text_of
from mgrd.evaluation.benchmarks.rules import LETTERS, choice_letter

COLUMNS = tuple(f"choice_{letter.lower()}" for letter in LETTERS)


def _read(rows: list[Row], data: Path, scratch: Path, key: str, question: str, groups: tuple[str, ...]) -> list[Item]:
    folder = data.parent if data.is_file() else data
    return [
        Item(
            item_id=str(row[key]),
            audio=kept_sound(scratch, row.get("audio") or row.get("path") or row.get("audio_path"), folder),
            question=text_of(row.get(question)),
            choices=tuple(str(row[name]) for name in COLUMNS if row.get(name) is not None),
            answer=text_of(row.get("answer_gt")),
            groups={name: text_of(row[name]) for name in groups if row.get(name) is not None},
            row={name: value for name, value in row.items() if name != "audio"},
        )
        for row in rows
        if key in row
    ]


def _read_mmsu(data: Path, scratch: Path) -> list[Item]:
    rows = find_rows(data, "**/train*.parquet", "*.parquet", "*.jsonl")
    return _read(rows, data, scratch, "id", "question", ("category", "sub-category", "task_name"))


def _read_air(data: Path, scratch: Path) -> list[Item]:
    rows = find_rows(data, "Foundation_meta.json", "*.json")
    return _read(rows, data, scratch, "uniq_id", "question", ("task_name", "dataset_name"))


def _judge(item: Item, row: Mapping[str, Any]) -> bool | None:
    """None where no letter can be read: the owners drop such a row. A letter without a choice is wrong."""
    letter = choice_letter(text_of(row.get("response")))
    return None if letter is None else item.row.get(f"choice_{letter.lower()}") == item.answer


def _lettered(item: Item, answer: str) -> str:
    """The answer as the rule reads it: the letter of the choice that it names, else the answer as it was written."""
    from mgrd.models.render import match_choice

    named = match_choice(answer, item.choices)
    letters = {item.row.get(name): letter for name, letter in zip(COLUMNS, LETTERS, strict=True)}
    return answer if named is None else f"{letters[named]}. {named}"


def _predict_mmsu(item: Item, _reasoning: str, answer: str) -> Row:
    columns = ("id", "question", *COLUMNS, "answer_gt", "category", "sub-category")
    row = {name: item.row.get(name) for name in columns}
    return {**row, "audio_path": text_of(item.audio), "response": _lettered(item, answer)}


MMSU = Benchmark("mmsu", "predictions.jsonl", _read_mmsu, _predict_mmsu, _judge)
AIR_BENCH = Benchmark(
    "air-bench", "predictions.jsonl", _read_air,
    lambda item, _reasoning, answer: {**item.row, "response": _lettered(item, answer)}, _judge, key="uniq_id",
)  # fmt: skip
