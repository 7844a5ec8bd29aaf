"""Counterfactual: a share of the chains, scored again with silence and with another clip; committed batch by batch."""

from contextlib import closing
from pathlib import Path

import polars as pl

from mgrd.engines import open_engine
from mgrd.engines.contrast import Sounds, contrast_chains
from mgrd.errors import EngineError
from mgrd.grounding.counterfactual import claim_gains, other_clips, place_of
from mgrd.ids import seed_from
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, frame_of, run_stage
from mgrd.store.quarantine import empty_quarantine
from prompts import load_prompt
from schemas import CLAIMS, CLIPS, COUNTERFACTUALS, MODELS, QUARANTINE, QUESTIONS, TRACES
from tasks.limits import ErrorLimit
from tasks.progress import progress
from tasks.rows import questions_of, splits_of
from tasks.run import Run
from tasks.stage_task import stage_task

VERSION = 1


@stage_task("counterfactual", uses="gpu")
def counterfactual(run: Run, round_: int, traces: DatasetRef, decisions: DatasetRef) -> DatasetRef:
    """What the sound adds to the round's chains; `decisions` names the partition whose claims are placed."""
    return contrast_partition(run.open(), round_, traces, decisions)


def contrast_partition(workspace: Workspace, round_: int, traces: DatasetRef, decisions: DatasetRef) -> DatasetRef:
    """The counterfactuals of a traces partition, for `spec.counterfactual.share` of its questions."""
    purpose = str(traces.partition["purpose"])
    share = workspace.settings.spec.counterfactual.share
    questions = questions_of(workspace, *splits_of(purpose))
    partition = {"round": round_, "purpose": purpose}
    claims = workspace.store.read(CLAIMS, decisions.partition)
    stage = Stage(
        name=f"counterfactual-{purpose}",
        round=round_,
        version=VERSION,
        config={"share": share},
        inputs={
            "traces": traces.digest,
            "claims": digest(CLAIMS, claims),
            "questions": digest(QUESTIONS, questions),
        },
    )

    def work() -> Outcome:
        wanted = wanted_chains(workspace.store.read(TRACES, traces.partition), questions, share)
        swaps = other_clips(questions.to_dicts())
        _fill(workspace, wanted, swaps, stage)
        rows = workspace.store.read(COUNTERFACTUALS, partition)
        workspace.store.replace(COUNTERFACTUALS, with_claims(rows, wanted, claims), partition)
        flips = rows["silence_flips"].mean()
        return Outcome(
            outputs=(workspace.store.reference(COUNTERFACTUALS, partition),),
            rows_in=wanted.height,
            accounted={"scored": rows.height, "quarantined": wanted.height - rows.height},
            counts={"silence_margin": rows["silence_margin"].mean(), "silence_flips": flips},
            tokens=int(rows["tokens"].sum()),
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(COUNTERFACTUALS.name)


def wanted_chains(traces: pl.DataFrame, questions: pl.DataFrame, share: float) -> pl.DataFrame:
    """The chains on a clip whose question falls into the share, with the question's text and choices.

    Whole questions are taken, so that their chains share the sound.
    """
    chosen = [key for key in questions["question_id"] if seed_from("counterfactual", key) < share * 2**31]
    asked = questions.select("question_id", "text", "choices").filter(
        pl.col("question_id").is_in(pl.Series(chosen, dtype=pl.String).implode())
    )
    heard = traces.filter(pl.col("clip_id").is_not_null() & (pl.col("raw_text") != ""))
    return heard.join(asked, on="question_id").sort("trace_id")


def with_claims(rows: pl.DataFrame, traces: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """The counterfactuals with the gains of each chain's claims as they stand now."""
    by_trace: dict[str, list[dict[str, object]]] = {}
    for claim in claims.sort("start", "end", "claim_id").iter_rows(named=True):
        by_trace.setdefault(claim["trace_id"], []).append(claim)
    texts = {key: (reasoning, raw) for key, reasoning, raw in traces.select("trace_id", "reasoning", "raw_text").rows()}
    placed = []
    for row in rows.iter_rows(named=True):
        spans = list(zip(row["token_starts"], row["token_ends"], strict=True))
        offset = place_of(*texts[row["trace_id"]])
        found = claim_gains(by_trace.get(row["trace_id"], []), offset, spans, row["silence_gains"], row["swap_gains"])
        placed.append({**row, "claims": found})
    return frame_of(COUNTERFACTUALS, placed)


def _fill(workspace: Workspace, wanted: pl.DataFrame, swaps: dict[str, str], stage: Stage) -> None:
    """Score owed chains batch by batch; rows of other chains, or with another clip to swap with, are removed first."""
    store = workspace.store
    partition = {"round": stage.round, "purpose": stage.name.removeprefix("counterfactual-")}
    present = store.read(COUNTERFACTUALS, partition)
    expected = wanted.select(
        "trace_id", swap_clip_id=pl.col("question_id").replace_strict(swaps, default=None, return_dtype=pl.String)
    )
    good = present.join(expected, on=["trace_id", "swap_clip_id"], how="semi", nulls_equal=True)
    if good.height < present.height:
        store.replace(COUNTERFACTUALS, good, partition)
    empty_quarantine(store, stage.name, stage.round)
    owed = wanted.join(good.select("trace_id"), on="trace_id", how="anti", maintain_order="left")
    if owed.is_empty():
        return
    prompt = load_prompt(workspace.settings.spec.sampling.prompt)
    if (owed["prompt_sha"] != prompt.sha).any():
        raise EngineError(
            f"round {stage.round}: its chains were sampled with another prompt than {prompt.id} is now; restore the "
            "prompt, or set spec.counterfactual.share = 0"
        )
    limit = workspace.settings.runtime.fail_on_error
    errors = ErrorLimit(f"round {stage.round}, {stage.name}", wanted.height, good.height, limit, EngineError)
    for (model_id,), chains in owed.group_by(["model_id"], maintain_order=True):
        folder = model_folder(workspace, str(model_id))
        engine = open_engine(workspace.settings, folder, str(model_id), workspace.features)
        batches = contrast_chains(engine, chains, swaps, _sounds(workspace), prompt)
        with closing(engine), progress(f"round {stage.round} counterfactual", chains.height) as advance:
            for rows, failed in batches:
                store.append(COUNTERFACTUALS, rows, {"stage": stage.name})
                if failed.height:
                    store.append(QUARANTINE, failed)
                advance(rows.height + failed.height)
                errors.count(rows.height, failed)


def _sounds(workspace: Workspace) -> Sounds:
    clips = workspace.store.read(CLIPS, columns=["clip_id", "uri", "duration"])
    return Sounds(
        files={clip_id: workspace.resolve(uri) for clip_id, uri, _ in clips.iter_rows()},
        seconds={clip_id: seconds for clip_id, _, seconds in clips.iter_rows()},
        silence=workspace.features / "silence",
    )


def model_folder(workspace: Workspace, model_id: str) -> Path:
    """The folder of the checkpoint that wrote a chain. Raises EngineError when it is not there."""
    from mgrd.models import model_sha

    rows = workspace.store.read(MODELS).filter(pl.col("model_id") == model_id)
    base = Path(workspace.settings.spec.model.base).expanduser()
    folder = workspace.root / rows["uri"][0] if rows.height else base
    if not folder.is_dir() or (not rows.height and model_sha(folder) != model_id):
        raise EngineError(
            f"the checkpoint {model_id} is not in {workspace.models}; its chains cannot be scored again: restore it, "
            "or set spec.counterfactual.share = 0"
        )
    return folder
