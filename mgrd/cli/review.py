"""`mgrd review`: the web app for the people who hear and judge chains; and the way to crowds and back."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mgrd.cli.options import JsonOption, WorkspaceOption

app = typer.Typer(help="Hear the clip, see the claim, judge with one key.", invoke_without_command=True)
DEFAULT_PORT = 8765

HostOption = Annotated[str, typer.Option(help="Address to bind; beyond loopback only with a token or --user-header.")]
PortOption = Annotated[int, typer.Option(help="Port.", min=0, max=65535)]
ReviewerOption = Annotated[str | None, typer.Option(help="Name beside your verdicts; default: your login.")]
TokenOption = Annotated[
    str | None, typer.Option(envvar="MGRD_REVIEW_TOKEN", help="Secret that visitors must give; best by the variable.")
]
HeaderOption = Annotated[str | None, typer.Option(help="Header in which a reverse proxy names its user.")]


@app.callback()
def review_command(
    context: typer.Context,
    workspace: WorkspaceOption = Path(),
    host: HostOption = "127.0.0.1",
    port: PortOption = DEFAULT_PORT,
    reviewer: ReviewerOption = None,
    token: TokenOption = None,
    user_header: HeaderOption = None,
) -> None:
    """Serve the review pages of a workspace until interrupted."""
    if context.invoked_subcommand is not None:
        context.obj = workspace
        return
    import getpass

    import uvicorn

    from mgrd.review.access import Access
    from mgrd.review.app import make_app
    from mgrd.store import Workspace

    access = Access(token, user_header, reviewer or getpass.getuser())
    access.check_host(host)
    opened = Workspace.open(workspace)
    typer.echo("bringing the tables into the review index; a large workspace takes minutes the first time")
    served = make_app(opened, access)
    name = f"[{host}]" if ":" in host else host
    typer.echo(f"http://{name}:{port}/  (Ctrl-C stops)")
    uvicorn.run(served, host=host, port=port, log_level="warning", proxy_headers=False, server_header=False)


@app.command("export")
def export_command(
    context: typer.Context,
    output: Annotated[Path, typer.Argument(help="File to write.")],
    view: Annotated[
        str, typer.Option(help="The queue and filters, as in a page's address: queue=audit&round=2")
    ] = "queue=disagreement",
    audio: Annotated[
        str, typer.Option(help="Where annotators' browsers find a clip; {clip} is its id.")
    ] = f"http://127.0.0.1:{DEFAULT_PORT}/clips/{{clip}}/audio",
    workspace: WorkspaceOption = Path(),
) -> None:
    """Write a queue as Label Studio tasks.

    `mgrd review interface` prints the labeling interface for them.
    """
    from urllib.parse import parse_qsl

    from mgrd.review.filters import parse_view
    from mgrd.review.items import refresh_items
    from mgrd.review.label_studio import export_tasks, json_list
    from mgrd.review.mirror import Mirror
    from mgrd.store import Workspace

    mirror = Mirror(Workspace.open(_chosen(context, workspace)))
    refresh_items(mirror)
    asked = parse_view(dict(parse_qsl(view)))
    tasks = export_tasks(mirror, asked, "", audio=lambda clip: audio.replace("{clip}", clip))
    with output.open("w", encoding="utf-8") as file:
        written = [file.write(part) for part in json_list(tasks)]
    typer.echo(f"{output}: {len(written) - 2} tasks")  # the list's brackets are parts too


@app.command("import")
def import_command(
    context: typer.Context,
    results: Annotated[Path, typer.Argument(help="Label Studio's export in its JSON format.")],
    workspace: WorkspaceOption = Path(),
    json_: JsonOption = False,
) -> None:
    """Record Label Studio's annotations as verdicts.

    Each is its annotator's. Importing a file again changes nothing.
    """
    from dataclasses import asdict

    from mgrd.errors import DataError, boundary
    from mgrd.review.items import refresh_items
    from mgrd.review.label_studio import import_results
    from mgrd.review.mirror import Mirror
    from mgrd.store import Workspace

    if not results.is_file():
        raise DataError(f"{results}: no such file; give Label Studio's export in its JSON format")
    with boundary(DataError, f"{results}: not the JSON of a Label Studio export"):
        tasks = json.loads(results.read_text(encoding="utf-8"))
    mirror = Mirror(Workspace.open(_chosen(context, workspace)))
    refresh_items(mirror)
    done = import_results(mirror, tasks)
    if json_:
        typer.echo(json.dumps(asdict(done)))
        return
    typer.echo(f"{done.recorded} verdicts recorded, {done.known} were there already")
    for message in done.bad:
        typer.echo(f"  left out: {message}")


@app.command("interface")
def interface_command() -> None:
    """Print the labeling interface for a Label Studio project."""
    from mgrd.review.label_studio import CONFIG

    typer.echo(CONFIG)


def _chosen(context: typer.Context, workspace: Path) -> Path:
    """The workspace may be named before or after the subcommand."""
    return context.obj if workspace == Path() and context.obj is not None else workspace
