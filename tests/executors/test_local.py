"""The local executor: what comes back stands in the order of what went in, wherever it was made."""

import os
from collections.abc import Iterator

import polars as pl
import pytest

from mgrd.errors import DataError
from mgrd.executors import LocalExecutor
from mgrd.executors.local import AHEAD
from tests.executors.work import Doubled, numbers


def test_processes_give_what_this_process_gives_in_the_same_order() -> None:
    parts = numbers(100, 7)
    alone = list(LocalExecutor(1).map(Doubled(), parts))
    shared = list(LocalExecutor(2).map(Doubled(), parts))
    for (one, one_count), (other, other_count) in zip(alone, shared, strict=True):
        assert one.drop("process").equals(other.drop("process"))
        assert one_count.equals(other_count)
    assert {process for frame, _ in alone for process in frame["process"]} == {os.getpid()}
    assert os.getpid() not in {process for frame, _ in shared for process in frame["process"]}


def test_little_work_starts_no_processes() -> None:
    (frame, _), *_ = LocalExecutor(2).map(Doubled(), numbers(3, 3), many=False)
    assert frame["process"].to_list() == [os.getpid()] * 3


def test_an_error_of_the_work_comes_out_as_it_was_raised_and_no_further_part_is_asked_for() -> None:
    asked: list[int] = []

    def parts() -> Iterator[pl.DataFrame]:
        for number, part in enumerate(numbers(100, 1)):
            asked.append(number)
            yield part

    with pytest.raises(DataError, match="number 3 is refused; leave it out"):
        list(LocalExecutor(2).map(Doubled(refused=3), parts()))
    assert len(asked) <= 3 + 2 + AHEAD + 1
