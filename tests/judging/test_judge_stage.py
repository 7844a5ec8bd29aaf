"""The judge among the other stages: what a change of judge redoes, and what it leaves alone."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import polars as pl
import pytest
from judge_frames import CHAIN, CLIP, FACTS, questions, trace

from mgrd.errors import ConfigError, JudgeError
from mgrd.judging.mock import Answer, MockJudge, Script, good, serving
from mgrd.judging.mock.answers import completion
from mgrd.report.cost import cost_document
from mgrd.store import DatasetRef, Workspace, frame_of, init_workspace
from schemas import CLIPS, DECISIONS, EVIDENCE, LEDGER, QUESTIONS, TABLES, TRACES, VERDICTS
from tasks.decide import decide
from tasks.ground import ground
from tasks.judge import judge
from tasks.limits import money_spent
from tasks.run import Run
from tasks.select import select

GOOD, BAD = [f"a{i:015d}" for i in range(4)], "b" * 16
WRONG = "The pitch falls steadily, so the contour is falling."


@dataclass
class Round:
    """The stages of a round after sampling, without an orchestrator."""

    root: Path
    server: MockJudge

    def run(self, **overrides: object) -> tuple[Workspace, DatasetRef, DatasetRef]:
        dotted = {f"spec.{name.replace('__', '.')}": value for name, value in overrides.items()}
        run = Run.model_validate({"workspace": str(self.root), "overrides": dotted})
        workspace = run.open()
        traces = workspace.store.reference(TRACES, {"round": 1, "purpose": "distill"})
        checked = ground.fn(run, 1, traces)
        judged = workspace.settings.spec.panel is not None
        verdicts = judge.fn(run, 1, traces, checked) if judged else None
        decisions = decide.fn(run, 1, traces, checked, verdicts)
        return run.open(), decisions, select.fn(run, 1, traces, decisions)

    def stages(self) -> Counter[str]:
        """How often each stage ran so far."""
        return Counter(Workspace.open(self.root).store.read(LEDGER)["stage"])

    def decided(self) -> dict[str, tuple[str, list[str]]]:
        rows = Workspace.open(self.root).store.read(DECISIONS).select("trace_id", "decision", "reasons").iter_rows()
        return {trace_id: (decision, reasons) for trace_id, decision, reasons in rows}


@pytest.fixture
def round_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Round]:
    monkeypatch.setattr("tasks.select.publish_funnel", lambda *_: None)
    monkeypatch.setattr("mgrd.serving.connection.FIRST_PAUSE", 0.01)
    with serving(lambda *_: good()) as server:
        root = tmp_path / "w"
        settings = tmp_path / "judge.toml"
        settings.write_text(f'[[spec.panel.judges]]\nbase_url = "{server.url}"\nmodel = "judge-1"\nattempts = 2\n')
        init_workspace(root, settings)
        _fill(Workspace.open(root))
        yield Round(root, server)


def _fill(workspace: Workspace) -> None:
    clip = {"clip_id": CLIP, "sha256": "s", "uri": "a.wav", "duration": 3.0, "sample_rate": 16000, "channels": 1}
    rest = {"domain": "synthetic", "source": "s", "licence": "l", "provenance": "p", "split": "pool", "collection": "x"}
    facts = [fact.row() for fact in FACTS]
    chains = {GOOD[i]: f"{CHAIN} It climbs {i + 2} times over." for i in range(4)} | {BAD: WRONG}
    store = workspace.store
    store.append(CLIPS, frame_of(CLIPS, [clip | rest]))
    store.append(QUESTIONS, questions())
    store.append(EVIDENCE, frame_of(EVIDENCE, [{"clip_id": CLIP, "version": "1", "facts": facts, "seconds": 0.1}]))
    store.append(TRACES, frame_of(TRACES, [trace(name, chain) for name, chain in chains.items()]))


def low_for(*numbers: int) -> Script:
    """A judge that finds these chains ungrounded."""

    def script(request: dict, _: int) -> Answer:
        text = request["messages"][0]["content"]
        return good(acoustic_grounding=1) if any(f"climbs {n + 2} times" in text for n in numbers) else good()

    return script


def test_the_judge_reads_what_passed_and_its_low_scores_reject(round_: Round) -> None:
    round_.server.script = low_for(1)
    workspace, _, rows = round_.run()
    decided = round_.decided()
    assert decided[GOOD[0]] == ("kept", [])
    assert decided[GOOD[1]] == ("rejected", ["judge_grounding"])
    assert decided[BAD][0] == "rejected"
    assert len(round_.server.requests) == 4, "a chain that the measurements refute costs nothing"
    assert workspace.store.read(VERDICTS).height == 4
    entry = workspace.ledger.newest(1, "select")
    assert entry is not None
    assert rows.rows > 0
    assert entry.counts["kept"] == 3


def test_the_same_call_again_asks_and_writes_nothing(round_: Round) -> None:
    round_.run()
    before, asked = round_.stages(), len(round_.server.requests)
    round_.run()
    assert round_.stages() == before
    assert len(round_.server.requests) == asked


def test_another_judge_judges_and_selects_again_and_leaves_grounding_alone(round_: Round) -> None:
    round_.run()
    round_.server.script = low_for(0, 1)
    workspace, _, _ = round_.run(panel__judges__0__model="judge-2")
    assert round_.stages() == {"ground-distill": 1, "judge-distill": 2, "decide": 2, "select": 2}
    assert round_.decided()[GOOD[0]] == ("rejected", ["judge_grounding"])
    assert workspace.store.read(VERDICTS)["judge"].value_counts().sort("judge").rows() == [
        ("judge-1", 4),
        ("judge-2", 4),
    ]
    asked = len(round_.server.requests)
    round_.run()
    assert round_.decided()[GOOD[0]] == ("kept", []), "back to the first judge, from its stored verdicts"
    assert len(round_.server.requests) == asked


def test_other_thresholds_ask_nothing(round_: Round) -> None:
    round_.run()
    asked = len(round_.server.requests)
    round_.run(policy__min_judge_grounding=4.5)
    assert {decision for decision, _ in round_.decided().values()} == {"rejected"}
    assert len(round_.server.requests) == asked


def test_without_a_judge_the_checks_decide_alone_and_with_it_again_nothing_is_asked_twice(round_: Round) -> None:
    round_.server.script = low_for(0)
    _, with_judge, _ = round_.run()
    asked = len(round_.server.requests)
    workspace, alone, _ = round_.run(panel=None)
    assert round_.decided()[GOOD[0]] == ("kept", [])
    assert workspace.store.reference(DECISIONS, alone.partition).digest == alone.digest
    _, again, _ = round_.run()
    assert round_.decided()[GOOD[0]] == ("rejected", ["judge_grounding"])
    assert again.digest == with_judge.digest != alone.digest
    assert len(round_.server.requests) == asked


def test_an_unreadable_judge_leaves_chains_unscored_and_no_row_is_lost(round_: Round) -> None:
    round_.server.script = lambda *_: Answer("I rather like it.")
    workspace, decisions, _ = round_.run()
    decided = round_.decided()
    assert decided[GOOD[0]] == ("unscored", ["judge_unscored"])
    assert decisions.rows == len(decided) == 5
    entries = [workspace.ledger.newest(1, stage) for stage in ("decide", "judge-distill")]
    assert [entry and entry.counts.get(name) for entry, name in zip(entries, ("unscored", "unread"), strict=True)] == [
        4,
        4,
    ]


def test_a_judge_out_of_reach_stops_the_stage_and_the_next_run_asks_only_the_rest(round_: Round) -> None:
    def script(request: dict, _: int) -> Answer:
        down = "climbs 2 times" in request["messages"][0]["content"]
        return Answer("down", status=503) if down else good()

    round_.server.script = script
    with pytest.raises(JudgeError, match="no reply for 1 of 4 verdicts"):
        round_.run()
    assert round_.decided()[GOOD[0]] == ("kept", []), "decisions stay those of the checks until the judge is done"
    asked = len(round_.server.requests)
    round_.server.script = lambda *_: good()
    workspace, _, _ = round_.run()
    assert len(round_.server.requests) == asked + 1
    assert workspace.store.read(VERDICTS)["scored"].to_list() == [True] * 4


def test_the_spend_limit_stops_the_stage_and_a_higher_one_goes_on(round_: Round) -> None:
    """Every reply costs what it may cost at most, 1: after three of them a fourth could pass 3.5."""
    tokens = len(good().content or "") // 4
    prices = {"price_in": 0.001, "price_out": 1e6 / tokens, "max_tokens": tokens}
    settings = {f"panel__judges__0__{name}": value for name, value in prices.items()}
    with pytest.raises(JudgeError, match=r"spend limit of 3\.5 is reached with 1 of 4 verdicts to go"):
        round_.run(panel__max_cost=3.5, **settings)
    kept = Workspace.open(round_.root).store.read(VERDICTS)
    assert kept.height == len(round_.server.requests) == 3
    with pytest.raises(JudgeError, match="1 of 4 verdicts to go"):
        round_.run(panel__max_cost=3.5, **settings)
    assert len(round_.server.requests) == 3, "what earlier runs spent counts"
    workspace, _, _ = round_.run(panel__max_cost=100.0, **settings)
    assert len(round_.server.requests) == 4
    assert workspace.store.read(VERDICTS).height == 4


def judging_cost(workspace: Workspace) -> dict[str, float]:
    """What the report says that judging took."""
    (round_,) = cost_document(workspace.store.read(LEDGER), [{"round": 1, "funnel": {"kept": 4}}])["rounds"]
    (judging,) = [stage for stage in round_["stages"] if stage["stage"] == "judge-distill"]
    return {name: judging[name] for name in ("tokens", "calls", "cost")}


def paid(verdicts: pl.DataFrame) -> dict[str, object]:
    tokens = sum(verdicts["prompt_tokens"]) + sum(verdicts["completion_tokens"])
    return {"tokens": tokens, "calls": sum(verdicts["requests"]), "cost": pytest.approx(sum(verdicts["cost"]))}


def test_verdicts_of_a_stopped_run_count_in_the_cost_of_the_run_that_continues_it(round_: Round) -> None:
    prices = {"panel__judges__0__price_in": 2.0, "panel__judges__0__price_out": 8.0}
    round_.server.script = lambda request, _: (
        Answer("no", status=503) if "climbs 2 times" in request["messages"][0]["content"] else good()
    )
    with pytest.raises(JudgeError, match="no reply for 1 of 4"):
        round_.run(**prices)
    in_vain = 2  # tries of the verdict that did not come
    round_.server.script = lambda *_: good()
    workspace, _, _ = round_.run(**prices)
    verdicts = workspace.store.read(VERDICTS)
    assert verdicts.height == 4
    first = paid(verdicts)
    assert sum(verdicts["cost"]) > 0
    assert judging_cost(workspace) == first | {"calls": 4 + in_vain} == first | {"calls": len(round_.server.requests)}
    workspace, _, _ = round_.run(**prices, panel__judges__0__model="judge-2")
    both = paid(workspace.store.read(VERDICTS))
    assert judging_cost(workspace) == both | {"calls": len(round_.server.requests)}, "nothing is counted twice"
    workspace, _, _ = round_.run(**prices)
    assert judging_cost(workspace) == both | {"calls": len(round_.server.requests)}, "stored verdicts are free"


def test_a_model_that_reads_claims_is_counted_in_the_cost_of_grounding(round_: Round) -> None:
    """Also the tries for a reply that never came; replies that are kept are not paid again."""
    reads = Answer('{"claims": []}')
    round_.server.script = lambda request, _: Answer("no", status=503) if WRONG in str(request) else reads
    settings = {"claims.extractor": "llm", "panel.judges.0.price_in": 2.0, "panel.judges.0.price_out": 8.0}
    run = Run.model_validate(
        {"workspace": str(round_.root), "overrides": {f"spec.{k}": v for k, v in settings.items()}}
    )
    store = run.open().store
    traces = store.reference(TRACES, {"round": 1, "purpose": "distill"})
    ground.fn(run, 1, traces)
    (entry,) = store.read(LEDGER).iter_rows(named=True)
    answered = [request for request in round_.server.requests if WRONG not in str(request)]
    assert (len(answered), len(round_.server.requests)) == (4, 6)
    bodies = [cast(dict[str, int], completion(reads, request)["usage"]) for request in answered]
    asked, replied = (sum(body[key] for body in bodies) for key in ("prompt_tokens", "completion_tokens"))
    assert entry["tokens"] == asked + replied > 0
    assert entry["cost"] == pytest.approx((2.0 * asked + 8.0 * replied) / 1e6)
    assert cost_document(store.read(LEDGER), [])["total"]["calls"] == 6
    again = Run.model_validate({**run.model_dump(), "overrides": {**run.overrides, "spec.policy.max_contradicted": 1}})
    ground.fn(again, 1, traces)
    newest = run.open().store.read(LEDGER).sort("finished_at").row(-1, named=True)
    assert (newest["tokens"], newest["cost"], json.loads(newest["counts"])["requests"]) == (0, 0.0, 2)


def test_the_same_chain_in_a_later_round_is_not_paid_again(round_: Round) -> None:
    workspace, _, _ = round_.run()
    store = workspace.store
    first = store.read(TRACES, {"round": 1})
    store.append(TRACES, first.with_columns(round=pl.lit(2, pl.Int64)))
    run = Run(workspace=str(round_.root))
    traces = store.reference(TRACES, {"round": 2, "purpose": "distill"})
    asked = len(round_.server.requests)
    checked = ground.fn(run, 2, traces)
    decided = decide.fn(run, 2, traces, checked, judge.fn(run, 2, traces, checked))
    assert len(round_.server.requests) == asked
    assert store.read(DECISIONS, decided.partition)["decision"].to_list().count("kept") == 4


def test_the_workspaces_money_runs_out_over_rounds_and_goes_on_when_raised(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = {"panel__judges__0__price_in": 1e6, "panel__judges__0__price_out": 1e6, "panel__judges__0__concurrency": 1}
    monkeypatch.setenv("MGRD_RUNTIME__MAX_COST", "0.5")
    with pytest.raises(JudgeError, match=r"raise runtime\.max_cost = 0\.5 \(all rounds together\)"):
        round_.run(**prices)
    assert round_.server.requests == [], "nothing was asked that could not be paid"
    monkeypatch.setenv("MGRD_RUNTIME__MAX_COST", "1e9")
    workspace, _, _ = round_.run(**prices)
    spent = money_spent(workspace)
    assert spent == workspace.store.read(VERDICTS)["cost"].sum() > 0
    monkeypatch.setenv("MGRD_RUNTIME__MAX_COST", str(spent))
    with pytest.raises(JudgeError, match=r"is reached with 4 of 4"):
        round_.run(**prices, panel__judges__0__model="judge-2")


def test_a_judge_without_a_price_cannot_be_limited(round_: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MGRD_RUNTIME__MAX_COST", "5")
    with pytest.raises(ConfigError, match="needs price_in and price_out of every judge; judge-1 has none"):
        round_.run()


SECRET = "sk-planted-9f3b1c77"


def holding_secret(root: Path) -> list[str]:
    """Files with the secret in them, and tables whose rows hold it: text in Parquet is compressed."""
    found = [path.name for path in root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    store = Workspace.open(root).store
    return found + [name for name, table in TABLES.items() if SECRET in str(store.read(table).to_dicts())]


def test_a_judges_key_stands_in_no_table_file_log_or_error(
    round_: Round, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also when the server repeats the key in its refusal, as some vendors do, or in its replies."""
    monkeypatch.setenv("JUDGE_KEY", SECRET)
    caplog.set_level("DEBUG")
    round_.run(panel__judges__0__api_key_env="JUDGE_KEY")
    assert round_.server.requests, "the judge was asked"
    assert holding_secret(round_.root) == []
    round_.server.script = lambda *_: Answer(f"incorrect key provided: {SECRET}", status=401)
    with pytest.raises(JudgeError) as refused:
        round_.run(panel__judges__0__api_key_env="JUDGE_KEY", panel__judges__0__model="judge-2")
    assert SECRET not in str(refused.value)
    round_.server.script = lambda *_: Answer(f"I was called with {SECRET}, so: no scores")
    round_.run(panel__judges__0__api_key_env="JUDGE_KEY", panel__judges__0__model="judge-3")
    assert holding_secret(round_.root) == []
    assert SECRET not in caplog.text
