"""Big Bench Audio and Spoken-MQA: the question itself is spoken."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mgrd.evaluation.benchmarks.files import find_rows, folder_of
from mgrd.evaluation.benchmarks.protocol import Benchmark, Item, kept_sound, text_of
from mgrd.evaluation.benchmarks.rules import NOTHING, number_match, plain_number, spoken_number, string_match

CHOICES = {
    "formal_fallacies": ("valid", "invalid"),
    "navigate": ("Yes", "No"),
    "web_of_lies": ("Yes", "No"),
}
ASKED = "Answer the question that is spoken."


def _read_big_bench(data: Path, scratch: Path) -> list[Item]:
    folder = folder_of(data)
    return [
        Item(
            item_id=str(row["id"]),
            audio=kept_sound(scratch, row.get("file_name"), folder),
            question=ASKED,
            choices=CHOICES.get(text_of(row.get("category")), ()),
            answer=text_of(row.get("official_answer")),
            groups={"category": text_of(row.get("category"))},
            row=row,
        )
        for row in find_rows(data, "metadata.jsonl", "*.jsonl")
        if "id" in row
    ]


def _judge_big_bench(item: Item, row: Mapping[str, Any]) -> bool | None:
    said = text_of(row.get("answer"))
    return (
        string_match(item.answer, said, item.choices) if item.choices else number_match(plain_number(item.answer), said)
    )


def _read_spoken_mqa(data: Path, scratch: Path) -> list[Item]:
    """Rows have no key of their own: it is their place in the files, as the owners' predictions are in order."""
    folder = folder_of(data)
    items = []
    for place, row in enumerate(find_rows(data, "**/*.parquet", "*.jsonl")):
        key = str(row.get("id", place))
        kept = {name: value for name, value in row.items() if name != "context"}
        items.append(
            Item(
                item_id=key,
                audio=kept_sound(scratch, row.get("context"), folder),
                question=_text(row.get("instruction")) or ASKED,
                choices=(),
                answer=_number(row.get("answer")),
                groups={},
                row={**kept, "id": key},
            )
        )
    return items


def _number(cell: object) -> str:
    """The first of several answers, written plainly as the owners do; a single text stays as it is."""
    told = cell.get("text") if isinstance(cell, Mapping) else cell
    if not isinstance(told, (list, tuple)):
        return text_of(told)
    first = text_of(told[0]) if told else ""
    return plain_number(first.rpartition("#### ")[2].replace(",", "") if "####" in first else first)


def _judge_spoken(pairs: Sequence[tuple[Item, Mapping[str, Any]]]) -> list[bool | None]:
    """A reply that is null is judged by the number of the row before: the owners' script keeps it."""
    verdicts: list[bool | None] = []
    number: str | None = None
    for item, row in pairs:
        said = row.get("model_prediction")
        number = number if said is None else spoken_number(text_of(said))
        verdicts.append(None if number is None else number.casefold() == (item.answer or NOTHING).casefold())
    return verdicts


def _text(cell: object) -> str:
    return text_of(cell.get("text") if isinstance(cell, Mapping) else cell)


BIG_BENCH_AUDIO = Benchmark(
    "big-bench-audio", "predictions.jsonl", _read_big_bench,
    lambda item, reasoning, answer: {**item.row, "answer": answer, "reasoning": reasoning}, _judge_big_bench,
    stand_in="the owners ask a language model whether the answer is correct; here words and numbers are compared",
)  # fmt: skip
SPOKEN_MQA = Benchmark(
    "spoken-mqa", "predictions.jsonl", _read_spoken_mqa,
    lambda item, _reasoning, answer: {**item.row, "model_prediction": answer},
    lambda item, row: number_match(item.answer, text_of(row.get("model_prediction"))), in_order=_judge_spoken,
)  # fmt: skip
