"""Ingests a path: discover, cut, split, and read the questions that came along.

Rows are conserved: every manifest row is an item, a further row of an item or in quarantine, and
every file is the parent of clips or in quarantine. A breach is a ContractError, never a shrug.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import polars as pl

from mgrd.errors import ContractError
from mgrd.ingest.clips import Cut, Progress, clip_row, cut_items
from mgrd.ingest.listing import collection_of
from mgrd.ingest.questions import manifest_questions
from mgrd.ingest.sources import SPLIT_ORDER, discover
from mgrd.ingest.split import SplitPlan, assign_splits
from mgrd.ingest.texts import quarantine
from mgrd.ingest.windows import CutFile
from mgrd.settings import IngestSpec
from mgrd.store import frame_of
from schemas import CLIPS, QUARANTINE, QUESTIONS, Clip, Row, Table


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Frames in the tables' schemas, what a reader should know, and the counts that must add up."""

    clips: pl.DataFrame
    questions: pl.DataFrame
    """Those of the manifest."""
    quarantine: pl.DataFrame
    notes: tuple[str, ...]
    counts: dict[str, int]
    """rows, merged_rows, rejected_rows, files, parents, rejected_files, clips, duplicate_clips,
    dropped_remainders, questions, rejected_questions."""


def ingest_folder(
    path: Path,
    audio_dir: Path,
    uri_prefix: str,
    spec: IngestSpec,
    seed: int,
    workers: int = 0,
    on_progress: Progress | None = None,
    collection: str | None = None,
) -> IngestResult:
    """Clips, manifest questions and quarantine of a folder, manifest or file.

    WAV files go to `audio_dir` as `<clip_id>.wav`, and `uri_prefix` stands before their names in
    `uri`; `collection` (default: `collection_of` the path) is written on every row. Raises DataError when
    there is nothing to ingest, ContractError when rows do not add up.
    """
    found = discover(path, exclude=audio_dir)
    cuts = cut_items(found.items, audio_dir, spec, workers, on_progress)
    cut_of = {cut.item.name: cut.outcome for cut in cuts if isinstance(cut.outcome, CutFile)}
    plan = assign_splits(
        [item for item in found.items if item.name in cut_of],
        {name: len(cut.pieces) for name, cut in cut_of.items()},
        spec,
        seed,
    )
    clips_of = _clip_rows(cuts, plan, uri_prefix, collection_of(path) if collection is None else collection)
    rows = _unique([clip for clips in clips_of.values() for clip in clips])
    questions, bad_questions = manifest_questions(found.items, clips_of)
    bad_files = [
        quarantine("decode audio", cut.outcome, {"file": cut.item.name}) for cut in cuts if isinstance(cut.outcome, str)
    ]
    counts = {
        "rows": found.rows,
        "merged_rows": found.merged,
        "rejected_rows": len(found.rejected),
        "files": len(found.items),
        "parents": len(clips_of),
        "rejected_files": len(bad_files),
        "clips": len(rows),
        "duplicate_clips": sum(len(cut.pieces) for cut in cut_of.values()) - len(rows),
        "dropped_remainders": sum(cut.dropped_seconds > 0 for cut in cut_of.values()),
        "questions": len(questions),
        "rejected_questions": len(bad_questions),
    }
    _require_conservation(counts)
    return IngestResult(
        clips=_frame(CLIPS, rows),
        questions=_frame(QUESTIONS, questions),
        quarantine=_frame(QUARANTINE, _unique([*found.rejected, *bad_files, *bad_questions])),
        notes=(*found.notes, *plan.notes, *_count_notes(counts)),
        counts=counts,
    )


def _clip_rows(cuts: list[Cut], plan: SplitPlan, uri_prefix: str, collection: str) -> dict[str, list[Clip]]:
    """Each item's rows. Sound that several files hold belongs to the file that is held out most, then to the first."""
    parents = [(cut.item, cut.outcome) for cut in cuts if isinstance(cut.outcome, CutFile)]
    rows: dict[str, Clip] = {}
    for item, cut in sorted(parents, key=lambda parent: -SPLIT_ORDER.index(plan.splits[parent[0].name])):
        for piece in cut.pieces:
            if piece.clip_id not in rows:
                rows[piece.clip_id] = clip_row(
                    item,
                    cut,
                    piece,
                    source=plan.sources[item.name],
                    split=plan.splits[item.name],
                    uri_prefix=uri_prefix,
                    collection=collection,
                )
    return {item.name: [rows[piece.clip_id] for piece in cut.pieces] for item, cut in parents}


def _require_conservation(counts: dict[str, int]) -> None:
    rows = counts["files"] + counts["merged_rows"] + counts["rejected_rows"]
    if counts["rows"] != rows:
        raise ContractError(f"ingest: {counts['rows']} rows in, {rows} accounted for: {counts}")
    files = counts["parents"] + counts["rejected_files"]
    if counts["files"] != files:
        raise ContractError(f"ingest: {counts['files']} files in, {files} accounted for: {counts}")


def _count_notes(counts: dict[str, int]) -> list[str]:
    told = {
        "duplicate_clips": "clips hold the same samples as another clip and are kept once",
        "dropped_remainders": "files end in a remainder shorter than min_seconds, which was dropped",
        "rejected_rows": "manifest rows or paths are in quarantine",
        "rejected_files": "files are in quarantine",
        "rejected_questions": "manifest questions are in quarantine",
    }
    return [f"{counts[name]} {text}" for name, text in told.items() if counts[name]]


RowT = TypeVar("RowT", bound=Row)


def _unique(rows: Sequence[RowT]) -> list[RowT]:
    """The rows without repetition, in their order."""
    return list(dict.fromkeys(rows))


def _frame(table: Table, rows: Sequence[Row]) -> pl.DataFrame:
    return frame_of(table, [row.model_dump() for row in rows])
