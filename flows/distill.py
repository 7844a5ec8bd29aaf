"""The campaign: cold start, rounds 1..T, and the rules that stop it early."""

from prefect import flow

from flows.distill_round import distill_round
from tasks.artifacts import tell_failure
from tasks.decontaminate import decontaminate
from tasks.evaluate import evaluate, promote
from tasks.models import ModelRef, outside_model
from tasks.report import report
from tasks.run import Overrides, Run
from tasks.train import demonstrations, learn_chains, learn_hearing


@flow(name="distill", on_failure=[tell_failure], on_crashed=[tell_failure], on_cancellation=[tell_failure])
def distill(workspace: str, overrides: Overrides | None = None) -> str:
    """Run the campaign of a workspace and return the path of its report.

    Finished stages are skipped, so the same call again continues where the last one ended.

    Args:
        workspace: Folder of the workspace, as the worker sees it.
        overrides: Settings for this run alone, by dotted key, such as {"spec.rounds": 1}.
    """
    run = Run(workspace=workspace, overrides=overrides or {})
    with run.traced("distill"), run.open().held("distill"):
        return rounds(run)


def rounds(run: Run) -> str:
    """Cold start and rounds of a campaign whose workspace is held; returns the path of its report."""
    spec = run.open().settings.spec
    decontaminate(run)
    model = start = cold_start(run)
    refused = 0
    for round_ in range(1, spec.rounds + 1):
        result = distill_round(run, round_, model, model if spec.training.start == "continue" else start)
        model = result.model if result.promoted else model
        refused = 0 if result.promoted else refused + 1
        if refused >= spec.gate.patience:
            break
    return report(run)


def cold_start(run: Run) -> ModelRef:
    """Round 0: the model that the first round samples from, with its held-out figures."""
    workspace = run.open()
    if workspace.settings.spec.model.base == "embedded":
        rows = demonstrations(run)
        model = learn_chains(run, rows, learn_hearing(run, rows))
    else:
        model = outside_model(workspace)
    evaluate(run, 0, model)
    if workspace.settings.spec.model.base == "embedded":
        promote(run, 0, model, None)
    return model
