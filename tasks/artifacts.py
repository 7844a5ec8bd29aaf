"""Prefect artifacts: what a round shows in the Prefect UI."""

from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from mgrd.settings import SETTINGS_FILE
from mgrd.store import Entry, Workspace
from schemas import LEDGER

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
    """Hook of a failed or crashed flow run: what failed, what is finished, and the command that continues."""
    workspace = str((flow_run.parameters or {}).get("workspace", ""))
    reason = str(state.message or state.name).replace("`", "'")
    lines = [f"# {flow.name} stopped", "", "```text", reason, "```", ""]
    if (Path(workspace) / SETTINGS_FILE).is_file():
        finished = Workspace.open(Path(workspace)).store.read(LEDGER).sort("finished_at").tail(FINISHED_SHOWN)
        rows = finished.select("round", "stage", "rows_in").iter_rows()
        lines += ["Finished last, and not done again:", "", "| round | stage | rows |", "|---|---|---|"]
        lines += [f"| {round_} | {stage} | {count} |" for round_, stage, count in rows]
    lines += ["", f"Remove the cause and run this deployment again, or `mgrd run --workspace {workspace}`."]
    create_markdown_artifact("\n".join(lines), key=f"failure-{flow.name.replace(' ', '-')}")
