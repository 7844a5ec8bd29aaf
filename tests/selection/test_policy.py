"""The one decision: every signal's reasons, what only warns, who settles it last, and deciding twice as once."""

from dataclasses import replace
from typing import get_args

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgrd.arms import Arm
from mgrd.grounding import scorer
from mgrd.grounding.leaks import find_leaks
from mgrd.judging import PanelResult, panel_identity
from mgrd.selection.decisions import counterfacts_of, decide_traces, passed_checks, signals_of
from mgrd.selection.overrides import split_votes, votes_of
from mgrd.selection.policy import (
    NO_EVIDENCE,
    REVIEWER,
    Counterfact,
    Signals,
    Vote,
    decide,
    grounding_score,
    policy_sha,
)
from mgrd.settings import JudgeSpec, PanelSpec, PolicySpec, ReasonsSpec
from mgrd.store import frame_of
from schemas import COUNTERFACTUALS, DECISIONS, OVERRIDES

POLICY = PolicySpec()
GOOD = Signals(correct=True, checks=(), score=0.5)


def policy(reasons: dict[str, str] | None = None, **keys: object) -> PolicySpec:
    return PolicySpec.model_validate({**keys, "reasons": reasons or {}})


def panel(grounding: float | None, coherence: float | None = 5.0, high: float | None = None) -> PanelResult:
    """What one judge says, or, with `high`, what a panel with a missing judge leaves open."""
    if grounding is None or coherence is None:
        return PanelResult("t", 1, 0, reason="m: length")
    low = {"acoustic_grounding": grounding, "logical_coherence": coherence}
    highest = low if high is None else {"acoustic_grounding": high, "logical_coherence": coherence}
    return PanelResult("t", 1, 1, scores=low, lowest=low, highest=highest)


@pytest.mark.parametrize(
    ("changes", "decision", "reasons", "warnings"),
    [
        ({}, "kept", (), ()),
        ({"correct": None}, "kept", (), ()),
        ({"correct": False}, "rejected", ("wrong_answer",), ()),
        ({"checks": ("surrogate",), "correct": False}, "rejected", ("wrong_answer", "surrogate"), ()),
        ({"checks": ("no_evidence",), "score": 0.0}, "unscored", ("no_evidence",), ()),
        ({"checks": ("no_evidence",), "correct": False}, "rejected", ("wrong_answer", "no_evidence"), ()),
        ({"judged": panel(3.0, 3.0)}, "kept", (), ()),
        ({"judged": panel(2.9)}, "rejected", ("judge_grounding",), ()),
        ({"judged": panel(1.0, 1.0)}, "rejected", ("judge_grounding", "judge_coherence"), ()),
        ({"judged": panel(None)}, "unscored", ("judge_unscored",), ()),
        ({"judged": panel(2.0, high=3.0)}, "unscored", ("judge_unscored",), ()),
        ({"judged": panel(1.0, high=2.5)}, "rejected", ("judge_grounding",), ()),
        ({"counterfact": Counterfact(0.2, 0.1, moved=True)}, "kept", (), ()),
        ({"counterfact": Counterfact(0.2, None, moved=None)}, "kept", (), ()),
        (
            {"counterfact": Counterfact(0.0, -0.1, moved=False)},
            "kept", (), ("silence_margin", "swap_margin", "answer_unmoved"),
        ),
    ],
)  # fmt: skip
def test_the_default_policy(
    changes: dict[str, object], decision: str, reasons: tuple[str, ...], warnings: tuple[str, ...]
) -> None:
    ruling = decide(replace(GOOD, **changes), POLICY)
    assert (ruling.decision, ruling.reasons, ruling.warnings) == (decision, reasons, warnings)


def test_thresholds_are_the_policys() -> None:
    middling = replace(GOOD, judged=panel(4.0, 4.0), counterfact=Counterfact(0.2, 0.1, moved=True))
    reject = dict.fromkeys(("silence_margin", "swap_margin"), "reject")
    for keys, reason in {
        ("min_score", 0.6): "low_score",
        ("min_judge_grounding", 4.5): "judge_grounding",
        ("min_judge_coherence", 4.5): "judge_coherence",
        ("min_silence_margin", 0.3): "silence_margin",
        ("min_swap_margin", 0.1): "swap_margin",
    }.items():
        assert decide(middling, policy(reject, **dict([keys]))).reasons == (reason,)
    assert decide(middling, policy(reject)).decision == "kept"


def test_a_reason_that_only_warns_is_stored_beside_a_kept_chain() -> None:
    signals = replace(GOOD, checks=("prompt_echo", "surrogate"))
    lenient = decide(signals, policy({"prompt_echo": "warn"}))
    assert (lenient.decision, lenient.reasons, lenient.warnings) == ("rejected", ("surrogate",), ("prompt_echo",))
    most_lenient = decide(signals, policy({"prompt_echo": "warn", "surrogate": "warn"}))
    assert (most_lenient.decision, most_lenient.warnings) == ("kept", ("prompt_echo", "surrogate"))


def test_an_unreadable_judge_can_be_made_to_leave_the_checks_alone() -> None:
    ruling = decide(replace(GOOD, judged=panel(None)), policy({"judge_unscored": "warn"}))
    assert (ruling.decision, ruling.warnings, ruling.decided_by) == ("kept", ("judge_unscored",), "checks")


@pytest.mark.parametrize(
    ("arm", "decisions"),
    [
        ("filtered", ["rejected", "rejected", "kept"]),
        ("correct-only", ["rejected", "kept", "kept"]),
        ("unfiltered", ["kept", "kept", "kept"]),
    ],
)
def test_a_control_arm_stores_the_reasons_and_heeds_fewer(arm: Arm, decisions: list[str]) -> None:
    chains = [replace(GOOD, correct=False), replace(GOOD, checks=("surrogate",)), GOOD]
    rulings = [decide(chain, POLICY, arm) for chain in chains]
    assert [ruling.decision for ruling in rulings] == decisions
    assert [ruling.reasons for ruling in rulings] == [("wrong_answer",), ("surrogate",), ()]


def test_every_code_of_the_checks_has_a_switch() -> None:
    leaking = find_leaks(
        '<think><think>as an ai model i cannot hear audio, "finish_reason": choices: a', "", "", "", (), None
    )
    codes = {*leaking, "answer_before_evidence", "no_reasoning", scorer.NO_SUPPORTED, scorer.CONTRADICTED}
    codes |= {scorer.IRRELEVANT}
    assert codes | {scorer.SURROGATE} <= set(ReasonsSpec.model_fields)
    assert len(leaking) >= 4
    for field in ReasonsSpec.model_fields.values():
        assert set(get_args(field.annotation)) == {"reject", "warn"}


@pytest.mark.parametrize(
    ("signals", "decided_by"),
    [
        (GOOD, "checks"),
        (replace(GOOD, judged=panel(5)), "checks+judge"),
        (replace(GOOD, judged=panel(2, high=3)), "checks"),
        (replace(GOOD, counterfact=Counterfact(0.1, None, moved=None)), "checks+counterfactual"),
        (
            replace(GOOD, judged=panel(5), counterfact=Counterfact(0.1, None, moved=None)),
            "checks+judge+counterfactual",
        ),
        (replace(GOOD, judged=panel(5), vote=Vote(grounded=True)), "override"),
    ],
)
def test_a_decision_says_which_signals_it_had(signals: Signals, decided_by: str) -> None:
    assert decide(signals, POLICY).decided_by == decided_by


def test_a_reviewer_has_the_last_word_and_what_was_found_stays_stored() -> None:
    refuted = replace(GOOD, checks=("contradicted_claim",), judged=panel(1.0))
    saved = decide(replace(refuted, vote=Vote(grounded=True)), POLICY)
    assert (saved.decision, saved.reasons) == ("kept", ())
    assert saved.warnings == ("contradicted_claim", "judge_grounding")
    dropped = decide(replace(GOOD, vote=Vote(grounded=False)), POLICY)
    assert (dropped.decision, dropped.reasons) == ("rejected", (REVIEWER,))


def test_a_vote_on_the_grounding_leaves_the_answer_as_it_is_unless_it_speaks_of_it() -> None:
    wrong = replace(GOOD, correct=False)
    assert decide(replace(wrong, vote=Vote(grounded=True)), POLICY).reasons == ("wrong_answer",)
    assert decide(replace(wrong, vote=Vote(grounded=True, correct=True)), POLICY).decision == "kept"
    assert decide(replace(GOOD, vote=Vote(grounded=True, correct=False)), POLICY).reasons == ("wrong_answer",)


def override(trace_id: str, reviewer: str, verdict: str, at: int, correct: bool | None = None) -> dict[str, object]:
    row = {"override_id": f"{trace_id}-{reviewer}-{at}", "trace_id": trace_id, "reviewer": reviewer}
    return {**row, "verdict": verdict, "correct": correct, "seconds": 1.0, "made_at": f"2026-01-01T00:00:{at:02d}Z"}


def test_of_each_reviewer_the_newest_vote_stands_and_the_majority_settles() -> None:
    rows = [
        override("a", "ann", "not_grounded", 1),
        override("a", "ann", "grounded", 2),
        override("b", "ann", "grounded", 1),
        override("b", "bob", "not_grounded", 2),
        override("b", "cat", "not_grounded", 3, correct=False),
        override("c", "ann", "grounded", 1),
        override("c", "bob", "not_grounded", 2),
        override("d", "ann", "grounded", 1),
        override("d", "ann", "withdrawn", 2),
        override("e", "ann", "unsure", 1),
    ]
    frame = frame_of(OVERRIDES, rows)
    assert votes_of(frame) == {"a": Vote(grounded=True), "b": Vote(grounded=False, correct=False)}
    assert split_votes(frame) == ["c"]
    assert votes_of(frame.head(0)) == {}
    assert votes_of(frame.reverse()) == votes_of(frame), "the order of the rows says nothing"


def decision(trace_id: str, checks: tuple[str, ...] = (), correct: bool | None = True) -> dict[str, object]:
    ruling = decide(Signals(correct, checks, 0.5), POLICY)
    row = {"trace_id": trace_id, "round": 1, "purpose": "distill", "question_id": "q", "policy_sha": "s"}
    counts = dict.fromkeys(("supported", "contradicted", "unverifiable"), 1)
    lists = {"reasons": list(ruling.reasons), "warnings": list(ruling.warnings), "checks": list(checks)}
    figures = {"grounded": not checks, "surrogate": False, "surrogate_share": 0.0, "score": 0.5, "correct": correct}
    return {**row, **counts, **lists, **figures, "decision": ruling.decision, "decided_by": ruling.decided_by}


BEFORE = frame_of(
    DECISIONS,
    [
        decision("a"),
        decision("b", ("contradicted_claim",)),
        decision("c", ("no_evidence",)),
        decision("d", correct=False),
        decision("e"),
    ],
)


def test_the_judge_is_asked_only_about_what_passed_and_cannot_save_the_rest() -> None:
    assert passed_checks(BEFORE, POLICY).to_list() == ["a", "e"]
    said = {key: panel(5) for key in "abcd"}
    after = decide_traces(BEFORE, policy=POLICY, arm="filtered", judged=said, sha="x")
    assert after["decision"].to_list() == ["kept", "rejected", "unscored", "rejected", "unscored"]
    assert after["reasons"][4].to_list() == ["judge_unscored"], "passed the checks and has no verdict"
    assert after["policy_sha"].unique().to_list() == ["x"]
    assert decide_traces(BEFORE, policy=POLICY, arm="filtered", sha="x")["decision"][4] == "kept", "no judge is set"


def test_a_chain_whose_right_answer_nobody_knows_is_decided_by_the_other_signals() -> None:
    frame = frame_of(DECISIONS, [decision("a", correct=None), decision("b", ("surrogate",), correct=None)])
    after = decide_traces(frame, policy=POLICY, arm="filtered", judged={"a": panel(5)}, sha="s")
    assert after["decision"].to_list() == ["kept", "rejected"]


def test_deciding_again_starts_from_the_checks_and_not_from_the_last_decision() -> None:
    def decided(frame: pl.DataFrame, **signals: object) -> pl.DataFrame:
        return decide_traces(frame, policy=POLICY, arm="filtered", sha="s", **signals)

    votes = {"b": Vote(grounded=True), "e": Vote(grounded=False)}
    once = decided(BEFORE, votes=votes, judged={"a": panel(1)})
    assert once["decision"].to_list() == ["rejected", "kept", "unscored", "rejected", "rejected"]
    assert once["decided_by"].to_list() == ["checks+judge", "override", "checks", "checks", "override"]
    assert decided(once, votes=votes, judged={"a": panel(1)}).equals(once)
    assert decided(once).equals(decided(BEFORE)), "withdrawn signals leave no trace"


def test_counterfactual_rows_become_signals() -> None:
    row = {"round": 1, "purpose": "distill", "model_id": "m", "tokens": 1, "silence_margin": 0.5}
    row |= {name: [] for name in ("token_starts", "token_ends", "silence_gains", "swap_gains", "claims")}
    flips = {"a": (False, False), "b": (False, None), "c": (False, True), "d": (None, None)}
    rows = [row | {"trace_id": key, "silence_flips": s, "swap_flips": w} for key, (s, w) in flips.items()]
    found = counterfacts_of(frame_of(COUNTERFACTUALS, rows))
    assert {key: fact.moved for key, fact in found.items()} == {"a": False, "b": False, "c": True, "d": None}


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0, 1))
def test_the_score_rises_with_claims_that_hold_and_falls_with_the_others(held: int, broken: int, share: float) -> None:
    score = grounding_score(held, broken, share)
    assert 0 <= score < 1
    assert grounding_score(held + 1, broken, share) >= score >= grounding_score(held, broken + 1, share)
    assert grounding_score(held, broken, 1.0) == 0


def test_a_chain_without_evidence_has_nothing_held_against_it() -> None:
    grounding = scorer.score_chain(
        raw_text="the pitch rises", reasoning="the pitch rises", answer="a", question=None, choices=(), facts=()
    )
    assert signals_of(grounding, True, NO_EVIDENCE).checks == ("no_evidence",)
    assert signals_of(grounding, True).checks == ("no_supported_claim",)


def test_the_identity_of_a_policy_covers_what_decides_and_nothing_else() -> None:
    judge = JudgeSpec(base_url="http://localhost/v1", model="m")

    def sha(policy: PolicySpec = POLICY, arm: Arm = "filtered", **changes: object) -> str:
        return policy_sha(arm, policy, panel_identity(PanelSpec(judges=(judge.model_copy(update=changes),))))

    assert sha() != policy_sha("filtered", POLICY)
    assert sha(concurrency=1) == sha(base_url="http://elsewhere/v1") == sha()
    others = [sha(model="n"), sha(prompt="judge/correction"), sha(arm="unfiltered"), sha(policy(min_score=0.1))]
    others.append(sha(policy({"surrogate": "warn"})))
    assert len({*others, sha()}) == 6
