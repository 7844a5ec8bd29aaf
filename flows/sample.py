"""Sampling by itself: the chains of a round, on a machine that only samples; the campaign goes on from them."""

from prefect import flow

from tasks.artifacts import tell_failure
from tasks.models import standing_model
from tasks.run import Overrides, Run
from tasks.sample import sample


@flow(name="sample", on_failure=[tell_failure], on_crashed=[tell_failure], on_cancellation=[tell_failure])
def sample_round(workspace: str, round_: int, overrides: Overrides | None = None) -> int:
    """Sample the chains of round `round_` from the model that stands; returns how many there are.

    The campaign finds them by the stage's fingerprint and does not sample again.

    Args:
        workspace: Folder of the workspace, as the worker sees it.
        round_: The round to work on, 1 or more; the round before must be finished.
        overrides: Settings for this run alone, by dotted key, such as {"runtime.engine": "openai"}.
    """
    run = Run(workspace=workspace, overrides=overrides or {})
    with run.traced("sample"), run.open().held("sample"):
        return sample(run, round_, standing_model(run.open(), round_)).rows
