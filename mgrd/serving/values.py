"""Values in a server's JSON, which may be anything: read as what they should be, or None."""

import math
from collections.abc import Mapping
from typing import Any

MOST = 2**31
"""A count from here on counts nothing; it would only break sums and tables."""


def part_of(data: object, key: str) -> Any:
    """The value under the key; None where there is none, or where `data` is no object."""
    return data.get(key) if isinstance(data, Mapping) else None


def count_of(value: object) -> int | None:
    """A number of tokens or the like."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST else None


def number_of(value: object) -> float | None:
    """A finite number."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
