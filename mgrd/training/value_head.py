"""PPO's critic: the expected reward of a chain, read off the decoder's hidden state at each token.

It sees detached states, so its loss never moves the policy, and it is thrown away with the run.
"""

import torch
from torch import Tensor, nn


class ValueHead(nn.Module):
    """hidden state [T, hidden] -> value [T]. Starts at zero everywhere: only the constant `outer.bias` is to be set."""

    def __init__(self, hidden: int, seed: int) -> None:
        super().__init__()
        self.inner = nn.Linear(hidden, hidden)
        self.outer = nn.Linear(hidden, 1)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.inner.weight.normal_(0.0, hidden**-0.5, generator=generator)
            self.inner.bias.zero_()
            self.outer.weight.zero_()
            self.outer.bias.zero_()

    def forward(self, states: Tensor) -> Tensor:
        """Values of states that carry no gradient."""
        return self.outer(torch.tanh(self.inner(states.detach().float())))[:, 0]


def fit_values(head: ValueHead, optimizer: torch.optim.Optimizer, states: Tensor, returns: Tensor, steps: int) -> float:
    """`steps` updates on the squared error; returns the error before the first."""
    first = 0.0
    for step in range(steps):
        optimizer.zero_grad()
        loss = (head(states) - returns).square().mean()
        loss.backward()
        optimizer.step()
        first = loss.item() if step == 0 else first
    return first
