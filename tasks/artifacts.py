"""Prefect artifacts: what a round shows in the Prefect UI."""

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from mgrd.store import Entry

FUNNEL = ("sampled", "correct", "grounded", "kept", "rejected", "unscored", "quarantined", "distilled")


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
