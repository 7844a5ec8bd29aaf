"""Reinforce: rollouts on questions of the difficulty window, scored like all other chains (eq. 6-8)."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import polars as pl

from mgrd.errors import EngineError
from mgrd.grounding.scorer import GROUNDING_VERSION
from mgrd.models import load_model
from mgrd.settings import GroundingSpec
from mgrd.store import Entry, Outcome, Stage, Workspace, digest, run_stage
from mgrd.training.reinforce import ReinforceReport, reinforce
from prompts import load_prompt
from schemas import CURRICULUM, MODELS, QUESTIONS
from tasks.models import ModelRef, model_entry, new_folder, put_trained
from tasks.progress import progress
from tasks.rollouts import RolloutBench
from tasks.rows import questions_of
from tasks.run import Run
from tasks.stage_task import stage_task

LOGGER = logging.getLogger("mgrd")
VERSION = 1


@stage_task("reinforce", uses="gpu")
def reinforce_model(run: Run, round_: int, model: ModelRef) -> ModelRef:
    """The model after reinforcement on the round's questions inside the window; itself when there is none."""
    entry = reinforce_stage(run.open(), round_, model, "reinforce")
    reached = model if entry is None else model_entry(entry, round_)
    return model if reached.model_id == model.model_id else reached


def reinforce_stage(
    workspace: Workspace, round_: int, model: ModelRef, name: str, *, measured: bool = False
) -> Entry | None:
    """One reinforcement run as a stage called `name`; None when no question lies inside the window.

    `measured` adds figures of the test split before and after (counts `before` and `final`).
    """
    spec = workspace.settings.spec
    if workspace.settings.runtime.engine != "transformers":
        raise EngineError(
            f"runtime.engine = {workspace.settings.runtime.engine!r} cannot reinforce: rollouts come from the weights "
            'of the moment; set it to "transformers", or export the round for a cluster with `mgrd export`'
        )
    window = pl.col("passed").is_between(spec.reinforce.window_low, spec.reinforce.window_high)
    inside = workspace.store.read(CURRICULUM, {"round": round_}).filter(window)["question_id"]
    pool = questions_of(workspace, "pool").filter(pl.col("question_id").is_in(inside.implode()))
    pool = pool.filter(pl.col("answer").is_not_null())
    if pool.is_empty():
        LOGGER.warning("round %d  no question inside the difficulty window, nothing is reinforced", round_)
        return None
    dev = questions_of(workspace, "dev").filter(pl.col("answer").is_not_null())
    dev = dev.sort("question_id").head(spec.reinforce.heldout_questions)
    stage = Stage(
        name=name,
        round=round_,
        version=VERSION,
        config={
            "reinforce": spec.reinforce.model_dump(),
            "policy": spec.policy.model_dump(include=set(GroundingSpec.model_fields)),
            "grounding": GROUNDING_VERSION,
            "prompt": load_prompt(spec.sampling.prompt).sha,
            "max_new_tokens": spec.sampling.max_new_tokens,
            "measured": measured,
            "seed": spec.seed,
        },
        inputs={"pool": digest(QUESTIONS, pool), "dev": digest(QUESTIONS, dev), "model": model.model_id},
    )

    def work() -> Outcome:
        return _reinforce(workspace, stage, model, pool, dev, measured=measured)

    entry, _ = run_stage(workspace, stage, work)
    return entry


def _reinforce(
    workspace: Workspace, stage: Stage, parent: ModelRef, pool: pl.DataFrame, dev: pl.DataFrame, *, measured: bool
) -> Outcome:
    spec = workspace.settings.spec
    folder = new_folder(workspace, stage)
    loaded = load_model(workspace.root / parent.uri, workspace.settings.runtime.device)
    test = questions_of(workspace, "test") if measured else dev.head(0)
    bench = RolloutBench(workspace, loaded, pl.concat([pool, dev, test]))
    before = bench.figures(test) if measured else {}
    with progress(f"round {stage.round} {stage.name}", spec.reinforce.steps) as advance:
        report = reinforce(
            loaded,
            folder,
            bench.source(pool, dev),
            bench.features,
            spec.reinforce,
            seed=spec.seed + stage.round,
            precision=workspace.settings.runtime.precision,
            checkpoint_steps=workspace.settings.runtime.checkpoint_rollouts,
            on_step=advance,
        )
    final = bench.figures(test) if measured else {}
    if report.stopped:
        LOGGER.warning(
            "round %d  %s stopped: %s; step %d is kept", stage.round, stage.name, report.stopped, report.best_step
        )
    return _recorded(workspace, stage, parent, folder, report, before, final)


def _recorded(
    workspace: Workspace,
    stage: Stage,
    parent: ModelRef,
    folder: Path,
    report: ReinforceReport,
    before: Mapping[str, float],
    final: Mapping[str, float],
) -> Outcome:
    curves = {"steps": [asdict(one) for one in report.steps], "heldout": [asdict(one) for one in report.heldout]}
    outcome = {"stopped": report.stopped, "best_step": report.best_step, "precision": report.precision}
    uri = put_trained(workspace, stage, parent, folder, report, {**curves, **outcome})
    rollouts = len(report.steps) * workspace.settings.spec.reinforce.prompts
    return Outcome(
        outputs=(workspace.store.reference(MODELS, {"round": stage.round}),),
        rows_in=rollouts,
        accounted={"reinforced": rollouts},
        counts={
            "model_id": report.model_id,
            "uri": uri,
            **outcome,
            "before": dict(before),
            "final": dict(final),
            **curves,
        },
        tokens=report.tokens,
    )
