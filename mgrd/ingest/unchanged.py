"""Whether the files of clips still hold the sound that was ingested: their bytes against the hash in the table."""

from pathlib import Path

import polars as pl

from mgrd.ids import sha256_file


def altered_clips(clips: pl.DataFrame, root: Path) -> dict[str, str]:
    """clip_id -> what is wrong, of the clips (table `clips`) whose file has other bytes than were ingested.

    A `uri` is relative to `root` unless absolute. A file that is not there is left to whoever reads it.
    """
    altered: dict[str, str] = {}
    for clip_id, uri, sha256 in clips.select("clip_id", "uri", "sha256").iter_rows():
        path = root / uri
        if path.is_file() and (found := sha256_file(path)) != sha256:
            altered[clip_id] = (
                f"table clips, clip_id {clip_id}: {uri} has SHA-256 {found[:16]}..., not {sha256[:16]}...: it is not "
                "the sound that was ingested. Put the file back, or `mgrd ingest` the audio again; then `mgrd requeue` "
                "and `mgrd run`"
            )
    return altered
