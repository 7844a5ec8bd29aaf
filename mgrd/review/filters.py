"""The state of a page: which queue, which filters, what is searched for, blind or not. Each state is a URL."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

QUEUES: dict[str, str] = {
    "disagreement": "Disagreement first",
    "threshold": "Near the threshold",
    "audit": "Random audit, 2 %",
    "gold": "Gold",
    "flipped": "Flipped since last round",
    "all": "All, newest first",
}
"""Queues of chains by name, in the order of the menu; the quarantine holds rows and has a page of its own."""
FIELDS = ("round", "purpose", "skill", "decision", "reason", "domain", "judge")
MOST_CHARACTERS = 200
"""Of a filter's value or a search."""


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at. Empty values filter nothing; `todo` leaves out what the reviewer has judged."""

    queue: str = "disagreement"
    round: str = ""
    purpose: str = ""
    skill: str = ""
    decision: str = ""
    reason: str = ""
    domain: str = ""
    judge: str = ""
    q: str = ""
    todo: bool = False
    blind: bool = False

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set."""
        return {name: getattr(self, name) for name in FIELDS if getattr(self, name)}

    def query(self, **changes: object) -> str:
        """The state as a URL's query, with changes; what is as by default is left out."""
        changed = replace(self, **changes)  # type: ignore[arg-type]
        pairs: list[tuple[str, str]] = [("queue", changed.queue)]
        pairs += [(name, value) for name, value in changed.filters.items()]
        pairs += [("q", changed.q)] if changed.q else []
        pairs += [(name, "1") for name in ("todo", "blind") if getattr(changed, name)]
        return urlencode(pairs)


def parse_view(parameters: Mapping[str, str]) -> View:
    """The state of a URL's query; what is unknown is ignored, so that an old link still opens."""
    queue = parameters.get("queue", "")
    text = {name: _text(parameters.get(name, "")) for name in (*FIELDS, "q")}
    return View(
        queue=queue if queue in QUEUES else "disagreement",
        todo=parameters.get("todo") == "1",
        blind=parameters.get("blind") == "1",
        **text,
    )


def _text(value: str) -> str:
    return "".join(sign for sign in value[:MOST_CHARACTERS] if sign.isprintable()).strip()
