"""How a task is tried again. The deployments say how often (`prefect.yaml`); by hand nothing is."""

RETRY_JITTER = 0.5
"""Share of the delay by which it is lengthened at random, so that runs which failed together do not come together."""
