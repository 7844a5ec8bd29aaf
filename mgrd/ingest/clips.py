"""From source items to rows of the clips table, on a pool of processes.

One file that cannot be decoded, or that kills its decoder, costs that file and nothing else. Clips
are known by their bytes: the same sound in two files is one clip, and the second file is counted as
a duplicate.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from mgrd.audio.decode import MODEL_RATE
from mgrd.ids import canonical
from mgrd.ingest.sources import SourceItem
from mgrd.ingest.windows import CutFile, Job, Outcome, Piece, try_cut
from mgrd.settings import IngestSpec
from schemas.clips import Clip

POOL_FILES = 100
"""Files per process; a process takes about as long to start as to cut these."""

CHUNK_FILES = 4
"""Files that a process takes at once."""

Progress = Callable[[int], object]
"""Called with the number of files done since the last call."""


class Provenance(BaseModel):
    """How an ingested clip came to be: the file it was cut from, as that file was. Stored as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parent: str
    """File name, relative to the ingested folder."""
    parent_sha256: str
    parent_rate: int
    """Hz; half of it limits what can be heard above."""
    parent_channels: int
    start: float
    """Seconds in the parent file."""
    end: float
    whole: bool
    """The clip holds the whole file."""
    gain: float = 1.0
    dataset: str | None = None
    recording: str | None = None
    attributes: str | None = None


def read_provenance(clip_provenance: str) -> Provenance | None:
    """The provenance of an ingested clip; None for clips that came to be in another way."""
    try:
        return Provenance.model_validate_json(clip_provenance)
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class Cut:
    """An item and what became of its file."""

    item: SourceItem
    outcome: Outcome


def cut_items(
    items: Sequence[SourceItem],
    audio_dir: Path,
    spec: IngestSpec,
    workers: int,
    on_progress: Progress | None = None,
) -> list[Cut]:
    """Cuts every item's file, in the items' order.

    `workers` 0 means one per core. 1 stays in this process: fastest for few files, but a file that
    crashes the decoder then ends the run.
    """
    audio_dir.mkdir(parents=True, exist_ok=True)
    jobs = [(item.path, audio_dir, spec.window_seconds, spec.min_seconds) for item in items]
    processes = min(workers or os.cpu_count() or 1, -(-len(jobs) // POOL_FILES))
    outcomes: list[Outcome] = []
    for outcome in map(try_cut, jobs) if workers == 1 else _in_pool(jobs, processes):
        outcomes.append(outcome)
        if on_progress is not None:
            on_progress(1)
    return [
        Cut(item, outcome.replace(str(item.path), item.name) if isinstance(outcome, str) else outcome)
        for item, outcome in zip(items, outcomes, strict=True)
    ]


def _in_pool(jobs: Sequence[Job], processes: int) -> Iterator[Outcome]:
    """Outcomes in order. Where a file killed its worker, the next files get a process each, then the pool goes on."""
    done = 0
    while done < len(jobs):
        try:
            with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
                for outcome in pool.map(try_cut, jobs[done:], chunksize=CHUNK_FILES):
                    done += 1
                    yield outcome
        except BrokenProcessPool:
            suspects = jobs[done : done + 2 * CHUNK_FILES * processes]
            done += len(suspects)
            yield from map(_alone, suspects)


def _alone(job: Job) -> Outcome:
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(try_cut, job).result()
    except BrokenProcessPool:
        return f"{job[0]}: the decoder crashed on it; re-encode or drop the file"


def clip_row(
    item: SourceItem, cut: CutFile, piece: Piece, *, source: str, split: str, uri_prefix: str, collection: str
) -> Clip:
    """One row. A window carries no transcript: it holds an unknown part of what was said."""
    provenance = Provenance(
        parent=item.name,
        parent_sha256=cut.sha256,
        parent_rate=cut.rate,
        parent_channels=cut.channels,
        start=round(piece.start, 6),
        end=round(piece.end, 6),
        whole=cut.whole,
        gain=round(piece.gain, 6),
        dataset=item.source,
        recording=item.recording,
        attributes=item.attributes,
    )
    return Clip(
        clip_id=piece.clip_id,
        sha256=piece.sha256,
        uri=f"{uri_prefix.rstrip('/')}/{piece.clip_id}.wav" if uri_prefix else f"{piece.clip_id}.wav",
        duration=piece.duration,
        sample_rate=MODEL_RATE,
        channels=1,
        domain=item.domain,
        label=item.label,
        transcript=item.transcript if cut.whole else None,
        speaker=item.speaker,
        source=source,
        licence=item.licence or "unknown",
        provenance=canonical(provenance.model_dump(exclude_none=True)),
        split=split,
        collection=collection,
    )
