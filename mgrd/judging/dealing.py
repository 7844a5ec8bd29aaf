"""Which owed verdicts go to which worker of a cluster, and what each may spend.

Verdicts that one reply answers stay together, so that it is paid once; the workers' shares of the money never add up
to more than is left.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mgrd.judging.cases import Case
from mgrd.judging.spend import BYTES_PER_TOKEN, Prices
from mgrd.settings import JudgeSpec

FEWEST, MOST = 32, 256
"""Verdicts that are dealt together. With too few a judge that is out of reach is not found out, and requests of the
next frame wait for the last of this one; with many, what is judged is committed late.
"""
CORRECTION_BYTES = 1_500
"""Of the turn that names what is wrong with a reply."""
ROUNDING = 1e-9
"""Share of the money that is not dealt: sums of shares are rounded."""


@dataclass(frozen=True, slots=True)
class OwedVerdict:
    """A verdict that is owed: the judge's number in the panel, the verdict's key and that of the reply which answers
    it, and the `most` that it can cost.
    """

    judge: int
    verdict_id: str
    reply: str
    case: Case
    most: float = 0.0


@dataclass(frozen=True, slots=True)
class Hand:
    """Verdicts for one worker, and the money for them (None: no limit)."""

    owed: tuple[OwedVerdict, ...]
    money: float | None = None


def deal(
    owed: Sequence[OwedVerdict], workers: int, left: float | None = None, fewest: int = FEWEST, most: int = MOST
) -> list[Hand]:
    """Hands of `fewest` to `most` verdicts, one or more for each worker; more only where one reply answers more.

    With a limit, as many verdicts as `left` pays in the dearest case, in their order; the rest waits until it is known
    what these have cost. When it pays less than one reply a worker, one hand gets all that is left.
    """
    groups = _by_reply(owed)
    if left is not None:
        affordable = list(_affordable(groups, left))
        if len(affordable) < min(workers, len(groups)):
            first = next(_filled(groups, most), ())
            return [Hand(first, left)] if first else []
        groups = affordable
    together = sum(len(group) for group in groups)
    size = max(min(fewest, most), min(most, math.ceil(together / max(workers, 1))))
    return list(_with_money(list(_filled(groups, size)), left))


def most_of(prompt: str, judge: JudgeSpec) -> float:
    """What a verdict can cost at most: the reply, and a second one to prompt, reply and correction."""
    prices, size = Prices(judge.price_in, judge.price_out), len(prompt.encode())
    # A reply's tokens may have more bytes than those by which a prompt is estimated.
    again = size + CORRECTION_BYTES + int(2 * BYTES_PER_TOKEN * judge.max_tokens)
    return (prices.most(size, judge.max_tokens) + prices.most(again, judge.max_tokens)).cost


def _by_reply(owed: Sequence[OwedVerdict]) -> list[tuple[OwedVerdict, ...]]:
    groups: defaultdict[str, list[OwedVerdict]] = defaultdict(list)
    for verdict in owed:
        groups[verdict.reply].append(verdict)
    return [tuple(group) for group in groups.values()]


def _affordable(groups: Sequence[tuple[OwedVerdict, ...]], left: float) -> Iterator[tuple[OwedVerdict, ...]]:
    needed = 0.0
    for group in groups:
        needed += sum(verdict.most for verdict in group)
        if needed > left * (1 - ROUNDING):
            return
        yield group


def _filled(groups: Sequence[tuple[OwedVerdict, ...]], size: int) -> Iterator[tuple[OwedVerdict, ...]]:
    """The groups put together to at least `size` verdicts, and to no more groups than that takes."""
    hand: list[OwedVerdict] = []
    for group in groups:
        hand += group
        if len(hand) >= size:
            yield tuple(hand)
            hand = []
    if hand:
        yield tuple(hand)


def _with_money(hands: Sequence[tuple[OwedVerdict, ...]], left: float | None) -> Iterator[Hand]:
    """All that is left, in proportion to what the hands can cost."""
    needs = [sum(verdict.most for verdict in hand) for hand in hands]
    total = sum(needs)
    for hand, need in zip(hands, needs, strict=True):
        part = need / total if total else 1 / len(hands)
        yield Hand(hand, None if left is None else left * (1 - ROUNDING) * part)
