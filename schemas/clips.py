"""Table `clips`: an audio file: where it is, what it is, where it comes from and under which licence.

`truth` holds facts that are known by construction (synthetic clips), never measurements; held-out
grounding is scored against it independently of the filter.
"""

import pyarrow as pa

from schemas.base import FACT, FactRow, Row, Table, listed, optional, required

HELD_OUT = ("dev", "test")
"""Splits that nothing is trained on."""


class Clip(Row):
    clip_id: str
    sha256: str
    uri: str
    """Path relative to the workspace, or absolute for audio that stays where it is."""
    duration: float
    """Seconds."""
    sample_rate: int
    """Hz, of the file."""
    channels: int
    domain: str
    """Speech, music, environment or synthetic."""
    label: str | None = None
    """What the source says is heard."""
    transcript: str | None = None
    speaker: str | None = None
    source: str
    """What splits go by: patch, voice, recording session, package."""
    licence: str
    provenance: str
    """How the file came to be."""
    split: str
    """Cold, pool, dev or test."""
    collection: str
    """The ingest that brought it; ingesting again replaces the collection."""
    family: str | None = None
    """Generator family of synthetic clips."""
    truth: list[FactRow] | None = None


CLIPS = Table(
    name="clips",
    row=Clip,
    key=("clip_id",),
    partition_by=("collection",),
    arrow=pa.schema(
        [
            required("clip_id", pa.string()),
            required("sha256", pa.string()),
            required("uri", pa.string()),
            required("duration", pa.float64()),
            required("sample_rate", pa.int64()),
            required("channels", pa.int64()),
            required("domain", pa.string()),
            optional("label", pa.string()),
            optional("transcript", pa.string()),
            optional("speaker", pa.string()),
            required("source", pa.string()),
            required("licence", pa.string()),
            required("provenance", pa.string()),
            required("split", pa.string()),
            required("collection", pa.string()),
            optional("family", pa.string()),
            listed("truth", FACT, nullable=True),
        ]
    ),
)
