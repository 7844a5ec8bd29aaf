"""DPO (Rafailov et al., arXiv 2305.18290): the preferred chain of a pair becomes likelier than the rejected one.

The first model's log-probabilities are computed once, before anything moves. The encoder is never run.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from mgrd.errors import TrainingError
from mgrd.ids import content_key
from mgrd.models.checkpoints import LoadedModel, save_model
from mgrd.models.parallel import Workers, workers
from mgrd.models.precision import Precision, choose_precision, computing_in
from mgrd.models.render import RenderedExample
from mgrd.settings.training import PreferenceSpec
from mgrd.training.adapters import trainable_parameters
from mgrd.training.batches import TrainingRow
from mgrd.training.features import FeatureCache
from mgrd.training.gradients import put_gradients, row_states, update
from mgrd.training.optimizer import BETAS, rate_factor, set_rate
from mgrd.training.state import RunState


@dataclass(frozen=True, slots=True)
class Pair:
    """Two completions of one prompt on one clip (None: text)."""

    pair_id: str
    clip_id: str | None
    chosen: RenderedExample
    rejected: RenderedExample


@dataclass(frozen=True, slots=True)
class DpoReport:
    """Loss and share of rightly ordered pairs per step; `model_id` is that of the saved checkpoint."""

    model_id: str
    template_sha: str
    losses: list[float]
    ordered: list[float]
    tokens: int


def dpo_loss(chosen: Tensor, rejected: Tensor, before: Tensor, beta: float) -> Tensor:
    """-log sigmoid(beta ((chosen - rejected) - before)) per pair; log-probabilities are sums over completions.

    `before` is chosen less rejected under the first model.
    """
    return -logsigmoid(beta * (chosen - rejected - before))


def train_dpo(
    loaded: LoadedModel,
    out_folder: Path,
    pairs: Sequence[Pair],
    features: FeatureCache,
    spec: PreferenceSpec,
    *,
    seed: int,
    precision: Precision = "float32",
    checkpoint_steps: int = 0,
    on_step: Callable[[int], None] | None = None,
) -> DpoReport:
    """Train `loaded` on the pairs and save it. Every clip must be in `features`.

    Every `checkpoint_steps` steps (0: never) the run's state is written beside `out_folder`; the same call goes on
    from there. Raises TrainingError without pairs and when the loss is no longer finite; then nothing is saved.
    """
    if not pairs:
        raise TrainingError("there are no preference pairs; the round's chains hold no pair of one question")
    keys = [pair.pair_id for pair in pairs]
    state = RunState.beside(out_folder, content_key("dpo", loaded.sha, keys, spec.model_dump(), seed))
    with workers() as crew:
        learner = _Learner(loaded, pairs, features, spec, choose_precision(precision, str(loaded.model.device)), crew)
        learners = {"policy": (learner.model, learner.optimizer)}
        restored = state.restore(learners)
        done, told = (restored.step, restored.progress) if restored else (0, {"losses": [], "ordered": [], "tokens": 0})
        if on_step and done:
            on_step(done)
        for step, places in islice(enumerate(_orders(len(pairs), spec.batch_pairs, spec.steps, seed)), done, None):
            loss, right, tokens = learner.step(step, places)
            told["losses"].append(loss)
            told["ordered"].append(right / len(places))
            told["tokens"] += tokens
            if checkpoint_steps and (step + 1) % checkpoint_steps == 0 and step + 1 < spec.steps:
                state.save(step + 1, learners, told)
            if on_step:
                on_step(1)
    sha = save_model(learner.model, loaded.processor, out_folder)
    state.discard()
    return DpoReport(sha, loaded.template_sha, **told)


class _Learner:
    """The policy, its optimizer, and by how much the first model preferred the chosen chain of each pair."""

    def __init__(
        self,
        loaded: LoadedModel,
        pairs: Sequence[Pair],
        features: FeatureCache,
        spec: PreferenceSpec,
        dtype: torch.dtype,
        crew: Workers,
    ) -> None:
        self.model = loaded.model.eval()
        self.pairs = pairs
        self.features = features
        self.spec = spec
        self.dtype = dtype
        self.crew = crew
        self.parameters = trainable_parameters(self.model)
        self.optimizer = torch.optim.AdamW(self.parameters, lr=spec.learning_rate, betas=BETAS, weight_decay=0.0)
        self.before = self._margins_before()

    def step(self, step: int, places: Sequence[int]) -> tuple[float, int, int]:
        """Learn the pairs at these places: the mean loss, how many are rightly ordered, and the tokens computed."""
        set_rate(self.optimizer, self.spec.learning_rate * rate_factor(step, self.spec.steps, self.spec.warmup))

        def differentiate(shard: Sequence[int]) -> tuple[float, int, int, tuple[Tensor, ...]]:
            chosen, rejected, count = self._margins([self.pairs[at] for at in shard])
            before = self.before[list(shard)]
            loss = dpo_loss(chosen, rejected, before, self.spec.beta).sum() / len(places)
            gradients = torch.autograd.grad(loss, self.parameters, allow_unused=True, materialize_grads=True)
            return loss.item(), int((chosen - rejected > before).sum()), count, gradients

        share = math.ceil(len(places) / self.crew.count)
        parts = self.crew.map(differentiate, [places[at : at + share] for at in range(0, len(places), share)])
        loss = sum(part[0] for part in parts)
        if not math.isfinite(loss):
            raise TrainingError(f"step {step}: loss is {loss}; lower preferences.learning_rate")
        put_gradients(self.parameters, [part[3] for part in parts])
        update(self.parameters, self.optimizer)
        return loss, sum(part[1] for part in parts), sum(part[2] for part in parts)

    def _margins(self, batch: Sequence[Pair]) -> tuple[Tensor, Tensor, int]:
        """Log-probabilities of chosen and of rejected chains [pairs], and the tokens computed."""
        rows = [TrainingRow(p.pair_id, p.clip_id, one, 1.0) for p in batch for one in (p.chosen, p.rejected)]
        with computing_in(self.dtype, str(self.model.device)):
            logprobs, _, count = row_states(self.model, rows, self.features)
        sums = torch.stack([part.sum() for part in logprobs.split([len(row.example.completion) for row in rows])])
        return sums[::2], sums[1::2], count

    def _margins_before(self) -> Tensor:
        """Chosen less rejected under the first model [pairs]."""

        def read(part: Sequence[Pair]) -> Tensor:
            with torch.no_grad():
                chosen, rejected, _ = self._margins(part)
            return chosen - rejected

        batch = self.spec.batch_pairs
        return torch.cat(self.crew.map(read, [self.pairs[at : at + batch] for at in range(0, len(self.pairs), batch)]))


def _orders(count: int, batch: int, steps: int, seed: int) -> list[list[int]]:
    """Places of each step's pairs: every pair once before any comes again, in orders drawn from the seed."""
    rng = np.random.default_rng(seed)
    waiting: list[int] = []
    orders = []
    for _ in range(steps):
        while len(waiting) < batch:
            waiting += rng.permutation(count).tolist()
        orders.append(waiting[:batch])
        del waiting[:batch]
    return orders
