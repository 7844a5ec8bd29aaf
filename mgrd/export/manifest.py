"""What is in an export: `manifest.json`, and the check that the directory still holds exactly that.

The manifest names every other file with its hash, and hashes its own list of files, so that neither
a file nor an entry can change unnoticed. It holds no times: the same export gives the same manifest.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mgrd.errors import DataError
from mgrd.ids import content_key, sha256_file

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: `rows` is None for files that hold no rows, `config` and `split` then too."""

    path: str
    sha256: str
    bytes: int
    rows: int | None = None
    config: str | None = None
    split: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """`about` holds round, purpose, format, config, table versions, fingerprints, prompts, models, package versions."""

    fingerprint: str
    about: dict[str, Any]
    files: tuple[FileEntry, ...]

    def rows(self, config: str, split: str) -> int:
        return sum(entry.rows or 0 for entry in self.files if (entry.config, entry.split) == (config, split))

    def of(self, config: str, split: str) -> list[FileEntry]:
        """The files of a split in shard order."""
        return [entry for entry in self.files if (entry.config, entry.split) == (config, split)]

    @property
    def splits(self) -> dict[str, dict[str, int]]:
        """Rows by config and split."""
        found: dict[str, dict[str, int]] = {}
        for entry in self.files:
            if entry.config is not None and entry.split is not None:
                found.setdefault(entry.config, {})[entry.split] = self.rows(entry.config, entry.split)
        return found


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json`; it names every other file of the folder, so it is the last."""
    files = [asdict(entry) for entry in manifest.files]
    document = {
        "manifest_version": MANIFEST_VERSION,
        "fingerprint": manifest.fingerprint,
        **manifest.about,
        "splits": manifest.splits,
        "files": files,
        "files_key": content_key("files", files),
    }
    (folder / MANIFEST).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an export. Raises DataError when the folder is none, or its manifest was changed."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"{folder} is no export: it has no {MANIFEST}; make one with `mgrd export --out DIR`")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version = document.pop("manifest_version")
        files, key = document.pop("files"), document.pop("files_key")
        entries = tuple(FileEntry(**entry) for entry in files)
        fingerprint = document.pop("fingerprint")
        document.pop("splits")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path}: damaged ({type(error).__name__}: {error}); export again into a new folder") from error
    if version != MANIFEST_VERSION:
        raise DataError(f"{path}: of manifest version {version}, this mgrd reads {MANIFEST_VERSION}; export again")
    if key != content_key("files", files):
        raise DataError(f"{path}: its list of files was changed after the export; export again into a new folder")
    for entry in entries:
        inner = PurePosixPath(entry.path)
        if inner.is_absolute() or ".." in inner.parts or "\\" in entry.path:
            raise DataError(f"{path}: names a file outside of the export: {entry.path!r}")
    return Manifest(fingerprint, document, entries)


def find_faults(folder: Path, advance: Callable[[int], None] | None = None) -> list[str]:
    """Everything in which the folder differs from its manifest, one sentence each; empty when it is whole.

    Each file is read once and hashed; files that the manifest does not name are faults too. `advance`
    gets the bytes of each finished file.
    """
    manifest = read_manifest(folder)
    faults = []
    for entry in manifest.files:
        path = folder / entry.path
        if path.is_symlink() or not path.is_file():
            faults.append(f"{entry.path}: missing")
        elif path.stat().st_size != entry.bytes:
            faults.append(f"{entry.path}: {path.stat().st_size} bytes, {entry.bytes} were written")
        elif sha256_file(path) != entry.sha256:
            faults.append(f"{entry.path}: content changed (sha256 differs)")
        elif entry.rows is not None and (rows := count_rows(path)) != entry.rows:
            faults.append(f"{entry.path}: {rows} rows, {entry.rows} were written")
        if advance:
            advance(entry.bytes)
    named = {entry.path for entry in manifest.files} | {MANIFEST}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    return faults + [f"{name}: not part of the export" for name in sorted(there - named)]


def count_rows(path: Path) -> int:
    """Rows of a shard, counted in the file itself."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.read_metadata(path).num_rows
    if path.suffix == ".tar":
        import tarfile

        with tarfile.open(path) as tar:
            return sum(member.name.endswith(".json") for member in tar)
    with path.open("rb") as lines:
        return sum(1 for _ in lines)
