"""Evaluate: held-out chains of a round's model, checked like all others; then the promotion gate."""

import logging

import polars as pl

from mgrd.engines.sampling import GREEDY
from mgrd.evaluation.gate import judge_promotion
from mgrd.evaluation.heldout import heldout_metrics, probe_metrics, text_metrics
from mgrd.store import DatasetRef, Outcome, Stage, digest, digests, run_stage
from mgrd.store.checkpoints import retire_checkpoints
from schemas import CLAIMS, COUNTERFACTUALS, DECISIONS, METRICS, TRACES
from schemas.clips import HELD_OUT
from schemas.traces import EVALUATE
from tasks.artifacts import publish_heldout, publish_round
from tasks.counterfactual import contrast_partition
from tasks.ground import ground_partition
from tasks.models import ModelRef, model_row, put_model
from tasks.probes import measure_probes
from tasks.rows import clips_of, questions_of
from tasks.run import Run
from tasks.sample import sample_questions
from tasks.stage_task import stage_task
from tasks.texts import measure_texts

LOGGER = logging.getLogger("mgrd")
VERSION = 1


@stage_task("evaluate", uses="gpu")
def evaluate(run: Run, round_: int, model: ModelRef) -> DatasetRef:
    """Metrics of the model on the dev and test questions: one greedy and some sampled chains each."""
    workspace = run.open()
    spec = workspace.settings.spec
    questions = questions_of(workspace, *HELD_OUT)
    indices = (GREEDY, *range(spec.evaluation.samples))
    traces = sample_questions(workspace, round_, model, EVALUATE, questions, indices)
    decisions = ground_partition(workspace, round_, traces, EVALUATE, "filtered")
    gains = contrast_partition(workspace, round_, traces, decisions) if spec.counterfactual.share else None
    texts = measure_texts(workspace, round_, model)
    probes = measure_probes(workspace, round_, model, indices)
    stage = Stage(
        name="evaluate",
        round=round_,
        version=VERSION,
        config={"evaluation": spec.evaluation.model_dump(), "seed": spec.seed},
        inputs=digests(traces=traces, decisions=decisions, counterfactuals=gains, texts=texts, probes=probes),
    )

    def work() -> Outcome:
        metrics = heldout_metrics(
            workspace.store.read(TRACES, traces.partition),
            workspace.store.read(CLAIMS, decisions.partition),
            workspace.store.read(DECISIONS, decisions.partition),
            clips_of(workspace, *HELD_OUT),
            None if gains is None else workspace.store.read(COUNTERFACTUALS, gains.partition),
            round_=round_,
            spec=spec.evaluation,
            seed=spec.seed,
        )
        for asked, measure in ((texts, text_metrics), (probes, probe_metrics)):
            if asked is not None:
                replies = workspace.store.read(TRACES, asked.partition)
                told = measure(replies, round_=round_, spec=spec.evaluation, seed=spec.seed)
                metrics = pl.concat([metrics, told])
        workspace.store.replace(METRICS, metrics, {"round": round_})
        return Outcome((workspace.store.reference(METRICS, {"round": round_}),), traces.rows, {"scored": traces.rows})

    entry, ran = run_stage(workspace, stage, work)
    if ran:
        publish_round(workspace, round_)
    return entry.output(METRICS.name)


@stage_task("promote")
def promote(run: Run, round_: int, model: ModelRef, parent: ModelRef | None) -> bool:
    """Whether the round's model replaces its parent, judged on the dev split."""
    workspace = run.open()
    spec = workspace.settings.spec
    metrics = workspace.store.read(METRICS)
    child = metrics.filter(pl.col("round") == round_)
    before = metrics.filter(pl.col("round") == (parent.round if parent else round_))
    stage = Stage(
        name="promote",
        round=round_,
        version=VERSION,
        config={"gate": spec.gate.model_dump()},
        inputs={"model": model.model_id, "metrics": digest(METRICS, child), "before": digest(METRICS, before)},
    )

    def work() -> Outcome:
        verdict = judge_promotion(before, child, spec.gate)
        put_model(workspace, {**model_row(workspace, model), "promoted": verdict.promoted})
        figures = {row["name"]: row["value"] for row in child.filter(pl.col("split") == "test").iter_rows(named=True)}
        publish_heldout(round_, figures, verdict.promoted, verdict.reasons)
        return Outcome((), 1, {"judged": 1}, {"promoted": verdict.promoted, "reasons": list(verdict.reasons)})

    entry, _ = run_stage(workspace, stage, work)
    for folder in retire_checkpoints(workspace):
        LOGGER.info("round %d  %s is no longer needed and was deleted (runtime.keep_models)", round_, folder.name)
    return bool(entry.counts["promoted"])
