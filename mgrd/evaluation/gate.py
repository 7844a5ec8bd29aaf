"""The promotion gate: a round's model replaces its parent only if the development split allows it."""

from dataclasses import dataclass

import polars as pl

from mgrd.evaluation.heldout import figure
from mgrd.settings import GateSpec

SPLIT = "dev"
"""Choices are made on this split alone; the test split is only reported."""

DENIALS = ("self_cognition_error", "denial")
"""Share of replies to probes, and of held-out chains, that deny hearing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    promoted: bool
    reasons: tuple[str, ...]


def judge_promotion(parent: pl.DataFrame, child: pl.DataFrame, spec: GateSpec) -> Verdict:
    """Compare two rounds' metrics on the dev split; every broken rule is a reason."""
    reasons: list[str] = []
    falls = {
        "accuracy_sampled": spec.max_accuracy_drop,
        "grounded": spec.max_grounded_drop,
        "text_accuracy": spec.max_text_drop,
    }
    for name, limit in falls.items():
        before, after = figure(parent, SPLIT, name), figure(child, SPLIT, name)
        if before is not None and after is not None and before - after > limit:
            reasons.append(f"{name} fell from {before:.3f} to {after:.3f} (limit {limit:g})")
    for name in DENIALS:
        before, after = figure(parent, SPLIT, name), figure(child, SPLIT, name)
        if before is not None and after is not None and after - before > spec.max_self_cognition_rise:
            reasons.append(f"{name} rose from {before:.3f} to {after:.3f} (limit {spec.max_self_cognition_rise:g})")
    length = figure(child, SPLIT, "mean_reasoning_tokens")
    if length is not None and length < spec.min_reasoning_tokens:
        reasons.append(f"reasoning collapsed to {length:.1f} tokens (limit {spec.min_reasoning_tokens:g})")
    return Verdict(not reasons, tuple(reasons))
