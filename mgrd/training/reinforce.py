"""Reinforcement (eq. 6-8): sample with the model as it is, score each chain, move the model once, repeat.

What writes and scores the chains comes in as a `RolloutSource`; `mgrd.training.policy` moves the model. Here is the
run: its looks at held-out questions, its guards, its checkpoints, and which model is kept in the end.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from mgrd.ids import content_key
from mgrd.models.checkpoints import LoadedModel, save_model
from mgrd.models.precision import Precision, choose_precision
from mgrd.settings.training import ReinforceSpec
from mgrd.training.features import FeatureCache
from mgrd.training.guards import HeldOut, StepFigures, check_guards
from mgrd.training.policy import PolicyLearner, Rollout
from mgrd.training.state import RunState


class RolloutSource(Protocol):
    """What writes chains with the model's present weights, and scores them."""

    def draw(self, step: int) -> list[list[Rollout]]:
        """Groups of equally many chains, one group per question of the step."""
        ...

    def look(self, step: int) -> HeldOut:
        """Figures of held-out questions."""
        ...


@dataclass(frozen=True, slots=True)
class ReinforceReport:
    """What a run did. `stopped` is the guard's reason or None; the saved model is that of step `best_step`."""

    model_id: str
    template_sha: str
    steps: list[StepFigures]
    heldout: list[HeldOut]
    stopped: str | None
    best_step: int
    tokens: int
    precision: str


def reinforce(
    loaded: LoadedModel,
    out_folder: Path,
    source: RolloutSource,
    features: FeatureCache,
    spec: ReinforceSpec,
    *,
    seed: int,
    precision: Precision = "float32",
    checkpoint_steps: int = 0,
    on_step: Callable[[int], None] | None = None,
) -> ReinforceReport:
    """Move `loaded` for `spec.steps` steps and save the best model of its held-out looks to `out_folder`.

    With guards off the last model is saved. Every `checkpoint_steps` steps (0: never) the run's state is written beside
    `out_folder`; the same call goes on from there. The same arguments give the same weights on the same machine. Raises
    TrainingError when no chain could be drawn or the loss is no longer finite; then nothing is saved.
    """
    learner = PolicyLearner(loaded, features, spec, seed, choose_precision(precision, str(loaded.model.device)))
    run = _Run(learner, [], [], best_step=0, best=learner.weights(), stopped=None)
    state = RunState.beside(out_folder, content_key("reinforce", loaded.sha, spec.model_dump(), seed))
    _resume(run, state)
    on_step = on_step or (lambda _: None)
    on_step(len(run.steps))
    while run.stopped is None and len(run.steps) < spec.steps:
        step = len(run.steps)
        if step % spec.heldout_every == 0 and len(run.heldout) <= step // spec.heldout_every:
            _look(run, source, step)
            if run.stopped is not None:
                break
        run.steps.append(learner.step(step, source.draw(step)))
        run.stopped = check_guards(run.steps, [], spec.guards)
        if checkpoint_steps and len(run.steps) % checkpoint_steps == 0:
            _checkpoint(run, state)
        on_step(1)
    if not run.heldout or run.heldout[-1].step < len(run.steps):
        _look(run, source, len(run.steps))
    if spec.guards.enabled:
        learner.put_weights(run.best)
    else:
        run.best_step = len(run.steps)
    sha = save_model(loaded.model.eval(), loaded.processor, out_folder)
    state.discard()
    return ReinforceReport(
        sha, loaded.template_sha, run.steps, run.heldout, run.stopped, run.best_step, learner.tokens,
        str(learner.dtype).removeprefix("torch."),
    )  # fmt: skip


@dataclass(slots=True)
class _Run:
    """How far a run has come."""

    learner: PolicyLearner
    steps: list[StepFigures]
    heldout: list[HeldOut]
    best_step: int
    best: dict[str, Tensor]
    stopped: str | None


def _look(run: _Run, source: RolloutSource, step: int) -> None:
    figures = source.look(step)
    if not run.heldout or figures.correct >= max(one.correct for one in run.heldout):
        run.best_step, run.best = step, run.learner.weights()
    run.heldout.append(figures)
    run.stopped = run.stopped or check_guards(run.steps, run.heldout, run.learner.spec.guards)


def _checkpoint(run: _Run, state: RunState) -> None:
    progress = {
        "steps": [asdict(one) for one in run.steps],
        "heldout": [asdict(one) for one in run.heldout],
        "best_step": run.best_step,
        "stopped": run.stopped,
        "tokens": run.learner.tokens,
    }
    state.save(len(run.steps), run.learner.learners(), progress, run.best)


def _resume(run: _Run, state: RunState) -> None:
    restored = state.restore(run.learner.learners())
    if restored is None:
        return
    progress = restored.progress
    run.best = restored.kept
    run.steps = [StepFigures(**one) for one in progress["steps"]]
    run.heldout = [HeldOut(**one) for one in progress["heldout"]]
    run.best_step, run.stopped = progress["best_step"], progress["stopped"]
    run.learner.tokens = progress["tokens"]
