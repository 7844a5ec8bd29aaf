"""Concurrency limits on a Prefect server: how many tasks may use a GPU, or ask judges, at once."""

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

LIMITS = {"gpu": 1, "judge": 1}
"""Tag of tasks -> how many of them run at once, on all machines together, until told otherwise."""


def create_limits() -> dict[str, int]:
    """The limits of `LIMITS` as they stand on the server; those that were not there are made, others left alone."""
    found: dict[str, int] = {}
    with get_client(sync_client=True) as client:
        for tag, limit in LIMITS.items():
            try:
                found[tag] = client.read_concurrency_limit_by_tag(tag).concurrency_limit
            except ObjectNotFound:
                client.create_concurrency_limit(tag=tag, concurrency_limit=limit)
                found[tag] = limit
    return found
