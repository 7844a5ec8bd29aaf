"""Export and publish: a finished round as a directory, and that directory on the hub."""

from pathlib import Path

from mgrd.export.choices import ExportConfig
from mgrd.export.directory import export_round, rows_of
from mgrd.export.publish import plan_push, push
from tasks.progress import progress
from tasks.run import Run
from tasks.stage_task import stage_task


@stage_task("export")
def export(run: Run, config: ExportConfig, out: str) -> str:
    """Write the export unless it is there already; returns its directory."""
    workspace = run.open()
    with progress(f"exporting round {config.round}", rows_of(workspace, config)) as advance:
        export_round(workspace, config, Path(out), advance)
    return out


@stage_task("push")
def push_export(directory: str, repo: str, *, private: bool, dry_run: bool) -> str:
    """Push the directory and return the commit's address; a dry run only checks it and returns its fingerprint."""
    plan = plan_push(Path(directory), repo, private=private)
    return plan.fingerprint if dry_run else push(plan)
