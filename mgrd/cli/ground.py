"""`mgrd ground`: the grounding filter on chains from elsewhere."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgrd.cli.options import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from mgrd.selection.outside import OutsideFilter

STDIN = "-"
COLOURS = {"supported": "green", "contradicted": "red", "unverifiable": "yellow"}
JudgeOption = Annotated[
    bool, typer.Option("--judge", help="Ask the judges of [spec.panel] about what passes the checks.")
]


def ground_command(
    file: Annotated[
        Path,
        typer.Argument(help="JSON lines with id, audio, question, choices, answer, gold and chain; - reads stdin."),
    ],
    json_: JsonOption = False,
    judge: JudgeOption = False,
    workspace: WorkspaceOption = Path(),
) -> None:
    """Decide on chains by their audio, as a round would.

    Audio paths are relative to FILE. Policy and judges are those of the mgrd.toml in --workspace, where there is one,
    and of the environment. A row that cannot be read comes back unscored, with a message, and the exit status stays
    0; it is 1 when the file is missing or a judge had to be given up, and 2 when the settings are wrong.
    """
    from mgrd.errors import DataError, JudgeError

    chains = _filter(workspace, judge)
    if str(file) == STDIN:
        _ground(chains, sys.stdin, Path(), json_)
    elif not file.is_file():
        raise DataError(f"{file}: no such file; give a file of JSON lines, or - for standard input")
    else:
        with file.open(encoding="utf-8", errors="replace") as lines:
            _ground(chains, lines, file.parent, json_)
    if chains.failures:
        raise JudgeError("; ".join(chains.failures))


def _filter(workspace: Path, judge: bool) -> "OutsideFilter":
    from mgrd.errors import ConfigError
    from mgrd.selection.outside import OutsideFilter
    from mgrd.settings import SETTINGS_FILE, load_settings

    if not workspace.is_dir():
        raise ConfigError(f"{workspace}: no such folder; --workspace names one whose {SETTINGS_FILE} has the policy")
    settings = load_settings(workspace)
    spec = settings.spec
    if judge and spec.panel is None:
        raise ConfigError(
            f"--judge asks the judges of [spec.panel], and {workspace / SETTINGS_FILE} names none; write one "
            "[[spec.panel.judges]] section with base_url and model, or name its folder with --workspace"
        )
    if not judge:
        return OutsideFilter(spec.policy)
    from mgrd.store import Workspace

    replies = Workspace(workspace, settings).replies if (workspace / SETTINGS_FILE).is_file() else None
    return OutsideFilter(spec.policy, spec.panel, replies)


def _ground(chains: "OutsideFilter", lines: Iterable[str], root: Path, json_: bool) -> None:
    counts = {"kept": 0, "rejected": 0, "unscored": 0}
    for result in chains.decide_rows(lines, root):
        counts[str(result["decision"])] += 1
        if json_:
            typer.echo(json.dumps(result))
        else:
            _show(result)
    if not json_:
        left = f"{counts['rejected']} rejected, {counts['unscored']} unscored"
        typer.echo(f"{counts['kept']} of {sum(counts.values())} chains kept, {left}")


def _show(result: dict[str, object]) -> None:
    from rich.console import Console
    from rich.text import Text

    from mgrd.report.html import visible

    console = Console(highlight=False, soft_wrap=True)
    reasons, claims = result["reasons"], result["claims"]
    assert isinstance(reasons, list)
    assert isinstance(claims, list)
    head = "kept" if result["kept"] else f"not kept: {', '.join(reasons)}"
    name = "no id" if result["id"] is None else result["id"]
    console.print(Text(visible(f"{name}  {head}"), style="bold"))
    if message := result.get("message"):
        console.print(Text(visible(f"    {message}")))
    for claim in claims:
        measured = claim["measured"]
        shown = "not measured" if measured is None else f"measured {measured:.4g} {claim['unit']}"
        note = f"; {claim['note']}" if "note" in claim else ""
        line = f"    {claim['verdict']:<13} {claim['claimed']}  ({shown}{note})"
        console.print(Text(visible(line), style=COLOURS[claim["verdict"]]))
    if warnings := result.get("warnings"):
        assert isinstance(warnings, list)
        console.print(Text(f"    warnings: {', '.join(warnings)}"))
    if judged := result.get("judge"):
        assert isinstance(judged, dict)
        scores = ", ".join(f"{name.replace('_', ' ')} {score:g}" for name, score in judged["scores"].items())
        console.print(Text(visible(f"    judge: {scores or 'unscored'} {judged['reason']}".rstrip())))
