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
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from mgrd.errors import DataError, StoreError, boundary
from mgrd.export.card import write_card
from mgrd.export.choices import PARQUET, ExportConfig
from mgrd.export.columns import schema_of
from mgrd.export.fingerprint import about_export, export_fingerprint
from mgrd.export.listings import write_clips, write_dataset_info
from mgrd.export.manifest import MANIFEST, FileEntry, Manifest, find_faults, read_manifest, write_manifest
from mgrd.export.recipe import write_recipe
from mgrd.export.records import AudioRef, Record, Shape, shape_of
from mgrd.export.rows import RoundRows, Row, Tables, read_rows
from mgrd.export.shards import ParquetShards, WrittenFile, even_spans, group_spans, shard_count, write_lines, write_tar
from mgrd.export.split import TRAIN, shuffled, split_rows
from mgrd.ids import sha256_bytes
from mgrd.store import Workspace

TEXT_ROW_BYTES = 2048
"""What a row's text is taken to weigh when shards are planned; audio is known exactly."""


def export_round(workspace: Workspace, config: ExportConfig, out: Path) -> Manifest:
    """Write the export to `out` and return its manifest; when `out` holds this very export, only return it.

    Raises DataError when the round has nothing
    for the purpose, StoreError when `out` exists and is something else.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100 - resolve() would follow a link that the user means as the place
    tables = Tables(workspace.store)
    found = read_rows(workspace, config, tables)
    fingerprint = export_fingerprint(config, tables)
    root = None if config.embeds or config.relative_audio else config.audio_root or (out / "audio").as_posix()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        return _same_export(out, fingerprint, root)
    with boundary(StoreError, f"making {out.parent}"):
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        draft.chmod(0o755)
        files = write_files(Writing(workspace, config, draft, root), found)
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


def _same_export(out: Path, fingerprint: str, root: str | None) -> Manifest:
    if not (out / MANIFEST).is_file():
        raise StoreError(f"{out} exists and is no export; name a folder that does not exist yet")
    manifest = read_manifest(out)
    if manifest.fingerprint != fingerprint or manifest.about.get("audio_root") != root:
        raise StoreError(f"{out} holds another export, and exports are never changed; name a new folder")
    if faults := find_faults(out):
        raise StoreError(f"{out} is damaged ({faults[0]}); remove it, or export into a new folder")
    return manifest


@dataclass(frozen=True, slots=True)
class Writing:
    """One export under way."""

    workspace: Workspace
    config: ExportConfig
    draft: Path
    audio_root: str | None
    checked: set[str] = field(default_factory=set)
    """Clips whose file was found to be what its hash says; several rows share a clip."""

    @property
    def shape(self) -> Shape:
        return shape_of(self.config)

    def reference(self, row: Row, known: dict[str, bytes] | None = None) -> AudioRef | None:
        """Where the row's sound is; `known` keeps the bytes of clips that several rows share."""
        if row["clip_id"] is None:
            return None
        name = f"{row['clip_id']}{Path(row['uri']).suffix.lower()}"
        embeds = self.config.embeds
        path = name if embeds else f"{self.audio_root or 'audio'}/{name}"
        data = self.clip(row, known) if embeds else None
        return AudioRef(name, path, row["seconds"], data)

    def clip(self, row: Row, known: dict[str, bytes] | None) -> bytes:
        """The clip's file, checked against the hash that names it."""
        clip_id = row["clip_id"]
        if known is not None and clip_id in known:
            return known[clip_id]
        path = self.workspace.resolve(row["uri"])
        with boundary(DataError, f"reading clip {clip_id}"):
            data = path.read_bytes()
        if clip_id not in self.checked and sha256_bytes(data) != row["sha256"]:
            raise DataError(
                f"{path}: changed since it was ingested as clip {clip_id}; ingest it again and run the round anew"
            )
        self.checked.add(clip_id)
        if known is not None:
            known[clip_id] = data
        return data


@dataclass(frozen=True, slots=True)
class _Shard:
    path: str
    config: str
    split: str
    rows: list[Row]
    first: int


def write_files(writing: Writing, found: RoundRows) -> list[FileEntry]:
    """Shards and audio files; entries in the order of the plan."""
    shards = [shard for name, rows in found.configs.items() if rows for shard in _plan(writing, name, rows)]
    with ParquetShards() as parquet:
        jobs = [_write_shard(writing, shard, parquet) for shard in shards]
        written = [job.result() if isinstance(job, Future) else job for job in jobs]
    entries = [
        FileEntry(shard.path, file.sha256, file.bytes, file.rows, shard.config, shard.split)
        for shard, file in zip(shards, written, strict=True)
    ]
    if not writing.config.embeds:
        (writing.draft / "audio").mkdir()
        clips = {row["clip_id"]: row for rows in found.configs.values() for row in rows if row["clip_id"]}
        entries += [_copy_clip(writing, clips[clip_id]) for clip_id in sorted(clips)]
    return entries


def _plan(writing: Writing, name: str, rows: list[Row]) -> Iterator[_Shard]:
    config = writing.config
    sides = {TRAIN: shuffled(rows, config.seed)} if name == "text" else split_rows(rows, config.holdout, config.seed)
    suffix = "tar" if config.format == "webdataset" else "parquet"
    folder = "text" if name == "text" else "data"
    for split, side in sides.items():
        if config.format not in PARQUET and config.format != "webdataset":
            yield _Shard(f"{name if name == 'text' else split}.jsonl", name, split, side, 0)
            continue
        count = shard_count(len(side), sum(_sizes(config, side)), config.world_size)
        for number, (first, last) in enumerate(even_spans(len(side), count)):
            path = f"{folder}/{split}-{number:05d}-of-{count:05d}.{suffix}"
            (writing.draft / folder).mkdir(exist_ok=True)
            yield _Shard(path, name, split, side[first:last], first)


def _sizes(config: ExportConfig, rows: list[Row]) -> list[int]:
    return [TEXT_ROW_BYTES + ((row["bytes"] or 0) if config.embeds else 0) for row in rows]


def _write_shard(writing: Writing, shard: _Shard, parquet: ParquetShards) -> "WrittenFile | Future[WrittenFile]":
    path, shape = writing.draft / shard.path, writing.shape

    def records(first: int, last: int, known: dict[str, bytes] | None) -> Iterator[tuple[Record, AudioRef | None]]:
        for index, row in enumerate(shard.rows[first:last], shard.first + first):
            audio = writing.reference(row, known)
            yield shape(row, audio, shard.split, index), audio

    def group(first: int, last: int) -> list[Record]:
        return [record for record, _ in records(first, last, {})]

    count = len(shard.rows)
    if shard.path.endswith(".parquet"):
        return parquet.write(path, schema_of(writing.config), group_spans(_sizes(writing.config, shard.rows)), group)
    if shard.path.endswith(".tar"):
        return write_tar(path, records(0, count, None))
    return write_lines(path, (record for record, _ in records(0, count, None)))


def _copy_clip(writing: Writing, row: Row) -> FileEntry:
    name = f"audio/{row['clip_id']}{Path(row['uri']).suffix.lower()}"
    data = writing.clip(row, None)
    with boundary(StoreError, f"writing {name}"):
        (writing.draft / name).write_bytes(data)
    return FileEntry(name, row["sha256"], len(data))


def _settle(draft: Path) -> None:
    """Everything on disk before the rename, and read-only: an export is not for editing."""
    for path in sorted(draft.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.chmod(0o444)
