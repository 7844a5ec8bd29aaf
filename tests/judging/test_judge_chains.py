"""Judging over HTTP: every fault of a server ends in a verdict or a clear stop, and nothing is paid for twice."""

import asyncio
import json
import signal
import threading
from dataclasses import replace
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from judge_frames import cases, panel_of, traces

from mgrd.errors import ConfigError, JudgeError
from mgrd.judging import Judged, judge_chains, standing, verdict_keys
from mgrd.judging.mock import Answer, MockJudge, Script, good, grade, serving
from mgrd.settings import PanelSpec, load_settings
from mgrd.store import to_arrow
from schemas import VERDICTS


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.serving.connection.FIRST_PAUSE", 0.01)


def judged(server: MockJudge, count: int = 1, panel: dict[str, object] | None = None, **changes: object) -> Judged:
    parts: list[pl.DataFrame] = []
    result = judge_chains(cases(count), panel_of(server, panel=panel, **changes), on_verdicts=parts.append)
    assert sum(part.height for part in parts) == result.fresh.height, "every verdict is handed over once"
    assert [found.trace_id for found in result.results] == traces(count)["trace_id"].to_list(), "no chain is lost"
    to_arrow(VERDICTS, result.verdicts)
    return result


def one(script: Script, **changes: object) -> tuple[dict[str, object], MockJudge]:
    with serving(script) as server:
        verdicts = judged(server, **changes).verdicts
    assert verdicts.height == 1
    return verdicts.row(0, named=True), server


def in_turn(*answers: Answer) -> Script:
    """The answers one after the other; the last stays."""
    return lambda _, number: answers[min(number, len(answers) - 1)]


def test_a_good_grade_is_stored_with_reason_tokens_and_cost() -> None:
    row, server = one(lambda *_: good(surrogate=2), price_in=3.0, price_out=15.0)
    assert row["scored"]
    assert (row["acoustic_grounding"], row["surrogate"]) == (4.0, 2.0)
    assert "surrogate: because of surrogate" in str(row["reason"])
    assert row["raw_reply"] == grade(surrogate=2)
    (request,) = server.requests
    asked, replied = int(str(row["prompt_tokens"])), int(str(row["completion_tokens"]))
    assert (asked, replied) == (len(str(request["messages"][0])) // 4, len(grade(surrogate=2)) // 4)
    assert row["cost"] == pytest.approx((asked * 3 + replied * 15) / 1e6)
    assert (row["requests"], row["cached"], row["prompt_version"]) == (1, False, 1)
    assert request["response_format"]["json_schema"]["strict"] is True
    assert "contour is rising" in request["messages"][0]["content"]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (Answer("I would say it is fine."), "unparsed"),
        (Answer(None), "empty"),
        (Answer(grade(), finish_reason="length"), "length"),
        (Answer(json.dumps({"score": 5})), "unparsed"),
    ],
    ids=["prose", "null", "length", "wrong schema"],
)
def test_an_unreadable_reply_gets_one_correction_turn_and_is_then_unscored(bad: Answer, code: str) -> None:
    mended, server = one(in_turn(bad, good()))
    assert mended["scored"]
    first, second = (len(str(r["messages"])) for r in server.requests)
    paid = int(str(mended["prompt_tokens"]))
    assert paid > second // 4 > first // 4, "both turns are paid"
    assert mended["requests"] == 2
    assert [message["role"] for message in server.requests[1]["messages"]] == ["user", "assistant", "user"]
    row, server = one(lambda *_: bad)
    assert not row["scored"]
    assert str(row["reason"]).startswith(f"{code}: ")
    assert row["acoustic_grounding"] is None
    assert "[after correction]" in str(row["raw_reply"])
    assert len(server.requests) == 2


def test_refusals_and_filters_are_not_asked_again() -> None:
    for answer, code in ((Answer(None, refusal="no"), "refusal"), (Answer("", "content_filter"), "content_filter")):
        row, server = one(lambda *_, answer=answer: answer)
        assert (row["scored"], str(row["reason"]).split(":")[0], len(server.requests)) == (False, code, 1)


@pytest.mark.parametrize(
    "fault",
    [
        Answer("busy", status=429),
        Answer("oops", status=500),
        Answer("gone", status=503),
        Answer(body="<html>proxy</html>", headers={"Content-Type": "text/html"}),
        Answer(body='{"choices": [{"ind'),
        Answer(grade(), cut=True),
        Answer(body="{}"),
        Answer(body='{"choices": [null]}'),
        Answer(body="[" * 100_000),
        Answer(grade(), delay=1.5),
        Answer(grade(), drip=0.05),
    ],
    ids=["429", "500", "503", "html", "half a body", "cut stream", "no choices", "null choice", "deep", "hang", "drip"],
)
def test_passing_faults_are_tried_again_and_cost_no_verdict(fault: Answer) -> None:
    row, server = one(in_turn(fault, fault, good()), timeout_seconds=0.4)
    assert row["scored"], row["reason"]
    assert len(server.requests) == 3, "no faulty reply was waited for or taken"


@pytest.mark.parametrize("fault", [Answer("oops", status=500), Answer(grade(), delay=9.0)], ids=["500", "hang"])
def test_a_judge_out_of_reach_leaves_the_chain_unscored_and_owed(fault: Answer) -> None:
    with serving(lambda *_: fault) as server:
        verdicts = judged(server, timeout_seconds=0.5, attempts=2).verdicts
        assert verdicts["scored"].to_list() == [False]
        assert verdicts["reason"][0].startswith("unreachable: ")
        assert verdicts["cost"].to_list() == [0.0]
        assert standing(verdicts).is_empty()
        assert verdicts["requests"].to_list() == [2]


def test_retry_after_holds_back_every_request() -> None:
    def script(_: dict, number: int) -> Answer:
        refusal = Answer("slow down", status=429, headers={"Retry-After": "2"})
        return refusal if number == 0 else Answer(grade(), delay=0.8)  # under way long after the refusal is read

    with serving(script) as server:
        verdicts = judged(server, 4, concurrency=2).verdicts
        first, *rest = server.times
    assert verdicts["scored"].all()
    early = [moment for moment in rest if moment - first < 1.95]
    assert len(early) <= 1, "only what was under way together with the first"


def test_a_wait_of_an_hour_gives_the_judge_up_with_its_verdicts_kept() -> None:
    script = in_turn(good(), good(), Answer("quota", status=429, headers={"Retry-After": "3600"}))
    with serving(script) as server:
        result = judged(server, 8, concurrency=1)
    assert result.verdicts.height == 2
    assert [found.scored for found in result.results] == [1, 1, 0, 0, 0, 0, 0, 0]
    assert result.results[-1].reason == "judge-1: not asked"
    with pytest.raises(JudgeError, match="3600 s"):
        result.check()


def test_requests_at_once_stay_below_the_ceiling() -> None:
    with serving(lambda *_: Answer(grade(), delay=0.03)) as server:
        judged(server, 24, concurrency=6)
        assert 3 <= server.most_open <= 6


def test_a_busy_server_is_asked_less_and_every_chain_still_gets_its_verdict() -> None:
    """A server that serves two at once and turns the others away."""

    def script(_: dict, __: int) -> Answer:
        return Answer("busy", status=429) if server.open > 2 else Answer(grade(), delay=0.03)

    with serving(script) as server:
        verdicts = judged(server, 30, concurrency=12, attempts=12).verdicts
        assert verdicts["scored"].all()
        assert len(server.requests) < 90


def test_a_server_without_json_schema_is_asked_more_simply_and_only_once() -> None:
    def script(request: dict, _: int) -> Answer:
        format_ = request.get("response_format", {}).get("type")
        return Answer(f"response_format {format_} is not supported", status=400) if format_ else good()

    with serving(script) as server:
        verdicts = judged(server, 5, concurrency=1).verdicts
        formats = [request.get("response_format", {}).get("type") for request in server.requests]
    assert verdicts["scored"].all()
    assert formats == ["json_schema", "json_object", None, None, None, None, None]


def test_a_request_that_the_server_refuses_is_unscored_and_the_others_go_on() -> None:
    def script(request: dict, _: int) -> Answer:
        long = "Number 1." in request["messages"][0]["content"]
        return Answer("maximum context length exceeded", status=400) if long else good()

    with serving(script) as server:
        verdicts = judged(server, 3, concurrency=1).verdicts.sort("trace_id")
        last = next(request for request in server.requests if "Number 2." in request["messages"][0]["content"])
        assert last["response_format"]["type"] == "json_schema", "one refusal lowers nothing"
    assert verdicts["scored"].to_list() == [True, False, True]
    assert verdicts["reason"][1].startswith("refused: ")
    assert standing(verdicts).height == 3, "the same request would be refused again"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_or_address_stops_at_once_and_never_tells_the_key(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-very-secret")
    script = in_turn(Answer("Incorrect API key provided: sk-very-secret", status=status))
    with serving(script) as server:
        result = judged(server, 50, api_key_env="JUDGE_KEY", concurrency=2)
    with pytest.raises(JudgeError, match=r"check base_url, model and api_key_env") as caught:
        result.check()
    assert "sk-very-secret" not in str(caught.value)
    assert server.headers[0]["authorization"] == "Bearer sk-very-secret"
    assert len(server.requests) <= 4


def test_a_key_that_is_not_set_is_named_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with serving(lambda *_: good()) as server, pytest.raises(JudgeError, match="names JUDGE_KEY, which is not set"):
        judged(server, api_key_env="JUDGE_KEY")
    assert not server.requests


def test_a_server_without_key_sees_nothing_of_another_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "private-account")
    _, server = one(lambda *_: good())
    assert "private-account" not in json.dumps(server.headers)


def test_the_spend_limit_is_never_passed_and_stops_without_an_error() -> None:
    prices = {"price_in": 1000.0, "price_out": 1000.0, "max_tokens": 64}
    with serving(lambda *_: Answer(grade(), delay=0.01)) as server:
        result = judged(server, 40, {"max_cost": 20.0}, concurrency=4, **prices)
        assert 0 < result.verdicts.height < 40
        assert result.limited
        assert result.verdicts["cost"].sum() <= 20.0
        assert result.verdicts["scored"].all()
        asked = len(server.requests)
        panel = panel_of(server, panel={"max_cost": 20.0}, **prices)
        assert judge_chains(cases(40), panel, spent=20.0).fresh.is_empty()
        assert len(server.requests) == asked


def test_a_server_that_counts_nothing_is_not_free() -> None:
    row, _ = one(lambda *_: Answer(grade(), usage=False), price_in=1.0, price_out=1.0)
    assert float(str(row["cost"])) > 0


@pytest.mark.parametrize("tokens", ["-1", "1e400", f"1{'0' * 400}", str(2**63)])
def test_a_count_that_is_none_is_estimated(tokens: str) -> None:
    text = json.dumps({"choices": [{"message": {"content": grade()}}]})[:-1]
    reply = f'{text}, "usage": {{"prompt_tokens": {tokens}, "completion_tokens": {tokens}}}}}'
    row, _ = one(lambda *_: Answer(body=reply), price_in=1.0, price_out=1.0)
    assert row["scored"]
    assert 0 < int(str(row["completion_tokens"])) < 1000


def test_a_number_that_python_refuses_to_read_is_no_reply() -> None:
    row, _ = one(lambda *_: Answer(body=f'{{"choices": {"9" * 5000}}}'), attempts=1)
    assert not row["scored"]
    assert "no JSON" in str(row["reason"])


def test_a_dead_server_is_given_up_early() -> None:
    with serving(lambda *_: Answer("down", status=503)) as server:
        result = judged(server, 500, attempts=1, concurrency=4)
    assert len(server.requests) < 40
    with pytest.raises(JudgeError, match="run again when it"):
        result.check()


def test_verdicts_leave_while_the_rest_is_still_asked_and_survive_an_interrupt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mgrd.judging.judge.COMMIT_EVERY", 4)
    monkeypatch.setattr("mgrd.judging.judge.COMMIT_PAUSE", 0.0)
    parts: list[int] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs without it
    asked = count()
    pressed = threading.Event()

    def reply(*_: object) -> Answer:
        if next(asked) >= 16:  # the last replies are still owed when the user presses Ctrl-C
            pressed.wait(30)
        return good()

    def interrupted(part: pl.DataFrame) -> None:
        parts.append(part.height)
        if len(parts) == 3:
            signal.raise_signal(signal.SIGINT)
            pressed.set()

    try:
        with serving(reply) as server, pytest.raises(KeyboardInterrupt):
            judge_chains(cases(40), panel_of(server, concurrency=2), on_verdicts=interrupted)
    finally:
        signal.signal(signal.SIGINT, before)
    assert parts[:3] == [4, 4, 4]
    assert sum(parts) < 40


def test_known_verdicts_are_not_asked_again() -> None:
    with serving() as server:
        panel = panel_of(server)
        known = judge_chains(cases(2), panel).verdicts
        assert judge_chains(cases(5), panel, known=known).fresh.height == 3
        assert len(server.requests) == 5


def test_it_works_beside_a_running_event_loop() -> None:
    async def inside() -> int:
        return judged(server, 3).verdicts.height

    with serving() as server:
        assert asyncio.run(inside()) == 3


def test_a_server_that_knows_the_reply_limit_by_its_new_name_and_no_temperature_is_understood() -> None:
    def script(request: dict, _: int) -> Answer:
        for name in ("max_tokens", "temperature"):
            if name in request:
                return Answer(f"Unsupported parameter: {name}", status=400, param=name)
        return good()

    with serving(script) as server:
        assert judged(server, 4, concurrency=1).verdicts["scored"].all()
        assert len(server.requests) == 6, "each refusal is paid once"
        assert server.requests[-1]["max_completion_tokens"] == 1024
        assert server.requests[-1]["response_format"]["type"] == "json_schema"


def test_a_reply_that_no_table_can_hold_is_kept_without_what_it_cannot() -> None:
    row, _ = one(lambda *_: Answer(body='{"choices": [{"message": {"content": "\\ud800 \\u0000 4"}}]}'))
    assert not row["scored"]
    assert "? \x00 4" in str(row["raw_reply"])


@pytest.mark.parametrize("content", [[{"type": "text", "text": grade()}], json.loads(grade())], ids=["parts", "object"])
def test_content_that_is_no_text_is_read(content: object) -> None:
    row, _ = one(lambda *_: Answer(body=json.dumps({"choices": [{"message": {"content": content}}]})))
    assert row["acoustic_grounding"] == 4.0


def test_the_key_of_a_verdict_covers_what_could_change_it_and_nothing_else() -> None:
    with serving() as server:
        base = panel_of(server)

    def key(panel: PanelSpec, **case: object) -> str:
        return verdict_keys([replace(cases(1)[0], **case)], panel)["verdict_id"][0]

    for change in ({"model": "other"}, {"temperature": 0.5}, {"max_tokens": 99}, {"prompt": "judge/correction"}):
        assert key(edited(base, **change)) != key(base), change
    for name in ("evidence", "chain", "answer", "question", "trace_id"):
        assert key(base, **{name: "other"}) != key(base), name
    for same in ({"base_url": "http://other/v1"}, {"concurrency": 1}, {"price_in": 9.0}, {"batch": True}):
        assert key(edited(base, **same)) == key(base), same


def edited(panel: PanelSpec, **changes: object) -> PanelSpec:
    return panel.model_copy(update={"judges": tuple(judge.model_copy(update=changes) for judge in panel.judges)})


SETTINGS = """\
[spec.panel]
reducer = "at_least_k"
at_least = 2

[[spec.panel.judges]]
base_url = "http://localhost:1/v1"
model = "m"

[[spec.panel.judges]]
base_url = "http://localhost:2/v1"
model = "n"
"""


def test_the_panel_is_optional_and_checked(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (tmp_path / "mgrd.toml").write_text(SETTINGS)
    empty = tmp_path_factory.mktemp("empty")
    assert load_settings(empty).spec.panel is None
    panel = load_settings(tmp_path, {"spec.panel.judges.1.concurrency": 3}).spec.panel
    assert panel is not None
    assert [(judge.model, judge.concurrency) for judge in panel.judges] == [("m", 16), ("n", 3)]
    wrong = {
        "max_cost needs price_in": {"spec.panel.max_cost": 3},
        r"panel\.judges\.0\.api_key_env": {"spec.panel.judges.0.api_key_env": "sk-very-secret"},
        r"panel\.judges\.0\.base_url": {"spec.panel.judges.0.base_url": "http://user:secret@host/v1"},
        r"panel\.judges": {"spec.panel.judges": []},
        "at_least = 3 needs as many judges": {"spec.panel.at_least": 3},
        "two judges are the same": {"spec.panel.judges.1.model": "m"},
        "reducer": {"spec.panel.reducer": "mean"},
    }
    for message, override in wrong.items():
        with pytest.raises(ConfigError, match=message) as caught:
            load_settings(tmp_path, override)
        assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"panel\.judges"):
        load_settings(empty, {"spec.panel.reducer": "mode"})


def test_a_panel_can_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MGRD_SPEC__PANEL__JUDGES", '[{"base_url": "http://localhost:1/v1", "model": "m"}]')
    panel = load_settings(tmp_path).spec.panel
    assert panel is not None
    assert panel.judges[0].model == "m"
