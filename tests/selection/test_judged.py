"""Decisions with a judge: low scores are reasons, an unread judge is nobody's fault, the checks come first."""

import polars as pl
import pytest

from mgrd.judging import PanelResult
from mgrd.selection.judged import judge_decisions, passed_checks
from mgrd.selection.policy import decision_of, policy_sha
from mgrd.settings import Arm, GroundingSpec, JudgeSpec, PanelSpec
from mgrd.store import frame_of
from schemas import DECISIONS

PANEL = PanelSpec(judges=(JudgeSpec(base_url="http://localhost/v1", model="m"),), min_grounding=3, min_coherence=2)
POLICY = GroundingSpec()


def decision(trace_id: str, *reasons: str) -> dict[str, object]:
    row = {
        "trace_id": trace_id,
        "round": 1,
        "purpose": "distill",
        "question_id": "q",
        "policy_sha": "checks",
        "decided_by": "checks",
    }
    counts = dict.fromkeys(("supported", "contradicted", "unverifiable"), 1)
    figures = {"grounded": True, "surrogate": False, "surrogate_share": 0.0, "correct": True, **counts}
    return {**row, **figures, "decision": decision_of(reasons, "filtered"), "reasons": list(reasons)}


def verdict(trace_id: str, grounding: float | None, coherence: float | None) -> PanelResult:
    """What a panel of one judge says; a score is None when the judge could not be read."""
    if grounding is None or coherence is None:
        return PanelResult(trace_id, 1, 0, reason="m: length")
    scores = {"acoustic_grounding": grounding, "logical_coherence": coherence}
    return PanelResult(trace_id, 1, 1, scores=scores, lowest=scores, highest=scores)


def decided(decisions: pl.DataFrame, *results: PanelResult, arm: Arm = "filtered") -> pl.DataFrame:
    return judge_decisions(decisions, results, policy=POLICY, panel=PANEL, arm=arm)


@pytest.mark.parametrize(
    ("scores", "decision_", "reasons"),
    [
        ((3.0, 2.0), "kept", []),
        ((2.9, 5.0), "rejected", ["judge_grounding"]),
        ((5.0, 1.0), "rejected", ["judge_coherence"]),
        ((1.0, 1.0), "rejected", ["judge_grounding", "judge_coherence"]),
        ((None, None), "unscored", ["judge_unscored"]),
    ],
)
def test_scores_below_the_thresholds_are_reasons(
    scores: tuple[float | None, float | None], decision_: str, reasons: list[str]
) -> None:
    after = decided(frame_of(DECISIONS, [decision("t")]), verdict("t", *scores)).row(0, named=True)
    assert (after["decision"], after["reasons"]) == (decision_, reasons)


def test_a_chain_without_verdict_is_unscored_never_rejected() -> None:
    assert decided(frame_of(DECISIONS, [decision("t")]))["decision"].to_list() == ["unscored"]


def test_the_judge_is_asked_only_about_what_passed_and_cannot_save_the_rest() -> None:
    before = frame_of(DECISIONS, [decision("a"), decision("b", "contradicted"), decision("c", "no_evidence")])
    assert passed_checks(before).to_list() == ["a"]
    after = decided(before, verdict("a", 5, 5), verdict("b", 5, 5), verdict("c", 1, 1))
    assert after["decision"].to_list() == ["kept", "rejected", "unscored"]
    assert after["reasons"].to_list() == [[], ["contradicted"], ["no_evidence"]]


def test_judging_again_starts_from_the_checks_and_not_from_the_last_judge() -> None:
    before = frame_of(DECISIONS, [decision("a"), decision("b", "wrong_answer")])
    strict = decided(before, verdict("a", 1, 1))
    assert passed_checks(strict).to_list() == ["a"]
    assert decided(strict, verdict("a", 5, 5)).equals(decided(before, verdict("a", 5, 5)))
    assert decided(strict, verdict("a", 1, 1)).equals(strict)


def test_a_control_arm_stores_the_reasons_and_keeps_the_chain() -> None:
    before = frame_of(DECISIONS, [decision("a"), decision("b")])
    after = decided(before, verdict("a", 1, 5), arm="correct-only")
    assert after["decision"].to_list() == ["kept", "kept"]
    assert after["reasons"].to_list() == [["judge_grounding"], ["judge_unscored"]]


def test_a_score_that_a_missing_judge_could_have_moved_across_the_threshold_decides_nothing() -> None:
    def result(low: float, high: float) -> PanelResult:
        bounds = (
            {"acoustic_grounding": low, "logical_coherence": 5.0},
            {"acoustic_grounding": high, "logical_coherence": 5.0},
        )
        return PanelResult("t", 3, 2, scores=bounds[0], lowest=bounds[0], highest=bounds[1], reason="m: length")

    before = frame_of(DECISIONS, [decision("t")])
    expected = {
        (3.0, 4.0): ("kept", []),
        (1.0, 2.5): ("rejected", ["judge_grounding"]),
        (2.0, 3.0): ("unscored", ["judge_unscored"]),
    }
    for bounds, said in expected.items():
        row = decided(before, result(*bounds)).row(0, named=True)
        assert (row["decision"], row["reasons"]) == said


def test_a_decision_says_whether_a_judge_had_its_say() -> None:
    before = frame_of(DECISIONS, [decision("a"), decision("b", "contradicted")])
    assert before["decided_by"].unique().to_list() == ["checks"]
    assert decided(before, verdict("a", 5, 5))["decided_by"].to_list() == ["checks+judges", "checks"]


def test_the_policy_tells_whether_and_by_what_a_judge_had_its_say() -> None:
    alone = policy_sha("filtered", POLICY)
    said = policy_sha("filtered", POLICY, PANEL)
    assert said != alone
    (judge,) = PANEL.judges
    for change in ({"model": "n"}, {"prompt": "judge/correction"}):
        other = PANEL.model_copy(update={"judges": (judge.model_copy(update=change),)})
        assert policy_sha("filtered", POLICY, other) != said
    for change in ({"min_grounding": 4.0}, {"reducer": "mode"}):
        assert policy_sha("filtered", POLICY, PANEL.model_copy(update=change)) != said
    for same in ({"concurrency": 1}, {"base_url": "http://elsewhere/v1"}):
        other = PANEL.model_copy(update={"judges": (judge.model_copy(update=same),)})
        assert policy_sha("filtered", POLICY, other) == said
    after = decided(frame_of(DECISIONS, [decision("t")]), verdict("t", 5, 5))
    assert after["policy_sha"].to_list() == [said]
