"""A request: what a user asked for as a whole, so that asking again costs nothing.

The stages behind a request skip themselves by fingerprint, but finding that out starts the
orchestrator. A finished request is remembered with the settings, the code and the data it depends
on; while none of them has changed there is nothing to do. Any change runs the stages, which then
decide one by one.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from mgrd.ids import KEY_DIGITS
from mgrd.store.ledger import Outcome, fingerprint
from mgrd.store.workspace import Workspace
from schemas import CLIPS, EVIDENCE, OVERRIDES, QUESTIONS

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("mgrd", "flows", "tasks", "prompts", "schemas", "data_contracts")
SOURCES = frozenset({".py", ".jinja", ".json", ".toml"})
VERSION = 1


@cache
def code_digest() -> str:
    """A hash of all source files, templates and word lists: a changed line may change what a stage writes."""
    hasher = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((PROJECT / room).rglob("*")):
            if path.suffix in SOURCES:
                hasher.update(path.relative_to(PROJECT).as_posix().encode() + path.read_bytes())
    return hasher.hexdigest()[:KEY_DIGITS]


class Request:
    """A named request on a workspace; `inputs` are digests of what lies outside the ledger's stages."""

    def __init__(self, workspace: Workspace, name: str, inputs: Mapping[str, str]) -> None:
        self.workspace = workspace
        self.name = f"request {name}"
        self.inputs = {"code": code_digest(), **inputs}
        self.mark = fingerprint(self.name, VERSION, workspace.settings.spec.model_dump(), self.inputs)

    def finished(self) -> bool:
        return self.workspace.ledger.finished(0, self.name, self.mark) is not None

    def record(self) -> None:
        self.workspace.ledger.record(0, self.name, self.mark, self.inputs, Outcome((), 0, {}), 0.0)


def data_versions(workspace: Workspace) -> dict[str, str]:
    """Versions of the tables that a campaign starts from, and of what reviewers said since."""
    return {table.name: str(workspace.store.version(table)) for table in (CLIPS, QUESTIONS, EVIDENCE, OVERRIDES)}
