"""Rollouts of reinforcement: questions put to an engine, chains scored by the filter's own scorer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from mgrd.audio.facts import Fact
from mgrd.engines.protocol import Completion, Engine, SampleRequest, Sampling
from mgrd.errors import EngineError
from mgrd.grounding.scorer import score_chain
from mgrd.ids import seed_from
from mgrd.models.render import Renderer, match_choice, parse_completion
from mgrd.settings import GroundingSpec
from mgrd.settings.training import ReinforceSpec
from mgrd.training.features import FeatureCache
from mgrd.training.guards import HeldOut
from mgrd.training.policy import Rollout
from mgrd.training.rewards import reward


@dataclass(frozen=True, slots=True)
class Task:
    """A question with its right choice; `prompt` is the user's text, `clip_id` None for a text task."""

    question_id: str
    clip_id: str | None
    audio: Path | None
    prompt: str
    question: str
    choices: tuple[str, ...]
    answer: str
    facts: tuple[Fact, ...]


class EngineRollouts:
    """Chains of an engine that writes with the model's present weights, at temperature 1 over the whole vocabulary.

    Other settings would sample from another policy than the one whose probabilities are learnt.
    """

    def __init__(
        self,
        engine: Engine,
        renderer: Renderer,
        features: FeatureCache,
        tasks: Sequence[Task],
        heldout: Sequence[Task],
        spec: ReinforceSpec,
        policy: GroundingSpec,
        *,
        max_new_tokens: int,
        seed: int,
    ) -> None:
        if not tasks:
            raise EngineError("no question lies inside the difficulty window; widen reinforce.window_low and _high")
        self.engine = engine
        self.renderer = renderer
        self.features = features
        self.tasks = sorted(tasks, key=lambda task: task.question_id)
        self.heldout = sorted(heldout, key=lambda task: task.question_id)
        self.spec = spec
        self.policy = policy
        self.sampling = Sampling(1.0, 1.0, max_new_tokens)
        self.seed = seed

    def draw(self, step: int) -> list[list[Rollout]]:
        """`rollouts` chains of `prompts` questions; every question once before any comes again."""
        chosen = [self.tasks[self._place(step * self.spec.prompts + i)] for i in range(self.spec.prompts)]
        return self._write(chosen, self.spec.rollouts, f"step {step}")

    def _place(self, position: int) -> int:
        epoch, at = divmod(position, len(self.tasks))
        return int(np.random.default_rng([self.seed, epoch]).permutation(len(self.tasks))[at])

    def look(self, step: int) -> HeldOut:
        """One chain per held-out question, with the same seeds at every look."""
        if not self.heldout:
            return HeldOut(step, 0.0, 0.0, 0.0, 0.0, 0.0)
        chains = [group[0] for group in self._write(self.heldout, 1, "held out")]
        return HeldOut(
            step,
            fmean(one.reward for one in chains),
            fmean(one.correct for one in chains),
            fmean(one.length for one in chains),
            fmean(one.reasoned for one in chains),
            fmean(one.grounded for one in chains),
        )

    def _write(self, tasks: Sequence[Task], count: int, when: str) -> list[list[Rollout]]:
        requests = [
            SampleRequest(
                request_id=str(place),
                clip_id=task.clip_id,
                audio=task.audio,
                prompt=task.prompt,
                sample_indices=tuple(range(count)),
                seeds=tuple(seed_from("rollout", self.seed, when, place, task.question_id, i) for i in range(count)),
            )
            for place, task in enumerate(tasks)
        ]
        groups: list[list[Rollout]] = [[] for _ in tasks]
        for batch in self.engine.sample(requests, self.sampling):
            for completion in batch:
                place = int(completion.request_id)
                groups[place].append(self._rollout(tasks[place], completion))
        return groups

    def _rollout(self, task: Task, done: Completion) -> Rollout:
        if not done.token_ids or done.logprob is None:
            raise EngineError(
                f"the engine {self.engine.name} does not tell token ids, which reinforcement needs; "
                'set runtime.engine = "transformers", or export for a cluster with `mgrd export`'
            )
        parsed = parse_completion(done.text)
        answer = None if parsed.answer is None else match_choice(parsed.answer, task.choices)
        grounding = score_chain(
            raw_text=done.text,
            reasoning=parsed.reasoning,
            answer=parsed.answer,
            question=task.question,
            choices=task.choices,
            facts=task.facts,
            policy=self.policy,
        )
        correct, reasoned = answer == task.answer, bool(parsed.reasoning)
        earned = reward(
            self.spec.reward,
            audio=task.clip_id is not None,
            correct=correct,
            reasoned=reasoned,
            grounded=grounding.grounded,
        )
        windows = () if task.clip_id is None else self.features.windows(task.clip_id)
        return Rollout(
            clip_id=task.clip_id,
            prompt=self.renderer.prompt(task.prompt, windows),
            ids=done.token_ids,
            logprob=done.logprob,
            reward=earned,
            correct=correct,
            length=done.reasoning_tokens,
            reasoned=reasoned,
            substance=grounding.supported > 0 and not grounding.surrogate,
            grounded=grounding.grounded,
        )
