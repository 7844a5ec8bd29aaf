"""The status document has the shape that scripts rely on, and says None where nothing was measured."""

import json

import campaign_frames as campaign
import polars as pl

from mgrd.report.status import status_document

HELDOUT = {
    "accuracy",
    "accuracy_sampled",
    "grounded",
    "claim_precision",
    "surrogate",
    "mean_reasoning_tokens",
    "text_accuracy",
    "self_cognition_error",
    "n",
}
FUNNEL = {"sampled", "correct", "grounded", "kept", "rejected", "unscored", "quarantined"}


def document() -> list[dict[str, dict[str, object]]]:
    return status_document(campaign.metrics(), campaign.ledger())["rounds"]


def test_every_round_has_exactly_the_promised_figures() -> None:
    rounds = document()
    assert [round_["round"] for round_ in rounds] == [0, 1, 2, 3]
    for round_ in rounds:
        assert set(round_["heldout"]) == HELDOUT
        assert set(round_["funnel"]) == FUNNEL


def test_heldout_figures_are_those_of_the_test_split() -> None:
    first = document()[1]
    assert first["heldout"]["grounded"] == 0.40
    assert first["heldout"]["n"] == 1200
    assert first["truth"] == {"truth_grounded": 0.34, "truth_claim_precision": 0.55}
    assert first["intervals"]["grounded"] == [0.40 - 0.035, 0.40 + 0.035]


def test_the_cold_start_selects_nothing_and_a_round_tells_its_funnel_and_times() -> None:
    cold, first = document()[:2]
    assert set(cold["funnel"].values()) == {0}
    assert cold["seconds"] == {"cold_start": 214.2, "evaluate": 21.5}
    assert first["funnel"]["kept"] == 480
    assert first["seconds"]["train"] == 44.1
    assert sum(first["funnel"][name] for name in ("kept", "rejected", "unscored", "quarantined")) == 4800


def test_a_stage_that_ran_twice_is_told_by_its_last_run() -> None:
    again = campaign.ledger_row(1, "select", 9.0, {"sampled": 7, "kept": 3}, hour=12)
    ledger = pl.concat([campaign.frame("ledger", [again]), campaign.ledger()])
    first = status_document(campaign.metrics(), ledger)["rounds"][1]
    assert first["funnel"]["sampled"] == 7
    assert first["seconds"]["select"] == 9.0


def test_a_round_that_is_not_evaluated_yet_says_none_and_not_zero() -> None:
    metrics = campaign.metrics().filter(pl.col("round") < 3)
    last = status_document(metrics, campaign.ledger())["rounds"][3]
    assert set(last["heldout"].values()) == {None}
    assert last["funnel"]["kept"] == 810


def test_nothing_yet_is_an_empty_list_and_everything_is_json() -> None:
    assert status_document(campaign.metrics().clear(), campaign.ledger().clear()) == {"rounds": []}
    rounds = status_document(campaign.metrics(), campaign.ledger())
    assert json.loads(json.dumps(rounds)) == rounds
