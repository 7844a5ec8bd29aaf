"""Dealing owed verdicts to workers: nothing is lost or doubled, no reply is paid twice, no money is dealt twice."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_frames import cases, panel_of

from mgrd.judging.dealing import OwedVerdict, deal, most_of
from mgrd.judging.mock import MockJudge
from mgrd.judging.spend import Prices

CASE = cases(1)[0]


@st.composite
def owed_verdicts(draw: st.DrawFn) -> list[OwedVerdict]:
    """Verdicts of which several may be answered by one reply."""
    replies = draw(st.lists(st.integers(0, 30), max_size=60))
    price = draw(st.floats(1e-6, 10))
    return [OwedVerdict(0, f"v{at}", f"r{reply}", CASE, price * (1 + reply)) for at, reply in enumerate(replies)]


workers = st.integers(1, 9)
sizes = st.tuples(st.integers(1, 8), st.integers(1, 24))


@given(owed_verdicts(), workers, sizes)
def test_without_a_limit_everything_is_dealt_once_and_one_replys_verdicts_stay_together(
    owed: list[OwedVerdict], count: int, size: tuple[int, int]
) -> None:
    hands = deal(owed, count, None, *size)
    assert sorted(one.verdict_id for hand in hands for one in hand.owed) == sorted(one.verdict_id for one in owed)
    homes = {(one.reply, at) for at, hand in enumerate(hands) for one in hand.owed}
    assert len(homes) == len({one.reply for one in owed})
    assert all(hand.owed and hand.money is None for hand in hands)


@given(owed_verdicts(), workers, sizes, st.floats(0, 300))
def test_shares_never_add_up_to_more_than_what_is_left_and_each_pays_its_hand(
    owed: list[OwedVerdict], count: int, size: tuple[int, int], left: float
) -> None:
    hands = deal(owed, count, left, *size)
    assert math.fsum(hand.money or 0.0 for hand in hands) <= left
    assert bool(hands) == bool(owed), "somebody is asked, or finds out that nothing can be paid"
    if len(hands) > 1:
        for hand in hands:
            assert hand.money is not None
            assert sum(one.most for one in hand.owed) <= hand.money * (1 + 1e-6)
    dealt = [one.verdict_id for hand in hands for one in hand.owed]
    assert len(dealt) == len(set(dealt))


def test_when_money_is_short_one_worker_has_all_of_it_and_begins_with_the_first() -> None:
    owed = [OwedVerdict(0, f"v{at}", f"r{at}", CASE, 1.0) for at in range(10)]
    (hand,) = deal(owed, 4, 3.5, fewest=1)
    assert hand.money == 3.5
    assert hand.owed[0] == owed[0]
    assert [len(hand.owed) for hand in deal(owed, 4, 8.0, fewest=1)] == [2, 2, 2, 1], "what 8 pays, less the rounding"


def test_few_verdicts_go_together_and_many_over_all_workers() -> None:
    owed = [OwedVerdict(0, f"v{at}", f"r{at}", CASE) for at in range(1000)]
    assert [len(hand.owed) for hand in deal(owed[:40], 8)] == [32, 8]
    assert [len(hand.owed) for hand in deal(owed, 8)] == [125] * 8
    assert max(len(hand.owed) for hand in deal(owed, 2)) == 256


@pytest.mark.parametrize("max_tokens", [64, 4096])
def test_the_most_covers_a_correction_turn(max_tokens: int) -> None:
    judge = panel_of(MockJudge(url="http://127.0.0.1:1/v1"), price_in=3.0, price_out=15.0, max_tokens=max_tokens)
    prompt = "ä" * 5000
    first = Prices(3.0, 15.0).usage(len(prompt.encode()) // 3 + 1, max_tokens).cost
    second = Prices(3.0, 15.0).usage(len(prompt.encode()) // 4 + max_tokens, max_tokens).cost
    assert most_of(prompt, judge.judges[0]) > first + second
