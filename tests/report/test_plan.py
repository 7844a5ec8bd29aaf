"""The plan: what is owed by the settings, at rates of finished runs where there are some."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.report.plan import Range, plan_campaign, plan_document
from mgrd.store import Outcome, Workspace, frame_of, init_workspace
from schemas import QUESTIONS, TRACES

JUDGE = '[[spec.panel.judges]]\nbase_url = "http://localhost:1/v1"\nmodel = "m"\nprice_in = 2.0\nprice_out = 10.0\n'
SETTINGS = f"[spec]\nrounds = 2\n[spec.sampling]\nsamples = 4\nmax_new_tokens = 50\n{JUDGE}max_tokens = 100\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    settings = tmp_path / "s.toml"
    settings.write_text(SETTINGS)
    init_workspace(tmp_path / "w", settings)
    workspace = Workspace.open(tmp_path / "w")
    base = {"text": "?", "choices": [], "skill": "s", "origin": "o", "collection": "c"}
    splits = ["pool"] * 10 + ["dev"] * 3 + ["test"] * 2
    rows = [{**base, "question_id": f"q{i}", "split": split} for i, split in enumerate(splits)]
    workspace.store.append(QUESTIONS, frame_of(QUESTIONS, rows))
    return workspace


def planned(workspace: Workspace, **overrides: object) -> dict[tuple[int, str], dict]:
    everything = bool(overrides.pop("everything", False))
    opened = Workspace.open(workspace.root, {name.replace("__", "."): value for name, value in overrides.items()})
    document = plan_document(plan_campaign(opened, everything=everything), opened.settings)
    return {(step["round"], step["stage"]): step for step in document["steps"]}


def test_rows_follow_the_settings(workspace: Workspace) -> None:
    steps = planned(workspace)
    assert steps[1, "sample-distill"]["rows"] == {"low": 40, "expected": 40, "worst": 40}
    assert steps[2, "sample-evaluate"]["rows"]["expected"] == 5 * (1 + 4)
    assert steps[1, "judge-distill"]["rows"]["worst"] == 40, "all chains may pass the checks"
    assert {round_ for round_, _ in steps} == {0, 1, 2}
    assert (1, "counterfactual-distill") not in steps
    assert planned(workspace, spec__counterfactual__share=0.5)[1, "counterfactual-distill"]["rows"]["expected"] == 20
    assert planned(workspace, spec__limit=2)[1, "sample-distill"]["rows"]["expected"] == 8


def test_no_figure_is_above_its_worst_case(workspace: Workspace) -> None:
    for step in planned(workspace, spec__counterfactual__share=0.5).values():
        for name in ("rows", "calls", "tokens", "seconds", "cost"):
            assert step[name]["low"] <= step[name]["expected"] <= step[name]["worst"], (step["stage"], name)


def test_the_worst_case_of_sampling_fills_every_chain(workspace: Workspace) -> None:
    assert planned(workspace)[1, "sample-distill"]["tokens"]["worst"] == 40 * 50


def test_finished_rounds_lend_their_rates_and_are_not_planned_again(workspace: Workspace) -> None:
    workspace.ledger.record(1, "sample-distill", "f", {}, Outcome((), 40, {"sampled": 40}, tokens=800), seconds=20.0)
    steps = planned(workspace)
    assert steps[1, "sample-distill"]["done"]
    assert steps[1, "sample-distill"]["rows"]["worst"] == 0
    assert steps[2, "sample-distill"]["measured"]
    assert steps[2, "sample-distill"]["seconds"]["expected"] == pytest.approx(20.0)
    assert steps[2, "sample-distill"]["tokens"]["expected"] == pytest.approx(800)
    assert not steps[2, "ground-distill"]["measured"]
    assert planned(workspace, everything=True)[1, "sample-distill"]["rows"]["expected"] == 40


def test_chains_of_a_killed_stage_are_not_planned_again(workspace: Workspace) -> None:
    row = dict.fromkeys(("prompt_tokens", "completion_tokens", "reasoning_tokens", "audio_tokens", "seed"), 1)
    row |= {"temperature": 1.0, "top_p": 1.0, "max_new_tokens": 50, "engine": "e", "finish_reason": "stop"}
    row |= {"prompt_id": "p", "prompt_sha": "s", "split": "pool", "problems": [], "round": 1, "purpose": "distill"}
    row |= {"question_id": "q0", "raw_text": "", "model_id": "m"}
    workspace.store.append(TRACES, frame_of(TRACES, [row | {"trace_id": f"t{i}", "sample_index": i} for i in range(4)]))
    assert planned(workspace)[1, "sample-distill"]["rows"]["expected"] == 36


def test_money_is_calls_at_the_judges_prices(workspace: Workspace) -> None:
    step = planned(workspace)[1, "judge-distill"]
    assert step["cost"]["worst"] == pytest.approx(step["calls"]["worst"] * (4000 * 2.0 + 100 * 10.0) / 1e6)
    document = plan_document(plan_campaign(workspace), workspace.settings)
    assert document["totals"]["cost"]["worst"] == pytest.approx(2 * step["cost"]["worst"])


def test_the_limit_is_held_against_the_worst_case(workspace: Workspace) -> None:
    for limit, passed in ((0.01, True), (1e6, False)):
        opened = Workspace.open(workspace.root, {"runtime.max_cost": limit})
        assert plan_document(plan_campaign(opened), opened.settings)["may_pass_max_cost"] is passed


def test_the_command_prints_a_table_and_json(workspace: Workspace) -> None:
    printed = CliRunner().invoke(app, ["plan", "-w", str(workspace.root)], catch_exceptions=False).output
    assert "sample-distill" in printed
    assert "in all, worst" in printed
    document = json.loads(CliRunner().invoke(app, ["plan", "-w", str(workspace.root), "--json"]).output)
    assert document["totals"]["rows"]["expected"] > 0
    assert document["measured"] is False


def test_ranges_add_and_multiply_bound_by_bound() -> None:
    assert Range(1, 2, 3) + Range(1, 1, 1) == Range(2, 3, 4)
    assert Range(1, 2, 3) * Range(0, 1, 2) == Range(0, 2, 6)
    assert Range(1, 2, 3) * 2 == Range(2, 4, 6)
