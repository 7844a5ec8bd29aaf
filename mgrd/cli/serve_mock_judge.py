"""`mgrd serve-mock-judge`: a judge without a model, for trials and rehearsals."""

from pathlib import Path
from typing import Annotated

import typer

PortOption = Annotated[int, typer.Option(help="Port on loopback; 0 takes a free one.", min=0, max=65535)]
LatencyOption = Annotated[float, typer.Option(help="Seconds that every reply takes.", min=0)]
FaultOption = Annotated[
    list[str] | None,
    typer.Option(help="NAME: every request; NAME:N: the first N; NAME/N: every N-th. May be repeated."),
]
PlanOption = Annotated[Path | None, typer.Option(help="JSON file with a list of faults.")]


def serve_mock_judge_command(
    port: PortOption = 8400,
    latency: LatencyOption = 0.0,
    fault: FaultOption = None,
    plan: PlanOption = None,
    list_faults: Annotated[bool, typer.Option("--list-faults", help="Print the names of all faults.")] = False,
) -> None:
    """Serve a judge without a model, with faults on request.

    An OpenAI-compatible server with deterministic grades.
    """
    import asyncio
    from contextlib import suppress

    from mgrd.errors import ConfigError
    from mgrd.judging.mock import FAULTS, MockJudge, Plan, parse_fault, serve
    from mgrd.judging.mock.faults import parse_plan

    if list_faults:
        typer.echo("\n".join(FAULTS))
        return
    if plan is not None and not plan.is_file():
        raise ConfigError(f"{plan}: no such plan; give a JSON file with a list of faults")
    planned = parse_plan(plan.read_text()).faults if plan is not None else ()
    faults = (*(parse_fault(text) for text in fault or ()), *planned)
    judge = MockJudge(latency=latency, plan=Plan(faults))
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(judge, port, on_ready=lambda url: typer.echo(f"mock judge at {url}")))
