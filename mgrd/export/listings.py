"""Files beside the shards: the list of clips with their licences, and LLaMA-Factory's `dataset_info.json`."""

import json
from pathlib import Path

from mgrd.export.choices import ExportConfig
from mgrd.export.manifest import FileEntry, Manifest
from mgrd.export.rows import RoundRows
from mgrd.export.shards import write_lines
from mgrd.export.tables import Tables
from mgrd.ids import sha256_file
from schemas import CLIPS

CLIPS_FILE = "clips.jsonl"
CLIP_KEYS = (
    *("clip_id", "sha256", "duration", "sample_rate", "channels", "domain", "label"),
    *("source", "licence", "provenance", "collection"),
)


def write_clips(folder: Path, tables: Tables, found: RoundRows) -> FileEntry:
    """`clips.jsonl`: what every clip of the export is, where it comes from and under which licence."""
    wanted = found.clip_ids
    rows = tables.read(CLIPS, columns=CLIP_KEYS).sort("clip_id").iter_rows(named=True)
    written = write_lines(
        folder / CLIPS_FILE, ({key: row[key] for key in CLIP_KEYS} for row in rows if row["clip_id"] in wanted)
    )
    return FileEntry(CLIPS_FILE, written.sha256, written.bytes)


def write_dataset_info(folder: Path, config: ExportConfig, manifest: Manifest) -> FileEntry:
    """LLaMA-Factory's registry: one data set per file, named `mgrd_<split>`, or `mgrd_text` for text replay."""
    info: dict[str, object] = {}
    for entry in manifest.files:
        if entry.config is None:
            continue
        columns = {"messages": "messages"} | ({} if entry.config == "text" else {"audios": "audios"})
        ranking = {"ranking": True} if config.purpose == "dpo" else {}
        if ranking:
            columns |= {"chosen": "chosen", "rejected": "rejected"}
        tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
        name = f"mgrd_{'text' if entry.config == 'text' else entry.split}"
        info[name] = {"file_name": entry.path, "formatting": "sharegpt", **ranking, "columns": columns, "tags": tags}
    return write_text(folder, "dataset_info.json", json.dumps(info, indent=1) + "\n")


def write_text(folder: Path, name: str, text: str) -> FileEntry:
    """A file without rows, and its manifest entry."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return FileEntry(name, sha256_file(path), path.stat().st_size)
