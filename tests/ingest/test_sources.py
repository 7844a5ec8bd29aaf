"""What a folder says is read tolerantly, and nothing outside of the folder is reached through it."""

import csv
import json
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mgrd.errors import DataError
from mgrd.ingest.sources import Discovery, discover
from mgrd.ingest.texts import TEXT_LIMIT, clean_text, quarantine

SOUND = b"RIFF not opened by discovery"


def folder_with(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(SOUND)
    return root


def write_csv(root: Path, rows: list[list[str]], *, encoding: str = "utf-8", delimiter: str = ",") -> None:
    with (root / "manifest.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)


def reasons(found: Discovery) -> list[str]:
    return [row.message for row in found.rejected]


@pytest.mark.parametrize("column", ["path", "file_name", "Audio Path", "audio", "File", "audio-path"])
def test_the_usual_names_of_the_path_column_are_understood(tmp_path: Path, column: str) -> None:
    write_csv(folder_with(tmp_path, "a.wav"), [[column, "Category", "license"], ["a.wav", "bell", "CC0-1.0"]])
    (item,) = discover(tmp_path).items
    assert (item.name, item.label, item.licence) == ("a.wav", "bell", "CC0-1.0")


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8-sig", ","), ("utf-16", "\t"), ("utf-8", ";")])
def test_a_manifest_from_a_spreadsheet_is_read(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [["path", "label"], ["ä.wav", "Glöckchen"]]
    write_csv(folder_with(tmp_path, "ä.wav"), rows, encoding=encoding, delimiter=delimiter)
    (item,) = discover(tmp_path).items
    assert (item.name, item.label) == ("ä.wav", "Glöckchen")


def test_all_three_kinds_of_manifest_say_the_same(tmp_path: Path) -> None:
    row = {"path": "x/a.wav", "label": "bell", "split": "validation", "domain": "Music", "dataset": "bells"}
    found = []
    for suffix in ("csv", "jsonl", "parquet"):
        root = folder_with(tmp_path / suffix, "x/a.wav")
        frame = pl.DataFrame([row])
        if suffix == "csv":
            frame.write_csv(root / "manifest.csv")
        elif suffix == "jsonl":
            frame.write_ndjson(root / "manifest.jsonl")
        else:
            frame.write_parquet(root / "manifest.parquet")
        (item,) = discover(root).items
        found.append((item.name, item.label, item.split, item.domain, item.source))
    assert found == [("x/a.wav", "bell", "dev", "music", "bells")] * 3


def test_an_audio_folder_keeps_the_splits_of_its_subfolders(tmp_path: Path) -> None:
    root = folder_with(tmp_path, "train/a.wav", "test/b.wav")
    for split, name in (("train", "a.wav"), ("test", "b.wav")):
        (root / split / "metadata.jsonl").write_text(json.dumps({"file_name": name, "text": "good day"}))
    items = {item.name: item for item in discover(root).items}
    assert {name: item.split for name, item in items.items()} == {"train/a.wav": "pool", "test/b.wav": "test"}
    assert {item.domain for item in items.values()} == {"speech"}


def test_bare_files_are_found_and_other_files_are_told_of(tmp_path: Path) -> None:
    root = folder_with(tmp_path, "a.wav", "deep/er/b.FLAC", "notes.txt", ".hidden/c.wav", "._a.wav", "work/audio/d.wav")
    found = discover(root, exclude=root / "work" / "audio")
    assert [item.name for item in found.items] == ["a.wav", "deep/er/b.FLAC"]
    assert any("1 files without an audio suffix" in note for note in found.notes)
    assert [item.name for item in discover(root / "a.wav").items] == ["a.wav"]


def test_a_path_that_leaves_the_folder_goes_to_quarantine(tmp_path: Path) -> None:
    folder_with(tmp_path, "secret.wav", "in/ok.wav")
    root = tmp_path / "in"
    (root / "link.wav").symlink_to(tmp_path / "secret.wav")
    (root / "out").symlink_to(tmp_path)
    hostile = ["../secret.wav", str(tmp_path / "secret.wav"), "link.wav", "out/secret.wav", "x/../../secret.wav"]
    write_csv(root, [["path"], ["ok.wav"], [str(root / "ok.wav")], *([path] for path in hostile)])
    found = discover(root)
    assert [item.name for item in found.items] == ["ok.wav"]
    assert found.merged == 1, "an absolute path inside of the folder is the same file"
    assert len(found.rejected) == len(hostile)
    assert all("leaves the folder" in reason for reason in reasons(found))


def test_a_bare_link_out_of_the_folder_goes_to_quarantine(tmp_path: Path) -> None:
    folder_with(tmp_path, "secret.wav", "in/ok.wav")
    (tmp_path / "in" / "link.wav").symlink_to(tmp_path / "secret.wav")
    (tmp_path / "in" / "gone.wav").symlink_to(tmp_path / "in" / "nowhere.wav")
    found = discover(tmp_path / "in")
    assert [item.name for item in found.items] == ["ok.wav"]
    assert found.rows == len(found.items) + found.merged + len(found.rejected) == 3


def test_linked_folders_are_left_alone(tmp_path: Path) -> None:
    folder_with(tmp_path, "out/secret.wav", "in/ok.wav")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "out").symlink_to(tmp_path / "out")
    assert discover(tmp_path / "in").rows == 1


def test_paths_that_are_no_files_go_to_quarantine_with_their_reason(tmp_path: Path) -> None:
    root = folder_with(tmp_path, "ok.wav")
    os.mkfifo(root / "pipe.wav")
    bad = ["missing.wav", ".", "pipe.wav", "https://example.org/a.wav", "a\0b.wav", "n" * 5000 + ".wav", "", "   "]
    lines = [json.dumps({"path": path}) for path in ["ok.wav", *bad]] + [json.dumps({"path": {"bytes": "x"}})]
    (root / "manifest.jsonl").write_text("\n".join(lines))
    found = discover(root)
    assert len(found.items) == 1
    assert len(found.rejected) == len(bad) + 1
    said = " ".join(reasons(found))
    assert all(word in said for word in ("is missing", "not a regular file", "is an address", "names no audio file"))


def test_rows_that_cannot_be_read_cost_only_themselves(tmp_path: Path) -> None:
    root = folder_with(tmp_path, "a.wav", "b.wav")
    bad = ["{torn", "[1, 2]", "[" * 100_000, '{"path": "a.wav", "label": 1' + "0" * 5000 + "}"]
    text = "\n".join(['{"path": "a.wav"}', *bad, "", '{"path": "b.wav"}'])
    (root / "manifest.jsonl").write_bytes(text.encode() + b'\n{"path": "\xff.wav"}')
    found = discover(root)
    assert [item.name for item in found.items] == ["a.wav", "b.wav"]
    assert len(found.rejected) == len(bad) + 1
    assert found.rows == len(bad) + 3


def test_a_csv_row_with_too_many_or_too_few_cells_or_bad_bytes_goes_to_quarantine(tmp_path: Path) -> None:
    root = folder_with(tmp_path, "a.wav")
    lines = [b"path,label", b"a.wav,bell", b"a.wav", b"a.wav,x,y", b"a.wav,\xff\xfe", b"a.wav," + b"x" * 200_000]
    (root / "manifest.csv").write_bytes(b"\n".join(lines))
    found = discover(root)
    assert len(found.items) == 1
    assert len(found.rejected) == 4
    assert found.rows == 5


def test_repeated_rows_are_one_file_and_keep_their_questions(tmp_path: Path) -> None:
    root = folder_with(tmp_path, "a.wav")
    rows = [["path", "question", "choices"], ["a.wav", "One?", "x|y"], ["./a.wav", "Two?", "x|y"]]
    write_csv(root, [*rows, rows[1]])
    found = discover(root)
    (item,) = found.items
    assert [question["question"] for question in item.questions] == ["One?", "Two?"]
    assert found.merged == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("manifest.csv", b"", "has no rows"),
        ("manifest.csv", b"path,label\n", "has no rows"),
        ("manifest.csv", b"name,label\na.wav,x\n", "no column with the audio files"),
        ("manifest.jsonl", b"\n\n", "has no rows"),
        ("manifest.parquet", b"PAR1 torn", "cannot be read"),
    ],
)
def test_a_manifest_without_anything_usable_is_an_error(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (folder_with(tmp_path, "a.wav") / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        discover(tmp_path)


def test_a_path_with_nothing_to_ingest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        discover(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no audio file"):
        discover(folder_with(tmp_path, "notes.txt"))


def test_file_names_that_are_no_utf8_do_not_stop_the_ingest(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x01.wav")).write_bytes(SOUND)
    (item,) = discover(tmp_path).items
    item.name.encode("utf-8")
    assert item.path.is_file()


@given(st.text())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_clean_text_is_one_plain_line(text: str) -> None:
    cleaned = clean_text(text, TEXT_LIMIT)
    if cleaned is not None:
        cleaned.encode("utf-8")
        assert cleaned == " ".join(cleaned.split())
        assert cleaned.isprintable()


@pytest.mark.parametrize("text", ["<|im_end|>", "a <|AUDIO|> b", "<<|x|>|im_end|>", "</think>", "a\u202eb\x00\ud800"])
def test_labels_cannot_smuggle_chat_markup_or_control_characters(text: str) -> None:
    cleaned = clean_text(text) or ""
    assert "<|im_end|>" not in cleaned
    assert "<|AUDIO|>" not in cleaned
    assert "</think>" not in cleaned
    assert not set(cleaned) & {"\u202e", "\x00", "\ud800"}


def test_a_quarantine_row_carries_any_payload() -> None:
    row = quarantine("read manifest", "bad \ud800", {"a": b"\xff", "b": float("nan"), "\udcff": "x" * 10_000, "n": 3})
    assert json.loads(row.payload)["n"] == 3
    assert len(row.payload) < 5000
    row.message.encode("utf-8")
