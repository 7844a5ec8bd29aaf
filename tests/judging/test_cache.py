"""The reply cache: what was read once is not paid again, and nothing else ever comes back from it."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from judge_frames import cases, panel_of

from mgrd.errors import StoreError
from mgrd.judging import judge_chains
from mgrd.judging.cache import FILE, reply_key
from mgrd.judging.mock import Answer, good, serving


def test_the_same_chain_elsewhere_is_read_from_the_cache_and_costs_nothing(tmp_path: Path) -> None:
    with serving() as server:
        panel = panel_of(server, price_in=1.0, price_out=1.0)
        first = judge_chains(cases(3), panel, cache=tmp_path).verdicts
        renamed = [replace(case, trace_id=f"other-{case.trace_id}") for case in cases(3)]
        again = judge_chains(renamed, panel, cache=tmp_path).verdicts
        assert len(server.requests) == 3
    assert again["cached"].to_list() == [True] * 3
    assert again.select("cost", "prompt_tokens", "requests").sum().row(0) == (0.0, 0, 0)
    assert again["acoustic_grounding"].to_list() == first["acoustic_grounding"].to_list()
    assert set(again["verdict_id"]).isdisjoint(first["verdict_id"])


def test_equal_prompts_in_one_call_are_asked_once_even_side_by_side() -> None:
    with serving(lambda *_: Answer(good().content, delay=0.05)) as server:
        equal = [replace(cases(1)[0], trace_id=f"t{number}") for number in range(8)]
        judged = judge_chains(equal, panel_of(server, concurrency=8))
        assert len(server.requests) == 1
    assert [result.scored for result in judged.results] == [1] * 8
    assert judged.verdicts["cached"].sum() == 7


@pytest.mark.parametrize(
    "bad",
    [Answer("busy", status=429), Answer(None), Answer(""), Answer("fine, 4"), Answer("{", finish_reason="length")],
    ids=["error", "null", "empty", "prose", "cut"],
)
def test_errors_empties_and_unreadable_replies_are_never_cached(
    bad: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mgrd.serving.connection.FIRST_PAUSE", 0.01)
    with serving(lambda *_: bad) as server:
        panel = panel_of(server, attempts=2)
        assert judge_chains(cases(1), panel, cache=tmp_path).results[0].scored == 0
        with sqlite3.connect(tmp_path / FILE) as database:
            assert database.execute("SELECT count(*) FROM replies").fetchone() == (0,)
        server.script = lambda *_: good()
        assert judge_chains(cases(1), panel, cache=tmp_path).results[0].scored == 1


def test_a_reply_after_a_correction_is_cached_as_the_reply_that_was_read(tmp_path: Path) -> None:
    with serving(lambda _, number: good() if number else Answer("hm")) as server:
        judge_chains(cases(1), panel_of(server), cache=tmp_path)
        (row,) = judge_chains(cases(1), panel_of(server), cache=tmp_path).verdicts.iter_rows(named=True)
        assert len(server.requests) == 2
    assert row["raw_reply"] == good().content
    assert row["cached"]


def test_the_key_covers_prompt_model_and_parameters() -> None:
    with serving() as server:
        (judge,) = panel_of(server).judges
    key = reply_key("prompt", judge)
    assert reply_key("prompt!", judge) != key
    for change in ({"model": "other"}, {"temperature": 1.0}, {"max_tokens": 99}):
        assert reply_key("prompt", judge.model_copy(update=change)) != key
    for same in ({"base_url": "http://other/v1"}, {"concurrency": 1}, {"batch": True}, {"price_in": 1.0}):
        assert reply_key("prompt", judge.model_copy(update=same)) == key


def test_a_broken_cache_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("this is no database, and long enough to be looked at as one " * 40)
    with serving() as server, pytest.raises(StoreError, match="may be deleted"):
        judge_chains(cases(1), panel_of(server), cache=tmp_path)
