"""An export directory is whole or absent, never changes, and says exactly what it holds."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from mgrd.errors import DataError, StoreError
from mgrd.export.choices import ExportConfig
from mgrd.export.columns import schema_of
from mgrd.export.directory import export_round
from mgrd.export.formats import FORMATS, IMPOSSIBLE, NO_EMBEDDING, PARQUET, PURPOSES, Format, Purpose
from mgrd.export.manifest import find_faults, read_manifest
from mgrd.ids import sha256_bytes, sha256_file
from mgrd.store import Workspace
from schemas import CLIPS, DISTILLED, QUESTIONS
from tests.export.made_workspace import finish_round, make_workspace

POSSIBLE = [(f, p) for f in FORMATS for p in PURPOSES if (f, p) not in IMPOSSIBLE]


def config(**asked: Any) -> ExportConfig:
    return ExportConfig.model_validate({"round": 1, "holdout": 0.2, **asked})


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in folder.rglob("*") if path.is_file()}


def records(folder: Path, format_: Format) -> list[dict[str, Any]]:
    """Every row of an export as its files hold it."""
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            rows += pq.read_table(path).to_pylist()
        elif path.suffix == ".jsonl" and path.name != "clips.jsonl":
            rows += [json.loads(line) for line in path.read_text().splitlines()]
        elif path.suffix == ".tar":
            with tarfile.open(path) as tar:
                members = {member.name: tar.extractfile(member) for member in tar}
                rows += [json.loads(file.read()) for name, file in members.items() if name.endswith(".json") and file]
    assert rows or format_
    return rows


@pytest.mark.parametrize(("format_", "purpose"), POSSIBLE)
def test_every_format_holds_all_rows_and_verifies(
    made: Workspace, tmp_path: Path, format_: Format, purpose: Purpose
) -> None:
    manifest = export_round(made, config(format=format_, purpose=purpose), tmp_path / "x")
    kept = {"sft": 24 + 3, "rl": 12, "dpo": 12}[purpose]
    rows = records(tmp_path / "x", format_)
    assert len(rows) == kept == sum(n for splits in manifest.splits.values() for n in splits.values())
    ids = {row.get("id") or row["extra_info"]["id"] for row in rows}
    assert len(ids) == kept
    assert find_faults(tmp_path / "x") == []
    assert (tmp_path / "x" / "audio").exists() == (format_ != "webdataset")
    assert not [path for path in tmp_path.iterdir() if path.name != "x"], "nothing is left beside it"


@pytest.mark.parametrize(("format_", "purpose"), sorted(IMPOSSIBLE))
def test_combinations_that_no_reader_takes_are_refused_with_another_way(format_: Format, purpose: Purpose) -> None:
    with pytest.raises(ValidationError, match="trl"):
        config(format=format_, purpose=purpose)


def test_embedding_is_refused_where_the_reader_wants_files() -> None:
    for format_ in NO_EMBEDDING:
        with pytest.raises(ValidationError, match="leave out --embed-audio"):
            config(format=format_, embed_audio=True)


@pytest.mark.parametrize("format_", sorted(PARQUET))
def test_parquet_has_the_declared_schema_zstd_and_hub_names(made: Workspace, tmp_path: Path, format_: Format) -> None:
    export_round(made, config(format=format_, embed_audio=True), tmp_path / "x")
    shards = sorted((tmp_path / "x" / "data").glob("train-*.parquet"))
    assert [path.name for path in shards] == [f"train-{i:05d}-of-00008.parquet" for i in range(8)]
    for path in shards:
        meta = pq.read_metadata(path)
        assert pq.read_schema(path).equals(schema_of(config(format=format_)))
        assert {meta.row_group(0).column(i).compression for i in range(meta.num_columns)} == {"ZSTD"}
    rows = [pq.read_metadata(path).num_rows for path in shards]
    assert max(rows) - min(rows) <= 1


def test_audio_is_declared_as_a_feature_and_embedded_bytes_are_the_clips(made: Workspace, tmp_path: Path) -> None:
    export_round(made, config(embed_audio=True), tmp_path / "x")
    clips = {row["clip_id"]: row for row in made.store.read(CLIPS).iter_rows(named=True)}
    path = tmp_path / "x" / "data" / "train-00000-of-00008.parquet"
    metadata = pq.read_schema(path).metadata
    assert json.loads(metadata[b"huggingface"])["info"]["features"]["audio"]["_type"] == "Audio"
    for row in pq.read_table(path).to_pylist():
        assert sha256_bytes(row["audio"]["bytes"]) == clips[row["clip_id"]]["sha256"]
        assert row["audio"]["path"] == f"{row['clip_id']}.wav"


def test_without_embedding_paths_lead_to_copies_in_the_directory(made: Workspace, tmp_path: Path) -> None:
    export_round(made, config(format="ms-swift"), tmp_path / "x")
    for row in records(tmp_path / "x", "ms-swift"):
        for path in row.get("audios", []):
            assert Path(path).parent == tmp_path / "x" / "audio"
            assert sha256_file(Path(path)).startswith(row["clip_id"])


def test_an_audio_root_names_where_the_directory_will_lie(made: Workspace, tmp_path: Path) -> None:
    export_round(made, config(format="ms-swift", audio_root="/mnt/data/audio"), tmp_path / "x")
    paths = [path for row in records(tmp_path / "x", "ms-swift") for path in row.get("audios", [])]
    assert {str(Path(path).parent) for path in paths} == {"/mnt/data/audio"}


def test_the_same_export_has_the_same_bytes_wherever_it_is_made(made: Workspace, tmp_path: Path) -> None:
    for name in ("a", "b"):
        export_round(made, config(embed_audio=True), tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    export_round(made, config(embed_audio=True, seed=1), tmp_path / "c")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_exporting_again_changes_nothing_and_another_export_is_refused(made: Workspace, tmp_path: Path) -> None:
    first = export_round(made, config(), tmp_path / "x")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "x").rglob("*")}
    assert export_round(made, config(), tmp_path / "x").fingerprint == first.fingerprint
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "x").rglob("*")} == before
    with pytest.raises(StoreError, match="never changed"):
        export_round(made, config(seed=3), tmp_path / "x")


def test_a_later_round_leaves_the_identity_of_an_export_alone(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=2)
    first = export_round(workspace, config(), tmp_path / "x")
    finish_round(workspace, 2, workspace.store.read(QUESTIONS))
    assert export_round(workspace, config(), tmp_path / "x") == first
    changed = workspace.store.read(DISTILLED, {"round": 1}).with_columns(weight=0.5)
    workspace.store.replace(DISTILLED, changed, {"round": 1})
    with pytest.raises(StoreError, match="holds another export"):
        export_round(workspace, config(), tmp_path / "x")


def test_a_folder_that_is_no_export_is_never_written_into(made: Workspace, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="is no export"):
        export_round(made, config(), tmp_path / "x")
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["mine.txt"]


def test_a_failed_export_leaves_nothing_behind(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=3)
    clip = workspace.store.read(CLIPS).row(0, named=True)
    path = workspace.root / clip["uri"]
    path.write_bytes(path.read_bytes()[:-2] + b"\x00\x01")
    for embed in (True, False):
        with pytest.raises(DataError, match="changed since it was ingested"):
            export_round(workspace, config(embed_audio=embed), tmp_path / "out" / "x")
        assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("format_", ["hf", "ms-swift", "webdataset"])
def test_verification_finds_every_kind_of_damage(made: Workspace, tmp_path: Path, format_: Format) -> None:
    export_round(made, config(format=format_), tmp_path / "x")
    shard = next(tmp_path / "x" / entry.path for entry in read_manifest(tmp_path / "x").files if entry.rows)

    def faults_after(name: str, change: Any) -> list[str]:
        copy = tmp_path / name
        shutil.copytree(tmp_path / "x", copy)
        path = copy / shard.relative_to(tmp_path / "x")
        path.chmod(0o644)
        change(path)
        return find_faults(copy)

    flipped = bytes([shard.read_bytes()[40] ^ 1])
    assert (
        "content changed"
        in faults_after(
            "flip", lambda path: path.write_bytes(path.read_bytes()[:40] + flipped + path.read_bytes()[41:])
        )[0]
    )
    assert "were written" in faults_after("cut", lambda path: path.write_bytes(path.read_bytes()[:-5]))[0]
    assert "missing" in faults_after("gone", lambda path: path.unlink())[0]
    assert "not part" in faults_after("more", lambda path: (path.parent / "extra.parquet").write_text("x"))[0]


def test_a_manifest_that_was_edited_or_names_outside_files_is_refused(made: Workspace, tmp_path: Path) -> None:
    from mgrd.ids import content_key

    export_round(made, config(), tmp_path / "x")
    path = tmp_path / "x" / "manifest.json"
    path.chmod(0o644)
    whole = path.read_text()
    document = json.loads(whole)
    document["files"][0]["rows"] = 10**6
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match="list of files was changed"):
        read_manifest(tmp_path / "x")
    document = json.loads(whole)
    document["files"][0]["path"] = "../../etc/passwd"
    document["files_key"] = content_key("files", document["files"])
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match="outside of the export"):
        find_faults(tmp_path / "x")
    for text in (
        "",
        "[]",
        "{}",
        '{"manifest_version": 1, "files": 3, "files_key": "", "fingerprint": "", "splits": {}}',
    ):
        path.write_text(text)
        with pytest.raises(DataError, match="damaged"):
            read_manifest(tmp_path / "x")


def test_the_manifest_says_where_the_rows_come_from(made: Workspace, tmp_path: Path) -> None:
    export_round(made, config(), tmp_path / "x")
    document = json.loads((tmp_path / "x" / "manifest.json").read_text())
    assert document["config"]["seed"] == 0
    assert document["tables"]["distilled/round=1"]["version"] == made.store.version(DISTILLED)
    assert document["stages"]["select"]["fingerprint"] == "mark-1"
    assert document["prompts"][0]["id"] == "sample/perceive"
    assert document["packages"]["pyarrow"]
    assert {entry["path"] for entry in document["files"]} >= {"README.md", "clips.jsonl"}
    assert all(len(entry["sha256"]) == 64 and entry["bytes"] for entry in document["files"])


def test_clips_are_listed_with_source_and_licence(made: Workspace, tmp_path: Path) -> None:
    export_round(made, config(), tmp_path / "x")
    listed = [json.loads(line) for line in (tmp_path / "x" / "clips.jsonl").read_text().splitlines()]
    clips = {row["clip_id"]: row for row in made.store.read(CLIPS).iter_rows(named=True)}
    assert {row["clip_id"] for row in listed} == clips.keys()
    for row in listed:
        assert (row["licence"], row["source"]) == (clips[row["clip_id"]]["licence"], clips[row["clip_id"]]["source"])
