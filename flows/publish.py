"""Publish: a finished round leaves the workspace, as a directory for trainers and as a data set on the hub."""

from prefect import flow

from flows.rejudge import rejudge
from mgrd.export.choices import ExportConfig, Purpose
from tasks.decide import reviewers_wait
from tasks.publish import export, push_export
from tasks.run import Overrides, Run


@flow(name="publish")
def publish(
    workspace: str,
    round_: int,
    out: str,
    repo: str | None = None,
    purpose: Purpose = "sft",
    private: bool = True,
    dry_run: bool = False,
    overrides: Overrides | None = None,
) -> str:
    """Export round `round_` to `out` with its audio inside, and push it to `repo` when one is named.

    Where reviewers have spoken since the round was decided, it is decided anew first.
    """
    run = Run(workspace=workspace, overrides=overrides or {})
    if reviewers_wait(run.open(), round_):
        rejudge(workspace, round_, overrides)
    directory = export(run, ExportConfig(round=round_, purpose=purpose, embed_audio=True), out)
    return directory if repo is None else push_export(directory, repo, private=private, dry_run=dry_run)
