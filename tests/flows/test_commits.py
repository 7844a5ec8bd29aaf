"""Batches are committed soon, in order and once, also when no further batch comes."""

import threading

import pytest

from tasks.commits import Commits


def test_the_first_batch_is_committed_at_once_and_the_others_together_at_the_end() -> None:
    made: list[list[int]] = []
    with Commits(made.append, seconds=600) as commits:
        for number in range(4):
            commits.add(number)
        assert made == [[0]]
    assert made == [[0], [1, 2, 3]]


def test_a_batch_after_which_the_engine_hangs_is_committed_all_the_same() -> None:
    arrived = threading.Event()
    made: list[list[int]] = []

    def commit(done: list[int]) -> None:
        made.append(done)
        if len(made) == 2:
            arrived.set()

    with Commits(commit, seconds=0.05) as commits:
        commits.add(0)
        commits.add(1)
        assert arrived.wait(30)
    assert made == [[0], [1]]


def test_what_is_done_is_committed_when_the_work_breaks_off() -> None:
    made: list[list[int]] = []

    def interrupted() -> None:
        with Commits(made.append, seconds=600) as commits:
            commits.add(0)
            commits.add(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert made == [[0], [1]]


def test_a_commit_that_fails_behind_the_work_stops_it() -> None:
    failed = threading.Event()

    def commit(done: list[int]) -> None:
        if done == [1]:
            failed.set()
            raise OSError("the disk is full")

    def work() -> None:
        with Commits(commit, seconds=0.05) as commits:
            commits.add(0)
            commits.add(1)
            assert failed.wait(30)

    with pytest.raises(OSError, match="the disk is full"):
        work()
