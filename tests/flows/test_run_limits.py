"""The error limit: a stage stops on the share of what it wants, and early where nothing succeeds."""

import polars as pl
import pytest

from mgrd.errors import AudioError, EngineError
from schemas import QUARANTINE
from tasks.limits import FIRST_ROWS, ErrorLimit


def failed(count: int) -> pl.DataFrame:
    row = {"stage": "s", "round": 1, "boundary": "b", "message": "torn file", "attempts": 1, "payload": "{}"}
    return pl.DataFrame([{"row_id": f"r{i}", **row} for i in range(count)], schema=QUARANTINE.arrow.names)


def test_a_stage_goes_on_up_to_the_limit_and_stops_beyond_it_with_the_reason() -> None:
    limit = ErrorLimit("round 1, sample", wanted=100, good=0, limit=0.1, error=EngineError)
    limit.count(50, failed(10))
    with pytest.raises(EngineError, match=r"11 of 100 rows failed, more than .* = 0\.1; the last reason: torn file"):
        limit.count(0, failed(1))


def test_a_stage_of_which_nothing_succeeds_stops_long_before_its_share() -> None:
    limit = ErrorLimit("evidence", wanted=100_000, good=0, limit=0.1, error=AudioError)
    with pytest.raises(AudioError, match=f"the first {FIRST_ROWS} of 100000 rows failed"):
        limit.count(0, failed(FIRST_ROWS))


def test_what_an_earlier_run_finished_counts_as_success() -> None:
    """A few bad rows that are all that is owed after a kill must not stop the stage that they did not stop before."""
    limit = ErrorLimit("evidence", wanted=1000, good=975, limit=0.1, error=AudioError)
    limit.count(0, failed(25))


def test_a_limit_of_one_never_stops() -> None:
    ErrorLimit("s", wanted=30, good=0, limit=1.0, error=EngineError).count(0, failed(30))
