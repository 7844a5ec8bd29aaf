"""Text-reasoning sets from outside: JSON lines or Parquet of question, chain and answer, for replay (E_task).

Rows are checked one by one; a bad one goes to quarantine with its reason, and the others are used. A tenth
of the questions, by the hash of their words, is held out and asked in evaluation instead.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mgrd.errors import DataError, boundary
from mgrd.ids import content_key, question_key
from mgrd.ingest.embedded.texts import heldout_problems, text_row
from mgrd.ingest.texts import TEXT_LIMIT, holds_markup, parse_json, quarantine, readable
from mgrd.store import Workspace, frame_of
from schemas import DISTILLED, QUARANTINE, QUESTIONS
from schemas.clips import HELD_OUT

GENERATED = "generated"
FIELDS = ("question", "chain", "answer")
CHAIN_LIMIT = 100_000
"""Characters of a chain."""
HELD_OUT_IN = 10


@dataclass(frozen=True, slots=True)
class TextSet:
    """Training rows (DISTILLED), held-out questions (QUESTIONS; dev and test in turn), and what was refused.

    `asked` maps the `question_id` of each training row to its question.
    """

    rows: pl.DataFrame
    heldout: pl.DataFrame
    refused: pl.DataFrame
    asked: dict[str, str]


def text_set_of(workspace: Workspace) -> TextSet | None:
    """The set that `spec.training.text` names, read with its errors; None where problems are generated."""
    named = workspace.settings.spec.training.text
    return None if named == GENERATED else read_text_set(workspace.resolve(str(Path(named).expanduser())))


def heldout_texts(workspace: Workspace) -> pl.DataFrame:
    """Held-out problems (QUESTIONS), at most `spec.evaluation.text_problems` of each split."""
    spec = workspace.settings.spec
    if (found := text_set_of(workspace)) is None:
        return heldout_problems(spec.evaluation.text_problems, spec.seed)
    asked = found.heldout.sort("question_id")
    return asked.group_by("split", maintain_order=True).head(spec.evaluation.text_problems).select(asked.columns)


def read_text_set(path: Path) -> TextSet:
    """Read `path` (`.jsonl` or `.parquet`) with the fields question, chain, answer and, where wished, choices.

    Raises DataError when the file cannot be read at all or holds no good row.
    """
    rows: dict[str, dict[str, object]] = {}
    heldout: dict[str, dict[str, object]] = {}
    refused: dict[str, dict[str, object]] = {}
    asked: dict[str, str] = {}
    for place, raw in enumerate(_records(path), 1):
        where = f"row {place} of {path.name}"
        try:
            question, chain, answer, choices = _check(raw)
        except DataError as error:
            payload = raw if isinstance(raw, Mapping) else {"line": raw}
            row = quarantine("text set", f"{where}: {error}", payload).model_copy(update={"stage": "text"})
            refused[row.row_id] = row.model_dump()
            continue
        side = int(content_key("text set", question), 16) % (2 * HELD_OUT_IN)
        if side < 2:
            held = _question(question, choices, answer, HELD_OUT[side])
            heldout[str(held["question_id"])] = held
        else:
            row = text_row(question, tuple(choices), chain, answer)
            rows[str(row["row_id"])] = row
            asked[str(row["question_id"])] = question
    if not rows:
        first = next(iter(refused.values()), {}).get("message", "it is empty")
        raise DataError(f"{path} holds no text problem to train on: {first}")
    return TextSet(
        frame_of(DISTILLED, list(rows.values())),
        frame_of(QUESTIONS, list(heldout.values())),
        frame_of(QUARANTINE, list(refused.values())),
        asked,
    )


def _records(path: Path) -> Iterator[object]:
    """Rows as they stand; a line that is no JSON comes as its text."""
    with boundary(DataError, f"cannot read the text set {path} (spec.training.text)"):
        if path.suffix == ".parquet":
            yield from pl.read_parquet(path).iter_rows(named=True)
            return
        if path.suffix != ".jsonl":
            raise DataError(f"{path}: a text set is a .jsonl or .parquet file (spec.training.text)")
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not line.strip():
                    continue
                try:
                    yield parse_json(line)
                except DataError:
                    yield line


def _check(raw: object) -> tuple[str, str, str, list[str]]:
    """Question, chain, answer and choices of a row. Raises DataError with what is wrong."""
    if not isinstance(raw, Mapping):
        raise DataError("it is no JSON object")
    texts: list[str] = []
    for name, limit in zip(FIELDS, (TEXT_LIMIT, CHAIN_LIMIT, TEXT_LIMIT), strict=True):
        value = raw.get(name)
        if not isinstance(value, str) or (not value.strip() and name != "chain"):
            raise DataError(f"{name} is missing or no text")
        if len(value) > limit:
            raise DataError(f"{name} has {len(value)} characters, more than {limit}")
        texts.append(_clean(name, value))
    choices = raw.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise DataError("choices are no list of texts")
    choices = [_clean("choices", choice) for choice in choices]
    if choices and texts[2] not in choices:
        raise DataError("the answer is none of the choices")
    return texts[0], texts[1], texts[2], choices


def _clean(name: str, text: str) -> str:
    if holds_markup(text):
        raise DataError(f"{name} holds tokens of a chat template or a think block")
    return readable(text).strip()


def _question(question: str, choices: list[str], answer: str, split: str) -> dict[str, object]:
    return {
        "question_id": question_key(None, question, choices, answer),
        "clip_id": None,
        "text": question,
        "choices": choices,
        "answer": answer,
        "skill": "text",
        "split": split,
        "origin": "manifest",
        "collection": "text",
    }
