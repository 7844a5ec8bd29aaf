"""Contracts after every stage: what it wrote is checked before the ledger calls it finished.

Three rungs: the Arrow schema and unique keys, the invariants (row conservation is the ledger's), and the
table's Great Expectations suite. An expectation of severity `warn` is reported. One of severity `error`
has a policy: `freeze` stops the stage, which stays owed; `discard_row` moves the rows that break it to
quarantine, where `mgrd data quarantine` shows them and `mgrd requeue` has them made again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import polars as pl

from data_contracts.invariants import check_parts
from data_contracts.runner import Finding, Thinned, check_thinned, suite_tables
from mgrd.errors import ContractError
from mgrd.ids import content_key
from mgrd.store.delta import DatasetRef, Store, frame_of
from mgrd.store.ledger import Outcome
from schemas import QUARANTINE, TABLES, Table

QUARANTINED = "quarantined"
Show = Callable[[str, str], None]
"""From a table's name and its Data Docs page (HTML) to where pages are kept."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A stage's outcome after the contracts, and what they found."""

    outcome: Outcome
    findings: tuple[Finding, ...]


def apply_contracts(store: Store, stage: str, round_: int, outcome: Outcome, limit: float, show: Show) -> Checked:
    """Check the partitions that a stage wrote, in the order it names them.

    `limit` is the share of a partition's rows that may be discarded. Raises ContractError that names table,
    key and next step when an invariant or a freezing expectation is broken; nothing is then discarded.
    """
    findings: list[Finding] = []
    for reference in outcome.outputs:
        if reference.table not in suite_tables() or not reference.rows:
            continue
        found = _check(store, reference, show)
        findings += found
        freezing = [finding for finding in found if finding.severity == "error" and finding.policy == "freeze"]
        if freezing:
            raise ContractError(_stopped(stage, round_, freezing))
        broken = [finding for finding in found if finding.severity == "error"]
        if broken:
            outcome = _discard(store, stage, round_, outcome, reference, broken, limit)
    counts = {**outcome.counts, "findings": [finding.message for finding in findings]} if findings else outcome.counts
    return Checked(replace(outcome, counts=counts), tuple(findings))


def _check(store: Store, reference: DatasetRef, show: Show) -> list[Finding]:
    """Invariants over all rows and the suite over some of them, a part in memory at a time."""
    table = TABLES[reference.table]
    check_parts(table.name, lambda: store.batches(table, reference.partition))
    thinned = Thinned(reference.rows)
    for part in store.batches(table, reference.partition):
        thinned.add(part)
    return check_thinned(table.name, thinned, show)


def _stopped(stage: str, round_: int, findings: list[Finding]) -> str:
    first = findings[0]
    more = f"; findings beside it: {len(findings) - 1}" if len(findings) > 1 else ""
    return (
        f"stage {stage} of round {round_}: {first.message}, keys {', '.join(first.keys[:5]) or 'of all rows'}{more}. "
        f"The stage stays owed: look at the rows with `mgrd data show {first.table}`, correct what wrote them and run "
        "again"
    )


def _dropped(stage: str, table: Table, row: Mapping[str, object], why: str) -> str:
    key = ", ".join(f"{name} {row[name]}" for name in table.key)
    return (
        f"table {table.name}, {key}: {why}. Remove the cause, then `mgrd requeue --stage {stage}` and `mgrd run` have "
        "it made again"
    )


def _discard(
    store: Store, stage: str, round_: int, outcome: Outcome, reference: DatasetRef,
    findings: list[Finding], limit: float,
) -> Outcome:  # fmt: skip
    """Move the rows that break an expectation to quarantine, and their count with them."""
    table = TABLES[reference.table]
    why: dict[str, str] = {}
    for finding in findings:
        for key in finding.keys:
            why.setdefault(key, finding.message)
    key = pl.concat_str([pl.col(name).cast(pl.String) for name in table.key], separator=",")
    broken = key.is_in(list(why))
    bad = store.scan(table, reference.partition).filter(broken).collect()
    parts = [name for name in outcome.accounted if name != QUARANTINED]
    if bad.height > limit * reference.rows or QUARANTINED not in outcome.accounted or len(parts) != 1:
        raise ContractError(
            _stopped(stage, round_, findings)
            + f" ({bad.height} of {reference.rows} rows are more than runtime.fail_on_error = {limit:g} lets pass)"
        )
    rows = [
        {
            "row_id": content_key("discarded", table.name, *(row[name] for name in table.key)),
            "stage": stage,
            "round": round_,
            "boundary": f"contract of table {table.name}",
            "message": _dropped(stage, table, row, why[",".join(str(row[name]) for name in table.key)]),
            "attempts": 1,
            "payload": json.dumps(row, default=str),
        }
        for row in bad.iter_rows(named=True)
    ]
    # Quarantine first: a kill in between leaves a row in two places, and the owed stage empties its quarantine.
    store.append(QUARANTINE, frame_of(QUARANTINE, rows))
    fresh = store.replace_parts(table, store.batches(table, reference.partition, where=~broken), reference.partition)
    accounted: Mapping[str, int] = {
        name: count + (bad.height if name == QUARANTINED else -bad.height) for name, count in outcome.accounted.items()
    }
    outputs = tuple(fresh if each.table == reference.table else each for each in outcome.outputs)
    return replace(outcome, outputs=outputs, accounted=accounted)
