"""`mgrd decontaminate`: training rows that a benchmark holds too."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mgrd.cli.options import BenchmarkDataOption, BenchmarkOption, JsonOption, WorkspaceOption


def decontaminate_command(
    benchmark: BenchmarkOption,
    data: BenchmarkDataOption,
    out: Annotated[Path, typer.Option(help="Where sound out of tables is unpacked.")] = Path("evaluation"),
    json_: JsonOption = False,
    workspace: WorkspaceOption = Path(),
) -> None:
    """List training questions that a benchmark holds too.

    By their recording or by their wording; nothing is changed.
    """
    from dataclasses import asdict

    import polars as pl

    from mgrd.evaluation.benchmarks import named
    from mgrd.evaluation.decontamination import Sample, find_overlaps
    from mgrd.ingest.text_set import text_set_of
    from mgrd.store import Workspace
    from schemas import CLIPS, QUESTIONS
    from schemas.clips import HELD_OUT

    opened = Workspace.open(workspace)
    clips = dict(opened.store.read(CLIPS).select("clip_id", "uri").iter_rows())
    asked = opened.store.read(QUESTIONS).filter(~pl.col("split").is_in(HELD_OUT)).sort("question_id")
    training = [
        Sample(
            row["question_id"], opened.resolve(clips[row["clip_id"]]) if row["clip_id"] in clips else None, row["text"]
        )
        for row in asked.iter_rows(named=True)
    ]
    if (texts := text_set_of(opened)) is not None:
        training += [Sample(key, question=text) for key, text in sorted(texts.asked.items())]
    items = named(benchmark).read(data, out)
    held = {benchmark: [Sample(item.item_id, item.audio, item.question) for item in items]}
    found = find_overlaps(training, held)
    if json_:
        typer.echo(json.dumps({"rows": len(training), **asdict(found)}))
        return
    for overlap in found.overlaps:
        typer.echo(f"  {overlap.key}  {overlap.reason} of {overlap.other}")
    for key, reason in found.unreadable.items():
        typer.echo(f"  not compared {key}: {reason}")
    typer.echo(f"{len(found.overlaps)} of {len(training)} training questions are in {benchmark}")
