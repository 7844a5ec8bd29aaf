"""The ablation report: mean and spread over seeds, curves, and nothing that runs or is fetched."""

import pytest

from mgrd.report.ablation import ArmRun, ablation_document, build_ablation_report, draw_curves
from mgrd.report.figures import mean_and_spread

BEFORE = {"correct": 0.5, "length": 20.0, "reasoned": 0.8, "grounded": 0.1}


def run(arm: str, seed: int, correct: float, lengths: list[float]) -> ArmRun:
    steps = [
        {"length": n, "reward": 0.5, "correct": correct, "reasoned": 1.0, "grounded": 0.1, "entropy": 1.0}
        for n in lengths
    ]
    final = {**BEFORE, "correct": correct, "length": lengths[-1] if lengths else 20.0}
    return ArmRun(arm, seed, {"before": BEFORE, "final": final, "steps": steps, "stopped": None})


RUNS = [run("with", 0, 0.6, [20, 21, 22]), run("with", 1, 0.8, [18, 19, 20]), run("without", 0, 0.7, [20, 10, 0])]


def test_mean_and_spread_are_over_the_seeds_of_an_arm() -> None:
    with_, without = ablation_document("format-reward", RUNS)["arms"]
    assert with_["seeds"] == [0, 1]
    final = with_["figures"]["correct"]["final"]
    assert final["mean"] == pytest.approx(0.7)
    assert final["spread"] == pytest.approx(0.1414, abs=1e-4)
    assert without["figures"]["correct"]["final"]["spread"] is None


def test_a_single_seed_claims_no_spread() -> None:
    assert mean_and_spread({"mean": 0.7, "spread": None}, share=True) == "0.700"
    assert mean_and_spread({"mean": 12.34, "spread": 0.51}, share=False) == "12.3 ± 0.5"


def test_the_page_holds_arms_and_curves_and_runs_nothing() -> None:
    hostile = [*RUNS, run("<script>alert(1)</script>", 0, 0.5, [20, 20, 20])]
    page = build_ablation_report(ablation_document("format-reward", hostile), hostile)
    assert "0.700 ± 0.141" in page
    assert page.count('<figure class="chart">') == 6
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_falling_figure_is_drawn_falling() -> None:
    length = next(chart for chart in draw_curves(RUNS) if chart.title == "Reasoning tokens")
    ys = [float(point.split()[1]) for point in length.curves[1].path[1:].split(" L")]
    assert ys[0] < ys[1] < ys[2]
    assert length.curves[0].band
    assert not length.curves[1].band


def test_arms_without_steps_have_figures_and_no_curves() -> None:
    runs = [run("sft", 0, 0.6, [])]
    assert draw_curves(runs) == []
    assert "Over the steps" not in build_ablation_report(ablation_document("data-selection", runs), runs)
