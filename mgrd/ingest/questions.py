"""Questions that a manifest brings along, checked one by one.

A question is asked of a clip that holds the whole file. Of a file that was cut into windows nobody
knows in which window the answer can be heard, so its questions go to quarantine, never to a guess.
"""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import ValidationError

from mgrd.errors import DataError
from mgrd.ids import question_key
from mgrd.ingest.manifest import field_values
from mgrd.ingest.sources import SourceItem
from mgrd.ingest.texts import LABEL_LIMIT, TEXT_LIMIT, clean_text, holds_markup, parse_json, quarantine
from schemas.clips import Clip
from schemas.quarantine import QuarantineRow
from schemas.questions import Question

MAX_CHOICES = 26
DEFAULT_SKILL = "manifest"


def manifest_questions(
    items: Iterable[SourceItem], clips_of: Mapping[str, Sequence[Clip]]
) -> tuple[list[Question], list[QuarantineRow]]:
    """The items' questions (origin `manifest`) and the rejected ones.

    `clips_of` maps an item's name to its clips; items without clips are skipped, their file has its
    own quarantine row. The same question on the same audio counts once.
    """
    questions: dict[str, Question] = {}
    rejected: list[QuarantineRow] = []
    for item in items:
        clips = clips_of.get(item.name, ())
        for raw in _unpack(item.questions) if clips else ():
            try:
                question = _question(raw, _whole_clip(clips))
            except DataError as error:
                rejected.append(quarantine("read question", str(error), {**raw, "file": item.name}))
                continue
            questions[question.question_id] = question
    return list(questions.values()), rejected


def _unpack(raw: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """A `questions` column of a CSV holds its list as JSON text; what cannot be read stays one bad question."""
    unpacked: list[dict[str, object]] = []
    for entry in raw:
        packed = entry.get("unreadable")
        try:
            parts = parse_json(packed) if isinstance(packed, str) else None
        except DataError:
            parts = None
        if isinstance(parts, list) and all(isinstance(part, dict) for part in parts):
            unpacked += parts
        else:
            unpacked.append(entry)
    return unpacked


def _whole_clip(clips: Sequence[Clip]) -> Clip:
    if len(clips) > 1:
        raise DataError(
            f"the file was cut into {len(clips)} windows and the question speaks of all of it; "
            "raise spec.ingest.window_seconds or cut the file"
        )
    return clips[0]


def _question(raw: dict[str, object], clip: Clip) -> Question:
    """The validated question. Raises DataError with the reason."""
    if "unreadable" in raw:
        raise DataError("the questions column is no list of objects with question, choices and answer")
    values = field_values(raw)
    text = _line(values.get("question"), "question", TEXT_LIMIT)
    choices = _choices(values.get("choices"))
    answer = _answer(values.get("answer"), choices)
    skill = clean_text(values.get("skill")) or DEFAULT_SKILL
    try:
        return Question(
            question_id=question_key(clip.clip_id, text, choices, answer or ""),
            clip_id=clip.clip_id,
            text=text,
            choices=choices,
            answer=answer,
            skill=skill,
            split=clip.split,
            origin="manifest",
            collection=clip.collection,
        )
    except ValidationError as error:
        raise DataError("; ".join(f"{e['loc']}: {e['msg']}" for e in error.errors())) from error


def _line(value: object, what: str, limit: int) -> str:
    if holds_markup(value):
        raise DataError(f"the {what} holds chat markup; remove it")
    text = clean_text(value, limit + 1)
    if text is None:
        raise DataError(f"the {what} is empty")
    if len(text) > limit:
        raise DataError(f"the {what} is longer than {limit} characters")
    return text


def _choices(value: object) -> list[str]:
    parts = value
    if isinstance(value, str):
        try:
            parts = parse_json(value) if value.lstrip().startswith("[") else value.split("|")
        except DataError as error:
            raise DataError(f"the choices are no JSON list: {error}") from error
    if not isinstance(parts, (list, tuple)):
        raise DataError("the question has no choices; give a list, or texts separated by |")
    choices = [_line(part, "choice", LABEL_LIMIT) for part in parts]
    if not 2 <= len(choices) <= MAX_CHOICES:
        raise DataError(f"{len(choices)} choices; a question has 2 to {MAX_CHOICES}")
    if len({choice.casefold() for choice in choices}) < len(choices):
        raise DataError("two choices are the same")
    return choices


def _answer(value: object, choices: list[str]) -> str | None:
    """The choice that is meant: its text, its letter, or as a number its index from 0. None when none is given."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        if not 0 <= value < len(choices):
            raise DataError(f"the answer's index {value} is outside of 0..{len(choices) - 1}")
        return choices[value]
    text = _line(value, "answer", LABEL_LIMIT)
    by_text = [choice for choice in choices if choice.casefold() == text.casefold()]
    if by_text:
        return by_text[0]
    letter = text.strip("().").upper()
    if len(letter) == 1 and "A" <= letter < chr(ord("A") + len(choices)):
        return choices[ord(letter) - ord("A")]
    raise DataError(f"the answer {text!r} is none of the choices")
