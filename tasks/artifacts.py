"""Prefect artifacts: what a round shows in the Prefect UI."""

from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from mgrd.errors import ConfigError
from mgrd.report.curves import curves_markdown
from mgrd.store import Entry, Workspace
from mgrd.store.secrets import secrets_of, starred
from schemas import CLAIMS, DECISIONS, DISTILLED, LEDGER, METRICS, TRACES

FUNNEL = ("sampled", "correct", "grounded", "kept", "rejected", "unscored", "quarantined", "distilled")
FINISHED_SHOWN = 10
"""Ledger entries that a failure shows."""


def publish_funnel(round_: int, entry: Entry) -> None:
    """The round's funnel as a table artifact, with the reasons for rejection."""
    rows = [{"step": name, "chains": entry.counts.get(name, 0)} for name in FUNNEL]
    create_table_artifact(table=rows, key=f"funnel-round-{round_}", description=f"Chains of round {round_}")
    reasons = entry.counts.get("reasons")
    if isinstance(reasons, dict) and reasons:
        create_table_artifact(
            table=[{"reason": reason, "chains": count} for reason, count in reasons.items()],
            key=f"reasons-round-{round_}",
            description=f"Why chains of round {round_} were rejected",
        )


def publish_heldout(round_: int, figures: dict[str, float], promoted: bool, reasons: tuple[str, ...]) -> None:
    """The round's held-out figures and the gate's verdict as a markdown artifact."""
    lines = [f"# Round {round_}", "", "| figure (test split) | value |", "|---|---|"]
    lines += [f"| {name} | {value:.3f} |" for name, value in figures.items()]
    lines += ["", "Promoted." if promoted else "Not promoted: " + "; ".join(reasons)]
    create_markdown_artifact("\n".join(lines), key=f"heldout-round-{round_}")


def publish_round(workspace: Workspace, round_: int) -> None:
    """Curves of all rounds so far, and where this round's tables, Data Docs pages and checkpoints lie."""
    curves = curves_markdown(workspace.store.read(METRICS), workspace.store.read(LEDGER))
    create_markdown_artifact(f"# Rounds up to {round_}\n\n{curves}", key=f"curves-round-{round_}")
    lines = [f"# Round {round_}", "", "| what | where |", "|---|---|"]
    lines += [
        f"| table `{table.name}`, version {workspace.store.version(table)} | {_link(workspace.store.location(table))} |"
        for table in (TRACES, CLAIMS, DECISIONS, DISTILLED, METRICS)
    ]
    folders = sorted(workspace.models.glob(f"round-{round_:02d}*"))
    lines += [f"| checkpoint `{folder.name}` | {_link(folder.as_posix())} |" for folder in folders]
    pages = sorted(workspace.data_docs.glob(f"round-{round_:02d}-*.html"))
    lines += [f"| contracts of `{page.stem}` | {_link(page.as_posix())} |" for page in pages]
    create_markdown_artifact("\n".join(lines), key=f"links-round-{round_}")


def publish_report(workspace: Workspace, report: Path) -> None:
    """Link artifacts of a workspace: its report, its Data Docs and its tables."""
    tables = workspace.store.location(LEDGER).rpartition("/")[0]
    for key, place, text in (
        ("report", report.as_posix(), "Report of the campaign: curves, funnels, examples with sound"),
        ("data-docs", workspace.data_docs.as_posix(), "Data Docs: what the contracts found in each table"),
        ("tables", tables, "Delta tables of the workspace"),
    ):
        create_link_artifact(_address(place), key=key, link_text=text, description=place)


def _link(place: str) -> str:
    return f"[{place}]({_address(place)})"


def _address(place: str) -> str:
    """A path as `file://`; an object store's address as it is."""
    return place if "://" in place else Path(place).as_uri()


def publish_benchmark(document: dict[str, Any]) -> None:
    """A benchmark's two scores, and the grounding of its chains, as a table artifact."""
    score = document["score"]
    rows = [{"figure": name, "value": score[name]} for name in ("official", "strict", "items", "left_out", "missing")]
    rows += [
        {"figure": name, "value": None if found is None else found["mean"]}
        for name, found in document.get("grounding", {}).items()
    ]
    name = document["benchmark"]
    create_table_artifact(table=rows, key=f"benchmark-{name}", description=f"{document['model']} on {name}")


def tell_failure(flow: Any, flow_run: Any, state: Any) -> None:
    """Hook of a run that failed, crashed or was cancelled: why, what is finished, and the command that continues."""
    workspace = str((flow_run.parameters or {}).get("workspace", ""))
    try:
        opened = Workspace.open(Path(workspace))
    except ConfigError:  # no workspace, or its settings are what is wrong
        opened = None
    secrets = [] if opened is None else secrets_of(opened.settings)
    reason = starred(str(state.message or state.name).replace("`", "'"), secrets)
    lines = [f"# {flow.name} stopped", "", "```text", reason, "```", ""]
    if opened is not None:
        finished = opened.store.read(LEDGER).sort("finished_at").tail(FINISHED_SHOWN)
        rows = finished.select("round", "stage", "rows_in").iter_rows()
        lines += ["Finished last, and not done again:", "", "| round | stage | rows |", "|---|---|---|"]
        lines += [f"| {round_} | {stage} | {count} |" for round_, stage, count in rows]
    lines += ["", f"Remove the cause and run this deployment again, or `mgrd run --workspace {workspace}`."]
    create_markdown_artifact("\n".join(lines), key=f"failure-{flow.name.replace(' ', '-')}")
