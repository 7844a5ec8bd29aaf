"""Programmed faults: which of them strikes next. The mocks of judge and engine share it."""

from collections import Counter
from typing import Generic, TypeVar

from mgrd.settings.runtime import FaultCondition

F = TypeVar("F", bound=FaultCondition)


class Schedule(Generic[F]):
    """Faults in order of precedence, and how often each has struck."""

    def __init__(self, faults: tuple[F, ...] = ()) -> None:
        self.faults = faults
        self.struck: Counter[object] = Counter()
        self.asked = 0

    def next_due(self, prompt: str) -> F | None:
        """The fault that strikes what is asked for now, or None; each call counts as one more."""
        number, self.asked = self.asked, self.asked + 1
        for place, fault in enumerate(self.faults):
            if _due(fault, number, prompt) and self.strikes(place, fault.times):
                return fault
        return None

    def strikes(self, what: object, times: int | None) -> bool:
        """Whether it may strike once more, and if so that it has."""
        if times is not None and self.struck[what] >= times:
            return False
        self.struck[what] += 1
        return True


def _due(fault: FaultCondition, number: int, prompt: str) -> bool:
    return (
        (fault.first is None or number < fault.first)
        and (fault.every is None or number % fault.every == fault.every - 1)
        and (fault.when is None or fault.when in prompt)
    )
