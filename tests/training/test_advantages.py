"""Advantages and losses of reinforcement against hand computations and plain formulas."""

import math

import pytest
import torch

from mgrd.training.advantages import (
    clipped_loss,
    divergence,
    generalised_advantages,
    group_advantages,
    last_token_rewards,
)


def test_the_reward_stands_on_the_last_token_of_each_chain() -> None:
    assert last_token_rewards(torch.tensor([0.2, 1.0]), [3, 2]).tolist() == pytest.approx([0, 0, 0.2, 0, 1.0])


def test_without_discount_the_advantage_is_the_reward_less_the_value() -> None:
    rewards = last_token_rewards(torch.tensor([1.0, 0.2]), [3, 2])
    values = torch.tensor([0.5, 0.6, 0.9, 0.1, 0.4])
    advantages, returns = generalised_advantages(rewards, values, [3, 2], 1.0, 1.0)
    assert advantages.tolist() == pytest.approx([0.5, 0.4, 0.1, 0.1, -0.2])
    assert returns.tolist() == pytest.approx([1.0, 1.0, 1.0, 0.2, 0.2])


def test_discounted_advantages_equal_a_hand_computation() -> None:
    """delta = (0.9*2 - 1, 0.9*3 - 2, 10 - 3) = (0.8, 0.7, 7); A_3 = 7, A_2 = 0.7 + 0.45*7, A_1 = 0.8 + 0.45*A_2."""
    rewards, values = torch.tensor([0.0, 0.0, 10.0]), torch.tensor([1.0, 2.0, 3.0])
    advantages, _ = generalised_advantages(rewards, values, [3], gamma=0.9, lam=0.5)
    assert advantages.tolist() == pytest.approx([0.8 + 0.45 * 3.85, 3.85, 7.0])


def test_a_chain_learns_nothing_from_the_chain_beside_it() -> None:
    values = torch.rand(5, generator=torch.Generator().manual_seed(0))
    alone, _ = generalised_advantages(torch.tensor([0.0, 1.0]), values[:2], [2], 0.9, 0.9)
    beside, _ = generalised_advantages(torch.tensor([0.0, 1.0, 0.0, 0.0, 5.0]), values, [2, 3], 0.9, 0.9)
    assert torch.equal(alone, beside[:2])


def test_group_advantages_are_centred_per_question() -> None:
    found = group_advantages(torch.tensor([1.0, 0.0, 1.0, 1.0]), 2, scale=False)
    assert found.tolist() == pytest.approx([0.5, -0.5, 0.0, 0.0])
    scaled = group_advantages(torch.tensor([1.0, 0.0, 1.0, 1.0]), 2, scale=True)
    assert scaled.tolist() == pytest.approx([1.0, -1.0, 0.0, 0.0], abs=1e-4)


def plain_gradient(logprob: float, old: float, advantage: float, clip: float) -> float:
    """d/dlogprob of -min(w A, clamp(w) A): -w A, but 0 where the clamp holds and is the smaller."""
    ratio = math.exp(logprob - old)
    held = (advantage > 0 and ratio > 1 + clip) or (advantage < 0 and ratio < 1 - clip)
    return 0.0 if held else -ratio * advantage


@pytest.mark.parametrize("advantage", [1.5, -0.7])
@pytest.mark.parametrize("shift", [-0.5, -0.1, 0.0, 0.1, 0.5])
def test_the_clipped_loss_has_the_gradient_of_the_formula(advantage: float, shift: float) -> None:
    logprobs = torch.tensor([-2.0 + shift], requires_grad=True)
    clipped_loss(logprobs, torch.tensor([-2.0]), torch.tensor([advantage]), 0.2).backward()
    assert logprobs.grad is not None
    assert logprobs.grad.item() == pytest.approx(plain_gradient(-2.0 + shift, -2.0, advantage, 0.2), abs=1e-6)


def test_on_policy_the_gradient_is_that_of_the_policy_gradient() -> None:
    logprobs = torch.tensor([-1.0, -3.0, -0.2], requires_grad=True)
    advantages = torch.tensor([0.4, -1.0, 2.0])
    clipped_loss(logprobs, logprobs.detach(), advantages, 0.2).backward()
    assert logprobs.grad is not None
    assert torch.allclose(logprobs.grad, -advantages)


def test_divergence_is_zero_at_the_reference_and_positive_beside_it() -> None:
    reference = torch.tensor([-1.0, -2.0])
    assert divergence(reference, reference).item() == 0
    assert divergence(reference + 0.3, reference).item() > 0
    assert divergence(reference - 0.3, reference).item() > 0
