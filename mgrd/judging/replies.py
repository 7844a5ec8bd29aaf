"""From a judge's reply to scores: a ladder of readings, and a reason when none of them holds.

`finish_reason` is read first: a reply that was cut or withheld is not parsed, since half a JSON
object may look whole. Then whole JSON, JSON inside prose, tagged text. Two readable grades that
disagree are ambiguous, for a judge that quotes a grade from the chain must not be taken at that
word. Nothing here ever rejects a chain: what cannot be read is unscored.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from mgrd.judging.rubric import GroundingReply
from mgrd.serving.values import part_of
from schemas.verdicts import CRITERIA

_THINK = re.compile(r"<think>.*?</think>", re.DOTALL | re.IGNORECASE)
_TAGGED = re.compile(
    rf"<\s*({'|'.join(name for base in CRITERIA for name in (f'{base}_reason', base))})\s*>(.*?)<\s*/\s*\1\s*>",
    re.DOTALL | re.IGNORECASE,
)
FINISHED = frozenset({"stop", "eos", "end_turn", None})
"""Finish reasons of a whole reply; some servers tell none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply as the server gave it; `raw` is what is stored of it."""

    content: str | None
    finish_reason: str | None
    refusal: str | None = None
    raw: str = ""

    def mapped(self, of: Callable[[str], str]) -> "Reply":
        """The reply with its texts changed."""
        content, refusal = (text and of(text) for text in (self.content, self.refusal))
        return Reply(content, self.finish_reason, refusal, of(self.raw))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a reply has no scores: a code that can be counted and a sentence for the judge to mend it.

    `mendable` is false where asking again would be answered the same.
    """

    code: str
    problem: str
    mendable: bool = True


def reply_of(data: object) -> Reply | None:
    """The first choice of a chat completion's body; None when the body is none, whatever else it is."""
    choices = part_of(data, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = part_of(choice, "message")
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        return None
    content, refusal, finish = message.get("content"), message.get("refusal"), choice.get("finish_reason")
    if isinstance(content, list):  # some servers send parts
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    elif isinstance(content, Mapping):
        content = json.dumps(content)
    text = None if content is None else _storable(str(content))
    return Reply(
        content=text,
        finish_reason=None if finish is None else str(finish),
        refusal=_storable(str(refusal)) if refusal else None,
        raw=text or _storable(json.dumps(choice, ensure_ascii=False)),
    )


def _storable(text: str) -> str:
    """The text without lone surrogates, which JSON may hold and UTF-8 may not."""
    return text.encode("utf-8", "replace").decode()


def read_reply(reply: Reply, graded: str = "") -> GroundingReply | Unreadable:
    """The scores of a reply, or why there are none; a grade that the `graded` text holds itself is no grade."""
    withheld = _withheld(reply)
    if withheld is not None:
        return withheld
    text = _after_thinking(reply.content or "")
    if not text:
        return Unreadable("empty", "it was empty")
    echoed = "".join(graded.split())
    objects = [value for value, written in _objects(text) if "".join(written.split()) not in echoed]
    grades, problem = _validated(objects)
    if not grades:
        grades, problem = _validated(_tagged(text), problem)
    if not grades:
        return Unreadable("unparsed", problem)
    if any(grade.scores() != grades[0].scores() for grade in grades):
        return Unreadable("ambiguous", "it holds several grades that disagree")
    return grades[0]


def _withheld(reply: Reply) -> Unreadable | None:
    if reply.finish_reason == "length":
        return Unreadable("length", "it was cut at the token limit")
    if reply.finish_reason == "content_filter":
        return Unreadable("content_filter", "it was withheld by a filter", mendable=False)
    if reply.refusal:
        return Unreadable("refusal", "it was a refusal", mendable=False)
    if reply.finish_reason not in FINISHED:
        return Unreadable("finish_reason", f"it ended with {reply.finish_reason!r}")
    return None


def _after_thinking(content: str) -> str:
    """The reply without think blocks; both the closed shape and the one whose opening tag was in the prompt."""
    text = _THINK.sub("", content)
    return text.rsplit("</think>", 1)[-1].strip()


def _validated(
    candidates: Sequence[Mapping[str, object]], problem: str = "it holds no JSON object with the ten keys"
) -> tuple[list[GroundingReply], str]:
    """The candidates that are grades, and what is wrong with the last that is none."""
    grades: list[GroundingReply] = []
    for candidate in candidates:
        try:
            grades.append(GroundingReply.model_validate(candidate))
        except ValidationError as error:
            first = error.errors()[0]
            problem = f"{'.'.join(map(str, first['loc'])) or 'the object'}: {first['msg']}"
    return grades, problem


def _tagged(text: str) -> list[dict[str, object]]:
    """The text's tags as one reading, or as two where a tag occurs twice: its first and its last values."""
    pairs: list[tuple[str, object]] = [(name.lower(), value) for name, value in _TAGGED.findall(text)]
    if not pairs:
        return []
    last, first = dict(pairs), dict(reversed(pairs))
    return [last] if len(last) == len(pairs) else [last, first]


def _objects(text: str) -> Iterator[tuple[dict[str, object], str]]:
    """Every outermost JSON object in the text and how it is written, in order."""
    decoder = json.JSONDecoder(strict=False)
    start = text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        if isinstance(value, dict):
            yield value, text[start:end]
        start = text.find("{", end)
