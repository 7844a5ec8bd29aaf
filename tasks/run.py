"""What every task is told: which workspace, and the settings that this run overrides.

Tasks pass `ModelRef` and `DatasetRef` to each other, never frames: a task can run in any process
that reaches the workspace.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from mgrd.settings import load_settings
from mgrd.store import Workspace
from mgrd.store.logs import join_log
from mgrd.store.running import running
from mgrd.store.telemetry import traced_flow

Overrides = dict[str, int | float | str | bool | None]
"""Settings by dotted key that hold for one run, such as {"spec.rounds": 1}."""


class Run(BaseModel):
    """A workspace and this run's overrides of its settings (dotted keys)."""

    model_config = ConfigDict(frozen=True)

    workspace: str
    overrides: Overrides = {}

    def open(self) -> Workspace:
        return Workspace.open(Path(self.workspace), dict(self.overrides))

    @contextmanager
    def traced(self, flow: str, round_: int | None = None) -> Iterator[None]:
        """The block as a flow: observers see its stages below it, and its log is as the settings want it."""
        settings = load_settings(Path(self.workspace), dict(self.overrides))
        join_log(settings)
        with traced_flow(settings, flow, round_), nullcontext() if round_ is None else running(round_):
            yield
