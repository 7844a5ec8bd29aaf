"""`mgrd evaluate`: public benchmarks, scored by their owners' rules and by grounding."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mgrd.cli.environment import keep_in
from mgrd.cli.options import BenchmarkDataOption, BenchmarkOption, JsonOption, WorkspaceOption


def evaluate_command(
    benchmark: BenchmarkOption,
    data: BenchmarkDataOption,
    out: Annotated[Path, typer.Option(help="Where predictions and evaluation.json are written.")] = Path("evaluation"),
    predictions: Annotated[
        Path | None, typer.Option(help="Score this file of predictions in the owners' format; no engine is run.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="transformers, vllm, openai or mock; else the settings' engine.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Folder of a checkpoint; else the campaign's current model.")
    ] = None,
    samples: Annotated[int, typer.Option(min=0, help="Chains per question for majority and best-of-K; 0: none.")] = 0,
    grounding: Annotated[bool, typer.Option(help="Check chains against the clips; silence and swap them.")] = True,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="Accuracy against reasoning length; thinking on/off.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first questions.")] = None,
    json_: JsonOption = False,
    workspace: WorkspaceOption = Path(),
) -> None:
    """Answer a public benchmark and score the answers.

    Predictions are written in the owners' format. `official` counts as the owners do, `strict` counts whatever is
    missing as wrong. The same command again goes on where it stopped: answers stand in answers.jsonl below --out, and
    are not asked for again.
    """
    if predictions is not None:
        from dataclasses import asdict

        from mgrd.evaluation.benchmarks import named, score_predictions
        from mgrd.evaluation.benchmarks.files import read_table

        family = named(benchmark)
        items = family.read(data, out)[:limit]
        score = asdict(score_predictions(family, items, read_table(predictions)))
        _show({"benchmark": benchmark, "score": score}, json_)
        return
    from mgrd.settings import SETTINGS_FILE, load_settings
    from mgrd.store.logs import write_log

    keep_in(workspace if (workspace / SETTINGS_FILE).is_file() else out)
    write_log(load_settings(workspace))
    from flows.evaluate import evaluate

    _show(
        evaluate(
            str(workspace.resolve()), benchmark, str(data.resolve()), str(out.resolve()),
            None if model is None else str(model.resolve()), samples, grounding, scaling, limit,
            {"runtime.engine": engine} if engine else None,
        ),
        json_,
    )  # fmt: skip


def _show(document: dict[str, Any], json_: bool) -> None:
    if json_:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    score = document["score"]
    official = "not the owners' scorer" if score["official"] is None else f"{score['official']:.4f}"
    typer.echo(
        f"{document['benchmark']}: official {official}, strict {score['strict']:.4f} of {score['items']} questions"
    )
    typer.echo(f"  {score['left_out']} left out by the owners' rule, {score['missing']} without a prediction")
    if score["stand_in"]:
        typer.echo(f"  {score['stand_in']}")
    for name, groups in score["groups"].items():
        for value, (accuracy, count) in groups.items():
            typer.echo(f"  {name} {value}: {accuracy:.4f} of {count}")
    for name, figure in document.get("grounding", {}).items():
        typer.echo(f"  {name.replace('_', ' ')}: {_shown(figure)}")
    for row in document.get("thinking", []):
        typer.echo(f"  thinking {row['thinking']}: {_shown(row['accuracy'])}")
    for point in document.get("length_curve", []):
        words = "all" if point["words"] is None else point["words"]
        typer.echo(f"  {words} words of reasoning: {_shown(point['accuracy'])}")
    for point in document.get("sample_curve", []):
        voted, best = _shown(point["majority"]), _shown(point["best_grounded"])
        typer.echo(f"  K = {point['k']}: majority {voted}, best grounded {best}")
    for key, reason in list(document.get("refused", {}).items())[:10]:
        typer.echo(f"  not answered {key}: {reason}")


def _shown(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return "nothing to average"
    if figure["low"] is None:
        return f"{figure['mean']:.3f}"
    return f"{figure['mean']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
