"""Sample: K chains per question from the current model (eq. 4), committed as they finish."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import polars as pl

from mgrd.engines import open_engine
from mgrd.engines.cluster import CLIP_FILE, SampleQuestions, sample_on_cluster
from mgrd.engines.sampling import GREEDY, SamplingRun, plan_traces, sample_traces
from mgrd.errors import EngineError
from mgrd.executors import open_executor
from mgrd.store import Outcome, Stage, Workspace, digest, run_stage
from mgrd.store.delta import DatasetRef
from mgrd.store.quarantine import empty_quarantine
from prompts import load_prompt
from schemas import QUARANTINE, QUESTIONS, TRACES
from schemas.traces import DISTILL
from tasks.commits import Commits
from tasks.limits import ErrorLimit
from tasks.models import ModelRef
from tasks.progress import progress
from tasks.rows import clips_of, questions_of
from tasks.run import Run
from tasks.stage_task import stage_task

VERSION = 1


@stage_task("sample", uses="gpu")
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
    spec = workspace.settings.spec
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
        _fill(workspace, plan, sampling, model)
        return _outcome(workspace, plan, sampling)

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(TRACES.name)


def _fill(workspace: Workspace, plan: pl.DataFrame, run: SamplingRun, model: ModelRef) -> None:
    """Append owed traces batch by batch; what another configuration left in the partition is removed first."""
    store, partition = workspace.store, {"round": run.round, "purpose": run.purpose}
    present = store.read(TRACES, partition)
    good = present.filter(pl.col("trace_id").is_in(plan["trace_id"].implode()))
    if good.height < present.height:
        store.replace(TRACES, good, partition)
    empty_quarantine(store, f"sample-{run.purpose}", run.round)
    owed = plan.join(good.select("trace_id"), on="trace_id", how="anti", maintain_order="left")
    if owed.is_empty():
        return
    limit = workspace.settings.runtime.fail_on_error
    errors = ErrorLimit(f"round {run.round}, sample-{run.purpose}", plan.height, good.height, limit, EngineError)
    label = f"round {run.round} {'greedy+' if GREEDY in plan['sample_index'] else ''}sample"

    def commit(done: list[tuple[pl.DataFrame, pl.DataFrame]]) -> None:
        traces, failed = (pl.concat(frames) for frames in zip(*done, strict=True))
        if traces.height:
            store.append(TRACES, traces, {"model": run.model_id})
        if failed.height:
            store.append(QUARANTINE, failed)

    sampling = _sampling(workspace, owed, run, model)
    with sampling as batches, progress(label, owed.height) as advance, Commits(commit) as commits:
        for traces, failed in batches:
            commits.add((traces, failed))
            advance(traces.height + failed.height)
            errors.count(traces.height, failed)


@contextmanager
def _sampling(
    workspace: Workspace, owed: pl.DataFrame, run: SamplingRun, model: ModelRef
) -> Iterator[Iterator[tuple[pl.DataFrame, pl.DataFrame]]]:
    """(traces, quarantine) batch by batch, by an engine that is open for the block or those of a cluster's workers."""
    settings, folder = workspace.settings, workspace.root / model.uri
    uris = dict(clips_of(workspace, *owed["split"].unique()).select("clip_id", "uri").iter_rows())
    if settings.runtime.executor == "local" or settings.runtime.engine == "openai":  # one process asks a server
        with closing(open_engine(settings, folder, model.model_id, workspace.features)) as engine:
            batch = settings.runtime.batch_requests
            yield sample_traces(engine, owed, run, lambda clip: workspace.resolve(uris[clip]), batch)
        return
    files = {clip: str(workspace.resolve(uri)) for clip, uri in uris.items()}
    located = owed.with_columns(
        pl.col("clip_id").replace_strict(files, default=None, return_dtype=pl.String).alias(CLIP_FILE)
    )
    work = SampleQuestions(settings, folder, model.model_id, workspace.features, run)
    with closing(sample_on_cluster(open_executor(settings, with_gpus=True), work, located)) as batches:
        yield batches


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
