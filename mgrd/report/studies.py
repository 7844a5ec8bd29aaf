"""The ablations of a workspace, read back from the files that `mgrd ablate` wrote beside its pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class _Spread(_Part):
    mean: float
    spread: float | None
    values: list[float]


class _Arm(_Part):
    arm: str
    seeds: list[int]
    figures: dict[str, dict[Literal["before", "final"], _Spread]]
    stopped: dict[str, str] = {}


class _Study(_Part):
    study: str
    arms: list[_Arm]


@dataclass(frozen=True, slots=True)
class Studies:
    """Documents as `ablation_document` makes them, by file name, and what could not be read, in words."""

    documents: Sequence[dict[str, Any]] = ()
    unread: Sequence[str] = ()


def read_studies(folder: Path) -> Studies:
    """The studies in `folder` (`ablate-*.json`). A torn or foreign file is named in `unread`, never raised."""
    documents: list[dict[str, Any]] = []
    unread: list[str] = []
    for path in sorted(folder.glob("ablate-*.json")):
        try:
            study = _Study.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            unread.append(f"{path.name}: {place + ': ' if place else ''}{first['msg']}; run `mgrd ablate` again")
        except OSError as error:
            unread.append(f"{path.name}: {error.strerror or error}")
        else:
            documents.append(study.model_dump(mode="json"))
    return Studies(documents, unread)
