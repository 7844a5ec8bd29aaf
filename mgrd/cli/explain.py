"""`mgrd explain`: one chain, its claims, what was measured, what was judged, and the decision, in one screen."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgrd.cli.options import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PLAIN_WIDTH = 120
"""Columns where the output is no terminal."""
COLOURS = {"supported": "green", "contradicted": "red", "unverifiable": "yellow", "surrogate": "magenta"}
SIGNS = {"supported": "+", "contradicted": "-", "unverifiable": "?"}
MEASURED = {"text": "text problems", "probe": "probes"}


def explain_command(
    trace_id: Annotated[str, typer.Argument(help="A trace's id, or its first digits.")],
    workspace: WorkspaceOption = Path(),
    json_: JsonOption = False,
) -> None:
    """Show a chain, its claims, and how it was decided on.

    With measured values, judges' scores, counterfactual, reviewers' verdicts and the reasons.
    """
    from mgrd.report.explain import explain_trace
    from mgrd.store import Workspace

    found = explain_trace(Workspace.open(workspace), trace_id)
    if json_:
        typer.echo(json.dumps(found))
    else:
        show(found)


def show(found: dict[str, Any]) -> None:
    """The document as text: coloured on a terminal, plain elsewhere."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    _show_head(console, found)
    console.print(_marked(found))
    _show_answer(console, found)
    if found["claims"]:
        console.print(_claims_table(found["claims"]))
    for surrogate in found["surrogates"]:
        _line(console, "surrogate", surrogate["text"].strip(), COLOURS["surrogate"])
    for verdict in found["verdicts"]:
        _line(console, f"judge {verdict['judge']}", _scores(verdict))
        _line(console, "", str(verdict["reason"] or ""))
    if found["counterfactual"]:
        _line(console, "counterfactual", _counterfactual(found["counterfactual"]))
    for override in found["overrides"]:
        said = f"{override['verdict']} by {override['reviewer']}, {override['made_at']}: {override['reason'] or ''}"
        _line(console, "override", said)
    if found["decision"] is None and found["purpose"] in MEASURED:
        _line(console, "decision", f"none: {MEASURED[found['purpose']]} are measured, nothing is decided on them")
        return
    _show_decision(console, found["decision"])


def _show_head(console: "Console", found: dict[str, Any]) -> None:
    where = f"round {found['round']}, {found['purpose']}, {found['split']}, sample {found['sample_index']}"
    _line(console, f"trace {found['trace_id']}", where, "bold")
    if clip := found["clip"]:
        _line(console, "clip", f"{clip['uri']} ({clip['duration']:.2f} s, {clip['source']})")
    if question := found["question"]:
        choices = f" [{' | '.join(question['choices'])}]" if question["choices"] else ""
        _line(console, "question", f"{question['text']}{choices}")


def _marked(found: dict[str, Any]) -> "Text":
    """The chain with each claim followed by its number and sign: + holds, - is refuted, ? cannot be told."""
    from rich.text import Text

    from mgrd.report.examples import mark_pieces
    from mgrd.report.html import visible

    if not (found["reasoning"] or "").strip():
        return Text(f"  no reasoning; raw text: {visible(found['raw_text'])}", style="dim")
    text = Text("  ")
    spans = [(span["start"], span["end"]) for span in found["surrogates"]]
    for piece in mark_pieces(found["reasoning"], found["claims"], spans):
        text.append(piece.text, style=COLOURS.get(piece.mark, ""))
        for tag in piece.tags:
            sign = f"[{tag.number}{SIGNS[tag.verdict]}]" if tag.number else "[surrogate]"
            text.append(sign, style=f"bold {COLOURS[tag.verdict]}")
    return text


def _show_answer(console: "Console", found: dict[str, Any]) -> None:
    verdict = {True: "right", False: "wrong", None: "no ground truth"}[found["correct"]]
    gold = found["question"] and found["question"]["answer"]
    wanted = f"; right is {gold}" if found["correct"] is False and gold else ""
    _line(console, "answer", f"{found['answer'] or 'none'} ({verdict}{wanted})")


def _claims_table(claims: list[dict[str, Any]]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("#", "claimed", "measured", "unit", "tolerance", "reliability", "time s", "verdict"):
        table.add_column(title, overflow="fold")
    gains = any(claim["silence_gain"] is not None for claim in claims)
    if gains:
        table.add_column("gain", justify="right")
    for claim in claims:
        cells = [str(claim["number"]), _claimed(claim), _number(claim["measured"]), claim["measured_unit"]]
        cells += [_number(claim["tolerance"]), _number(claim["reliability"]), _time(claim["time"]), _verdict(claim)]
        cells += [_number(claim["silence_gain"])] if gains else []
        table.add_row(*[Text(cell) for cell in cells], style=COLOURS[claim["verdict"]])
    return table


def _claimed(claim: dict[str, Any]) -> str:
    from mgrd.report.html import visible

    value = "" if claim["value"] is None else f" ({_number(claim['value'])} {claim['unit'] or ''})".replace(" )", ")")
    return visible(f"{'not ' if claim['negated'] else ''}{claim['claimed']}{value}")


def _verdict(claim: dict[str, Any]) -> str:
    return f"{claim['verdict']}: {claim['note']}" if claim["note"] else claim["verdict"]


def _scores(verdict: dict[str, Any]) -> str:
    if not verdict["scored"]:
        return "unscored"
    from schemas.verdicts import CRITERIA

    return ", ".join(f"{name.replace('_', ' ')} {_number(verdict.get(name))}" for name in CRITERIA)


def _counterfactual(figures: dict[str, Any]) -> str:
    flips = {True: "changes the answer", False: "leaves the answer", None: "no choices"}
    silence = f"silence {figures['silence_margin']:+.3f} nats a token, {flips[figures['silence_flips']]}"
    if figures["swap_margin"] is None:
        return f"{silence}; no other clip"
    return f"{silence}; another clip {figures['swap_margin']:+.3f}, {flips[figures['swap_flips']]}"


def _show_decision(console: "Console", decision: dict[str, Any] | None) -> None:
    if decision is None:
        _line(console, "decision", "none yet; `mgrd run` grounds and decides")
        return
    colour = {"kept": "bold green", "rejected": "bold red", "unscored": "bold yellow"}[decision["decision"]]
    score = f"score {decision['score']:.2f}, by {decision['decided_by']}"
    _line(console, "decision", f"{decision['decision']} ({score})", colour)
    for name in ("reasons", "warnings"):
        if decision[name]:
            _line(console, name, ", ".join(decision[name]))


def _line(console: "Console", label: str, text: str, style: str = "") -> None:
    from rich.text import Text

    from mgrd.report.html import visible

    line = Text(f"{visible(label):<16} ", style="bold")
    line.append(visible(text).replace("\n", " "), style=style)
    console.print(line)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _time(span: list[float] | None) -> str:
    return "" if span is None or None in span else f"{span[0]:.2f}-{span[1]:.2f}"
