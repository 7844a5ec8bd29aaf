"""The optimiser of every training stage: AdamW in float32, what decays, and the rate over the steps.

The rate is a function of the step alone, so a run that goes on from a checkpoint needs no scheduler state.
"""

import math
from collections.abc import Iterable

import torch
from torch import nn

BETAS = (0.9, 0.98)
CLIP_NORM = 1.0
"""Longest gradient (L2 over all parameters) that is applied as it is."""


def build_optimizer(
    named: Iterable[tuple[str, nn.Parameter]], learning_rate: float, weight_decay: float
) -> torch.optim.AdamW:
    """AdamW over the parameters that need gradients. Matrices decay; norms, biases and embeddings do not."""
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in named:
        if parameter.requires_grad:
            (decayed if parameter.ndim == 2 and "embed_tokens" not in name else kept).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=BETAS, weight_decay=weight_decay, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def rate_factor(step: int, steps: int, warmup: float) -> float:
    """Share of the peak rate at a step: linear from 0 over the warm-up, then a cosine to 0."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
