"""Report: the campaign so far as one HTML file."""

from mgrd.report import write_report
from tasks.artifacts import publish_report
from tasks.run import Run
from tasks.stage_task import stage_task


@stage_task("report")
def report(run: Run) -> str:
    """The path of the written report."""
    workspace = run.open()
    written = write_report(workspace)
    publish_report(workspace, written)
    return str(written)
