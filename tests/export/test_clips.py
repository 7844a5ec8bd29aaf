"""The column of sounds holds each row's clip, and only clips that are what their hash says."""

from pathlib import Path
from typing import Any

import pytest

from mgrd.errors import DataError
from mgrd.export import clips
from mgrd.export.clips import ClipFiles
from mgrd.ids import sha256_bytes
from mgrd.store import Workspace, init_workspace

Row = dict[str, Any]
NO_CLIP: Row = {"clip_id": None, "bytes": None}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    init_workspace(tmp_path)
    return Workspace.open(tmp_path)


def row_of(workspace: Workspace, name: str, data: bytes) -> Row:
    (workspace.root / name).write_bytes(data)
    return {"clip_id": name, "uri": name, "bytes": len(data), "sha256": sha256_bytes(data)}


def test_each_row_has_its_clip_whoever_shares_it(workspace: Workspace) -> None:
    one, other, empty = (row_of(workspace, name, name.encode() * n) for name, n in (("a", 9), ("bc", 5), ("e", 0)))
    rows = [one, NO_CLIP, other, one, empty, other, NO_CLIP]
    paths = [row["clip_id"] for row in rows]
    sounds = {"a": b"a" * 9, "bc": b"bc" * 5, "e": b""}
    expected = [path and {"bytes": sounds[path], "path": path} for path in paths]
    column = ClipFiles(workspace).column(rows, paths)
    column.validate(full=True)
    assert column.to_pylist() == expected
    assert ClipFiles(workspace).column([NO_CLIP], [None]).to_pylist() == [None]


@pytest.mark.parametrize("changed", [b"long sounX", b"long", b""])
def test_a_file_that_is_another_one_by_now_is_named(workspace: Workspace, changed: bytes) -> None:
    row = row_of(workspace, "a", b"long sound")
    (workspace.root / "a").write_bytes(changed)
    with pytest.raises(DataError, match="changed since it was ingested as clip a"):
        ClipFiles(workspace).column([row], ["a"])
    with pytest.raises(DataError, match="changed since it was ingested as clip a"):
        ClipFiles(workspace).read("a", "a", row["sha256"])


def test_a_file_that_shrank_between_two_parts_is_named(workspace: Workspace) -> None:
    row, files = row_of(workspace, "a", b"long sound"), ClipFiles(workspace)
    files.column([row], ["a"])
    (workspace.root / "a").write_bytes(b"long")
    with pytest.raises(DataError, match="changed since"):
        files.column([row], ["a"])


def test_a_file_that_is_gone_is_named(workspace: Workspace) -> None:
    row = row_of(workspace, "a", b"x")
    (workspace.root / "a").unlink()
    with pytest.raises(DataError, match="reading clip a"):
        ClipFiles(workspace).column([row], ["a"])


def test_more_than_a_column_holds_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "LARGEST_COLUMN", 9)
    with pytest.raises(DataError, match="larger than 9 bytes"):
        ClipFiles(workspace).column([row_of(workspace, "a", b"long sound")], ["a"])
