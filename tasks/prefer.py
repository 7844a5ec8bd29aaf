"""Prefer: pairs of a round's chains, and DPO on them."""

import logging

import polars as pl

from mgrd.ingest.probes import paired_probes
from mgrd.models import load_model
from mgrd.models.checkpoints import LoadedModel
from mgrd.models.render import Renderer
from mgrd.selection.preferences import pair_replies, pair_traces
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digests, run_stage
from mgrd.training.dpo import Pair, train_dpo
from mgrd.training.features import FeatureCache
from prompts import load_prompt
from schemas import CLIPS, DECISIONS, MODELS, PREFERENCES, QUESTIONS, TRACES
from tasks.models import ModelRef, features_of, model_entry, new_folder, put_trained
from tasks.probes import prefer_probes
from tasks.progress import progress
from tasks.run import Run
from tasks.stage_task import stage_task

LOGGER = logging.getLogger("mgrd")
VERSION = 2


@stage_task("pair")
def pair(run: Run, round_: int, traces: DatasetRef, decisions: DatasetRef, model: ModelRef) -> DatasetRef:
    """Preference pairs of the round's chains, and of what `model` replies when asked whether it hears."""
    workspace = run.open()
    spec = workspace.settings.spec
    probes = prefer_probes(workspace, round_, model)
    stage = Stage(
        name="pair",
        round=round_,
        version=VERSION,
        config={"per_question": spec.preferences.per_question, "seed": spec.seed},
        inputs=digests(traces=traces, decisions=decisions, probes=probes),
    )

    def work() -> Outcome:
        rows = pair_traces(
            workspace.store.read(TRACES, traces.partition),
            workspace.store.read(DECISIONS, decisions.partition),
            round_=round_,
            per_question=spec.preferences.per_question,
            seed=spec.seed,
        )
        if probes is not None:
            replies = workspace.store.read(TRACES, probes.partition)
            told = pair_replies(replies, round_=round_, per_question=spec.preferences.per_question, seed=spec.seed)
            rows = pl.concat([rows, told])
        workspace.store.replace(PREFERENCES, rows, {"round": round_})
        counts = dict(rows.group_by("reason").len().iter_rows())
        return Outcome(
            (workspace.store.reference(PREFERENCES, {"round": round_}),), rows.height, {"paired": rows.height}, counts
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(PREFERENCES.name)


@stage_task("dpo", uses="gpu")
def prefer(run: Run, round_: int, pairs: DatasetRef, model: ModelRef) -> ModelRef:
    """The model after DPO on the round's pairs; itself when there is none."""
    workspace = run.open()
    spec = workspace.settings.spec
    if pairs.rows == 0:
        LOGGER.warning("round %d  no preference pair, no DPO", round_)
        return model
    stage = Stage(
        name="dpo",
        round=round_,
        version=VERSION,
        config={
            "preferences": spec.preferences.model_dump(),
            "prompt": load_prompt(spec.sampling.prompt).sha,
            "seed": spec.seed,
        },
        inputs={"pairs": pairs.digest, "model": model.model_id},
    )
    entry, _ = run_stage(workspace, stage, lambda: _train(workspace, stage, pairs, model))
    return model_entry(entry, round_)


def _train(workspace: Workspace, stage: Stage, pairs: DatasetRef, parent: ModelRef) -> Outcome:
    spec, runtime = workspace.settings.spec, workspace.settings.runtime
    folder = new_folder(workspace, stage)
    loaded = load_model(workspace.root / parent.uri, runtime.device)
    features = features_of(workspace, loaded.encoder_sha)
    chosen = workspace.store.read(PREFERENCES, pairs.partition)
    _hear(workspace, loaded, chosen, features)
    rendered = _render(workspace, chosen, features, Renderer(loaded.processor))
    with progress(f"round {stage.round} dpo", spec.preferences.steps) as advance:
        report = train_dpo(
            loaded,
            folder,
            rendered,
            features,
            spec.preferences,
            seed=spec.seed + stage.round,
            precision=runtime.precision,
            checkpoint_steps=runtime.checkpoint_steps,
            on_step=advance,
        )
    uri = put_trained(workspace, stage, parent, folder, report, {"loss": report.losses, "ordered": report.ordered})
    return Outcome(
        outputs=(workspace.store.reference(MODELS, {"round": stage.round}),),
        rows_in=pairs.rows,
        accounted={"trained": pairs.rows},
        counts={"model_id": report.model_id, "uri": uri, "ordered": report.ordered[-1]},
        tokens=report.tokens,
    )


def _hear(workspace: Workspace, loaded: LoadedModel, pairs: pl.DataFrame, features: FeatureCache) -> None:
    """Encoder outputs of the pairs' clips, where they are missing."""
    chosen = workspace.store.scan(TRACES).filter(pl.col("trace_id").is_in(pairs["chosen_trace_id"].implode()))
    clips = (
        workspace.store.scan(CLIPS).select("clip_id", "uri").join(chosen.select("clip_id"), on="clip_id", how="semi")
    )
    rows = clips.sort("clip_id").collect().iter_rows()
    features.ensure(loaded, [(clip, workspace.resolve(uri)) for clip, uri in rows])


def _render(workspace: Workspace, pairs: pl.DataFrame, features: FeatureCache, renderer: Renderer) -> list[Pair]:
    """Pairs as token ids; the clips of all must be in `features`."""
    wanted = pl.concat([pairs["chosen_trace_id"], pairs["rejected_trace_id"]])
    traces = workspace.store.scan(TRACES).filter(pl.col("trace_id").is_in(wanted.implode())).collect()
    rows = {row["trace_id"]: row for row in traces.iter_rows(named=True)}
    probes = paired_probes(workspace.store.scan, workspace.settings.spec)
    asked = pl.concat([workspace.store.read(QUESTIONS), probes])
    questions = {row["question_id"]: row for row in asked.iter_rows(named=True)}
    rendered = []
    for row in pairs.iter_rows(named=True):
        question = questions[row["question_id"]]
        prompt = load_prompt(rows[row["chosen_trace_id"]]["prompt_id"])
        text = prompt.render(question=question["text"], choices=question["choices"])
        clip = question["clip_id"]
        windows = () if clip is None else features.windows(clip)
        chosen, rejected = (
            renderer.example(text, windows, chain["reasoning"] or "", chain["answer"] or "")
            for chain in (rows[row["chosen_trace_id"]], rows[row["rejected_trace_id"]])
        )
        rendered.append(Pair(row["pair_id"], clip, chosen, rejected))
    return rendered
