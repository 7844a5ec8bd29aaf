"""Judging over HTTP: every fault of a server ends in a verdict or a clear stop, and nothing is paid for twice."""

import json
import time
from pathlib import Path

import polars as pl
import pytest
from judge_frames import EVIDENCE, questions, traces
from judge_server import Answer, JudgeServer, Script, good, grade, serving

from mgrd.errors import ConfigError, JudgeError
from mgrd.judging import judge_traces, standing, verdict_keys
from mgrd.settings import JudgeSpec, load_settings
from mgrd.store import to_arrow
from schemas import VERDICTS


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.judging.client.FIRST_PAUSE", 0.01)


def spec_of(server: JudgeServer, **changes: object) -> JudgeSpec:
    fields = {"base_url": server.url, "model": "judge-1", "timeout_seconds": 5.0, "attempts": 3}
    return JudgeSpec.model_validate({**fields, **changes})


def judged(server: JudgeServer, count: int = 1, **changes: object) -> pl.DataFrame:
    parts: list[pl.DataFrame] = []
    verdicts = judge_traces(traces(count), questions(), EVIDENCE, spec_of(server, **changes), parts.append)
    assert sum(part.height for part in parts) == verdicts.height, "every verdict is handed over once"
    to_arrow(VERDICTS, verdicts)
    return verdicts


def one(script: Script, **changes: object) -> tuple[dict[str, object], JudgeServer]:
    with serving(script) as server:
        verdicts = judged(server, **changes)
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
    assert (row["prompt_tokens"], row["completion_tokens"]) == (100, 20)
    assert row["cost"] == pytest.approx((100 * 3 + 20 * 15) / 1e6)
    (request,) = server.requests
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
    assert mended["prompt_tokens"] == 200, "both turns are paid"
    assert [message["role"] for message in server.requests[1]["messages"]] == ["user", "assistant", "user"]
    row, server = one(lambda *_: bad)
    assert not row["scored"]
    assert row["reason"] == code
    assert row["acoustic_grounding"] is None
    assert "[after correction]" in str(row["raw_reply"])
    assert len(server.requests) == 2


def test_refusals_and_filters_are_not_asked_again() -> None:
    for answer, code in ((Answer(None, refusal="no"), "refusal"), (Answer("", "content_filter"), "content_filter")):
        row, server = one(lambda *_, answer=answer: answer)
        assert (row["scored"], row["reason"], len(server.requests)) == (False, code, 1)


@pytest.mark.parametrize(
    "fault",
    [
        Answer("busy", status=429),
        Answer("oops", status=500),
        Answer("gone", status=503),
        Answer(body="<html>proxy</html>", headers={"Content-Type": "text/html"}),
        Answer(body='{"choices": [{"ind'),
        Answer(body="{}"),
        Answer(grade(), delay=1.5),
        Answer(grade(), drip=0.05),
    ],
    ids=["429", "500", "503", "html", "cut stream", "no choices", "hang", "drip"],
)
def test_passing_faults_are_tried_again_and_cost_no_verdict(fault: Answer) -> None:
    row, server = one(in_turn(fault, fault, good()), timeout_seconds=0.4)
    assert row["scored"], row["reason"]
    assert len(server.requests) == 3, "no faulty reply was waited for or taken"


@pytest.mark.parametrize("fault", [Answer("oops", status=500), Answer(grade(), delay=1.0)], ids=["500", "hang"])
def test_a_judge_out_of_reach_leaves_the_chain_unscored_and_owed(fault: Answer) -> None:
    with serving(lambda *_: fault) as server:
        verdicts = judged(server, timeout_seconds=0.2, attempts=2)
        assert verdicts["scored"].to_list() == [False]
        assert verdicts["reason"][0].startswith("unreachable: ")
        assert verdicts["cost"].to_list() == [0.0]
        assert standing(verdicts).is_empty()
        assert len(server.requests) == 2


def test_retry_after_holds_back_every_request() -> None:
    def script(_: dict, number: int) -> Answer:
        refusal = Answer("slow down", status=429, headers={"Retry-After": "2"})
        return refusal if number == 0 else Answer(grade(), delay=0.8)  # under way long after the refusal is read

    with serving(script) as server:
        verdicts = judged(server, 4, concurrency=2)
        first, *rest = server.times
    assert verdicts["scored"].all()
    early = [moment for moment in rest if moment - first < 1.95]
    assert len(early) <= 1, "only what was under way together with the first"


def test_a_wait_of_an_hour_stops_the_run_with_its_verdicts_kept() -> None:
    kept: list[pl.DataFrame] = []
    script = in_turn(good(), good(), Answer("quota", status=429, headers={"Retry-After": "3600"}))
    with serving(script) as server, pytest.raises(JudgeError, match="3600 s"):
        judge_traces(traces(8), questions(), EVIDENCE, spec_of(server, concurrency=1), kept.append)
    assert sum(part.height for part in kept) == 2


def test_requests_at_once_stay_below_the_ceiling() -> None:
    with serving(lambda *_: Answer(grade(), delay=0.03)) as server:
        judged(server, 24, concurrency=6)
        assert 3 <= server.most_open <= 6


def test_a_busy_server_is_asked_less_and_every_chain_still_gets_its_verdict() -> None:
    """A server that serves two at once and turns the others away."""

    def script(_: dict, __: int) -> Answer:
        return Answer("busy", status=429) if server.open > 2 else Answer(grade(), delay=0.03)

    with serving(script) as server:
        verdicts = judged(server, 30, concurrency=12, attempts=12)
        assert verdicts["scored"].all()
        assert len(server.requests) < 90


def test_a_server_without_json_schema_is_asked_more_simply_and_only_once() -> None:
    def script(request: dict, _: int) -> Answer:
        format_ = request.get("response_format", {}).get("type")
        return Answer(f"response_format {format_} is not supported", status=400) if format_ else good()

    with serving(script) as server:
        verdicts = judged(server, 5, concurrency=1)
        formats = [request.get("response_format", {}).get("type") for request in server.requests]
    assert verdicts["scored"].all()
    assert formats == ["json_schema", "json_object", None, None, None, None, None]


def test_a_request_that_the_server_refuses_is_unscored_and_the_others_go_on() -> None:
    def script(request: dict, _: int) -> Answer:
        long = "Number 1." in request["messages"][0]["content"]
        return Answer("maximum context length exceeded", status=400) if long else good()

    with serving(script) as server:
        verdicts = judged(server, 3, concurrency=1).sort("trace_id")
        assert server.requests[-1]["response_format"]["type"] == "json_schema", "one refusal lowers nothing"
    assert verdicts["scored"].to_list() == [True, False, True]
    assert verdicts["reason"][1].startswith("refused: ")
    assert standing(verdicts).height == 3, "the same request would be refused again"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_or_address_stops_at_once_and_never_tells_the_key(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-very-secret")
    script = in_turn(Answer("Incorrect API key provided: sk-very-secret", status=status))
    with serving(script) as server, pytest.raises(JudgeError, match=r"spec\.judge\.base_url") as caught:
        judged(server, 50, api_key_env="JUDGE_KEY", concurrency=2)
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
        verdicts = judged(server, 40, max_cost=4.0, concurrency=4, **prices)
        assert 0 < verdicts.height < 40
        assert verdicts["cost"].sum() <= 4.0
        assert verdicts["scored"].all()
        spec = spec_of(server, max_cost=4.0, **prices)
        asked = len(server.requests)
        rest = judge_traces(traces(40), questions(), EVIDENCE, spec, lambda _: None, spent=4.0)
        assert rest.is_empty()
        assert len(server.requests) == asked


def test_a_server_that_counts_nothing_is_not_free() -> None:
    row, _ = one(lambda *_: Answer(grade(), usage=False), price_in=1.0, price_out=1.0)
    assert float(str(row["cost"])) > 0


def test_a_dead_server_is_given_up_early() -> None:
    with serving(lambda *_: Answer("down", status=503)) as server, pytest.raises(JudgeError, match="run again when it"):
        judged(server, 500, attempts=1, concurrency=4)
    assert len(server.requests) < 40


def test_verdicts_leave_while_the_rest_is_still_asked_and_survive_a_failing_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mgrd.judging.judge.COMMIT_EVERY", 4)
    parts: list[int] = []

    def interrupted(part: pl.DataFrame) -> None:
        parts.append(part.height)
        if len(parts) == 3:
            raise KeyboardInterrupt

    with serving(lambda *_: good()) as server, pytest.raises(KeyboardInterrupt):
        judge_traces(traces(40), questions(), EVIDENCE, spec_of(server, concurrency=2), interrupted)
    assert parts[:3] == [4, 4, 4]


def test_the_key_of_a_verdict_covers_what_could_change_it_and_nothing_else() -> None:
    with serving(lambda *_: good()) as server:
        base = spec_of(server)

    def key(spec: JudgeSpec, evidence: dict | None = None) -> str:
        return verdict_keys(traces(1), EVIDENCE if evidence is None else evidence, spec)["verdict_id"][0]

    for change in ({"model": "other"}, {"temperature": 0.5}, {"max_tokens": 99}, {"prompt": "judge/correction"}):
        assert key(base.model_copy(update=change)) != key(base), change
    assert key(base, {}) != key(base), "other measurements are another question to the judge"
    for same in ({"base_url": "http://other/v1"}, {"concurrency": 1}, {"price_in": 9.0}):
        assert key(base.model_copy(update=same)) == key(base), same


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    (tmp_path / "mgrd.toml").write_text('[spec.judge]\nbase_url = "http://localhost:1/v1"\nmodel = "m"\n')
    return tmp_path


def test_the_judge_section_is_optional_and_checked(
    settings_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = tmp_path_factory.mktemp("empty")
    assert load_settings(empty).spec.judge is None
    judge = load_settings(settings_file, {"spec.judge.concurrency": 3}).spec.judge
    assert judge is not None
    assert (judge.model, judge.concurrency) == ("m", 3)
    with pytest.raises(ConfigError, match="max_cost needs price_in"):
        load_settings(settings_file, {"spec.judge.max_cost": 3})
    with pytest.raises(ConfigError, match=r"judge\.api_key_env") as caught:
        load_settings(settings_file, {"spec.judge.api_key_env": "sk-very-secret"})
    assert "sk-very-secret" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"judge\.base_url"):
        load_settings(settings_file, {"spec.judge.base_url": "http://user:secret@host/v1"})
    with pytest.raises(ConfigError, match=r"judge\.model"):
        load_settings(empty, {"spec.judge.base_url": "http://host/v1"})


def test_many_chains_take_little_longer_than_the_server_needs() -> None:
    with serving(lambda *_: Answer(grade(), delay=0.05)) as server:
        judged(server, 1)  # imports and first connection
        started = time.perf_counter()
        judged(server, 80, concurrency=8)
        seconds = time.perf_counter() - started
    assert seconds < 6 * 80 / 8 * 0.05
