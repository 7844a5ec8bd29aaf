"""An export directory: written beside its place and renamed into it, so it is whole or not there.

    DIR/README.md  manifest.json  clips.jsonl
        data/train-00000-of-00008.parquet  data/validation-...  text/train-...      (hf, trl, verl, webdataset)
        train.jsonl  validation.jsonl  text.jsonl  dataset_info.json                (ms-swift, llama-factory, nemo)
        audio/<clip_id>.wav                                                         (unless audio is embedded)
        launch.sh  reward.py                                                        (ms-swift, verl; reward.py for rl)

Once there it is never changed: asking again for the same export does nothing, and for another one is an error.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mgrd.errors import StoreError, boundary
from mgrd.export.card import write_card
from mgrd.export.choices import ExportConfig
from mgrd.export.clips import ClipFiles
from mgrd.export.columns import schema_of
from mgrd.export.fingerprint import about_export, export_fingerprint
from mgrd.export.formats import PARQUET
from mgrd.export.listings import write_clips, write_dataset_info
from mgrd.export.manifest import MANIFEST, FileEntry, Manifest, find_faults, read_manifest, write_manifest
from mgrd.export.recipe import write_recipe
from mgrd.export.records import AudioRef, Record, shape_of
from mgrd.export.rows import RoundRows, check_finished, read_rows
from mgrd.export.rowset import Row, Side
from mgrd.export.shards import (
    ParquetShards,
    Part,
    WrittenFile,
    even_spans,
    group_spans,
    shard_count,
    write_lines,
    write_tar,
)
from mgrd.export.tables import ROWS_OF, Tables
from mgrd.store import Workspace

Sizes = np.ndarray[Any, np.dtype[np.int64]]
TEXT_ROW_BYTES = 2048
"""What a row's text is taken to weigh when shards are planned; audio is known exactly."""


def export_round(
    workspace: Workspace, config: ExportConfig, out: Path, on_rows: Callable[[int], None] | None = None
) -> Manifest:
    """Write the export to `out` and return its manifest; when `out` holds this very export, only return it.

    `on_rows` is told of rows as they are read, and of the same rows as they are written.

    Raises DataError when the round is not finished or has nothing for the purpose, StoreError when `out` exists and is
    something else.
    """
    check_finished(workspace, config.round)
    out = Path(os.path.abspath(out))  # noqa: PTH100 - resolve() would follow a link that the user means as the place
    tables = Tables(workspace.store)
    fingerprint = export_fingerprint(config, tables)
    root = None if config.embeds or config.relative_audio else config.audio_root or (out / "audio").as_posix()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        return _same_export(out, fingerprint, root)
    with workspace.scratch() as folder:
        found = read_rows(workspace, config, tables, folder, on_rows)
        with boundary(StoreError, f"making {out.parent}"):
            out.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            draft.chmod(0o755)
            files = write_files(Writing(workspace, config, draft, root), found, on_rows)
            about = about_export(workspace, config, tables, found, root)
            files.append(write_clips(draft, tables, found))
            manifest = Manifest(fingerprint, about, tuple(files))
            if config.format == "llama-factory":
                files.append(write_dataset_info(draft, config, manifest))
            files += write_recipe(draft, config, manifest)
            files.append(write_card(draft, tables, config, manifest, found))
            manifest = Manifest(fingerprint, about, tuple(sorted(files, key=lambda entry: entry.path)))
            write_manifest(draft, manifest)
            _settle(draft)
            with boundary(StoreError, f"putting the export in its place {out}"):
                draft.rename(out)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return manifest


def rows_of(workspace: Workspace, config: ExportConfig) -> int:
    """How many rows `export_round` will tell of: those of the round, once read and once written."""
    return 2 * workspace.store.scan(ROWS_OF[config.purpose], {"round": config.round}).select(pl.len()).collect().item()


def _same_export(out: Path, fingerprint: str, root: str | None) -> Manifest:
    if not (out / MANIFEST).is_file():
        raise StoreError(f"{out} exists and is no export; name a folder that does not exist yet")
    manifest = read_manifest(out)
    if manifest.fingerprint != fingerprint or manifest.about.get("audio_root") != root:
        raise StoreError(f"{out} holds another export, and exports are never changed; name a new folder")
    if faults := find_faults(out):
        raise StoreError(f"{out} is damaged ({faults[0]}); remove it, or export into a new folder")
    return manifest


class Writing:
    """One export under way."""

    def __init__(self, workspace: Workspace, config: ExportConfig, draft: Path, audio_root: str | None) -> None:
        self.config = config
        self.draft = draft
        self.clips = ClipFiles(workspace)
        self.shape = shape_of(config)
        self._audio_root = audio_root

    def place(self, row: Row) -> AudioRef | None:
        """Where the row's sound is, without its bytes."""
        if row["clip_id"] is None:
            return None
        name = f"{row['clip_id']}{Path(row['uri']).suffix.lower()}"
        path = name if self.config.embeds else f"{self._audio_root or 'audio'}/{name}"
        return AudioRef(name, path, row["seconds"])

    def sound(self, row: Row) -> AudioRef | None:
        """Where the row's sound is, with its bytes if they are embedded."""
        audio = self.place(row)
        if audio is None or not self.config.embeds:
            return audio
        return replace(audio, data=self.clips.read(row["clip_id"], row["uri"], row["sha256"]))


@dataclass(frozen=True, slots=True)
class _Shard:
    """Rows `first` to `last` of a side."""

    path: str
    config: str
    split: str
    first: int
    last: int


def write_files(writing: Writing, found: RoundRows, on_rows: Callable[[int], None] | None = None) -> list[FileEntry]:
    """Shards and audio files; entries in the order of the plan."""
    entries: list[FileEntry] = []
    with ParquetShards() as parquet:
        jobs: list[tuple[_Shard, WrittenFile | Future[WrittenFile]]] = []
        for name, rows in found.configs.items():
            for side in rows.sides(0.0 if name == "text" else writing.config.holdout):
                stream = iter(side)
                sizes = _sizes(writing.config, side)
                for shard in _plan(writing, name, side, sizes):
                    jobs.append((shard, _write_shard(writing, shard, stream, sizes, parquet)))
                    if on_rows:
                        on_rows(shard.last - shard.first)
        for shard, job in jobs:
            file = job.result() if isinstance(job, Future) else job
            entries.append(FileEntry(shard.path, file.sha256, file.bytes, file.rows, shard.config, shard.split))
    if not writing.config.embeds:
        (writing.draft / "audio").mkdir()
        clips = {clip_id: told for rows in found.configs.values() for clip_id, told in rows.totals.clips.items()}
        entries += [_copy_clip(writing, clip_id, *clips[clip_id]) for clip_id in sorted(clips)]
    return entries


def _plan(writing: Writing, name: str, side: Side, sizes: Sizes) -> Iterator[_Shard]:
    config = writing.config
    suffix = "tar" if config.format == "webdataset" else "parquet"
    folder = "text" if name == "text" else "data"
    if config.format not in PARQUET and config.format != "webdataset":
        yield _Shard(f"{name if name == 'text' else side.split}.jsonl", name, side.split, 0, len(side))
        return
    count = shard_count(len(side), int(sizes.sum()), config.world_size)
    (writing.draft / folder).mkdir(exist_ok=True)
    for number, (first, last) in enumerate(even_spans(len(side), count)):
        yield _Shard(f"{folder}/{side.split}-{number:05d}-of-{count:05d}.{suffix}", name, side.split, first, last)


def _sizes(config: ExportConfig, side: Side) -> Sizes:
    """What each row is taken to weigh, bytes."""
    return TEXT_ROW_BYTES + (side.audio_bytes if config.embeds else np.zeros_like(side.audio_bytes))


def _write_shard(
    writing: Writing, shard: _Shard, stream: Iterator[Row], sizes: Sizes, parquet: ParquetShards
) -> "WrittenFile | Future[WrittenFile]":
    """The next rows of the side's `stream` as a file."""
    path, shape = writing.draft / shard.path, writing.shape
    numbered = zip(range(shard.first, shard.last), stream)  # noqa: B905 - the stream goes on with the next shard

    def records(count: int) -> Iterator[tuple[Record, AudioRef | None]]:
        for index, row in islice(numbered, count):
            audio = writing.sound(row)
            yield shape(row, audio, shard.split, index), audio

    def part(first: int, last: int) -> Part:
        return Part([record for record, _ in records(last - first)])

    def sounding_part(first: int, last: int) -> Part:
        taken = list(islice(numbered, last - first))
        audios = [writing.place(row) for _, row in taken]
        sounds = writing.clips.column([row for _, row in taken], [audio and audio.path for audio in audios])
        shaped = [shape(row, audio, shard.split, index) for (index, row), audio in zip(taken, audios, strict=True)]
        return Part(shaped, {"audio": sounds})

    count = shard.last - shard.first
    if shard.path.endswith(".parquet"):
        schema = schema_of(writing.config)
        sounding = writing.config.embeds and "audio" in schema.names
        spans = group_spans(sizes[shard.first : shard.last].tolist())
        return parquet.write(path, schema, spans, sounding_part if sounding else part)
    if shard.path.endswith(".tar"):
        return write_tar(path, records(count))
    return write_lines(path, (record for record, _ in records(count)))


def _copy_clip(writing: Writing, clip_id: str, uri: str, sha256: str) -> FileEntry:
    name = f"audio/{clip_id}{Path(uri).suffix.lower()}"
    data = writing.clips.read(clip_id, uri, sha256)
    with boundary(StoreError, f"writing {name}"):
        (writing.draft / name).write_bytes(data)
    return FileEntry(name, sha256, len(data))


def _settle(draft: Path) -> None:
    """Everything on disk before the rename, and read-only: an export is not for editing."""
    for path in sorted(draft.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.chmod(0o444)
