"""What a chain earns, and what stops a run."""

from dataclasses import replace

import pytest

from mgrd.settings.training import GuardSpec, RewardSpec
from mgrd.training.guards import HeldOut, StepFigures, check_guards
from mgrd.training.rewards import reward

STEP = StepFigures(
    step=0, reward=0.6, correct=0.5, length=20.0, entropy=1.0, reasoned=0.8, substance=0.6, grounded=0.4
)  # fmt: skip
LOOK = HeldOut(step=0, reward=0.6, correct=0.6, length=20.0, reasoned=0.8, grounded=0.4)
SPEC = GuardSpec(window=2)


@pytest.mark.parametrize(
    ("correct", "reasoned", "earned"), [(True, True, 1.0), (True, False, 0.8), (False, True, 0.2), (False, False, 0.0)]
)
def test_audio_earns_by_the_reports_weights(correct: bool, reasoned: bool, earned: float) -> None:
    assert reward(RewardSpec(), audio=True, correct=correct, reasoned=reasoned) == pytest.approx(earned)


def test_text_earns_the_answer_alone_whatever_is_weighed() -> None:
    spec = RewardSpec(grounding=0.5)
    for reasoned in (True, False):
        assert reward(spec, audio=False, correct=True, reasoned=reasoned, grounded=True) == 1.0
        assert reward(spec, audio=False, correct=False, reasoned=reasoned, grounded=True) == 0.0


def test_the_grounding_term_is_off_unless_asked_for() -> None:
    assert reward(RewardSpec(), audio=True, correct=True, reasoned=True, grounded=True) == pytest.approx(1.0)
    assert reward(RewardSpec(grounding=0.5), audio=True, correct=True, reasoned=True, grounded=True) == 1.5


def after(**changes: float) -> str | None:
    return check_guards([STEP, STEP, *[replace(STEP, **changes)] * 2], [LOOK], SPEC)


def test_a_steady_run_goes_on() -> None:
    assert after() is None
    assert after(length=18.0, entropy=0.7, substance=0.5) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"length": 9.0}, "length_collapse"),
        ({"entropy": 0.1}, "entropy_collapse"),
        ({"reasoned": 0.95, "substance": 0.2}, "format_without_substance"),
    ],
)
def test_each_collapse_is_named(changes: dict[str, float], code: str) -> None:
    reason = after(**changes)
    assert reason is not None
    assert reason.startswith(code)


def test_fewer_chains_that_reason_are_no_format_without_substance() -> None:
    assert after(reasoned=0.4, substance=0.1) is None


def test_a_heldout_drop_under_the_best_look_stops() -> None:
    looks = [LOOK, replace(LOOK, correct=0.7), replace(LOOK, correct=0.55)]
    assert check_guards([STEP], looks[:2], SPEC) is None
    reason = check_guards([STEP], looks, SPEC)
    assert reason == "heldout_drop: accuracy fell from 0.700 to 0.550"


def test_guards_can_be_switched_off() -> None:
    off = GuardSpec(window=2, enabled=False)
    assert check_guards([STEP, STEP, *[replace(STEP, length=0.0)] * 2], [LOOK, replace(LOOK, correct=0)], off) is None
