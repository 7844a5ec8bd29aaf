"""Export and publish: a finished round as a directory, and that directory on the hub."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from mgrd.export.choices import ExportConfig
from mgrd.export.directory import export_round, rows_of
from mgrd.export.publish import plan_push, push
from tasks.progress import progress
from tasks.retries import RETRY_JITTER
from tasks.run import Run


@task(name="export", cache_policy=NO_CACHE, retry_jitter_factor=RETRY_JITTER)
def export(run: Run, config: ExportConfig, out: str) -> str:
    """Write the export unless it is there already; returns its directory."""
    workspace = run.open()
    with progress(f"exporting round {config.round}", rows_of(workspace, config)) as advance:
        export_round(workspace, config, Path(out), advance)
    return out


@task(name="push", cache_policy=NO_CACHE, retry_jitter_factor=RETRY_JITTER, retries=2, retry_delay_seconds=30)
def push_export(directory: str, repo: str, *, private: bool, dry_run: bool) -> str:
    """Push the directory and return the commit's address; a dry run only checks it and returns its fingerprint."""
    plan = plan_push(Path(directory), repo, private=private)
    return plan.fingerprint if dry_run else push(plan)
