"""The mock judge and its faults: each is driven through the judge, and none costs a chain its place or its name."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from judge_frames import CHAIN, cases, decision, decisions, panel_of
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.errors import ConfigError
from mgrd.judging import Judged, judge_chains
from mgrd.judging.cases import judge_prompt
from mgrd.judging.mock import FAULTS, Fault, Plan, mock_scores, parse_fault, serving
from mgrd.judging.mock.faults import parse_plan
from mgrd.selection.decisions import decide_traces
from mgrd.settings import JudgeSpec, PanelSpec, PolicySpec
from prompts import load_prompt

FATAL = {"400", "401"}
"""Refusals that no repetition mends."""
FINAL = {"refusal", "content_filter"}
"""Replies that are not asked again."""


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.serving.connection.FIRST_PAUSE", 0.01)


def judged_with(plan: Plan, count: int = 4) -> tuple[Judged, PanelSpec]:
    with serving(plan=plan) as server:
        panel = panel_of(server, timeout_seconds=0.5, attempts=2, concurrency=4)
        return judge_chains(cases(count), panel), panel


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_never_passes_rejects_nobody_and_loses_nobody(name: str) -> None:
    judged, _ = judged_with(Plan((Fault(fault=name, retry_after=0 if name == "429" else None),)))
    before = decisions(*(decision(case.trace_id) for case in cases(4)))
    said = {result.trace_id: result for result in judged.results}
    after = decide_traces(before, policy=PolicySpec(), arm="filtered", judged=said, sha="s")
    assert after["trace_id"].to_list() == [case.trace_id for case in cases(4)]
    expected = "kept" if name == "no-usage" else "unscored"
    assert set(after["decision"]) == {expected}, judged.results[0].reason
    assert bool(judged.failures) == (name == "401")
    if expected == "unscored":
        assert all(result.reason for result in judged.results)


@pytest.mark.parametrize("name", sorted(FAULTS.keys() - FATAL - FINAL))
def test_a_fault_that_passes_leaves_every_chain_scored(name: str) -> None:
    judged, _ = judged_with(Plan((Fault(fault=name, times=1),)))
    assert [result.scored for result in judged.results] == [1] * 4, [result.reason for result in judged.results]
    assert not judged.failures


def test_429_with_retry_after_is_waited_for_and_without_is_tried_with_growing_pauses() -> None:
    for fault in (Fault(fault="429", first=2, retry_after=0.3), Fault(fault="429", first=2)):
        with serving(plan=Plan((fault,))) as server:
            judged = judge_chains(cases(3), panel_of(server, attempts=4, concurrency=1))
            pause = server.times[2] - server.times[0]
        assert [result.scored for result in judged.results] == [1, 1, 1]
        assert (pause >= 0.55) == (fault.retry_after is not None)


def test_a_mark_in_a_chain_strikes_that_chain_alone_and_as_often_as_it_says() -> None:
    marked = [cases(4)[0]]
    for number, mark in enumerate(("[[mock:length]]", "[[mock:500*1]]", "[[mock:nonsense]]"), start=1):
        case = cases(4)[number]
        marked.append(type(case)(case.trace_id, case.question, case.choices, f"{case.chain} {mark}", "rising", ""))
    with serving() as server:
        results = judge_chains(marked, panel_of(server)).results
    assert [result.scored for result in results] == [1, 0, 1, 1]
    assert "length" in results[1].reason


def test_grades_follow_the_facts_in_the_prompt_and_nothing_else() -> None:
    prompt = load_prompt("judge/grounding")

    def scores(chain: str) -> dict[str, int]:
        case = cases(1)[0]
        return mock_scores(judge_prompt(prompt, type(case)("t", "q", case.choices, chain, "rising", case.evidence)))

    assert scores(CHAIN) == scores(CHAIN)
    assert scores(CHAIN)["acoustic_grounding"] == 4
    assert scores("The contour is falling.")["acoustic_grounding"] == 1
    assert scores("A tempo of a slow kind.")["acoustic_grounding"] == 2, "an unreliable fact refutes nothing"
    assert scores("The transcript says rising.")["surrogate"] == 1
    assert scores("I cannot hear, but rising.")["self_cognition"] == 1
    assert scores("It sings. It sings. It sings.")["logical_coherence"] == 1
    assert scores("It sings.")["answer_follows"] == 2
    assert set(scores("")) == set(scores(CHAIN))


def test_plans_are_read_strictly() -> None:
    plan = parse_plan(
        '[{"fault": "429", "first": 2, "retry_after": 0.5}, {"fault": "hang", "seconds": 1, "when": "x"}]'
    )
    assert plan.next_fault("p") == FAULTS["429"].__class__(
        "too many requests", status=429, headers={"Retry-After": "0.5"}
    )
    assert plan.next_fault("p") is not None
    assert plan.next_fault("p") is None
    hang = plan.next_fault("x")
    assert hang is not None
    assert hang.delay == 1.0
    assert parse_fault("500/3") == Fault(fault="500", every=3)
    assert parse_fault("cut:2") == Fault(fault="cut", first=2)
    for wrong in ("nonsense", "429:0", "429:x", ""):
        with pytest.raises(ConfigError, match="fault"):
            parse_fault(wrong)
    for wrong in ("{}", "[{}]", '[{"fault": "nonsense"}]', '[{"fault": "429", "often": 2}]', "x"):
        with pytest.raises(ConfigError, match="fault"):
            parse_plan(wrong)


@contextmanager
def command(*options: str) -> Iterator[str]:
    """`mgrd serve-mock-judge` in a process of its own; the value is its address."""
    line = [sys.executable, "-m", "mgrd", "serve-mock-judge", "--port", "0", *options]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


def administer(url: str, method: str, path: str, body: str | None = None) -> dict:
    request = urllib.request.Request(url.removesuffix("/v1") + path, body.encode() if body else None, method=method)
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.load(response)


def test_the_command_serves_grades_and_faults_and_takes_a_new_plan_while_it_runs(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('[{"fault": "prose", "when": "Number 2."}]')
    with command("--fault", "503:1", "--plan", str(plan), "--latency", "0.01") as url:
        judge = JudgeSpec(base_url=url, model="mock-judge", attempts=3)
        judged = judge_chains(cases(4), PanelSpec(judges=(judge,)))
        assert [result.scored for result in judged.results] == [1, 1, 0, 1]
        told = administer(url, "GET", "/mock/requests")
        assert (told["requests"], told["faulty"]) == (6, 3), "one 503, and one chain that is prose twice"
        told = administer(url, "PUT", "/mock/faults", '[{"fault": "refusal"}]')
        assert told["faults"] == [{"fault": "refusal"}]
        assert judge_chains(cases(1), PanelSpec(judges=(judge,))).results[0].scored == 0
        administer(url, "DELETE", "/mock/faults")
        assert judge_chains(cases(1), PanelSpec(judges=(judge,))).results[0].scored == 1
        with pytest.raises(urllib.error.HTTPError, match="400"):
            administer(url, "PUT", "/mock/faults", '[{"fault": "nonsense"}]')
        with urllib.request.urlopen(f"{url}/models", timeout=5) as response:
            assert json.load(response)["data"][0]["id"] == "mock-judge"


def test_the_command_names_its_faults_and_refuses_others() -> None:
    assert CliRunner().invoke(app, ["serve-mock-judge", "--list-faults"]).output.split() == list(FAULTS)
    for options in (["--fault", "nonsense"], ["--plan", "/nowhere.json"]):
        assert isinstance(CliRunner().invoke(app, ["serve-mock-judge", *options]).exception, ConfigError)
