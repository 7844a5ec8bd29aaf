"""A stage: what its identity depends on, and how it runs: once, watched, checked, and written into the ledger."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from mgrd.files import whole_file
from mgrd.ids import content_key
from mgrd.store.contracts import Checked, apply_contracts
from mgrd.store.deadline import deadline
from mgrd.store.delta import DatasetRef
from mgrd.store.ledger import Entry, Outcome, fingerprint
from mgrd.store.running import running
from mgrd.store.telemetry import observed
from mgrd.store.workspace import Workspace

LOGGER = logging.getLogger("mgrd")
LONGEST_NAME = 120
"""Bytes of a stage's name in a file's name, which has 255 at most."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage about to run: what its identity depends on.

    `inputs` maps a name to the digest of an input's content; `config` holds plain settings.
    `version` is raised when the stage's code changes what it writes. `amends` is a partition that an
    earlier stage wrote and this one rewrites: when the earlier stage ran again since, this one is owed.
    """

    name: str
    round: int
    version: int
    config: Mapping[str, object]
    inputs: Mapping[str, str]
    amends: DatasetRef | None = None

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.name, self.version, self.config, self.inputs)


def run_stage(workspace: Workspace, stage: Stage, work: Callable[[], Outcome]) -> tuple[Entry, bool]:
    """Do the stage's work unless the ledger holds it already; returns its entry and whether it ran.

    Raises ContractError when rows were lost or what was written breaks a contract, OverdueError past its time limit;
    the stage then stays owed.
    """
    done = workspace.ledger.finished(stage.round, stage.name, stage.fingerprint)
    if done is not None and not _overwritten(done, stage.amends):
        return done, False
    limits = workspace.settings.runtime
    with (
        running(stage.round, stage.name, stage.fingerprint),
        observed(workspace.store, workspace.settings, stage.name, stage.round, stage.inputs) as told,
    ):
        started = time.perf_counter()
        with deadline(f"round {stage.round}, stage {stage.name}", limits.time_limit(stage.name)):
            outcome = work()
        keep_page = partial(_keep_page, workspace, stage)
        checked = apply_contracts(workspace.store, stage.name, stage.round, outcome, limits.fail_on_error, keep_page)
        seconds = time.perf_counter() - started
        _tell(stage, checked, seconds)
        entry = workspace.ledger.record(
            stage.round, stage.name, stage.fingerprint, stage.inputs, checked.outcome, seconds, stage.config
        )
        told.outcome = checked.outcome
    return entry, True


def _tell(stage: Stage, checked: Checked, seconds: float) -> None:
    """The stage's lines of the log: what the contracts found, then its figures."""
    for finding in checked.findings:
        what = {
            "table": finding.table, "expectation": finding.expectation, "severity": finding.severity,
            "rows": len(finding.keys),
        }  # fmt: skip
        LOGGER.warning("round %d  %s: %s", stage.round, stage.name, finding.message, extra={"fields": what})
    outcome = checked.outcome
    figures = {
        "seconds": round(seconds, 3), "rows_in": outcome.rows_in, "tokens": outcome.tokens, "cost": outcome.cost,
        "accounted": dict(outcome.accounted),
    }  # fmt: skip
    LOGGER.info("round %d  %-28s %6.1f s", stage.round, stage.name, seconds, extra={"fields": figures})


def _keep_page(workspace: Workspace, stage: Stage, table: str, page: str) -> None:
    """Data Docs: one page per table and round, the newest. A collection's name may be longer than a file's can be."""
    name = stage.name.replace(" ", "-").replace("/", "-")
    if len(name.encode()) > LONGEST_NAME:
        name = f"{name.encode()[:LONGEST_NAME].decode(errors='ignore')}-{content_key(stage.name)}"
    with whole_file(workspace.data_docs / f"round-{stage.round:02d}-{name}-{table}.html") as draft:
        draft.write_text(page, encoding="utf-8")


def _overwritten(done: Entry, amended: DatasetRef | None) -> bool:
    """Whether the stage before wrote the amended partition anew after `done` had amended it."""
    return amended is not None and done.output(amended.table).version < amended.version
