"""Ingest: audio becomes clips, clips get evidence, and questions where they came without."""

from prefect import flow

from tasks.contracts import check_ingest
from tasks.evidence import measure
from tasks.ingest import derive, ingest_embedded, ingest_path
from tasks.run import Overrides, Run


@flow(name="ingest")
def ingest(workspace: str, source: str = "embedded", overrides: Overrides | None = None) -> None:
    """Bring `embedded`, or the audio below a path, into the workspace."""
    run = Run(workspace=workspace, overrides=overrides or {})
    with run.open().held("ingest"):
        if source == "embedded":
            clips = ingest_embedded(run)
            measure(run, clips)
        else:
            clips = ingest_path(run, source)
            measure(run, clips)
            derive(run, clips)
        check_ingest(run, clips)
