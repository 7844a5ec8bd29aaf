"""Finds the audio files of a path and what is said about them, without opening any of them.

A path is (a) a folder with `manifest.parquet`, `.jsonl` or `.csv`, or such a file itself, (b) a
folder with `metadata.*` files at any depth (the AudioFolder layout), or (c) bare audio files in a
folder tree, or one file. Column names: see `mgrd.ingest.manifest`.

Nothing outside of the folder is ever reached through it: a manifest path or a link that leaves it
goes to quarantine, as does a missing file or a row that cannot be read.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mgrd.errors import DataError, boundary
from mgrd.ingest.manifest import MANIFEST_SUFFIXES, ManifestFault, ManifestRow, read_manifest
from mgrd.ingest.texts import LABEL_LIMIT, TEXT_LIMIT, clean_text, quarantine, readable
from schemas.quarantine import QuarantineRow

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aiff", ".aif", ".aifc", ".au"})
"""What is taken for audio in a bare folder. A manifest may name files with any suffix."""

DOMAINS = {
    "speech": ("speech", "voice", "spoken", "speech audio"),
    "music": ("music", "song", "musical"),
    "environment": ("environment", "environmental", "env", "sound", "audio", "sfx", "effect", "effects", "noise"),
    "synthetic": ("synthetic",),
}
_DOMAIN_OF = {alias: domain for domain, aliases in DOMAINS.items() for alias in aliases}

SPLITS = {
    "pool": ("pool", "train", "training"),
    "dev": ("dev", "val", "valid", "validation", "development"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SPLIT_OF = {alias: split for split, aliases in SPLITS.items() for alias in aliases}

SPLIT_ORDER = ("pool", "dev", "test")
"""From least to most held out."""

QUESTION_FIELDS = ("question", "choices", "answer", "skill")


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One audio file and what its source says of it. Texts are clean; questions are still raw."""

    path: Path
    """Resolved; inside the ingested folder."""
    name: str
    """Path relative to the ingested folder, as readable text."""
    domain: str
    label: str | None = None
    transcript: str | None = None
    speaker: str | None = None
    recording: str | None = None
    source: str | None = None
    licence: str | None = None
    attributes: str | None = None
    split: str | None = None
    """Pool, dev or test where the manifest states one."""
    questions: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a path holds. rows = items + merged + rejected, checked by `ingest_folder`."""

    items: tuple[SourceItem, ...]
    """One per file, by name."""
    rejected: tuple[QuarantineRow, ...]
    rows: int
    """Manifest rows, or files without a manifest."""
    merged: int
    """Rows that speak of a file that an earlier row named; their questions are kept."""
    notes: tuple[str, ...]


def discover(path: Path, *, exclude: Path | None = None) -> Discovery:
    """The audio files at `path`; files below `exclude` (the workspace's own audio) are not looked at.

    Raises DataError when the path does not exist or holds nothing that could be audio.
    """
    with boundary(DataError, f"{readable(str(path))} cannot be looked at"):
        if not path.exists():
            raise DataError(f"{readable(str(path))} does not exist; give a folder, a manifest or an audio file")
        if path.is_file() and path.suffix.lower() not in MANIFEST_SUFFIXES:
            return _bare([path.absolute()], path.absolute().parent, [])
        root = (path.parent if path.is_file() else path).resolve()
        manifests, notes = ([path], []) if path.is_file() else _find_manifests(root)
        if manifests:
            return _listed(manifests, root, notes)
        files = list(_walk(root, exclude.resolve() if exclude else None))
    audio = [file for file in files if file.suffix.lower() in AUDIO_SUFFIXES]
    if not audio:
        wanted = " ".join(sorted(AUDIO_SUFFIXES))
        raise DataError(f"{readable(str(path))} holds no manifest and no audio file ({wanted}); check the path")
    if len(audio) < len(files):
        notes.append(f"{len(files) - len(audio)} files without an audio suffix were passed over")
    return _bare(audio, root, notes)


def _find_manifests(root: Path) -> tuple[list[Path], list[str]]:
    found = [root / f"manifest{suffix}" for suffix in MANIFEST_SUFFIXES if (root / f"manifest{suffix}").is_file()]
    if found:
        notes = [f"{file.name} passed over in favour of {found[0].name}" for file in found[1:]]
        return found[:1], notes
    metadata: dict[Path, Path] = {}
    for file in _walk(root, None):
        if file.stem == "metadata" and file.suffix in MANIFEST_SUFFIXES:
            known = metadata.get(file.parent)
            if known is None or MANIFEST_SUFFIXES.index(file.suffix) < MANIFEST_SUFFIXES.index(known.suffix):
                metadata[file.parent] = file
    return sorted(metadata.values()), []


def _walk(root: Path, exclude: Path | None) -> Iterator[Path]:
    """Files below `root` by name; hidden ones and linked folders are left alone."""
    for folder, subfolders, names in os.walk(root, followlinks=False):
        here = Path(folder)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".") and here / name != exclude)
        for name in sorted(names):
            if not name.startswith("."):
                yield here / name


def _bare(files: list[Path], root: Path, notes: list[str]) -> Discovery:
    items: dict[Path, SourceItem] = {}
    rejected: list[QuarantineRow] = []
    merged = 0
    for file in files:
        name = readable(os.path.relpath(file, root))
        try:
            inside = contained_file(str(file), root, root)
        except DataError as error:
            rejected.append(quarantine("find file", str(error), {"path": name}))
            continue
        if inside in items:
            merged += 1
        else:
            items[inside] = SourceItem(path=inside, name=name, domain="environment")
    notes.append("no manifest: nothing is known of the files but their sound, and all are taken for environment")
    ordered = tuple(sorted(items.values(), key=lambda item: item.name))
    return Discovery(ordered, tuple(rejected), len(files), merged, tuple(notes))


def _listed(manifests: list[Path], root: Path, notes: list[str]) -> Discovery:
    items: dict[Path, SourceItem] = {}
    rejected: list[QuarantineRow] = []
    rows = merged = 0
    doubts: Counter[str] = Counter()
    for manifest in manifests:
        folder_split = _SPLIT_OF.get(manifest.parent.name.casefold()) if manifest.parent != root else None
        for row in read_manifest(manifest):
            rows += 1
            try:
                item = _item(row, manifest, root, folder_split, doubts)
            except DataError as error:
                payload = row.values if isinstance(row, ManifestRow) else {"text": row.text}
                place = {"manifest": readable(manifest.relative_to(root).as_posix()), "row": row.number}
                rejected.append(quarantine("read manifest", str(error), {**payload, **place}))
                continue
            known = items.get(item.path)
            merged += known is not None
            items[item.path] = item if known is None else _merge(known, item, doubts)
    notes += [f"{count} rows {doubt}" for doubt, count in sorted(doubts.items())]
    if merged:
        notes.append(f"{merged} rows name a file that an earlier row named; the first row's columns count")
    ordered = tuple(sorted(items.values(), key=lambda item: item.name))
    return Discovery(ordered, tuple(rejected), rows, merged, tuple(notes))


def _item(
    row: ManifestRow | ManifestFault, manifest: Path, root: Path, folder_split: str | None, doubts: Counter[str]
) -> SourceItem:
    """The row as an item. Raises DataError with the reason when the row cannot be used."""
    if isinstance(row, ManifestFault):
        raise DataError(row.message)
    values = row.values
    where = values.get("path")
    if not isinstance(where, str):
        problem = "names no audio file" if where is None else f"holds a {type(where).__name__} where a path is wanted"
        raise DataError(f"the row {problem}; name a file below the folder of {manifest.name}")
    path = contained_file(where, manifest.parent, root)
    texts = {field: clean_text(values.get(field)) for field in ("label", "speaker", "recording", "source", "licence")}
    transcript = clean_text(values.get("transcript"), TEXT_LIMIT)
    return SourceItem(
        path=path,
        name=readable(path.relative_to(root).as_posix()),
        domain=_domain(clean_text(values.get("domain")), bool(transcript or texts["speaker"]), doubts),
        transcript=transcript,
        attributes=_attributes(values.get("attributes")),
        split=_split(clean_text(values.get("split")), doubts) or folder_split,
        questions=_raw_questions(values),
        **texts,
    )


def contained_file(where: str, folder: Path, root: Path) -> Path:
    """The file that `where` (relative to `folder`, or absolute) names, resolved through every link.

    Raises DataError when it lies outside of `root`, is missing or is no regular file.
    """
    shown = readable(where)[:LABEL_LIMIT]
    if "://" in where:
        raise DataError(f"{shown!r} is an address; fetch the file and name it by its path")
    try:
        path = (folder / where).resolve()
        if not path.is_relative_to(root):
            raise DataError(f"{shown!r} leaves the folder; copy the file into it")
        if not path.exists():
            raise DataError(f"{shown!r} is missing; add the file or drop the row")
        if not path.is_file():
            raise DataError(f"{shown!r} is not a regular file")
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{shown!r} is no usable path: {error}") from error
    return path


def _merge(known: SourceItem, item: SourceItem, doubts: Counter[str]) -> SourceItem:
    """The first row of a file with the questions of a later one. Held-out wins where the splits differ."""
    stated = {split for split in (known.split, item.split) if split}
    if len(stated) > 1:
        doubts["state another split for the same file; the more held-out one counts"] += 1
    split = max(stated, key=SPLIT_ORDER.index) if stated else None
    fresh = tuple(question for question in item.questions if question not in known.questions)
    return replace(known, split=split, questions=known.questions + fresh)


def _domain(stated: str | None, is_voice: bool, doubts: Counter[str]) -> str:
    if stated is not None and stated.casefold() in _DOMAIN_OF:
        return _DOMAIN_OF[stated.casefold()]
    guess = "speech" if is_voice else "environment"
    doubts[f"state no known domain ({', '.join(DOMAINS)}); taken for {guess}"] += 1
    return guess


def _split(stated: str | None, doubts: Counter[str]) -> str | None:
    if stated is None:
        return None
    split = _SPLIT_OF.get(stated.casefold())
    if split is None:
        doubts["state a split that is none of train, validation and test; split by source"] += 1
    return split


def _attributes(value: object) -> str | None:
    if isinstance(value, (list, tuple)):
        return clean_text(", ".join(filter(None, (clean_text(part) for part in value))))
    return clean_text(value)


def _raw_questions(values: dict[str, object]) -> tuple[dict[str, object], ...]:
    """The row's own question and those of its `questions` column; what is no list of objects is kept as it is."""
    own = {field: values[field] for field in QUESTION_FIELDS if field in values}
    listed = values.get("questions")
    if isinstance(listed, (list, tuple)):
        extra = [part if isinstance(part, dict) else {"unreadable": part} for part in listed]
    else:
        extra = [] if listed is None else [{"unreadable": listed}]
    return (*([own] if "question" in own else []), *extra)
