"""The provider's batch interface: asked once, collected after a kill, and never the only way to a verdict."""

from pathlib import Path

import pytest
from judge_frames import cases, panel_of

from mgrd.judging import judge_chains
from mgrd.judging.mock import Answer, MockJudge, Plan, good, parse_fault, serving


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.judging.batch.FIRST_POLL", 0.01)
    monkeypatch.setattr("mgrd.judging.batch.RETRIES", 0)
    monkeypatch.setattr("mgrd.serving.connection.FIRST_PAUSE", 0.01)


def direct(server: MockJudge) -> int:
    """Requests that came one by one, not in a batch."""
    return len(server.headers)


def test_all_but_the_first_chain_are_asked_in_one_batch_at_its_price() -> None:
    with serving() as server:
        prices = {"price_in": 1000.0, "price_out": 1000.0}
        by_batch = judge_chains(cases(10), panel_of(server, batch=True, **prices)).verdicts.sort("trace_id")
        assert len(server.desk.batches) == 1
        assert direct(server) == 1, "one request teaches what the server understands"
        one_by_one = judge_chains(cases(10), panel_of(server, **prices)).verdicts.sort("trace_id")
    assert by_batch["scored"].all()
    columns = ("verdict_id", "acoustic_grounding", "prompt_tokens", "completion_tokens")
    assert by_batch.select(columns).equals(one_by_one.select(columns))
    assert by_batch["requests"].sum() == 1
    assert by_batch["cost"][1:].sum() == pytest.approx(one_by_one["cost"][1:].sum() / 2)


def test_what_a_batch_cannot_answer_is_asked_directly() -> None:
    def script(_: dict, number: int) -> Answer:
        return Answer("overloaded", status=503) if number % 3 == 2 and number < 10 else good()

    with serving(script) as server:
        judged = judge_chains(cases(10), panel_of(server, batch=True))
    assert [result.scored for result in judged.results] == [1] * 10
    assert direct(server) == 4


def test_an_unreadable_reply_from_a_batch_gets_its_correction_turn() -> None:
    def script(request: dict, number: int) -> Answer:
        return good() if number == 0 or len(request["messages"]) == 3 else Answer("I like it.")

    with serving(script) as server:
        judged = judge_chains(cases(4), panel_of(server, batch=True))
    assert judged.verdicts["scored"].all()
    assert direct(server) == 1 + 3


def test_a_killed_run_collects_the_batch_that_it_ordered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledError(Exception):
        pass

    async def killed(*_: object) -> None:
        raise KilledError

    with serving() as server:
        panel = panel_of(server, batch=True)
        with monkeypatch.context() as patch:
            patch.setattr("mgrd.judging.batch.BatchDesk._look", killed)
            with pytest.raises(KilledError):
                judge_chains(cases(6), panel, cache=tmp_path)
        assert len(server.desk.batches) == 1
        judged = judge_chains(cases(6), panel, cache=tmp_path)
        assert [result.scored for result in judged.results] == [1] * 6
        assert len(server.desk.batches) == 1, "nothing was ordered twice"
        asked = len(server.requests)
        judge_chains(cases(6), panel, cache=tmp_path)
        assert len(server.requests) == asked


def test_the_spend_limit_holds_for_a_batch_as_a_whole() -> None:
    prices = {"price_in": 1000.0, "price_out": 1000.0, "max_tokens": 128}
    with serving() as server:
        judged = judge_chains(cases(30), panel_of(server, batch=True, panel={"max_cost": 12.0}, **prices))
        lines = sum(content.count(b"\n") for content in server.desk.files.values()) // 2
    assert judged.limited
    assert 1 < lines < 29
    assert judged.verdicts["cost"].sum() <= 12.0
    assert all(result.scored == 1 for result in judged.results[:lines])


def test_a_server_without_a_batch_interface_is_named_with_what_to_set() -> None:
    with serving(batches=False) as server:
        judged = judge_chains(cases(3), panel_of(server, batch=True))
    assert "set batch = false" in judged.failures[0]
    assert [result.scored for result in judged.results] == [1, 0, 0]


@pytest.mark.parametrize("body", [[], "no file", {}, {"id": 7}, b"{half of"], ids=str)
def test_a_batch_interface_that_answers_nonsense_gives_the_judge_up(body: object) -> None:
    with serving() as server:
        server.desk.reply = lambda *_: (200, body)
        judged = judge_chains(cases(3), panel_of(server, batch=True))
    assert "batch" in judged.failures[0]
    assert judged.verdicts.height == 1


def test_faults_of_the_plan_strike_inside_batches_too() -> None:
    with serving(plan=Plan((parse_fault("prose/4"), parse_fault("length/5")))) as server:
        judged = judge_chains(cases(12), panel_of(server, batch=True))
    assert len(judged.results) == 12
    assert sum(result.scored for result in judged.results) >= 9
