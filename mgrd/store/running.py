"""Which stage this process is in. The log says it in each record, the tables in each commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Running:
    """A round, and the stage of it whose work runs; None between stages."""

    round: int
    stage: str | None
    fingerprint: str


_running: list[Running] = []
"""Innermost last. A list and no context variable: threads of a stage speak for it, too."""


@contextmanager
def running(round_: int, stage: str | None = None, fingerprint: str = "") -> Iterator[None]:
    """What happens in the block is of this round and stage; an error that leaves it carries them (`stage_of`)."""
    here = Running(round_, stage, fingerprint)
    _running.append(here)
    try:
        yield
    except BaseException as error:
        error.__dict__.setdefault("stage", here)
        raise
    finally:
        _running.pop()


def current_stage() -> Running | None:
    return _running[-1] if _running else None


def stage_of(error: BaseException) -> Running | None:
    """The stage that an error came out of."""
    found = error.__dict__.get("stage")
    return found if isinstance(found, Running) else None
