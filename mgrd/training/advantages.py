"""Advantages of sampled chains, and the clipped policy loss that uses them.

The reward of a chain stands on its last token (Step-Audio-R1, arXiv 2511.15848). PPO takes generalised advantage
estimation (Schulman et al., arXiv 1506.02438) against a value head; GRPO (arXiv 2402.03300) takes the group's mean.
"""

import torch
from torch import Tensor


def last_token_rewards(rewards: Tensor, lengths: list[int]) -> Tensor:
    """Chain rewards [N] as token rewards [sum of lengths]: zero everywhere but on each chain's last token."""
    tokens = torch.zeros(sum(lengths))
    tokens[torch.tensor(lengths).cumsum(0) - 1] = rewards
    return tokens


def generalised_advantages(
    rewards: Tensor, values: Tensor, lengths: list[int], gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """(advantages, returns) per token [T] of chains that lie one after another; nothing follows a chain's end.

    delta_t = r_t + gamma V_{t+1} - V_t, A_t = delta_t + gamma lam A_{t+1}, return_t = A_t + V_t. With
    gamma = lam = 1 and the reward on the last token, A_t = R - V_t.
    """
    advantages = torch.zeros_like(rewards)
    end = 0
    for length in lengths:
        start, end = end, end + length
        running, following = 0.0, 0.0
        for at in range(end - 1, start - 1, -1):
            value = float(values[at])
            running = float(rewards[at]) + gamma * following - value + gamma * lam * running
            following = value
            advantages[at] = running
    return advantages, advantages + values


def group_advantages(rewards: Tensor, group: int, *, scale: bool) -> Tensor:
    """Rewards [N] of consecutive groups of `group` chains, less their group's mean; `scale` divides by its deviation.

    A group whose rewards are all equal teaches nothing: its advantages are zero.
    """
    grouped = rewards.view(-1, group)
    centred = grouped - grouped.mean(1, keepdim=True)
    if scale:
        centred = centred / (grouped.std(1, keepdim=True, correction=0) + 1e-6)
    return centred.reshape(-1)


def clipped_loss(logprobs: Tensor, old: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """PPO's loss summed over tokens [T]: -min(w A, clamp(w, 1 - clip, 1 + clip) A), w = exp(logprobs - old)."""
    ratio = (logprobs - old).exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages).sum()


def divergence(logprobs: Tensor, reference: Tensor) -> Tensor:
    """KL to a reference policy, summed over sampled tokens: exp(d) - d - 1 with d = reference - logprobs."""
    gap = reference - logprobs
    return (gap.exp() - gap - 1).sum()
