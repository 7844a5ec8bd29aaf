"""The rubric: five criteria, each with a reason before its score, as one flat reply.

Replies are coerced before they are validated: judges write "4/5", "4 - good", 4.0 or nest reason and
score, and none of that is a fault of the chain. What stays ambiguous is refused, never guessed.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from mgrd.ids import content_key
from schemas.verdicts import CRITERIA

WORST, BEST = 1, 5
READING_VERSION = 2
"""Raised when the same raw reply is read as another grade."""

_SCORE_TEXT = re.compile(
    r"\s*([1-5])(?:\.0+)?\s*(?:(?:/|out of|of)\s*5(?:\.0+)?)?\s*(?:[-:(.,](?!\s*\d).*)?", re.DOTALL
)


def _score(value: object) -> object:
    if isinstance(value, bool):
        return None  # True equals 1, but says nothing of the sort
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        found = _SCORE_TEXT.fullmatch(value)
        return int(found.group(1)) if found else value
    return value


def _reason(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(str(part) for part in value)
    return str(value).strip()


Score = Annotated[Literal[1, 2, 3, 4, 5], BeforeValidator(_score)]
Reason = Annotated[str, BeforeValidator(_reason)]


class GroundingReply(BaseModel):
    """What the judge replies. A missing reason is forgiven, a missing score is not."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    acoustic_grounding_reason: Reason = ""
    acoustic_grounding: Score
    logical_coherence_reason: Reason = ""
    logical_coherence: Score
    answer_follows_reason: Reason = ""
    answer_follows: Score
    surrogate_reason: Reason = ""
    surrogate: Score
    self_cognition_reason: Reason = ""
    self_cognition: Score

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        flat: dict[str, object] = {}
        for key, value in data.items():
            name = re.sub(r"[^a-z]+", "_", str(key).lower()).strip("_")
            if name in CRITERIA and isinstance(value, Mapping):
                flat[f"{name}_reason"] = value.get("reason")
                flat[name] = value.get("score")
            else:
                flat[name] = value
        return flat

    def scores(self) -> dict[str, float]:
        return {name: float(getattr(self, name)) for name in CRITERIA}

    def reasons(self) -> str:
        """The reasons of all criteria, one line each."""
        told = [(name, getattr(self, f"{name}_reason")) for name in CRITERIA]
        return "\n".join(f"{name}: {reason}" for name, reason in told if reason)


def reply_schema() -> dict[str, object]:
    """The reply as strict JSON Schema: flat, reasons first, nothing optional, nothing else."""
    properties: dict[str, object] = {}
    for name in CRITERIA:
        properties[f"{name}_reason"] = {"type": "string"}
        properties[name] = {"type": "integer", "enum": [1, 2, 3, 4, 5]}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


SCHEMA_SHA = content_key("reply schema", reply_schema())
"""Identity of the reply schema: part of every verdict's key and of the reply cache's."""
