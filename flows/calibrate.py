"""Calibrate: the policy and its signals, held against what people say of the same chains."""

from prefect import flow

from tasks.artifacts import tell_failure
from tasks.calibrate import PRECISION
from tasks.calibrate import calibrate as calibrate_task
from tasks.run import Overrides, Run


@flow(name="calibrate", on_failure=[tell_failure], on_crashed=[tell_failure], on_cancellation=[tell_failure])
def calibrate(
    workspace: str, labels: str | None = None, precision: float = PRECISION, overrides: Overrides | None = None
) -> dict[str, object]:
    """Kappa, precision curve and the threshold for a wished precision, from overrides and a labels file.

    Args:
        workspace: Folder of the workspace, as the worker sees it.
        labels: File of JSON lines with trace_id and verdict, beside what reviewers said; none: reviewers alone.
        precision: Precision of kept chains for which a threshold is looked for.
        overrides: Settings for this run alone, by dotted key, such as {"spec.rounds": 1}.
    """
    run = Run(workspace=workspace, overrides=overrides or {})
    with run.traced("calibrate"):
        return calibrate_task(run, labels, precision)
