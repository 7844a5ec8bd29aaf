"""The engine behind a server: chains by key whatever the server does, and never those of another model."""

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from mgrd.engines.openai import OpenAIEngine
from mgrd.engines.protocol import Completion, SampleRequest, Sampling, ScoreRequest
from mgrd.errors import AudioError, EngineError, EngineStopError
from mgrd.settings.runtime import ServerRuntime
from tests.engines.fake_server import FakeServer, Reply, Script, chain, completion, refusal, scored
from tests.tiny_model import tone

SAMPLED = Sampling(1.0, 0.9, 32)
GOLDEN = Path(__file__).parent / "golden" / "requests.json"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.serving.connection.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("mgrd.serving.waiting.FIRST_LOOK", 0.01)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return tone(tmp_path / "clip.wav", 440.0, 1.0)


@contextmanager
def engine_at(server: FakeServer, folder: Path = Path("nowhere"), **settings: object) -> Iterator[OpenAIEngine]:
    runtime = ServerRuntime.model_validate({"base_url": server.url, "model": "m", "attempts": 2, **settings})
    engine = OpenAIEngine(runtime, "abc", folder, Path("unused.log"), trusted=True)
    try:
        yield engine
    finally:
        engine.close()


def request(number: int, clip: Path | None = None, samples: int = 2) -> SampleRequest:
    seeds = tuple(100 * number + k for k in range(samples))
    return SampleRequest(f"q{number}", clip and "c", clip, f"What moves? #{number}", tuple(range(samples)), seeds)


def sampled(engine: OpenAIEngine, requests: list[SampleRequest]) -> list[Completion]:
    return [completion for batch in engine.sample(requests, SAMPLED) for completion in batch]


def drain(engine: OpenAIEngine, requests: list[SampleRequest], into: list[Completion]) -> None:
    for batch in engine.sample(requests, SAMPLED):
        into += batch


def asked_with(clip: Path | None, script: Script | None = None, **settings: object) -> list[dict[str, Any]]:
    with FakeServer(script) as server, engine_at(server, concurrency=1, **settings) as engine:
        sampled(engine, [request(1, clip)])
        return server.bodies


SHAPES: dict[str, dict[str, object]] = {
    "plain": {},
    "audio_url": {"audio": "audio_url"},
    "n": {"samples": "n"},
    "begun answer": {"assistant_prefix": "<think>\n", "stop": ["<|EOT|>"], "stop_token_ids": [151665]},
    "system and extra": {"system": "You can hear.", "extra": {"modalities": ["text"], "repetition_penalty": 1.05}},
}


def shapes(clip: Path) -> dict[str, list[dict[str, Any]]]:
    """Every request shape, the sound's bytes shortened to their beginning."""
    found = {name: asked_with(clip, **settings) for name, settings in SHAPES.items()}
    found["without sound"] = asked_with(None)
    with FakeServer(scored) as server, engine_at(server, concurrency=1) as engine:
        engine.score([score_request("up", ended=True)])
        found["score"] = server.bodies
    for body in [body for bodies in found.values() for body in bodies]:
        for message in body["messages"]:
            for part in message["content"] if isinstance(message["content"], list) else []:
                if part["type"] == "input_audio":
                    part["input_audio"]["data"] = part["input_audio"]["data"][:24] + "..."
                if part["type"] == "audio_url":
                    part["audio_url"]["url"] = part["audio_url"]["url"][:46] + "..."
    return found


def test_requests_have_the_recorded_shapes(clip: Path) -> None:
    found = shapes(clip)
    assert found == json.loads(GOLDEN.read_text()), "a changed shape is a changed contract with servers"


def test_every_chain_has_its_own_seed_and_comes_back_under_its_index(clip: Path) -> None:
    def echo(body: dict[str, Any], _: int) -> Reply:
        return completion(chain(f"seed {body['seed']}"))

    with FakeServer(echo) as server, engine_at(server) as engine:
        found = sampled(engine, [request(1, clip, 3), request(2, clip, 3)])
    assert [(c.request_id, c.sample_index, c.text) for c in found] == [
        (f"q{q}", k, f"seed {100 * q + k}") for q in (1, 2) for k in range(3)
    ]


def test_what_the_server_counts_is_what_is_stored(clip: Path) -> None:
    usage = {
        "prompt_tokens": 70, "completion_tokens": 9,
        "prompt_tokens_details": {"audio_tokens": 33}, "completion_tokens_details": {"reasoning_tokens": 5},
    }  # fmt: skip
    with FakeServer(lambda *_: completion(chain(), usage=usage)) as server, engine_at(server) as engine:
        (found,) = sampled(engine, [request(1, clip, 1)])
    assert (found.prompt_tokens, found.completion_tokens, found.audio_tokens, found.reasoning_tokens) == (70, 9, 33, 5)
    assert found.logprob == pytest.approx(-0.5 * 3)


def test_uncounted_audio_tokens_follow_from_the_clips_length_and_must_fit_the_prompt(clip: Path) -> None:
    with FakeServer() as server, engine_at(server) as engine:
        assert sampled(engine, [request(1, clip, 1)])[0].audio_tokens == 25
    usage = {"prompt_tokens": 20, "completion_tokens": 7}
    deaf = FakeServer(lambda *_: completion(chain(), usage=usage))
    with deaf as server, engine_at(server) as engine, pytest.raises(EngineStopError, match="did not reach the model"):
        sampled(engine, [request(1, clip, 1)])


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "<think>\na\n</think>\n\nb"}, "<think>\na\n</think>\n\nb"),
        ({"content": "a\n</think>\n\nb"}, "a\n</think>\n\nb"),
        ({"content": "\n\nb", "reasoning_content": "a\n"}, "<think>\na\n</think>\n\nb"),
        ({"content": "b", "reasoning": "a"}, "<think>\na\n</think>\n\nb"),
        ({"content": None, "reasoning": "a"}, "<think>\na"),
        ({"content": [{"type": "text", "text": "b"}]}, "b"),
        ({"content": "b<|EOT|>"}, "b"),
        ({"content": None}, ""),
        ({"content": "lone \ud800 half"}, "lone \ufffd half"),
    ],
)
def test_both_think_shapes_and_odd_messages_become_text(message: dict[str, Any], text: str) -> None:
    reply = completion({"message": message, "finish_reason": "stop"})
    with FakeServer(lambda *_: reply) as server, engine_at(server, stop=["<|EOT|>"]) as engine:
        (found,) = sampled(engine, [request(1, None, 1)])
    assert found.text == text
    assert found.logprob is None, "a server that lists no tokens tells no probability"


@pytest.mark.parametrize("number", [10**400, 2**63, float("inf"), float("nan"), -5])
def test_numbers_that_no_table_can_hold_are_no_numbers(number: float) -> None:
    listed = {"content": [{"token": "rising", "logprob": number}]}
    usage = {"prompt_tokens": number, "completion_tokens": number, "prompt_tokens_details": {"audio_tokens": number}}
    reply = completion(chain("rising", logprobs=listed), usage=usage)
    with FakeServer(lambda *_: reply) as server, engine_at(server) as engine:
        (done,) = sampled(engine, [request(1, samples=1)])
    assert 0 <= done.completion_tokens < 100
    assert 0 <= done.prompt_tokens < 100
    assert done.logprob is None or math.isfinite(done.logprob)


@pytest.mark.parametrize("listing", [{"data": 5}, {"data": ["m"]}, {"data": [{"id": "m", "root": 7}]}, [], {}])
def test_a_list_of_models_that_is_none_names_no_model_or_no_folder(listing: Any) -> None:
    with FakeServer() as server:
        server.models = (200, listing)
        named = isinstance(listing, dict) and listing.get("data") == [{"id": "m", "root": 7}]
        with nullcontext() if named else pytest.raises(EngineStopError, match="serves nothing"), engine_at(server):
            pass


def test_a_server_that_gives_fewer_than_n_is_asked_for_the_rest(clip: Path) -> None:
    with FakeServer(lambda *_: completion(chain())) as server, engine_at(server, samples="n") as engine:
        found = sampled(engine, [request(1, clip, 3)])
    assert [c.sample_index for c in found] == [0, 1, 2]
    assert [body.get("n") for body in server.bodies] == [3, None, None]


@pytest.mark.parametrize("name", ["logprobs", "seed", "n"])
def test_a_field_that_the_server_refuses_by_name_is_left_out_from_then_on(name: str) -> None:
    def picky(body: dict[str, Any], _: int) -> Reply:
        return refusal(400, "unsupported", name) if name in body else completion(*[chain()] * body.get("n", 1))

    with FakeServer(picky) as server, engine_at(server, samples="n", concurrency=1) as engine:
        assert len(sampled(engine, [request(1), request(2)])) == 4
    assert [name in body for body in server.bodies].count(True) == 1


def test_a_refused_question_is_named_and_its_neighbours_come_first() -> None:
    def script(body: dict[str, Any], _: int) -> Reply:
        return refusal(400, "too long") if "#2" in str(body["messages"]) else completion(chain())

    found: list[Completion] = []
    with FakeServer(script) as server, engine_at(server) as engine, pytest.raises(EngineError, match="q2: refused"):
        drain(engine, [request(1), request(2), request(3)], found)
    assert [c.request_id for c in found] == ["q1", "q1", "q3", "q3"]


def test_a_clip_beyond_the_window_is_refused_before_it_is_sent(clip: Path) -> None:
    with FakeServer() as server, engine_at(server, max_audio_seconds=0.5) as engine:
        with pytest.raises(AudioError, match="longer than the model's window"):
            sampled(engine, [request(1, clip)])
        assert not server.bodies


def test_a_filtered_chain_loses_itself_and_not_its_sisters() -> None:
    def script(body: dict[str, Any], _: int) -> Reply:
        return completion(chain(finish_reason="content_filter") if body["seed"] == 101 else chain())

    found: list[Completion] = []
    with FakeServer(script) as server, engine_at(server) as engine, pytest.raises(EngineError, match="content_filter"):
        drain(engine, [request(1, samples=3)], found)
    assert [c.sample_index for c in found] == [0, 2]


@pytest.mark.parametrize("trouble", [refusal(503), refusal(429), (200, {"detail": "Bad gateway"})])
def test_passing_trouble_costs_no_chain(trouble: Reply) -> None:
    def script(_: dict[str, Any], number: int) -> Reply:
        return trouble if number % 2 == 0 else completion(chain())

    with FakeServer(script) as server, engine_at(server, attempts=8) as engine:
        assert len(sampled(engine, [request(i) for i in range(3)])) == 6


def test_a_server_that_dies_is_waited_for_and_every_chain_comes_once(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeServer()

    def script(body: dict[str, Any], number: int) -> Reply:
        if number == 3:
            threading.Thread(target=restart).start()
            gone.wait(5)
            return 500, {}
        return completion(chain(f"seed {body['seed']}"))

    gone = threading.Event()

    def restart() -> None:
        server.stop()
        gone.set()
        time.sleep(0.3)
        server.start()

    server.script = script
    caplog.set_level("WARNING", logger="mgrd")
    with server, engine_at(server, concurrency=2) as engine:
        found = sampled(engine, [request(i) for i in range(6)])
    assert [(c.request_id, c.sample_index, c.text) for c in found] == [
        (f"q{q}", k, f"seed {100 * q + k}") for q in range(6) for k in range(2)
    ]
    assert "is out of reach" in caplog.text
    assert "answers again after" in caplog.text


def test_patience_ends_with_what_to_do_and_the_chains_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.serving.waiting.LOOK_SECONDS", 0.2)
    server = FakeServer()

    def script(_: dict[str, Any], number: int) -> Reply:
        if number == 2:
            server.models = (503, {})
        return (503, {}) if number >= 2 else completion(chain())

    server.script = script
    found: list[Completion] = []
    with server, engine_at(server, concurrency=1, patience_seconds=0.1) as engine:
        with pytest.raises(EngineStopError, match=r"patience_seconds.*run again"):
            drain(engine, [request(1), request(2)], found)
        asked = len(server.bodies)
        with pytest.raises(EngineStopError):
            sampled(engine, [request(3)])
        assert len(server.bodies) == asked, "once it is given up, nothing is asked any more"
    assert [c.request_id for c in found] == ["q1", "q1"]


def test_a_request_that_never_gets_a_reply_is_given_up_while_the_others_go_on() -> None:
    def script(body: dict[str, Any], _: int) -> Reply:
        return (500, {}) if "#1" in str(body["messages"]) else completion(chain())

    found: list[Completion] = []
    with FakeServer(script) as server, engine_at(server) as engine:
        with pytest.raises(EngineError, match="answers others and not this request") as caught:
            drain(engine, [request(1, samples=1), request(2)], found)
        assert not isinstance(caught.value, EngineStopError), "the row is quarantined, the stage goes on"
    assert [c.request_id for c in found] == ["q2", "q2"]


def test_a_wrong_key_stops_the_engine_and_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLING_KEY", "sk-very-secret")
    script: Script = lambda *_: refusal(401, "bad key sk-very-secret")  # noqa: E731
    with FakeServer(script) as server, engine_at(server, api_key_env="SAMPLING_KEY") as engine:
        with pytest.raises(EngineStopError, match=r"runtime\.server") as caught:
            sampled(engine, [request(1)])
        assert "secret" not in str(caught.value)
        assert server.keys[0] == "Bearer sk-very-secret"


def test_a_model_that_the_server_does_not_have_is_named_beside_those_it_has() -> None:
    with FakeServer(model="other") as server, pytest.raises(EngineStopError, match="serves other, not m"):
        engine_at(server).__enter__()


def test_a_checkpoint_is_only_sampled_where_the_server_shows_that_it_serves_it(tmp_path: Path) -> None:
    for name, weights in (("mine", b"1"), ("theirs", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(weights)
    from mgrd.models import model_sha

    mine = model_sha(tmp_path / "mine")

    def opened(root: str | None, model: str = "m") -> None:
        with FakeServer(model=model.format(model_id=mine), root=root) as server:
            runtime = ServerRuntime(base_url=server.url, model=model)
            OpenAIEngine(runtime, mine, tmp_path / "mine", tmp_path / "log").close()

    opened(str(tmp_path / "mine"))
    opened(None, "{model_id}")
    with pytest.raises(EngineStopError, match="theirs"):
        opened(str(tmp_path / "theirs"))
    with pytest.raises(EngineStopError, match="nothing tells"):
        opened(None)


def score_request(completion_: str, *, ended: bool = False) -> ScoreRequest:
    return ScoreRequest("t", None, None, "What moves?", completion_, ended)


def test_scores_are_of_the_answers_tokens_and_the_end_of_turn_where_asked() -> None:
    with FakeServer(scored) as server, engine_at(server) as engine:
        plain, ended = engine.score([score_request("it goes up"), score_request("it goes up", ended=True)])
    assert plain.token_logprobs == (-3.0, -4.0, -5.0)
    assert plain.spans == ((0, 2), (2, 7), (7, 10))
    assert ended.token_logprobs == (-3.0, -4.0, -5.0, -6.0)
    assert ended.spans[-1] == (10, 10)


def test_a_server_without_prompt_logprobs_says_that_it_cannot_score() -> None:
    told = pytest.raises(EngineStopError, match=r"no prompt_logprobs.*counterfactual")
    with FakeServer() as server, engine_at(server) as engine, told:
        engine.score([score_request("up")])


def test_a_template_that_changes_the_answer_is_noticed() -> None:
    def strips(body: dict[str, Any], number: int) -> Reply:
        message = body["messages"][-1]
        message["content"] = message["content"].replace("it ", "")
        return scored(body, number)

    told = pytest.raises(EngineStopError, match="does not render a given answer")
    with FakeServer(strips) as server, engine_at(server) as engine, told:
        engine.score([score_request("it goes up")])


def test_chat_tokens_of_the_checkpoint_are_kept_out_of_chains(tmp_path: Path) -> None:
    added = [{"id": 7, "content": "<|AUDIO|>", "special": True}, {"id": 8, "content": "<|im_end|>", "special": True},
             {"id": 9, "content": "<think>", "special": False}]  # fmt: skip
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>"}))
    with FakeServer() as server, engine_at(server, tmp_path) as engine:
        sampled(engine, [request(1)])
    assert server.bodies[0]["logit_bias"] == {"7": -100.0}
