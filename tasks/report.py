"""Report: the campaign so far as one HTML file."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from mgrd.report import write_report
from tasks.artifacts import publish_report
from tasks.retries import RETRY_JITTER
from tasks.run import Run


@task(name="report", cache_policy=NO_CACHE, retry_jitter_factor=RETRY_JITTER)
def report(run: Run) -> str:
    """The path of the written report."""
    workspace = run.open()
    written = write_report(workspace)
    publish_report(workspace, written)
    return str(written)
