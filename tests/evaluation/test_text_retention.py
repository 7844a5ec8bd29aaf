"""Reasoning from text: its held-out accuracy is measured, and a fall beyond the limit holds a model back."""

import polars as pl
import pytest

from mgrd.evaluation.gate import judge_promotion
from mgrd.evaluation.heldout import figure, text_metrics
from mgrd.settings import EvaluationSpec, GateSpec


def traces(right: int, wrong: int, split: str = "dev") -> pl.DataFrame:
    correct = [True] * right + [False] * wrong
    return pl.DataFrame(
        {
            "split": [split] * len(correct),
            "question_id": [f"{split}{i}" for i in range(len(correct))],
            "correct": correct,
        }
    )


def measured(right: int, wrong: int) -> pl.DataFrame:
    both = pl.concat([traces(right, wrong), traces(1, 1, "test")])
    return text_metrics(both, round_=1, spec=EvaluationSpec(bootstrap=50), seed=0)


def test_text_accuracy_is_the_share_of_right_answers_of_each_split() -> None:
    metrics = measured(3, 1)
    assert figure(metrics, "dev", "text_accuracy") == 0.75
    assert figure(metrics, "test", "text_accuracy") == 0.5
    row = metrics.filter(pl.col("split") == "dev").row(0, named=True)
    assert row["n"] == 4
    assert row["low"] <= 0.75 <= row["high"]


@pytest.mark.parametrize(("right", "promoted"), [(9, True), (8, True), (7, False)])
def test_a_fall_beyond_the_limit_holds_the_model_back(right: int, promoted: bool) -> None:
    verdict = judge_promotion(measured(9, 1), measured(right, 10 - right), GateSpec(max_text_drop=0.15))
    assert verdict.promoted == promoted
    assert promoted or "text_accuracy fell from 0.900 to 0.700" in verdict.reasons[0]


def test_a_campaign_that_asks_no_text_problems_is_not_judged_by_them() -> None:
    nothing = measured(9, 1).head(0)
    assert judge_promotion(nothing, measured(1, 9), GateSpec()).promoted
