"""Train: cold start (eq. 1), then SFT on kept chains with text replay (eq. 5)."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl

from mgrd.errors import TrainingError
from mgrd.ingest.embedded import write_demonstrations
from mgrd.models import assemble_embedded, load_model
from mgrd.settings import Settings
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, run_stage
from mgrd.training.adapters import Lora
from mgrd.training.features import FeatureCache
from mgrd.training.launch import launch_sft
from mgrd.training.mixture import mix_rows
from mgrd.training.sft import TrainReport, train_sft
from prompts import load_prompt
from schemas import CLIPS, DISTILLED, MODELS, QUESTIONS
from tasks.models import ModelRef, features_of, model_entry, new_folder, put_trained
from tasks.progress import progress
from tasks.rows import clips_of, trainable
from tasks.run import Run
from tasks.stage_task import stage_task
from tasks.texts import replay_rows

LOGGER = logging.getLogger("mgrd")
VERSION = 3
HEARING, CHAINS = 0, 1
"""Phases of the cold start."""


@stage_task("demonstrations")
def demonstrations(run: Run) -> DatasetRef:
    """Cold-start rows: what is heard, then chains in a mixture of styles, then text reasoning."""
    workspace = run.open()
    spec = workspace.settings.spec
    prompt = load_prompt(spec.sampling.prompt)
    clips = clips_of(workspace, "cold")
    asked = workspace.store.read(QUESTIONS).filter(pl.col("split") == "cold").sort("question_id")
    questions = trainable(workspace, asked)
    if clips.is_empty():
        raise TrainingError("no clips for the cold start: run `mgrd ingest embedded`, or set spec.model.base")
    stage = Stage(
        name="demonstrations",
        round=0,
        version=VERSION,
        config={"cold_start": spec.cold_start.model_dump(), "prompt": prompt.sha, "seed": spec.seed},
        inputs={"clips": digest(CLIPS, clips), "questions": digest(QUESTIONS, questions)},
    )

    def work() -> Outcome:
        rows = write_demonstrations(
            clips,
            questions,
            lambda text, choices: prompt.render(question=text, choices=choices),
            spec.cold_start,
            spec.seed,
        )
        workspace.store.replace(DISTILLED, rows, {"round": 0})
        styles = rows.group_by("origin", "style").len().sort("origin", "style").rows()
        counts = {f"{origin}/{style}": count for origin, style, count in styles}
        return Outcome((workspace.store.reference(DISTILLED, {"round": 0}),), rows.height, counts)

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(DISTILLED.name)


@stage_task("hearing", uses="gpu")
def learn_hearing(run: Run, rows: DatasetRef) -> ModelRef:
    """Assemble the embedded model and teach it to describe and to answer what it hears."""
    workspace = run.open()
    spec = workspace.settings.spec
    stage = Stage(
        name="hearing",
        round=0,
        version=VERSION,
        config={
            "model": spec.model.model_dump(),
            "window": spec.embedded.seconds,
            "steps": spec.cold_start.hearing_steps,
            "rate": spec.cold_start.hearing_rate,
            "training": _shared_training(workspace.settings),
            "seed": spec.seed,
        },
        inputs={"rows": rows.digest},
    )

    def work() -> Outcome:
        data = workspace.store.read(DISTILLED, rows.partition)
        base = workspace.models / f"base-{stage.fingerprint[:8]}"
        texts = data.select(pl.concat_str("prompt", "reasoning", "answer", separator="\n")).to_series()
        base_id = assemble_embedded(base, texts.to_list(), spec.model, spec.embedded.seconds, spec.seed)
        phase = data.filter(pl.col("phase") == HEARING)
        return train_stage(
            workspace, stage, ModelRef(base_id, _uri(workspace, base), 0), phase,
            spec.cold_start.hearing_steps, spec.cold_start.hearing_rate,
        )  # fmt: skip

    entry, _ = run_stage(workspace, stage, work)
    return model_entry(entry, 0)


@stage_task("cold start", uses="gpu")
def learn_chains(run: Run, rows: DatasetRef, parent: ModelRef) -> ModelRef:
    """Teach the model to write chains in the cold start's mixture of styles."""
    workspace = run.open()
    spec = workspace.settings.spec
    stage = Stage(
        name="cold start",
        round=0,
        version=VERSION,
        config={
            "steps": spec.cold_start.chain_steps,
            "rate": spec.cold_start.chain_rate,
            "training": _shared_training(workspace.settings),
            "seed": spec.seed,
        },
        inputs={"rows": rows.digest, "model": parent.model_id},
    )

    def work() -> Outcome:
        phase = workspace.store.read(DISTILLED, rows.partition).filter(pl.col("phase") == CHAINS)
        return train_stage(workspace, stage, parent, phase, spec.cold_start.chain_steps, spec.cold_start.chain_rate)

    entry, _ = run_stage(workspace, stage, work)
    return model_entry(entry, 0)


@stage_task("train", uses="gpu")
def train(run: Run, round_: int, rows: DatasetRef, parent: ModelRef) -> ModelRef | None:
    """SFT of the parent on the kept chains, of this round or all so far, with text replay.

    None when the round kept no chain: there is nothing to learn, and the model stays what it was.
    """
    workspace = run.open()
    spec = workspace.settings.spec
    distilled = workspace.store.read(DISTILLED)
    rounds = pl.col("round").is_between(1 if spec.training.accumulate else round_, round_)
    kept = distilled.filter(rounds & (pl.col("origin") == "distilled"))
    if rows.rows == 0:
        LOGGER.warning("round %d  no chain was kept, nothing is trained; `mgrd status --json` has reasons", round_)
        return None
    text = replay_rows(workspace)
    stage = Stage(
        name="train",
        round=round_,
        version=VERSION,
        config={"training": spec.training.model_dump(exclude={"stages"}), "seed": spec.seed},
        inputs={"kept": digest(DISTILLED, kept), "text": digest(DISTILLED, text), "model": parent.model_id},
    )

    def work() -> Outcome:
        data = mix_rows(kept, text, spec.training, spec.seed + round_)
        return train_stage(workspace, stage, parent, data, spec.training.steps, spec.training.learning_rate)

    entry, _ = run_stage(workspace, stage, work)
    return model_entry(entry, round_)


def train_stage(
    workspace: Workspace, stage: Stage, parent: ModelRef, rows: pl.DataFrame, steps: int, rate: float
) -> Outcome:
    """One SFT run from the parent's folder into a folder of its own; returns the stage's outcome."""
    folder = new_folder(workspace, stage)
    clips = workspace.store.read(CLIPS, columns=["clip_id", "uri"])
    audio = {clip_id: workspace.resolve(uri) for clip_id, uri in clips.iter_rows()}
    model = load_model(workspace.root / parent.uri, workspace.settings.runtime.device)
    features = features_of(workspace, model.encoder_sha)
    wanted = sorted({clip for clip in rows["clip_id"] if clip is not None})
    with progress("encoding audio", len(wanted)) as advance:
        features.ensure(model, [(clip, audio[clip]) for clip in wanted], advance)
    with progress(f"round {stage.round} {stage.name}", steps) as advance:
        report = _run_sft(workspace, parent, folder, rows, features, steps, rate, stage, advance)
    return _recorded(workspace, stage, parent, folder, report, rows.height)


def _run_sft(
    workspace: Workspace, parent: ModelRef, folder: Path, rows: pl.DataFrame, features: FeatureCache,
    steps: int, rate: float, stage: Stage, advance: Callable[[int], None],
) -> TrainReport:  # fmt: skip
    """SFT in this process, or in those that `runtime.launch` starts. A model from scratch is always trained whole."""
    spec, runtime = workspace.settings.spec.training, workspace.settings.runtime
    adapted = spec.method == "lora" and stage.round > 0
    start = partial(launch_sft, runtime.launch) if runtime.launch else train_sft
    return start(
        workspace.root / parent.uri,
        folder,
        rows,
        features,
        steps=steps,
        batch_rows=spec.batch_rows,
        learning_rate=rate,
        warmup=spec.warmup,
        weight_decay=spec.weight_decay,
        seed=workspace.settings.spec.seed + stage.round,
        lora=Lora(spec.lora_rank, spec.lora_alpha) if adapted else None,
        precision=runtime.precision,
        device=runtime.device,
        part_rows=runtime.part_rows,
        activation_checkpointing=runtime.activation_checkpointing,
        checkpoint_steps=runtime.checkpoint_steps,
        on_step=advance,
    )


def _recorded(
    workspace: Workspace, stage: Stage, parent: ModelRef, folder: Path, report: TrainReport, rows: int
) -> Outcome:
    told = {"loss": report.losses, "precision": report.precision, "processes": report.processes}
    uri = put_trained(workspace, stage, parent, folder, report, told)
    return Outcome(
        outputs=(workspace.store.reference(MODELS, {"round": stage.round}),),
        rows_in=rows,
        accounted={"trained": rows},
        counts={"model_id": report.model_id, "uri": uri, "final_loss": report.losses[-1]},
        tokens=report.tokens,
    )


def _shared_training(settings: Settings) -> dict[str, object]:
    return settings.spec.training.model_dump(include={"batch_rows", "warmup", "weight_decay"})


def _uri(workspace: Workspace, folder: Path) -> str:
    return folder.relative_to(workspace.root).as_posix()
