"""Chains from elsewhere: rows of JSON lines with an audio file each, read, measured and scored.

A bad row is data: it comes back as such, with a reason code and a message, and never stops the others.
Every clip is measured once, however many rows speak of it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mgrd.audio.facts import Fact
from mgrd.errors import AudioError
from mgrd.grounding.scorer import Grounding, score_text
from mgrd.grounding.verify import Evidence
from mgrd.settings import GroundingSpec

BAD_ROW, BAD_AUDIO = "bad_row", "bad_audio"
Measure = Callable[[Path], list[Fact]]
Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class OutsideRow:
    """One chain to be judged. `chain` is the reasoning, think tags allowed."""

    id: str | int | None
    audio: str
    question: str | None
    choices: tuple[str, ...]
    answer: str | None
    gold: str | None
    chain: str


class BadRowError(ValueError):
    """A row that cannot be judged; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read: its `code` and what is wrong with it."""

    id: str | int | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class GroundedRow:
    """A row with its clip's evidence and what the scorer says; offsets of claims are characters of `chain`."""

    row: OutsideRow
    evidence: Evidence
    grounding: Grounding


def ground_rows(
    lines: Iterable[str], root: Path, policy: GroundingSpec | None = None, measure: Measure | None = None
) -> Iterator[GroundedRow | BadRow]:
    """A result per non-blank line, in order. `audio` paths are relative to `root` unless absolute."""
    if measure is None:
        from mgrd.audio.measuring import measure_file as measure
    clips: dict[Path, Evidence | str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        identity: str | int | None = None
        try:
            data = _object(line)
            identity = _identity(data)
            row = read_row(data, identity)
        except BadRowError as error:
            yield BadRow(identity, BAD_ROW, f"line {number}: {error}")
            continue
        path = root / row.audio
        if path not in clips:
            clips[path] = _measured(path, measure)
        evidence = clips[path]
        if isinstance(evidence, str):
            yield BadRow(row.id, BAD_AUDIO, f"line {number}: {evidence}")
        else:
            grounding = score_text(
                row.chain, evidence, policy=policy, answer=row.answer, question=row.question, choices=row.choices
            )
            yield GroundedRow(row, evidence, grounding)


def _measured(path: Path, measure: Measure) -> Evidence | str:
    """The clip's evidence, or why there is none."""
    try:
        return Evidence(measure(path))
    except (AudioError, OSError, ValueError) as error:
        return str(error)


def correct(row: OutsideRow) -> bool | None:
    """Whether the answer is the gold answer; None without one."""
    return None if row.gold is None else same_answer(row.answer, row.gold, row.choices)


def claims_of(grounding: Grounding) -> list[Result]:
    """The claims as plain rows: place, attribute, verdict, what was claimed and what was measured; a `note` says why a
    claim is open that the measurement speaks against."""
    return [
        {
            "start": checked.claim.start,
            "end": checked.claim.end,
            "attribute": checked.claim.attribute,
            "verdict": checked.verification.verdict,
            "claimed": checked.claim.said,
            "measured": checked.verification.measured,
            "unit": checked.verification.unit,
            "time": list(checked.verification.time) if checked.verification.time else None,
            **({"note": checked.verification.note} if checked.verification.note else {}),
        }
        for checked in grounding.claims
    ]


def same_answer(answer: str | None, gold: str, choices: tuple[str, ...]) -> bool:
    """Equal but for case, spaces, a final full stop and a choice's letter ("B", "(b) rising")."""
    if answer is None:
        return False
    given, wanted = _plain(answer), _plain(gold)
    if given == wanted:
        return True
    lettered = {chr(ord("a") + index): _plain(choice) for index, choice in enumerate(choices[:26])}
    head, _, rest = given.partition(" ")
    letter = head.strip("().:")
    if letter in lettered and letter not in (given, head) and _plain(rest) == wanted:
        return lettered[letter] == wanted
    return letter == given.strip("().:") and given not in lettered.values() and lettered.get(letter) == wanted


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".!").strip("\"'` ")


def _object(line: str) -> dict[str, object]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRowError(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadRowError(f"a JSON object is wanted, not {type(data).__name__}")
    return data


def _identity(data: dict[str, object]) -> str | int | None:
    identity = data.get("id")
    return identity if isinstance(identity, (str, int)) else None


def read_row(data: dict[str, object], identity: str | int | None) -> OutsideRow:
    """The row of a JSON object. Raises BadRowError naming the field that is missing or of a wrong type."""
    audio, chain = data.get("audio"), data.get("chain")
    if not isinstance(audio, str) or not audio:
        raise BadRowError("`audio` must be the path of an audio file")
    if not isinstance(chain, str):
        raise BadRowError("`chain` must be the chain's text")
    choices = data.get("choices") or []
    if not isinstance(choices, list):
        raise BadRowError("`choices` must be a list of texts")
    return OutsideRow(
        id=identity,
        audio=audio,
        question=_text(data, "question"),
        choices=tuple(str(choice) for choice in choices),
        answer=_text(data, "answer"),
        gold=_text(data, "gold"),
        chain=chain,
    )


def _text(data: dict[str, object], name: str) -> str | None:
    value = data.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return str(value)
    raise BadRowError(f"`{name}` must be a text")
