"""A panel: how scores become one, what a missing judge could have changed, and how far judges were apart."""

from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_frames import cases, panel_of

from mgrd.judging import judge_chains, panel_frame, panel_identity, panel_results, standing
from mgrd.judging.mock import Answer, Script, good, serving
from mgrd.judging.panel import reduce_scores
from mgrd.settings import JudgeSpec, PanelSpec
from mgrd.store import to_arrow
from schemas import PANELS
from schemas.verdicts import CRITERIA


def panel(reducer: str, judges: int = 3, at_least: int = 1) -> PanelSpec:
    members = [{"base_url": "http://localhost/v1", "model": f"judge-{number + 1}"} for number in range(judges)]
    return PanelSpec.model_validate({"judges": members, "reducer": reducer, "at_least": at_least})


@pytest.mark.parametrize(
    ("reducer", "at_least", "scores", "reduced"),
    [
        ("median", 1, [1, 4, 5], 4.0),
        ("median", 1, [2, 5], 3.5),
        ("mode", 1, [5, 5, 1], 5.0),
        ("mode", 1, [5, 5, 1, 1], 1.0),
        ("mode", 1, [2, 3, 4], 2.0),
        ("at_least_k", 1, [1, 2, 5], 5.0),
        ("at_least_k", 2, [1, 4, 5], 4.0),
        ("at_least_k", 3, [1, 4, 5], 1.0),
    ],
)
def test_reducers(reducer: str, at_least: int, scores: list[float], reduced: float) -> None:
    assert reduce_scores(scores, panel(reducer, len(scores), at_least)) == reduced


@given(scores=st.lists(st.integers(1, 5), min_size=3, max_size=3), k=st.integers(1, 3), minimum=st.integers(1, 5))
def test_at_least_k_reaches_a_threshold_exactly_when_k_judges_do(scores: list[float], k: int, minimum: int) -> None:
    reached = reduce_scores(scores, panel("at_least_k", 3, k)) >= minimum
    assert reached == (sum(score >= minimum for score in scores) >= k)


def by_judge(answers: dict[str, Answer]) -> Script:
    return lambda request, _: answers[request["model"]]


LOST = Answer("cut", finish_reason="length")


def test_three_judges_give_one_result_and_their_disagreement_is_kept() -> None:
    answers = {"judge-1": good(surrogate=1), "judge-2": good(surrogate=4), "judge-3": good(surrogate=5)}
    with serving(by_judge(answers)) as server:
        spec = panel_of(server, judges=3)
        judged = judge_chains(cases(2), spec)
    assert judged.verdicts.height == 6
    for result in judged.results:
        assert (result.judges, result.scored, result.reason) == (3, 3, "")
        assert result.scores["surrogate"] == 4.0
        assert result.spread == {**dict.fromkeys(CRITERIA, 0.0), "surrogate": 4.0}
        assert result.disagreement == 4.0
    rows = panel_frame(cases(2), judged.results, spec)
    to_arrow(PANELS, rows)
    assert rows["disagreement"].to_list() == [4.0, 4.0]
    assert rows["surrogate_spread"].to_list() == [4.0, 4.0]
    assert rows["acoustic_grounding"].to_list() == [4.0, 4.0]


@pytest.mark.parametrize("reducer", ["median", "mode", "at_least_k"])
@pytest.mark.parametrize("given_", list(product([1, 3, 5], repeat=2)))
def test_a_missing_judge_never_decides_and_never_blocks_what_is_decided_without_it(
    reducer: str, given_: tuple[int, int]
) -> None:
    """Against the definition: the answer stands if it is the same for every score that the missing judge could give."""
    first, second = given_
    answers = {"judge-1": good(surrogate=first), "judge-2": good(surrogate=second), "judge-3": LOST}
    with serving(by_judge(answers)) as server:
        spec = panel_of(server, judges=3, panel={"reducer": reducer, "at_least": 2})
        (result,) = judge_chains(cases(1), spec).results
    possible = {reduce_scores([first, second, third], spec) >= 3 for third in range(1, 6)}
    assert result.reaches("surrogate", 3) == (possible.pop() if len(possible) == 1 else None)
    assert result.reason.startswith("judge-3: length")


def test_a_panel_of_unreadable_judges_says_why_of_each() -> None:
    with serving(by_judge({"judge-1": Answer(None), "judge-2": LOST})) as server:
        (result,) = judge_chains(cases(1), panel_of(server, judges=2)).results
    assert (result.scored, dict(result.scores), result.disagreement) == (0, {}, 0.0)
    assert result.reaches("surrogate", 1.0) is None
    assert result.reason == "judge-1: empty: it was empty; judge-2: length: it was cut at the token limit"


def test_a_judge_that_is_given_up_does_not_stop_the_others() -> None:
    answers = {"judge-1": Answer("who are you", status=401), "judge-2": good()}
    with serving(by_judge(answers)) as server:
        judged = judge_chains(cases(20), panel_of(server, judges=2, panel={"reducer": "at_least_k"}))
    assert [result.scored for result in judged.results] == [1] * 20
    assert all(result.reaches("surrogate", 4.0) for result in judged.results), "one of two is enough here"
    assert len(judged.failures) == 1
    assert "refuses judge-1" in judged.failures[0]


def test_judges_at_one_address_share_its_limit() -> None:
    with serving(lambda *_: Answer(good().content, delay=0.02)) as server:
        judge_chains(cases(12), panel_of(server, judges=3, concurrency=4))
        assert 2 <= server.most_open <= 4
        assert len(server.requests) == 36


def test_stored_verdicts_give_the_same_results_and_those_of_others_are_ignored() -> None:
    with serving() as server:
        spec, other = panel_of(server, judges=2), panel_of(server, max_tokens=99)
        judged, others = judge_chains(cases(3), spec), judge_chains(cases(3), other)
    table = pl.concat([others.verdicts, judged.verdicts])
    assert panel_results(cases(3), table, spec) == judged.results
    assert panel_results(cases(4), table, spec)[3].reason == "judge-1: not asked; judge-2: not asked"
    assert standing(table).height == table.height


def test_the_identity_of_a_panel_covers_judges_and_reducer_and_not_its_thresholds() -> None:
    base = panel("median")
    for change in ({"reducer": "mode"}, {"judges": base.judges[:2]}):
        assert panel_identity(base.model_copy(update=change)) != panel_identity(base)
    for same in ({"max_cost": 9.0}, {"at_least": 2}):
        assert panel_identity(base.model_copy(update=same)) == panel_identity(base)
    by_k = panel("at_least_k")
    assert panel_identity(by_k.model_copy(update={"at_least": 2})) != panel_identity(by_k)
    assert isinstance(base.judges[0], JudgeSpec)
