"""What a campaign cost is summed from the ledger: every run, per round and stage, and per kept chain."""

from dataclasses import replace
from typing import Any

import campaign_frames as campaign
import polars as pl
import pytest

from mgrd.report import build_report
from mgrd.report.cost import cost_document
from mgrd.report.figures import duration, money, quantity
from mgrd.report.status import status_document


def paid(round_: int, stage: str, seconds: float, tokens: int, cost: float, **counts: object) -> dict[str, object]:
    row = campaign.ledger_row(round_, stage, seconds, counts, hour=1 + len(stage) % 20)
    return {**row, "tokens": tokens, "cost": cost}


LEDGER = campaign.frame(
    "ledger",
    [
        paid(0, "cold start", 100.0, 5_000, 0.0),
        paid(1, "sample-distill", 60.0, 4_000, 0.0),
        paid(1, "judge-distill", 20.0, 900, 1.5, requests=30),
        {**paid(1, "judge-distill", 4.0, 100, 0.5, requests=5), "entry_id": "again"},
        paid(1, "select", 1.0, 0, 0.0, sampled=50, kept=10),
        paid(1, "train", 40.0, 7_000, 0.0),
        paid(2, "sample-distill", 30.0, 2_000, 0.0),
        paid(2, "select", 1.0, 0, 0.0, sampled=50, kept=0),
    ],
)


@pytest.fixture(scope="module")
def cost() -> dict[str, Any]:
    return cost_document(LEDGER, status_document(campaign.metrics().clear(), LEDGER)["rounds"])


def test_every_run_of_a_stage_is_counted(cost: dict[str, Any]) -> None:
    stages = {row["stage"]: row for row in cost["stages"]}
    judged = {"stage": "judge-distill", "runs": 2, "seconds": 24.0, "tokens": 1_000, "calls": 35, "cost": 2.0}
    assert stages["judge-distill"] == judged
    assert stages["sample-distill"]["seconds"] == 90.0


def test_stages_rounds_and_total_add_up_to_the_ledger(cost: dict[str, Any]) -> None:
    for name in ("runs", "seconds", "tokens", "calls", "cost"):
        whole = cost["total"][name]
        assert whole == sum(row[name] for row in cost["stages"]), name
        assert whole == sum(row["total"][name] for row in cost["rounds"]), name
        for round_ in cost["rounds"]:
            assert round_["total"][name] == sum(row[name] for row in round_["stages"]), name
    assert cost["total"]["tokens"] == LEDGER["tokens"].sum()
    assert cost["total"]["cost"] == LEDGER["cost"].sum()


def test_a_kept_chain_carries_its_rounds_stages_from_sampling_to_selection(cost: dict[str, Any]) -> None:
    cold, first, second = cost["rounds"]
    assert first["kept"] == 10
    assert first["per_kept"] == {"seconds": 8.5, "tokens": 500.0, "calls": 3.5, "cost": 0.2}, "training is not in it"
    assert cold["per_kept"] is None
    assert second["per_kept"] is None, "nothing was kept"
    assert cost["per_kept"]["seconds"] == pytest.approx(11.6), "what a barren round took is carried by the others"


def test_the_page_tells_time_tokens_calls_and_money() -> None:
    html = build_report(replace(campaign.campaign(), ledger=LEDGER))
    section = html[html.index('<section id="cost"') : html.index('<section id="provenance"')]
    for text in (
        "judge-distill",
        "19,000",
        "4 min 16 s",
        ">35<",
        ">2.00<",
        ">0.2<",
        "8.5 s",
        "Every stage of every round",
    ):
        assert text in section, text
    assert "no prices are set" not in section


def test_calls_without_prices_are_said_to_read_zero() -> None:
    html = build_report(replace(campaign.campaign(), ledger=LEDGER.with_columns(cost=pl.lit(0.0))))
    assert "no prices are set" in html


def test_a_stage_name_on_the_page_stays_text() -> None:
    ledger = LEDGER.with_columns(stage=pl.lit(campaign.HOSTILE))
    html = build_report(replace(campaign.campaign(), ledger=ledger))
    assert html.count("<script>") == 1
    assert "\u202e" not in html


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.034, "34 ms"),
        (0.9999, "1.0 s"),
        (59.96, "1 min 00 s"),
        (425.4, "7 min 05 s"),
        (11_520, "3 h 12 min"),
    ],
)
def test_a_duration_is_told_in_its_own_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_small_money_is_not_rounded_to_nothing() -> None:
    assert [money(cost) for cost in (0.0, 0.000_123_4, 0.5, 1234.567)] == ["0.00", "0.000123", "0.5", "1,234.57"]
    assert [quantity(count) for count in (1_234_567, 815.64)] == ["1,234,567", "815.6"]
