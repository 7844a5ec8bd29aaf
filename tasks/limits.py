"""Limits that stop a stage early: too many failed rows, too much money. What is finished stays committed."""

import polars as pl

from mgrd.errors import ConfigError, MgrdError
from mgrd.settings import PanelSpec
from mgrd.store import Workspace
from schemas import LEDGER, VERDICTS

FIRST_ROWS = 20
"""When so many rows have failed and none has succeeded, something is wrong with all of them."""


class ErrorLimit:
    """Stops a stage whose share of failed rows passes `runtime.fail_on_error`.

    The share is of all rows that the stage wants, so that it comes out the same for a stage that was killed and
    continued; a stage of which nothing at all succeeds is stopped after its first rows.
    """

    def __init__(self, stage: str, wanted: int, good: int, limit: float, error: type[MgrdError]) -> None:
        self.stage = stage
        self.wanted = wanted
        self.good = good
        self.limit = limit
        self.error = error
        self.failed = 0

    def count(self, good: int, failed: pl.DataFrame) -> None:
        """Rows that were done, and the quarantine rows of those that failed. Raises the stage's error at the limit."""
        self.good += good
        self.failed += failed.height
        hopeless = self.limit < 1 and not self.good and self.failed >= FIRST_ROWS
        if self.failed > self.limit * self.wanted or hopeless:
            so_far = f"the first {self.failed}" if hopeless else f"{self.failed}"
            reason = failed["message"][-1] if failed.height else "see quarantine"
            raise self.error(
                f"{self.stage}: {so_far} of {self.wanted} rows failed, more than runtime.fail_on_error = "
                f"{self.limit:g}; the last reason: {reason}. Finished rows are kept: `mgrd data quarantine` shows the "
                "others, remove the cause and run the same command again"
            )


def affordable(workspace: Workspace, panel: PanelSpec, spent: float) -> PanelSpec:
    """The panel with its limit lowered to what `runtime.max_cost` leaves; `spent` is what this round's verdicts cost.

    Raises ConfigError when a limit is set and a judge has no price: its calls would be counted as free.
    """
    limit = workspace.settings.runtime.max_cost
    if limit is None:
        return panel
    unpriced = [judge.model for judge in panel.judges if not (judge.price_in and judge.price_out)]
    if unpriced:
        raise ConfigError(
            f"runtime.max_cost needs price_in and price_out of every judge; {', '.join(unpriced)} has none"
        )
    left = spent + max(0.0, limit - money_spent(workspace))
    return panel.model_copy(update={"max_cost": left if panel.max_cost is None else min(left, panel.max_cost)})


def money_spent(workspace: Workspace) -> float:
    """What judges have cost in this workspace: verdicts as they were paid, and other stages by the ledger."""
    verdicts = workspace.store.read(VERDICTS, columns=["cost"])["cost"].sum()
    ledger = workspace.store.read(LEDGER, columns=["stage", "cost"])
    others = ledger.filter(~pl.col("stage").str.starts_with("judge-"))["cost"].sum()
    return float(verdicts) + float(others)
