"""Self-cognition: the share of replies to probes that deny hearing, by split."""

import polars as pl
import pytest

from mgrd.evaluation.heldout import figure, probe_metrics
from mgrd.settings import EvaluationSpec

HEARS = "<think>i listen: a piano plays.</think>yes, i can hear it."
DENIES = "<think>as a text model i cannot hear audio.</think>i cannot hear the clip."
DENIES_LATE = "<think>a piano plays.</think>no, but i cannot hear the clip."


def measured(*replies: tuple[str, str]) -> pl.DataFrame:
    rows = [(split, f"clip{i}", text) for i, (split, text) in enumerate(replies)]
    traces = pl.DataFrame(rows, schema=["split", "clip_id", "raw_text"], orient="row")
    return probe_metrics(traces, round_=2, spec=EvaluationSpec(bootstrap=50), seed=0)


def test_the_error_is_the_share_of_denials_in_reasoning_or_answer() -> None:
    found = measured(("dev", HEARS), ("dev", DENIES), ("dev", DENIES_LATE), ("dev", HEARS), ("test", HEARS))
    assert figure(found, "dev", "self_cognition_error") == 0.5
    assert figure(found, "test", "self_cognition_error") == 0.0
    row = found.filter(pl.col("split") == "dev").row(0, named=True)
    assert (row["round"], row["n"]) == (2, 4)
    assert row["low"] <= 0.5 <= row["high"]


@pytest.mark.parametrize("reply", ["", "gibberish that speaks of nothing", HEARS])
def test_a_reply_that_does_not_deny_is_no_error(reply: str) -> None:
    assert figure(measured(("dev", reply)), "dev", "self_cognition_error") == 0.0
