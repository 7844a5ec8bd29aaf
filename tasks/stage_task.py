"""How a task is declared here, and how it is tried again.

The ledger alone knows what is finished, so Prefect's cache of results stays off. How often a failed task is tried again
is said by the deployments (`prefect.yaml`), of all tasks alike; by hand it is not.
"""

from collections.abc import Callable
from typing import Literal, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

RETRY_JITTER = 0.5
"""Share of the delay by which it is lengthened at random, so that runs which failed together do not come together."""
P = ParamSpec("P")
R = TypeVar("R")


def stage_task(name: str, *, uses: Literal["gpu", "judge"] | None = None) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Declare a function as the task `name`; the server limits how many run that use the same (tasks/placement.py)."""
    tags = [] if uses is None else [uses]
    return task(name=name, tags=tags, cache_policy=NO_CACHE, retry_jitter_factor=RETRY_JITTER)
