"""Select: kept chains become training rows; duplicates, caps and the difficulty window thin them."""

from mgrd.selection.select import select_traces
from mgrd.store import DatasetRef, Outcome, Spool, Stage, digests, question_ranges, run_stage
from prompts import load_prompt
from schemas import CURRICULUM, DECISIONS, DISTILLED, TRACES
from schemas.traces import DISTILL
from tasks.artifacts import publish_funnel
from tasks.progress import progress
from tasks.rows import asked_of
from tasks.run import Run
from tasks.stage_task import stage_task
from tasks.tally import COUNTED, Tally

VERSION = 1


@stage_task("select")
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
        inputs=digests(traces=traces, decisions=decisions),
    )

    def work() -> Outcome:
        partition = {"round": round_}
        with (
            workspace.scratch() as folder,
            Spool(DISTILLED, folder) as rows,
            Spool(CURRICULUM, folder) as curriculum,
            progress(f"round {round_} selecting", decisions.rows) as advance,
        ):
            for part in question_ranges(workspace.store.scan(DECISIONS, decisions.partition)):
                chains = workspace.store.scan(TRACES, traces.partition).filter(part).collect()
                decided = workspace.store.scan(DECISIONS, decisions.partition).filter(part).collect()
                selected, asked = select_traces(
                    chains, decided, asked_of(workspace, chains),
                    spec=spec.selection, prompt=prompt, round_=round_, seed=spec.seed,
                )  # fmt: skip
                rows.add(selected)
                curriculum.add(asked)
                advance(decided.height)
            outputs = (
                workspace.store.replace_parts(DISTILLED, rows.frames(), partition),
                workspace.store.replace_parts(CURRICULUM, curriculum.frames(), partition),
            )
        tally = Tally(workspace.store.batches(DECISIONS, decisions.partition, columns=COUNTED))
        sampled = workspace.ledger.newest(round_, f"sample-{DISTILL}")
        quarantined = 0 if sampled is None else int(str(sampled.counts["quarantined"]))
        return Outcome(
            outputs=outputs,
            rows_in=tally.rows + quarantined,
            accounted={**tally.decided, "quarantined": quarantined},
            counts={"sampled": tally.rows + quarantined, "distilled": outputs[0].rows, **tally.funnel},
        )

    entry, ran = run_stage(workspace, stage, work)
    if ran:
        publish_funnel(round_, entry)
    return entry.output(DISTILLED.name)
