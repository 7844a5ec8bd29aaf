"""Ingest: audio becomes clips, clips get evidence, and questions where they came without."""

from prefect import flow

from tasks.artifacts import tell_failure
from tasks.contracts import check_ingest
from tasks.evidence import measure
from tasks.ingest import derive, ingest_embedded, ingest_path
from tasks.run import Overrides, Run


@flow(name="ingest", on_failure=[tell_failure], on_crashed=[tell_failure], on_cancellation=[tell_failure])
def ingest(workspace: str, source: str = "embedded", overrides: Overrides | None = None) -> None:
    """Bring `embedded`, or the audio below a path, into the workspace.

    Args:
        workspace: Folder of the workspace, as the worker sees it.
        source: `embedded` for the default clips, or a folder, manifest or audio file that the worker sees.
        overrides: Settings for this run alone, by dotted key, such as {"spec.rounds": 1}.
    """
    run = Run(workspace=workspace, overrides=overrides or {})
    with run.traced("ingest"), run.open().held("ingest"):
        if source == "embedded":
            clips = ingest_embedded(run)
            measure(run, clips)
        else:
            clips = ingest_path(run, source)
            measure(run, clips)
            derive(run, clips)
        check_ingest(run, clips)
