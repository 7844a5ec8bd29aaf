"""What rollouts need of a workspace: the model in memory, its encoder cache, the clips' evidence, an engine."""

import polars as pl

from mgrd.engines.rollouts import EngineRollouts, Task
from mgrd.engines.transformers import TransformersEngine
from mgrd.models.checkpoints import LoadedModel
from mgrd.models.render import Renderer
from mgrd.store import Workspace
from prompts import load_prompt
from schemas import CLIPS, EVIDENCE
from tasks.models import features_of
from tasks.rows import facts_by_clip


class RolloutBench:
    """Model, encoder cache, evidence and engine of one run."""

    def __init__(self, workspace: Workspace, loaded: LoadedModel, questions: pl.DataFrame) -> None:
        self.spec = workspace.settings.spec
        wanted = questions["clip_id"].drop_nulls().unique()
        clips = workspace.store.read(CLIPS).filter(pl.col("clip_id").is_in(wanted.implode())).sort("clip_id")
        self.audio = {clip: workspace.resolve(uri) for clip, uri in clips.select("clip_id", "uri").iter_rows()}
        evidence = workspace.store.read(EVIDENCE).filter(pl.col("clip_id").is_in(wanted.implode()))
        self.facts = facts_by_clip(evidence, "facts")
        self.truth = facts_by_clip(clips, "truth")
        self.features = features_of(workspace, loaded.encoder_sha)
        self.features.ensure(loaded, list(self.audio.items()))
        self.renderer = Renderer(loaded.processor)
        self.engine = TransformersEngine(
            loaded, workspace.features, batch_requests=workspace.settings.runtime.batch_requests,
            precision=self.spec.model.features, long_clips=self.spec.model.long_clips,
        )  # fmt: skip
        self.prompt = load_prompt(self.spec.sampling.prompt)

    def source(self, pool: pl.DataFrame, heldout: pl.DataFrame, *, by_truth: bool = False) -> EngineRollouts:
        return EngineRollouts(
            self.engine,
            self.renderer,
            self.features,
            self._tasks(pool, by_truth=by_truth),
            self._tasks(heldout, by_truth=by_truth),
            self.spec.reinforce,
            self.spec.policy,
            max_new_tokens=self.spec.sampling.max_new_tokens,
            seed=self.spec.seed,
        )

    def figures(self, questions: pl.DataFrame) -> dict[str, float]:
        """Sampled figures of the questions, one chain each; `truth_grounded` is told by how the clips were made."""
        seen = self.source(questions, questions).look(0)
        known = self.source(questions, questions, by_truth=True).look(0) if self.truth else None
        figures = {"correct": seen.correct, "length": seen.length, "reasoned": seen.reasoned, "grounded": seen.grounded}
        return figures if known is None else {**figures, "truth_grounded": known.grounded}

    def _tasks(self, questions: pl.DataFrame, *, by_truth: bool) -> list[Task]:
        facts = self.truth if by_truth else self.facts
        return [
            Task(
                question_id=row["question_id"],
                clip_id=row["clip_id"],
                audio=None if row["clip_id"] is None else self.audio[row["clip_id"]],
                prompt=self.prompt.render(question=row["text"], choices=row["choices"]),
                question=row["text"],
                choices=tuple(row["choices"]),
                answer=row["answer"],
                facts=tuple(facts.get(row["clip_id"] or "", ())),
            )
            for row in questions.iter_rows(named=True)
        ]
