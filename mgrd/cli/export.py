"""`mgrd export`, `mgrd verify`, `mgrd publish`: a round's rows for trainers."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgrd.cli.options import JsonOption, WorkspaceOption
from mgrd.cli.tables import print_table
from mgrd.export.formats import Format, Purpose

if TYPE_CHECKING:
    from mgrd.export.choices import ExportConfig
    from mgrd.export.manifest import Manifest

FormatOption = Annotated[Format, typer.Option("--format", help="What will read it.")]
PurposeOption = Annotated[
    Purpose,
    typer.Option(help="Kept chains, preference pairs, or questions inside the difficulty window."),
]


def export_command(
    round_: Annotated[int, typer.Option("--round", help="The distillation round.", min=1)],
    out: Annotated[Path, typer.Option(help="The directory to make; it must not exist yet.")],
    workspace: WorkspaceOption = Path(),
    format_: FormatOption = "hf",
    purpose: PurposeOption = "sft",
    embed_audio: Annotated[bool, typer.Option("--embed-audio", help="Audio inside the shards.")] = False,
    seed: Annotated[int, typer.Option(help="Of the row order and the held-out split.")] = 0,
    holdout: Annotated[float, typer.Option(help="Share of clips held out, by whole sources.", min=0, max=0.5)] = 0.05,
    world_size: Annotated[int, typer.Option(help="Ranks that shard counts divide evenly among.", min=1)] = 8,
    outside: Annotated[
        bool, typer.Option("--outside", help="Purpose rl: also questions outside the difficulty window.")
    ] = False,
    audio_root: Annotated[
        str | None, typer.Option(help="Folder before audio paths; by default DIR/audio as it lies here.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Write a round as a directory that a trainer reads.

    It never changes: the same command again does nothing, another export needs another directory. Where reviewers
    have spoken since the round was decided, it is decided anew first.
    """
    config = _config(
        round=round_, format=format_, purpose=purpose, embed_audio=embed_audio, seed=seed, holdout=holdout,
        world_size=world_size, outside=outside, audio_root=audio_root,
    )  # fmt: skip
    from mgrd.cli.environment import prepare

    prepare(workspace)
    from mgrd.export.directory import export_round, rows_of
    from mgrd.selection.overrides import reviewers_wait
    from mgrd.store import Workspace
    from tasks.progress import progress

    opened = Workspace.open(workspace)
    if reviewers_wait(opened, round_):
        from flows.rejudge import rejudge

        typer.echo(f"round {round_}: reviewers have spoken since it was decided; deciding it anew", err=True)
        rejudge(str(workspace.resolve()), round_)
    with progress(f"exporting round {round_}", rows_of(opened, config)) as advance:
        manifest = export_round(opened, config, out, advance)
    if json_:
        document = {"directory": str(out), "fingerprint": manifest.fingerprint, "splits": manifest.splits}
        typer.echo(json.dumps({**document, "refused": manifest.about["refused"]}))
    else:
        _show(out, manifest)


def verify_command(
    directory: Annotated[Path, typer.Argument(help="A directory that `mgrd export` wrote.")], json_: JsonOption = False
) -> None:
    """Check every file of an export against its manifest.

    The exit status is 1 when anything differs.
    """
    from mgrd.export.manifest import find_faults, read_manifest
    from tasks.progress import progress

    manifest = read_manifest(directory)
    size = sum(entry.bytes for entry in manifest.files)
    with progress(f"verifying {directory.name}", size) as advance:
        faults = find_faults(directory, advance)
    if json_:
        typer.echo(json.dumps({"directory": str(directory), "whole": not faults, "faults": faults}))
    else:
        for fault in faults:
            typer.echo(fault)
        typer.echo(f"{len(manifest.files)} files, {size / 1e6:.1f} MB: {'damaged' if faults else 'whole'}")
    if faults:
        raise typer.Exit(1)


def publish_command(
    directory: Annotated[Path, typer.Argument(help="A directory that `mgrd export` wrote.")],
    repo: Annotated[str, typer.Option(help="Data set on the hub, as owner/name.")],
    private: Annotated[bool, typer.Option("--private", help="Make it private when it is new.")] = False,
    revision: Annotated[str | None, typer.Option(help="Branch to push to; by default the main one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and list, push nothing.")] = False,
    json_: JsonOption = False,
) -> None:
    """Push an export to the Hugging Face Hub.

    The token comes from HF_TOKEN or the hub's own login.
    """
    from mgrd.export.publish import plan_push, push

    plan = plan_push(directory, repo, private=private, revision=revision)
    if not json_:
        print_table(("bytes", "file"), [[size, path] for path, size in plan.files])
        typer.echo(f"{len(plan.files)} files, {plan.bytes / 1e6:.1f} MB for {plan.repo}")
    address = None if dry_run else push(plan)
    if json_:
        typer.echo(json.dumps(plan.document | {"dry_run": dry_run, "address": address}))
    elif address is not None:
        typer.echo(address)


def _config(**values: object) -> "ExportConfig":
    from pydantic import ValidationError

    from mgrd.errors import ConfigError
    from mgrd.export.choices import ExportConfig

    try:
        return ExportConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(e["msg"].removeprefix("Value error, ") for e in error.errors())) from error


def _show(out: Path, manifest: "Manifest") -> None:
    rows = [
        [name, split, count, len(manifest.of(name, split))]
        for name, splits in manifest.splits.items()
        for split, count in splits.items()
    ]
    print_table(("config", "split", "rows", "files"), rows)
    if refused := manifest.about["refused"]:
        typer.echo(f"{len(refused)} rows refused; the first, {refused[0]['id']}: {refused[0]['reason']}")
    typer.echo(f"{out}: fingerprint {manifest.fingerprint}; `mgrd verify {out}` checks it")
