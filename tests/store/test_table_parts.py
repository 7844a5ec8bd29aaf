"""Tables larger than memory: read and written part by part, committed once, checked as a whole."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.invariants import check_parts
from mgrd.errors import ContractError, DataError
from mgrd.store import Digest, Spool, Store, Workspace, delta, digest, frame_of, init_workspace, question_ranges
from schemas import CURRICULUM

ROUND: dict[str, int | str] = {"round": 1}


def tasks(names: list[str], round_: int = 1) -> pl.DataFrame:
    rows = [{"question_id": name, "round": round_, "samples": 8, "passed": 3, "inside": True} for name in names]
    return frame_of(CURRICULUM, rows)


def parts(count: int, size: int) -> list[pl.DataFrame]:
    names = [f"{number:016x}" for number in range(count)]
    return [tasks(names[first : first + size]) for first in range(0, count, size)]


def test_parts_become_one_commit_with_the_digest_of_the_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.replace(CURRICULUM, tasks(["old"]), ROUND)
    other = store.replace(CURRICULUM, tasks(["other"], 2), {"round": 2})
    written = store.replace_parts(CURRICULUM, parts(50, 7), ROUND)
    assert written.version == other + 1
    assert written == store.reference(CURRICULUM, ROUND)
    assert written.digest == digest(CURRICULUM, pl.concat(parts(50, 50)))
    assert store.read(CURRICULUM, {"round": 2})["question_id"].to_list() == ["other"]


def test_a_part_that_breaks_on_the_way_leaves_the_table_as_it_was_and_says_why(tmp_path: Path) -> None:
    store = Store(tmp_path)
    before = store.replace(CURRICULUM, tasks(["old"]), ROUND)

    def broken() -> Iterator[pl.DataFrame]:
        yield from parts(20, 10)
        yield tasks(["a"]).rename({"samples": "sample"})

    with pytest.raises(DataError, match=r"missing columns \['samples'\]"):
        store.replace_parts(CURRICULUM, broken(), ROUND)
    with pytest.raises(ContractError, match="outside round = 1"):
        store.replace_parts(CURRICULUM, [*parts(20, 10), tasks(["b"], 2)], ROUND)
    assert store.version(CURRICULUM) == before
    assert store.read(CURRICULUM)["question_id"].to_list() == ["old"]


def test_batches_are_the_rows_in_their_order_and_never_more_than_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for part in parts(50, 20):
        store.append(CURRICULUM, part)
    found = list(store.batches(CURRICULUM, ROUND, rows=8))
    assert max(frame.height for frame in found) <= 8
    assert pl.concat(found).equals(store.read(CURRICULUM, ROUND))


def test_a_key_that_two_parts_share_is_named() -> None:
    check_parts("curriculum", lambda: parts(50, 7))
    with pytest.raises(
        ContractError, match="1 keys stand more than once; round and question_id such as 1, 0000000000000003"
    ):
        check_parts("curriculum", lambda: [*parts(50, 7), tasks([f"{3:016x}"])])


@given(names=st.lists(st.text("abc", max_size=3), unique=True, min_size=1, max_size=30), cut=st.integers(0, 30))
def test_a_digest_is_the_same_in_parts_and_whole(names: list[str], cut: int) -> None:
    whole, found = tasks(names), Digest(CURRICULUM)
    for part in (whole[cut:], whole[:cut]):
        found.add(part)
    assert found.value == digest(CURRICULUM, whole)
    assert digest(CURRICULUM, pl.concat([whole, whole[:1]])) != found.value, "a row that stands twice counts twice"


@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=20), most=st.integers(1, 12))
def test_ranges_of_questions_cover_every_row_once_and_never_part_a_question(counts: list[int], most: int) -> None:
    names = [f"{number:016x}" for number, count in enumerate(counts) for _ in range(count)]
    rows = pl.DataFrame({"question_id": names})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delta, "PART_ROWS", most)
        found = [rows.filter(where) for where in question_ranges(rows.lazy())]
    assert pl.concat(found)["question_id"].to_list() == names
    assert sum(frame["question_id"].n_unique() for frame in found) == len(counts)
    assert all(frame.height < most + max(counts) for frame in found)


def test_a_spool_gives_back_what_it_took_and_leaves_no_file(tmp_path: Path) -> None:
    with Spool(CURRICULUM, tmp_path) as spool:
        for part in parts(50, 7):
            spool.add(part)
        assert spool.rows == 50
        assert list(tmp_path.iterdir()), "more than one frame waits in a file"
        assert pl.concat(spool.frames()).equals(pl.concat(parts(50, 50)))
    assert not list(tmp_path.iterdir())


def test_a_single_frame_needs_no_file(tmp_path: Path) -> None:
    with Spool(CURRICULUM, tmp_path) as spool:
        (whole,) = parts(5, 5)
        spool.add(whole)
        spool.add(whole.head(0))
        assert not list(tmp_path.iterdir())
        assert [frame.rows() for frame in spool.frames()] == [whole.rows()]


def test_what_a_killed_stage_left_in_scratch_is_removed_by_the_next(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w")
    workspace = Workspace.open(tmp_path / "w")
    with workspace.scratch() as mine:
        dead = mine.with_name(mine.name.replace(mine.name.split("-")[-2], "4194305"))
        dead.mkdir()
        with workspace.scratch() as other:
            assert other.is_dir()
            assert mine.is_dir(), "its process lives"
            assert not dead.exists()
    assert not mine.exists()
