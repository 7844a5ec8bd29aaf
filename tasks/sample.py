"""Sample: K chains per question from the current model (eq. 4), committed as they finish."""

from contextlib import closing

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from mgrd.engines import open_engine
from mgrd.engines.sampling import GREEDY, SamplingRun, plan_traces, sample_traces
from mgrd.errors import EngineError
from mgrd.store import Outcome, Stage, Workspace, digest, run_stage
from mgrd.store.delta import DatasetRef
from prompts import load_prompt
from schemas import QUARANTINE, QUESTIONS, TRACES
from tasks.commits import Commits
from tasks.limits import ErrorLimit
from tasks.progress import progress
from tasks.retries import RETRY_JITTER
from tasks.run import ModelRef, Run, clips_of, questions_of

VERSION = 1
DISTILL, PREFER, EVALUATE, TEXT, PROBE = "distill", "prefer", "evaluate", "text", "probe"


@task(name="sample", cache_policy=NO_CACHE, retry_jitter_factor=RETRY_JITTER, tags=["gpu"])
def sample(run: Run, round_: int, model: ModelRef) -> DatasetRef:
    """Traces of the pool questions: K sampled chains each."""
    workspace = run.open()
    indices = tuple(range(workspace.settings.spec.sampling.samples))
    return sample_questions(workspace, round_, model, DISTILL, questions_of(workspace, "pool"), indices)


def sample_questions(
    workspace: Workspace,
    round_: int,
    model: ModelRef,
    purpose: str,
    questions: pl.DataFrame,
    indices: tuple[int, ...],
    prompt_id: str | None = None,
) -> DatasetRef:
    """Run the sampling stage of a purpose; used by the round and by its evaluation.

    The prompt is `spec.sampling.prompt` unless another is named.
    """
    spec, runtime = workspace.settings.spec, workspace.settings.runtime
    prompt = load_prompt(prompt_id or spec.sampling.prompt)
    if questions.is_empty():
        raise EngineError(f"round {round_}: no questions to sample ({purpose}); ingest some with `mgrd ingest`")
    stage = Stage(
        name=f"sample-{purpose}",
        round=round_,
        version=VERSION,
        config={
            "sampling": spec.sampling.model_dump(),
            "prompt": prompt.sha,
            "seed": spec.seed,
            "indices": indices,
            "features": spec.model.features,
            "long_clips": spec.model.long_clips,
        },
        inputs={"questions": digest(QUESTIONS, questions), "model": model.model_id},
    )
    sampling = SamplingRun(round_, purpose, model.model_id, prompt, spec.sampling, spec.seed)

    def work() -> Outcome:
        plan = plan_traces(questions, sampling, indices)
        _fill(workspace, plan, sampling, model, runtime.batch_requests)
        return _outcome(workspace, plan, sampling)

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(TRACES.name)


def _fill(workspace: Workspace, plan: pl.DataFrame, run: SamplingRun, model: ModelRef, batch_requests: int) -> None:
    """Append owed traces batch by batch; what another configuration left in the partition is removed first."""
    store, partition = workspace.store, {"round": run.round, "purpose": run.purpose}
    present = store.read(TRACES, partition)
    good = present.filter(pl.col("trace_id").is_in(plan["trace_id"].implode()))
    if good.height < present.height:
        store.replace(TRACES, good, partition)
    store.replace(QUARANTINE, store.read(QUARANTINE).head(0), {"stage": f"sample-{run.purpose}", "round": run.round})
    owed = plan.join(good.select("trace_id"), on="trace_id", how="anti", maintain_order="left")
    if owed.is_empty():
        return
    uris = dict(clips_of(workspace, *plan["split"].unique()).select("clip_id", "uri").iter_rows())
    engine = open_engine(workspace.settings, workspace.root / model.uri, model.model_id, workspace.features)
    limit = workspace.settings.runtime.fail_on_error
    errors = ErrorLimit(f"round {run.round}, sample-{run.purpose}", plan.height, good.height, limit, EngineError)
    label = f"round {run.round} {'greedy+' if GREEDY in plan['sample_index'] else ''}sample"

    def commit(done: list[tuple[pl.DataFrame, pl.DataFrame]]) -> None:
        traces, failed = (pl.concat(frames) for frames in zip(*done, strict=True))
        if traces.height:
            store.append(TRACES, traces, {"model": run.model_id})
        if failed.height:
            store.append(QUARANTINE, failed)

    with closing(engine), progress(label, owed.height) as advance, Commits(commit) as commits:
        batches = sample_traces(engine, owed, run, lambda clip: workspace.resolve(uris[clip]), batch_requests)
        for traces, failed in batches:
            commits.add((traces, failed))
            advance(traces.height + failed.height)
            errors.count(traces.height, failed)


def _outcome(workspace: Workspace, plan: pl.DataFrame, run: SamplingRun) -> Outcome:
    reference = workspace.store.reference(TRACES, {"round": run.round, "purpose": run.purpose})
    quarantined = workspace.store.read(
        QUARANTINE, {"stage": f"sample-{run.purpose}", "round": run.round}, columns=["row_id"]
    ).height
    tokens = workspace.store.read(TRACES, reference.partition, columns=["completion_tokens"])["completion_tokens"].sum()
    return Outcome(
        outputs=(reference,),
        rows_in=plan.height,
        accounted={"sampled": reference.rows, "quarantined": quarantined},
        tokens=int(tokens),
    )
