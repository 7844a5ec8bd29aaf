"""Guards of reinforcement: signs that the reward is being gamed, on which the run stops and keeps its best.

Each rule compares the mean of the last `window` steps with that of the first `window` steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from mgrd.settings.training import GuardSpec


@dataclass(frozen=True, slots=True)
class StepFigures:
    """Means over the rollouts of one step.

    `length` is reasoning tokens, `entropy` nats per sampled token, `reasoned` the share of chains with reasoning,
    `substance` the share whose reasoning holds an acoustic claim that the clip bears out, and which do not argue
    from text.
    """

    step: int
    reward: float
    correct: float
    length: float
    entropy: float
    reasoned: float
    substance: float
    grounded: float
    value_error: float = 0.0
    clipped: float = 0.0


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Sampled chains of held-out questions, before the step's update."""

    step: int
    reward: float
    correct: float
    length: float
    reasoned: float
    grounded: float


def check_guards(steps: Sequence[StepFigures], heldout: Sequence[HeldOut], spec: GuardSpec) -> str | None:
    """Why the run must stop (a code, then the figures), or None."""
    if not spec.enabled:
        return None
    if len(heldout) > 1:
        best = max(figures.correct for figures in heldout[:-1])
        if best - heldout[-1].correct > spec.max_heldout_drop:
            return f"heldout_drop: accuracy fell from {best:.3f} to {heldout[-1].correct:.3f}"
    if len(steps) < 2 * spec.window:
        return None
    first, last = steps[: spec.window], steps[-spec.window :]

    def means(name: str) -> tuple[float, float]:
        return fmean(getattr(one, name) for one in first), fmean(getattr(one, name) for one in last)

    before, after = means("length")
    if after < spec.min_length * before:
        return f"length_collapse: reasoning fell from {before:.1f} to {after:.1f} tokens"
    before, after = means("entropy")
    if after < spec.min_entropy * before:
        return f"entropy_collapse: entropy fell from {before:.3f} to {after:.3f} nats a token"
    return _format_without_substance(means("reasoned"), means("substance"), spec)


def _format_without_substance(
    reasoned: tuple[float, float], substance: tuple[float, float], spec: GuardSpec
) -> str | None:
    """Reasoning blocks are there as before or more often, but what stands in them no longer holds."""
    before, after = (s / r if r else 0.0 for s, r in zip(substance, reasoned, strict=True))
    if reasoned[1] < reasoned[0] or after >= spec.min_substance * before:
        return None
    return (
        f"format_without_substance: {reasoned[1]:.0%} of chains reason (before: {reasoned[0]:.0%}), "
        f"with a claim that holds in {after:.0%} of them (before: {before:.0%})"
    )
