"""Reinforcement: it learns what earns, hears the sound, leaves the encoder alone, stops and resumes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mgrd.errors import TrainingError
from mgrd.models.checkpoints import LoadedModel, load_model
from mgrd.models.render import RenderedPrompt, Renderer
from mgrd.settings.training import GuardSpec, ReinforceSpec
from mgrd.training.advantages import clipped_loss
from mgrd.training.features import FeatureCache
from mgrd.training.gradients import row_states
from mgrd.training.guards import HeldOut
from mgrd.training.policy import PolicyLearner, Rollout, as_rows
from mgrd.training.reinforce import ReinforceReport, reinforce
from tests.tiny_model import PROMPTS

SPEC = ReinforceSpec(
    algorithm="grpo", steps=40, prompts=2, rollouts=16, learning_rate=4e-3, heldout_every=10,
    guards=GuardSpec(enabled=False),
)  # fmt: skip


class Bandit:
    """Two arms: one-token chains, drawn by the model's own probabilities; which arm pays depends on the clip."""

    def __init__(
        self, loaded: LoadedModel, features: FeatureCache, spec: ReinforceSpec, before: Callable[[int], object] = id
    ) -> None:
        renderer = Renderer(loaded.processor)
        self.model, self.features, self.spec, self.before = loaded.model, features, spec, before
        self.arms = [renderer.completion(text)[0] for text in ("one", "two")]
        self.prompts = {
            clip: renderer.prompt(PROMPTS[0], features.tokens(clip)) for clip in ("clip0", "clip3")
        }  # fmt: skip
        self.paying = {"clip0": 0, "clip3": 1}

    def probabilities(self, clip: str) -> torch.Tensor:
        """Of the two arms, and nothing else."""
        rollouts = [self._rollout(clip, self.prompts[clip], arm, 0.0) for arm in (0, 1)]
        with torch.no_grad():
            logprobs, _, _ = row_states(self.model, as_rows(rollouts), self.features)
        return logprobs.softmax(0)

    def _rollout(self, clip: str, prompt: RenderedPrompt, arm: int, logprob: float) -> Rollout:
        paid = arm == self.paying[clip]
        return Rollout(clip, prompt, (self.arms[arm],), logprob, float(paid), paid, 1, True, True, paid)

    def draw(self, step: int) -> list[list[Rollout]]:
        self.before(step)
        groups = []
        for place, (clip, prompt) in enumerate(self.prompts.items()):
            chances = self.probabilities(clip)
            generator = torch.Generator().manual_seed(1000 * step + place)
            arms = torch.multinomial(chances, self.spec.rollouts, replacement=True, generator=generator).tolist()
            groups.append([self._rollout(clip, prompt, arm, float(chances[arm].log())) for arm in arms])
        return groups

    def look(self, step: int) -> HeldOut:
        paid = sum(float(self.probabilities(clip)[arm]) for clip, arm in self.paying.items()) / 2
        return HeldOut(step, paid, paid, 1.0, 1.0, paid)


def run(
    folder: Path, out: Path, features: FeatureCache, spec: ReinforceSpec = SPEC, **options: object
) -> tuple[ReinforceReport, Bandit]:
    loaded = load_model(folder)
    before = options.pop("before", id)
    bandit = Bandit(loaded, features, spec, before)  # pyright: ignore[reportArgumentType]
    return reinforce(loaded, out, bandit, features, spec, seed=0, **options), bandit  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("algorithm", ["ppo", "grpo"])
def test_it_learns_which_answer_pays_for_which_sound(
    folder: Path, features: FeatureCache, tmp_path: Path, algorithm: str
) -> None:
    spec = SPEC.model_copy(update={"algorithm": algorithm})
    report, _ = run(folder, tmp_path / "out", features, spec)
    assert report.heldout[0].reward < 0.75
    assert report.heldout[-1].reward > 0.9


def test_the_encoder_is_bit_identical_and_the_rest_moves(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    run(folder, tmp_path / "out", features, SPEC.model_copy(update={"steps": 2}))
    before, after = load_model(folder), load_model(tmp_path / "out")
    assert after.encoder_sha == before.encoder_sha
    moved = [
        name
        for (name, old), new in zip(before.model.named_parameters(), after.model.parameters(), strict=True)
        if not torch.equal(old, new)
    ]
    assert not [name for name in moved if "audio_tower" in name]
    assert [name for name in moved if "multi_modal_projector" in name]


def chains(loaded: LoadedModel, features: FeatureCache, clip: str) -> list[Rollout]:
    renderer = Renderer(loaded.processor)
    prompt = renderer.prompt(PROMPTS[0], features.tokens(clip))
    texts = ("<think>\nthe pitch rises\n</think>\n\nrising", "<think>\n\n</think>\n\nfalling")
    ids = [(*renderer.completion(text), renderer.end_id) for text in texts]
    return [Rollout(clip, prompt, one, 0.0, float(i == 0), i == 0, 3, True, True, True) for i, one in enumerate(ids)]


def test_another_sound_changes_log_probabilities_and_gradients(folder: Path, features: FeatureCache) -> None:
    found = {}
    for clip in ("clip0", "clip3"):
        loaded = load_model(folder)
        learner = PolicyLearner(loaded, features, SPEC, 0, torch.float32)
        rollouts = chains(loaded, features, clip)
        with torch.no_grad():
            logprobs, _, _ = row_states(loaded.model, as_rows(rollouts), features)
        learner.step(0, [rollouts])
        gradient = loaded.model.model.multi_modal_projector.linear.weight.grad
        assert gradient is not None
        found[clip] = logprobs, gradient.clone()
    assert not torch.allclose(found["clip0"][0], found["clip3"][0], atol=1e-3)
    assert not torch.allclose(found["clip0"][1], found["clip3"][1], atol=1e-4)


def test_only_written_tokens_are_in_the_loss(folder: Path, features: FeatureCache) -> None:
    """Log-probabilities are those of the completion's ids alone: as many, and of the model's own forward pass."""
    loaded = load_model(folder)
    rollouts = chains(loaded, features, "clip1")
    with torch.no_grad():
        logprobs, states, _ = row_states(loaded.model, as_rows(rollouts), features)
    lengths = [len(one.ids) for one in rollouts]
    assert len(logprobs) == len(states) == sum(lengths)
    predicted = loaded.model.lm_head(states).log_softmax(-1)
    ids = torch.tensor([token for one in rollouts for token in one.ids])
    assert torch.allclose(predicted.gather(1, ids[:, None])[:, 0], logprobs, atol=1e-5)


def test_the_update_has_the_gradient_of_the_plain_formula(folder: Path, features: FeatureCache) -> None:
    loaded = load_model(folder)
    spec = SPEC.model_copy(update={"learning_rate": 1e-12})
    learner = PolicyLearner(loaded, features, spec, 0, torch.float32)
    rollouts = chains(loaded, features, "clip1")
    logprobs, _, _ = row_states(loaded.model, as_rows(rollouts), features)
    lengths = torch.tensor([len(one.ids) for one in rollouts])
    advantages = torch.tensor([0.5, -0.5]).repeat_interleave(lengths)
    loss = clipped_loss(logprobs, logprobs.detach(), advantages, 0.2) / lengths.sum()
    expected = torch.autograd.grad(loss, learner.parameters, allow_unused=True, materialize_grads=True)
    norm = torch.stack([one.square().sum() for one in expected]).sum().sqrt()
    learner.step(0, [rollouts])
    for parameter, plain in zip(learner.parameters, expected, strict=True):
        assert parameter.grad is not None
        assert torch.allclose(parameter.grad, plain * min(1.0, 1.0 / float(norm)), atol=1e-5)


class KilledError(Exception):
    """Stands for a kill: nothing catches it."""


@pytest.mark.parametrize("algorithm", ["ppo", "grpo"])
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(
    folder: Path, features: FeatureCache, tmp_path: Path, algorithm: str
) -> None:
    spec = SPEC.model_copy(update={"steps": 11, "algorithm": algorithm})
    whole, _ = run(folder, tmp_path / "whole", features, spec)

    def kill(step: int) -> None:
        if step == 6:
            raise KilledError

    with pytest.raises(KilledError):
        run(folder, tmp_path / "parts", features, spec, checkpoint_steps=4, before=kill)
    (place,) = (tmp_path / ".parts.run").iterdir()
    assert {path.suffix for path in place.iterdir()} == {".json", ".safetensors"}
    assert len(json.loads((place / "progress.json").read_text())["progress"]["steps"]) == 4
    drawn: list[int] = []
    parts, _ = run(folder, tmp_path / "parts", features, spec, checkpoint_steps=4, before=drawn.append)
    assert drawn == [4, 5, 6, 7, 8, 9, 10]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "whole"]
    assert parts.model_id == whole.model_id
    assert parts.steps == whole.steps


def test_a_broken_checkpoint_says_what_to_do(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    state = tmp_path / ".out.run"
    (state / "step-000004").mkdir(parents=True)
    (state / "step-000004" / "progress.json").write_text("{")
    with pytest.raises(TrainingError, match=r"cannot read the checkpoint .*remove .* to start anew"):
        run(folder, tmp_path / "out", features)


class Declining(Bandit):
    """Held-out accuracy that is best at the second look and then falls."""

    def look(self, step: int) -> HeldOut:
        return replace(super().look(step), correct={0: 0.5, 2: 0.8}.get(step, 0.3))


def test_a_heldout_drop_stops_the_run_and_the_best_model_is_kept(
    folder: Path, features: FeatureCache, tmp_path: Path
) -> None:
    spec = SPEC.model_copy(update={"heldout_every": 2, "guards": GuardSpec()})
    loaded = load_model(folder)
    kept: dict[int, torch.Tensor] = {}

    def remember(step: int) -> None:
        kept[step] = loaded.model.lm_head.weight.detach().clone()

    report = reinforce(loaded, tmp_path / "out", Declining(loaded, features, spec, remember), features, spec, seed=0)
    assert report.stopped is not None
    assert report.stopped.startswith("heldout_drop")
    assert (len(report.steps), report.best_step) == (4, 2)
    saved = load_model(tmp_path / "out").model.lm_head.weight
    assert torch.equal(saved, kept[2])
    assert not torch.equal(saved, kept[3])


def test_a_pull_to_the_first_model_holds_the_policy_back(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"steps": 12})
    free, _ = run(folder, tmp_path / "free", features, spec)
    held, _ = run(folder, tmp_path / "held", features, spec.model_copy(update={"kl": 5.0}))
    assert held.heldout[-1].reward < free.heldout[-1].reward


def test_gradients_that_are_not_finite_are_an_error(folder: Path, features: FeatureCache) -> None:
    loaded = load_model(folder)
    bandit = Bandit(loaded, features, SPEC)
    groups = [[replace(one, reward=float("nan")) for one in group] for group in bandit.draw(0)]
    learner = PolicyLearner(loaded, features, SPEC, 0, torch.float32)
    with pytest.raises(TrainingError, match="learning_rate"):
        learner.step(0, groups)
