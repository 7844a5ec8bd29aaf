"""Files that are whole or not there."""

import threading
from pathlib import Path

import pytest

from mgrd.files import whole_file


def test_a_file_appears_when_it_is_whole_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with whole_file(path) as draft:
        draft.write_text("half")
        assert not path.exists()
        draft.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_file_of_before_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("before")

    def interrupted() -> None:
        with whole_file(path) as draft:
            draft.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_writers_side_by_side_do_not_share_a_draft(tmp_path: Path) -> None:
    path, together = tmp_path / "file.txt", threading.Barrier(2)

    def write(text: str) -> None:
        with whole_file(path) as draft:
            draft.write_text(text)
            together.wait(10)
            assert draft.read_text() == text
            together.wait(10)

    other = threading.Thread(target=write, args=("theirs",))
    other.start()
    write("ours")
    other.join()
    assert path.read_text() in {"ours", "theirs"}
    assert list(tmp_path.iterdir()) == [path]
