"""One update of reinforcement (eq. 6): chains that the policy wrote and what they earned, in; a moved policy, out.

PPO judges each token against a value head, GRPO each chain against its group. The encoder is never run and never
changed: the update reads its cached outputs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from mgrd.errors import TrainingError
from mgrd.models.checkpoints import LoadedModel
from mgrd.models.parallel import Workers, workers
from mgrd.models.precision import computing_in
from mgrd.models.render import RenderedExample, RenderedPrompt
from mgrd.settings.training import ReinforceSpec
from mgrd.training.adapters import trainable_parameters
from mgrd.training.advantages import (
    clipped_loss,
    divergence,
    generalised_advantages,
    group_advantages,
    last_token_rewards,
)
from mgrd.training.batches import TrainingRow, shard_batch
from mgrd.training.features import FeatureCache
from mgrd.training.gradients import put_gradients, row_states, update
from mgrd.training.guards import StepFigures
from mgrd.training.optimizer import BETAS, set_rate
from mgrd.training.state import Learners
from mgrd.training.value_head import ValueHead, fit_values

VALUE_UPDATES = 4
FIRST_VALUE_UPDATES = 60
"""The value head knows nothing at first: before the first policy update it is fitted longer."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """A chain that the model wrote: its ids, end of turn included, and what it earned.

    `length` counts reasoning tokens, `logprob` is the sum over its ids. `substance`: the reasoning holds a claim that
    the clip bears out and argues from nothing else.
    """

    clip_id: str | None
    prompt: RenderedPrompt
    ids: tuple[int, ...]
    logprob: float
    reward: float
    correct: bool
    length: int
    reasoned: bool
    substance: bool
    grounded: bool


class PolicyLearner:
    """Policy, value head and their optimizers. `step` is one update of the policy on fresh chains."""

    def __init__(
        self, loaded: LoadedModel, features: FeatureCache, spec: ReinforceSpec, seed: int, dtype: torch.dtype
    ) -> None:
        self.model = loaded.model.eval()
        self.features = features
        self.spec = spec
        self.dtype = dtype
        self.parameters = trainable_parameters(self.model)
        self.names = [name for name, parameter in self.model.named_parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=spec.learning_rate, betas=BETAS, weight_decay=0.0)
        self.head = ValueHead(self.model.lm_head.in_features, seed)
        self.critic = torch.optim.AdamW(self.head.parameters(), lr=spec.value_rate, weight_decay=0.0)
        self.reference = self.weights() if spec.kl else None
        self.tokens = 0

    def weights(self) -> dict[str, Tensor]:
        """A copy of what is trained."""
        return {n: p.detach().clone() for n, p in zip(self.names, self.parameters, strict=True)}

    def learners(self) -> Learners:
        return {"policy": (self.model, self.optimizer), "value": (self.head, self.critic)}

    def put_weights(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in zip(self.names, self.parameters, strict=True):
                parameter.copy_(weights[name])

    def step(self, step: int, groups: Sequence[Sequence[Rollout]]) -> StepFigures:
        """Update the policy on the groups' chains; returns their figures."""
        rollouts = [rollout for group in groups for rollout in group]
        if not rollouts:
            raise TrainingError(f"step {step}: no chain was drawn; are there questions inside the difficulty window?")
        rising = max(1, round(self.spec.warmup * self.spec.steps))
        set_rate(self.optimizer, self.spec.learning_rate * min(1.0, (step + 1) / rising))
        with workers() as crew:
            old, advantages, error = self._judge(step, rollouts, len(groups[0]), crew)
            reference = self._reference_logprobs(rollouts, crew)
            clipped = 0.0
            for _ in range(self.spec.epochs):
                clipped = self._update(rollouts, old, advantages, reference, crew)
                self._check(step)
                update(self.parameters, self.optimizer)
        return figures_of(step, rollouts, error, clipped)

    def _check(self, step: int) -> None:
        norm = math.fsum(float(p.grad.square().sum()) for p in self.parameters if p.grad is not None)
        if not math.isfinite(norm):
            raise TrainingError(f"step {step}: gradients are {norm}; lower reinforce.learning_rate")

    def _judge(
        self, step: int, rollouts: Sequence[Rollout], group: int, crew: Workers
    ) -> tuple[list[Tensor], list[Tensor], float]:
        """Per chain the log-probabilities before the update and the advantages of its tokens; the critic's error."""
        rewards = torch.tensor([rollout.reward for rollout in rollouts])
        lengths = [len(rollout.ids) for rollout in rollouts]
        old, states = self._forward(rollouts, crew)
        if self.spec.algorithm == "grpo":
            each = group_advantages(rewards, group, scale=self.spec.scale)
            return old, [each[i].expand(length) for i, length in enumerate(lengths)], 0.0
        joined = torch.cat(states)
        if step == 0:
            with torch.no_grad():
                self.head.outer.bias.fill_(float(rewards.mean()))
            returns = rewards.repeat_interleave(torch.tensor(lengths))
            fit_values(self.head, self.critic, joined, returns, FIRST_VALUE_UPDATES)
        with torch.no_grad():
            values = self.head(joined)
        advantages, returns = generalised_advantages(
            last_token_rewards(rewards, lengths), values, lengths, self.spec.gamma, self.spec.lam
        )
        error = fit_values(self.head, self.critic, joined, returns, VALUE_UPDATES)
        if self.spec.scale:
            advantages = (advantages - advantages.mean()) / (advantages.std(correction=0) + 1e-6)
        return old, list(advantages.split(lengths)), error

    def _forward(self, rollouts: Sequence[Rollout], crew: Workers) -> tuple[list[Tensor], list[Tensor]]:
        """Log-probabilities and states of each chain's tokens, without gradients."""

        def read(shard: list[TrainingRow]) -> list[tuple[int, Tensor, Tensor]]:
            with torch.no_grad(), computing_in(self.dtype, str(self.model.device)):
                logprobs, states, _ = row_states(self.model, shard, self.features)
            lengths = [len(row.example.completion) for row in shard]
            parts = zip(shard, logprobs.split(lengths), states.float().split(lengths), strict=True)
            return [(int(row.row_id), logprob, state) for row, logprob, state in parts]

        found = {i: (a, b) for part in crew.map(read, shard_batch(as_rows(rollouts), crew.count)) for i, a, b in part}
        return [found[i][0] for i in range(len(rollouts))], [found[i][1] for i in range(len(rollouts))]

    def _reference_logprobs(self, rollouts: Sequence[Rollout], crew: Workers) -> list[Tensor] | None:
        if self.reference is None:
            return None
        present = self.weights()
        self.put_weights(self.reference)
        logprobs, _ = self._forward(rollouts, crew)
        self.put_weights(present)
        return logprobs

    def _update(
        self,
        rollouts: Sequence[Rollout],
        old: list[Tensor],
        advantages: list[Tensor],
        reference: list[Tensor] | None,
        crew: Workers,
    ) -> float:
        """Set the gradients of the mean clipped loss over tokens; returns the share of clipped tokens."""
        total = sum(len(rollout.ids) for rollout in rollouts)

        def differentiate(shard: list[TrainingRow]) -> tuple[int, int, tuple[Tensor, ...]]:
            places = [int(row.row_id) for row in shard]
            with computing_in(self.dtype, str(self.model.device)):
                logprobs, _, tokens = row_states(self.model, shard, self.features)
            before = torch.cat([old[at] for at in places])
            loss = clipped_loss(logprobs, before, torch.cat([advantages[at] for at in places]), self.spec.clip)
            if reference is not None:
                loss = loss + self.spec.kl * divergence(logprobs, torch.cat([reference[at] for at in places]))
            outside = int((((logprobs - before).exp() - 1).abs() > self.spec.clip).sum())
            gradients = torch.autograd.grad(loss / total, self.parameters, allow_unused=True, materialize_grads=True)
            return outside, tokens, gradients

        parts = crew.map(differentiate, shard_batch(as_rows(rollouts), crew.count))
        put_gradients(self.parameters, [part[2] for part in parts])
        self.tokens += sum(part[1] for part in parts)
        return sum(part[0] for part in parts) / total


def as_rows(rollouts: Sequence[Rollout]) -> list[TrainingRow]:
    """Rollouts as rows of a batch; a row's id is its place."""
    return [TrainingRow(str(i), r.clip_id, RenderedExample(r.prompt, r.ids), 1.0) for i, r in enumerate(rollouts)]


def figures_of(step: int, rollouts: Sequence[Rollout], value_error: float, clipped: float) -> StepFigures:
    """Means over a step's chains; the entropy is that of the sampled tokens, an unbiased estimate at temperature 1."""
    return StepFigures(
        step=step,
        reward=fmean(one.reward for one in rollouts),
        correct=fmean(one.correct for one in rollouts),
        length=fmean(one.length for one in rollouts),
        entropy=-sum(one.logprob for one in rollouts) / sum(len(one.ids) for one in rollouts),
        reasoned=fmean(one.reasoned for one in rollouts),
        substance=fmean(one.substance for one in rollouts),
        grounded=fmean(one.grounded for one in rollouts),
        value_error=value_error,
        clipped=clipped,
    )
