"""The promotion gate: what must not fall or rise, read on the development split."""

import polars as pl
import pytest

from mgrd.evaluation.gate import judge_promotion
from mgrd.settings import GateSpec
from mgrd.store import frame_of
from schemas import METRICS

FIGURES = {
    "accuracy_sampled": 0.6,
    "grounded": 0.4,
    "mean_reasoning_tokens": 20.0,
    "self_cognition_error": 0.01,
    "denial": 0.0,
}


def metrics(split: str = "dev", **changes: float) -> pl.DataFrame:
    values = {**FIGURES, **changes}
    return frame_of(
        METRICS, [{"round": 1, "split": split, "name": name, "value": value, "n": 10} for name, value in values.items()]
    )


def test_an_equal_model_is_promoted() -> None:
    assert judge_promotion(metrics(), metrics(), GateSpec()).promoted


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"accuracy_sampled": 0.5}, "accuracy_sampled fell from 0.600 to 0.500"),
        ({"grounded": 0.3}, "grounded fell from 0.400 to 0.300"),
        ({"self_cognition_error": 0.2}, "self_cognition_error rose from 0.010 to 0.200"),
        ({"denial": 0.05}, "denial rose from 0.000 to 0.050"),
        ({"mean_reasoning_tokens": 1.0}, "reasoning collapsed to 1.0 tokens"),
    ],
)
def test_each_broken_rule_keeps_the_parent_and_says_why(changes: dict[str, float], named: str) -> None:
    verdict = judge_promotion(metrics(), metrics(**changes), GateSpec())
    assert not verdict.promoted
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith(named)


def test_the_test_split_decides_nothing() -> None:
    fallen = pl.concat([metrics(), metrics("test", accuracy_sampled=0.0, self_cognition_error=1.0)])
    assert judge_promotion(pl.concat([metrics(), metrics("test")]), fallen, GateSpec()).promoted


def test_a_figure_that_was_not_measured_decides_nothing() -> None:
    without = metrics().filter(pl.col("name") != "self_cognition_error")
    assert judge_promotion(without, metrics(self_cognition_error=0.5), GateSpec()).promoted
