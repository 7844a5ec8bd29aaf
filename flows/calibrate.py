"""Calibrate: the policy and its signals, held against what people say of the same chains."""

from prefect import flow

from tasks.calibrate import PRECISION
from tasks.calibrate import calibrate as calibrate_task
from tasks.run import Overrides, Run


@flow(name="calibrate")
def calibrate(
    workspace: str, labels: str | None = None, precision: float = PRECISION, overrides: Overrides | None = None
) -> dict[str, object]:
    """Kappa, precision curve and the threshold for a wished precision, from overrides and a labels file."""
    return calibrate_task(Run(workspace=workspace, overrides=overrides or {}), labels, precision)
