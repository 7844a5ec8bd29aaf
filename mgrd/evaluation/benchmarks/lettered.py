"""MMSU and AIR-Bench Foundation: a letter is read from the response, and its choice compared with the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mgrd.evaluation.benchmarks.files import Row, find_rows, folder_of
from mgrd.evaluation.benchmarks.protocol import Benchmark, Item, below, kept_sound, text_of
from mgrd.evaluation.benchmarks.rules import LETTERS, choice_letter

COLUMNS = tuple(f"choice_{letter.lower()}" for letter in LETTERS)


def _read(rows: list[Row], data: Path, scratch: Path, key: str, question: str, groups: tuple[str, ...]) -> list[Item]:
    folder = folder_of(data)
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
    """As published, sound lies in a folder per task, and that of Audio_Grounding is FLAC, whatever the row says."""
    folder = folder_of(data)
    rows = []
    for row in find_rows(data, "Foundation_meta.json", "*.json"):
        task, name = f"{row.get('task_name')}_{row.get('dataset_name')}", text_of(row.get("path"))
        if row.get("task_name") == "Audio_Grounding" and name.endswith(".wav"):
            name = f"{name.removesuffix('wav')}flac"
        placed = f"{task}/{name}"
        rows.append({**row, "task": task, "audio": placed if below(folder, placed).is_file() else row.get("path")})
    items = _read(rows, data, scratch, "uniq_id", "question", ("task",))
    return [replace(item, row={name: value for name, value in item.row.items() if name != "task"}) for item in items]


def _judge(item: Item, row: Mapping[str, Any]) -> bool | None:
    """None where no letter can be read: the owners drop such a row. A letter without a choice is wrong."""
    letter = choice_letter(text_of(row.get("response")))
    return None if letter is None else item.row.get(f"choice_{letter.lower()}") == item.answer


def _judge_air(item: Item, row: Mapping[str, Any]) -> bool | None:
    """The right letter is the first choice with the answer's text; a row without a task is dropped."""
    letter = choice_letter(text_of(row.get("response")))
    if letter is None or item.row.get("task_name") is None:
        return None
    return letter == next(
        (one for one, name in zip(LETTERS, COLUMNS, strict=True) if item.row.get(name) == item.answer), ""
    )


def _judge_mmsu(pairs: Sequence[tuple[Item, Mapping[str, Any]]]) -> list[bool | None]:
    """A response that is empty or "None" is judged by the letter of the row before: the owners' script keeps it.

    What is no text, or has no letter, is dropped and leaves that letter alone. Before the first letter the script
    stops; such a row is dropped here.
    """
    verdicts: list[bool | None] = []
    letter: str | None = None
    for item, row in pairs:
        said = row.get("response", "")
        told = said.strip().replace("\n", "") if isinstance(said, str) else None
        found = choice_letter(told) if told else None
        if told is None or (found is None and told not in {"", "None"}):
            verdicts.append(None)
            continue
        letter = found or letter
        verdicts.append(None if letter is None else item.row.get(f"choice_{letter.lower()}") == item.answer)
    return verdicts


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


MMSU = Benchmark("mmsu", "predictions.jsonl", _read_mmsu, _predict_mmsu, _judge, in_order=_judge_mmsu)
AIR_BENCH = Benchmark(
    "air-bench", "predictions.jsonl", _read_air,
    lambda item, _reasoning, answer: {**item.row, "response": _lettered(item, answer)}, _judge_air, key="uniq_id",
)  # fmt: skip
