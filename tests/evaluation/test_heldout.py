"""Held-out figures: each figure averages what its name says, and the gate reads the dev split alone."""

import polars as pl
import pytest

from mgrd.evaluation.gate import judge_promotion
from mgrd.evaluation.heldout import figure, heldout_metrics
from mgrd.settings import EvaluationSpec, GateSpec
from mgrd.store import frame_of
from schemas import CLAIMS, CLIPS, DECISIONS, METRICS, TRACES


def trace(key: str, index: int, *, correct: bool, split: str = "test", tokens: int = 10) -> dict[str, object]:
    texts = ("prompt_id", "prompt_sha", "raw_text", "finish_reason", "engine", "model_id")
    counts = ("prompt_tokens", "completion_tokens", "audio_tokens", "max_new_tokens", "seed")
    return {
        **dict.fromkeys(texts, "x"),
        **dict.fromkeys(counts, 1),
        "trace_id": key,
        "round": 1,
        "purpose": "evaluate",
        "split": split,
        "question_id": key,
        "clip_id": f"clip-{key}",
        "sample_index": index,
        "reasoning": "r",
        "answer": "a",
        "choice": "a",
        "correct": correct,
        "problems": [],
        "reasoning_tokens": tokens,
        "temperature": 1.0,
        "top_p": 1.0,
    }


def decision(key: str, *, grounded: bool, surrogate: bool = False, truth: bool | None = None) -> dict[str, object]:
    return {
        "trace_id": key,
        "round": 1,
        "purpose": "evaluate",
        "question_id": key,
        "decision": "kept" if grounded else "rejected",
        "reasons": [],
        "correct": True,
        "grounded": grounded,
        "surrogate": surrogate,
        "supported": 1,
        "contradicted": 0,
        "unverifiable": 0,
        "surrogate_share": 0.0,
        "truth_grounded": truth,
        "warnings": [],
        "checks": [],
        "decided_by": "checks",
        "score": 0.5,
        "policy_sha": "p",
    }


def claim(key: str, number: int, verdict: str, truth: str | None = None) -> dict[str, object]:
    return {
        "claim_id": f"{key}-{number}",
        "trace_id": key,
        "round": 1,
        "purpose": "evaluate",
        "start": 0,
        "end": 1,
        "text": "x",
        "attribute": "contour",
        "relation": "is",
        "claimed": "x",
        "negated": False,
        "weight": 1.0,
        "extractor": "grammar",
        "verdict": verdict,
        "truth_verdict": truth,
    }


def clip(key: str) -> dict[str, object]:
    texts = ("sha256", "uri", "domain", "licence", "provenance", "collection")
    numbers = {"duration": 1.0, "sample_rate": 16000, "channels": 1}
    return {**dict.fromkeys(texts, "x"), **numbers, "clip_id": f"clip-{key}", "source": key, "split": "test"}


@pytest.fixture
def metrics() -> pl.DataFrame:
    traces = [trace("g", -1, correct=True), trace("a", 0, correct=True, tokens=20), trace("b", 0, correct=False)]
    decisions = [
        decision("g", grounded=False),
        decision("a", grounded=True, truth=False),
        decision("b", grounded=False, surrogate=True),
    ]
    claims = [claim("a", 0, "supported", "supported"), claim("a", 1, "supported", "contradicted")]
    claims += [claim("b", 0, "contradicted"), claim("b", 1, "unverifiable")]
    return heldout_metrics(
        frame_of(TRACES, traces),
        frame_of(CLAIMS, claims),
        frame_of(DECISIONS, decisions),
        frame_of(CLIPS, [clip(key) for key in "gab"]),
        round_=1,
        spec=EvaluationSpec(bootstrap=50),
        seed=0,
    )


@pytest.mark.parametrize(
    ("name", "value", "n", "sources"),
    [
        ("accuracy", 1.0, 1, 1),
        ("accuracy_sampled", 0.5, 2, 2),
        ("grounded", 0.5, 2, 2),
        ("surrogate", 0.5, 2, 2),
        ("claim_precision", 2 / 3, 3, 2),
        ("truth_grounded", 0.0, 1, 1),
        ("truth_claim_precision", 0.5, 2, 1),
        ("mean_reasoning_tokens", 15.0, 2, 2),
    ],
)
def test_figures_average_what_they_name(metrics: pl.DataFrame, name: str, value: float, n: int, sources: int) -> None:
    row = metrics.filter(pl.col("name") == name).row(0, named=True)
    assert row["value"] == pytest.approx(value)
    assert row["n"] == n
    if sources > 1:
        assert row["low"] <= row["value"] <= row["high"]
    else:
        assert row["low"] is None, "one source says nothing about the spread"


def gate_metrics(split: str, accuracy: float, grounded: float, tokens: float) -> pl.DataFrame:
    values = {"accuracy_sampled": accuracy, "grounded": grounded, "mean_reasoning_tokens": tokens}
    return frame_of(
        METRICS, [{"round": 1, "split": split, "name": name, "value": value, "n": 9} for name, value in values.items()]
    )


@pytest.mark.parametrize(
    ("accuracy", "grounded", "tokens", "broken"),
    [(0.5, 0.3, 10, None), (0.4, 0.3, 10, "accuracy"), (0.5, 0.2, 10, "grounded"), (0.5, 0.3, 2, "collapsed")],
)
def test_the_gate_names_the_rule_that_was_broken(
    accuracy: float, grounded: float, tokens: float, broken: str | None
) -> None:
    verdict = judge_promotion(
        gate_metrics("dev", 0.5, 0.3, 10), gate_metrics("dev", accuracy, grounded, tokens), GateSpec()
    )
    assert verdict.promoted == (broken is None)
    assert all(broken is not None and broken in reason for reason in verdict.reasons)


def test_the_gate_never_looks_at_the_test_split() -> None:
    good = gate_metrics("dev", 0.5, 0.3, 10)
    child = pl.concat([good, gate_metrics("test", 0.0, 0.0, 0.0)])
    assert judge_promotion(pl.concat([good, gate_metrics("test", 0.9, 0.9, 30)]), child, GateSpec()).promoted


def test_a_figure_that_was_not_measured_is_none(metrics: pl.DataFrame) -> None:
    assert figure(metrics, "dev", "accuracy") is None
