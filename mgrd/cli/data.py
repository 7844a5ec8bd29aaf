"""`mgrd data`: what the tables hold, how they came to be, and going back. Also `mgrd requeue`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgrd.cli.options import JsonOption, WorkspaceOption
from mgrd.cli.tables import print_table, shown

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(help="Look into the tables and their history; go back.", no_args_is_help=True)

TableArgument = Annotated[str, typer.Argument(help="Name of a table, such as traces; `mgrd data list` has them all.")]
StageOption = Annotated[str | None, typer.Option(help="Only rows of this stage, such as sample-distill.")]
RoundOption = Annotated[int | None, typer.Option("--round", help="Only rows of this round.", min=0)]


@app.command("list")
def list_command(workspace: WorkspaceOption = Path(), json_: JsonOption = False) -> None:
    """List all tables: version, rows, files, size, last commit."""
    from dataclasses import asdict

    from mgrd.store import Workspace
    from mgrd.store.history import table_states

    rows = [asdict(state) for state in table_states(Workspace.open(workspace).store)]
    _print(
        rows,
        json_,
        ("name", "version", "rows", "files", "bytes", "changed_at"),
        "no tables yet; `mgrd ingest` writes the first",
    )


@app.command("show")
def show_command(
    table: TableArgument,
    workspace: WorkspaceOption = Path(),
    version: Annotated[int | None, typer.Option(help="As it was at this version.", min=0)] = None,
    round_: RoundOption = None,
    columns: Annotated[str | None, typer.Option(help="Columns, with commas between them.")] = None,
    limit: Annotated[int, typer.Option(help="Rows at most.", min=1)] = 20,
    json_: JsonOption = False,
) -> None:
    """Show rows of a table in key order, now or at a version.

    `--json` prints one row a line.
    """
    from mgrd.errors import DataError
    from mgrd.store import Workspace
    from mgrd.store.history import read_version, table_named

    store, found = Workspace.open(workspace).store, table_named(table)
    chosen = found.arrow.names if columns is None else columns.split(",")
    if unknown := [name for name in chosen if name not in found.arrow.names]:
        raise DataError(f"table {table} has no columns {unknown}; it has {', '.join(found.arrow.names)}")
    rows = store.read(found) if version is None else read_version(store, found, version)
    if round_ is not None and "round" in rows.columns:
        rows = rows.filter(rows["round"] == round_)
    few = rows.sort(list(found.key)).head(limit).select(chosen)
    if json_:
        _lines(few)
        return
    _print(few.to_dicts(), False, tuple(chosen), "no rows")
    if rows.height:
        typer.echo(f"{few.height} of {rows.height} rows")


@app.command("history")
def history_command(table: TableArgument, workspace: WorkspaceOption = Path(), json_: JsonOption = False) -> None:
    """List commits of a table, with the stages that made them.

    Newest first.
    """
    from mgrd.store import Workspace
    from mgrd.store.history import commits, table_named

    rows = commits(Workspace.open(workspace).store, table_named(table))
    _print(rows, json_, ("version", "at", "operation", "rows_added", "note"), "no commit yet")


@app.command("diff")
def diff_command(
    table: TableArgument,
    before: Annotated[int, typer.Argument(metavar="V1", help="The earlier version.")],
    after: Annotated[int, typer.Argument(metavar="V2", help="The later version.")],
    workspace: WorkspaceOption = Path(),
    json_: JsonOption = False,
) -> None:
    """Compare two versions: rows added, removed, changed."""
    from mgrd.store import Workspace
    from mgrd.store.history import difference, table_named

    found = difference(Workspace.open(workspace).store, table_named(table), before, after)
    if json_:
        typer.echo(json.dumps(found))
        return
    for name in ("added", "removed", "changed"):
        keys = found[name]["keys"]
        typer.echo(f"{found[name]['rows']:>8} {name}{': ' + '; '.join(keys) if keys else ''}")
    for column, count in found["columns"].items():
        typer.echo(f"{count:>8} changed in {column}")


@app.command("lineage")
def lineage_command(
    key: Annotated[str, typer.Argument(metavar="TRACE_ID", help="A chain's key, or the row_id of a training row.")],
    workspace: WorkspaceOption = Path(),
    json_: JsonOption = False,
) -> None:
    """Tell where a training row or chain came from.

    Clip, question, prompt, model, judges, policy and configuration.
    """
    from mgrd.report.lineage import lineage_of
    from mgrd.store import Workspace

    found = lineage_of(Workspace.open(workspace), key)
    if json_:
        typer.echo(json.dumps(found))
        return
    for name, part in found.items():
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, dict):
                typer.echo(name)
                for column, value in each.items():
                    typer.echo(f"  {column:<18} {shown(value)}")
            elif each is not None:
                typer.echo(f"{name:<20} {each}")


@app.command("rollback")
def rollback_command(
    round_: Annotated[
        int, typer.Argument(metavar="ROUND", help="The last round that stays; 0: the cold start.", min=0)
    ],
    workspace: WorkspaceOption = Path(),
    json_: JsonOption = False,
) -> None:
    """Take out what later rounds wrote, in new commits.

    What reviewers said stays. `mgrd run` goes on from there.
    """
    from mgrd.store import Workspace
    from mgrd.store.history import rollback

    opened = Workspace.open(workspace)
    with opened.held(f"mgrd data rollback {round_}"):
        removed = rollback(opened, round_)
    rows = [{"table": name, "rows_removed": count} for name, count in removed.items()]
    _print(rows, json_, ("table", "rows_removed"), f"no rows of rounds after {round_}")


@app.command("restore")
def restore_command(
    table: TableArgument,
    version: Annotated[int, typer.Argument(help="The version to go back to; `mgrd data history` has them.", min=0)],
    workspace: WorkspaceOption = Path(),
) -> None:
    """Make one table what it was at a version, in a new commit."""
    from mgrd.store import Workspace
    from mgrd.store.history import restore, table_named

    opened = Workspace.open(workspace)
    with opened.held(f"mgrd data restore {table}"):
        newest = restore(opened.store, table_named(table), version)
    typer.echo(f"table {table}: version {newest} holds what version {version} held")


@app.command("gc")
def gc_command(
    workspace: WorkspaceOption = Path(),
    days: Annotated[float, typer.Option(help="Versions of the last days stay readable.", min=0)] = 7.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    json_: JsonOption = False,
) -> None:
    """Merge small files, delete those of older versions.

    Also checkpoints that are unknown, or let go by runtime.keep_models.
    """
    from mgrd.store import Workspace
    from mgrd.store.history import collect_garbage

    opened = Workspace.open(workspace)
    with opened.held("mgrd data gc"):
        found = collect_garbage(opened, days, dry_run=dry_run)
    rows = [{"what": name, "deleted": count} for name, count in found.items()]
    _print(rows, json_, ("what", "deleted"), "nothing to delete")


@app.command("quarantine")
def quarantine_command(
    workspace: WorkspaceOption = Path(),
    stage: StageOption = None,
    round_: RoundOption = None,
    json_: JsonOption = False,
) -> None:
    """List rows that a stage could not process, and why.

    `mgrd requeue` has them tried again; `--json` prints one row a line.
    """
    from mgrd.store import Workspace
    from mgrd.store.quarantine import quarantined

    rows = quarantined(Workspace.open(workspace).store, stage, round_)
    if json_:
        _lines(rows)
        return
    _print(
        rows.to_dicts(), False, ("stage", "round", "row_id", "boundary", "message", "attempts"), "quarantine is empty"
    )


def requeue_command(
    workspace: WorkspaceOption = Path(),
    stage: StageOption = None,
    round_: RoundOption = None,
    json_: JsonOption = False,
) -> None:
    """Have quarantined rows tried again.

    Their stages are owed again: `mgrd run` (or `mgrd ingest`) does them.
    """
    from mgrd.store import Workspace
    from mgrd.store.quarantine import requeue

    opened = Workspace.open(workspace)
    with opened.held("mgrd requeue"):
        counts = requeue(opened, stage, round_)
    rows = [{"stage": name, "round": at, "rows": count} for (name, at), count in counts.items()]
    _print(rows, json_, ("stage", "round", "rows"), "quarantine is empty; nothing to do again")


def _print(rows: Sequence[dict[str, Any]], json_: bool, columns: tuple[str, ...], nothing: str) -> None:
    """Rows as JSON, or as aligned columns; `nothing` where there are none."""
    if json_:
        typer.echo(json.dumps(list(rows)))
        return
    if not rows:
        typer.echo(nothing)
        return
    print_table(columns, [[row[name] for name in columns] for row in rows])


def _lines(frame: "pl.DataFrame") -> None:
    for row in frame.iter_rows(named=True):
        typer.echo(json.dumps(row, default=str))
