"""Publish: a finished round leaves the workspace, as a directory for trainers and as a data set on the hub."""

from prefect import flow

from flows.rejudge import rejudge
from mgrd.export.choices import ExportConfig
from mgrd.export.formats import Purpose
from mgrd.selection.overrides import reviewers_wait
from tasks.artifacts import tell_failure
from tasks.publish import export, push_export
from tasks.run import Overrides, Run


@flow(name="publish", on_failure=[tell_failure], on_crashed=[tell_failure], on_cancellation=[tell_failure])
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

    Args:
        workspace: Folder of the workspace, as the worker sees it.
        round_: The round to work on, 1 or more.
        out: Folder of the export.
        repo: Repository on the hub, `owner/name`; none: the export stays a folder.
        purpose: What the rows train: sft, dpo or rl.
        private: Whether the repository is private.
        dry_run: Check what would be pushed, and push nothing.
        overrides: Settings for this run alone, by dotted key, such as {"spec.rounds": 1}.
    """
    run = Run(workspace=workspace, overrides=overrides or {})
    with run.traced("publish", round_):
        if reviewers_wait(run.open(), round_):
            rejudge(workspace, round_, overrides)
        directory = export(run, ExportConfig(round=round_, purpose=purpose, embed_audio=True), out)
        return directory if repo is None else push_export(directory, repo, private=private, dry_run=dry_run)
