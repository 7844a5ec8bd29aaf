"""Select: kept chains become training rows; duplicates, caps and the difficulty window thin them."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from mgrd.selection.select import select_traces
from mgrd.store import DatasetRef, Outcome, Stage, run_stage
from prompts import load_prompt
from schemas import CURRICULUM, DECISIONS, DISTILLED, TRACES
from tasks.artifacts import publish_funnel
from tasks.ground import decision_counts, funnel
from tasks.retries import RETRY_JITTER
from tasks.run import Run, questions_of

VERSION = 1


@task(name="select", cache_policy=NO_CACHE, retry_jitter_factor=RETRY_JITTER)
def select(run: Run, round_: int, traces: DatasetRef, decisions: DatasetRef) -> DatasetRef:
    """Training rows of the round; its ledger entry holds the funnel."""
    workspace = run.open()
    spec = workspace.settings.spec
    prompt = load_prompt(spec.sampling.prompt)
    stage = Stage(
        name="select",
        round=round_,
        version=VERSION,
        config={"selection": spec.selection.model_dump(), "prompt": prompt.sha, "seed": spec.seed},
        inputs={"traces": traces.digest, "decisions": decisions.digest},
    )

    def work() -> Outcome:
        decided = workspace.store.read(DECISIONS, decisions.partition)
        rows, curriculum = select_traces(
            workspace.store.read(TRACES, traces.partition),
            decided,
            questions_of(workspace, "pool"),
            spec=spec.selection,
            prompt=prompt,
            round_=round_,
            seed=spec.seed,
        )
        partition = {"round": round_}
        workspace.store.replace(DISTILLED, rows, partition)
        workspace.store.replace(CURRICULUM, curriculum, partition)
        sampled = workspace.ledger.newest(round_, "sample-distill")
        quarantined = 0 if sampled is None else int(str(sampled.counts["quarantined"]))
        return Outcome(
            outputs=(workspace.store.reference(DISTILLED, partition), workspace.store.reference(CURRICULUM, partition)),
            rows_in=decided.height + quarantined,
            accounted={**decision_counts(decided), "quarantined": quarantined},
            counts={"sampled": decided.height + quarantined, "distilled": rows.height, **funnel(decided)},
        )

    entry, ran = run_stage(workspace, stage, work)
    if ran:
        publish_funnel(round_, entry)
    return entry.output(DISTILLED.name)
