"""Ablate: the arms of a study, each a stage of its seed's campaign, and the report that lays them side by side."""

import json
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from mgrd.errors import TrainingError
from mgrd.files import whole_file
from mgrd.models import load_model
from mgrd.report.ablation import ArmRun, ablation_document, build_ablation_report
from mgrd.store import Entry, Outcome, Stage, digest, run_stage
from mgrd.training.mixture import mix_rows
from schemas import DECISIONS, DISTILLED, QUESTIONS, TRACES
from schemas.traces import DISTILL
from tasks.models import ModelRef, model_entry
from tasks.reinforce import reinforce_stage
from tasks.rollouts import RolloutBench
from tasks.rows import questions_of
from tasks.run import Overrides, Run
from tasks.stage_task import stage_task
from tasks.texts import replay_rows
from tasks.train import train_stage

ROUND = 1
VERSION = 1


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of a study: the settings it changes, what it trains, and which model it starts from."""

    name: str
    overrides: Overrides
    kind: Literal["reinforce", "sft"] = "reinforce"
    start: Literal["cold", "sft"] = "cold"


@dataclass(frozen=True, slots=True)
class Result:
    """What an arm did with one seed: the counts of its stage."""

    arm: str
    seed: int
    counts: dict[str, Any]


@stage_task("reinforce arm", uses="gpu")
def reinforce_arm(run: Run, seed: int, arm: Arm, model: ModelRef) -> list[Result]:
    """Reinforcement under the arm's settings. Empty when its window holds no question."""
    entry = reinforce_stage(run.open(), ROUND, model, f"ablate {arm.name}", measured=True)
    return [] if entry is None else [Result(arm.name, seed, entry.counts)]


@stage_task("sft arm", uses="gpu")
def sft_arm(run: Run, seed: int, arm: Arm, model: ModelRef) -> list[Result]:
    """SFT on the round's chains, all of them or those that the filter kept, under the same caps."""
    from mgrd.selection.select import select_traces
    from prompts import load_prompt

    workspace = run.open()
    spec = workspace.settings.spec
    partition = {"round": ROUND, "purpose": DISTILL}
    traces, decisions = workspace.store.read(TRACES, partition), workspace.store.read(DECISIONS, partition)
    if spec.selection.arm == "unfiltered":
        decisions = decisions.with_columns(decision=pl.lit("kept"))
    rows, _ = select_traces(
        traces, decisions, questions_of(workspace, "pool"),
        spec=spec.selection, prompt=load_prompt(spec.sampling.prompt), round_=ROUND, seed=spec.seed,
    )  # fmt: skip
    text = replay_rows(workspace)
    test = questions_of(workspace, "test")
    name = f"ablate {arm.name}"
    training = spec.training.model_dump(exclude={"stages"})
    stage = Stage(
        name=f"{name} train",
        round=ROUND,
        version=VERSION,
        config={"training": training, "seed": spec.seed},
        inputs={"rows": digest(DISTILLED, rows), "text": digest(DISTILLED, text), "model": model.model_id},
    )

    def work() -> Outcome:
        data = mix_rows(rows, text, spec.training, spec.seed + ROUND)
        return train_stage(workspace, stage, model, data, spec.training.steps, spec.training.learning_rate)

    entry, _ = run_stage(workspace, stage, work)
    trained = model_entry(entry, ROUND)

    def measure() -> Outcome:
        found = {}
        for when, one in (("before", model), ("final", trained)):
            bench = RolloutBench(workspace, load_model(workspace.root / one.uri), test)
            found[when] = bench.figures(test)
        return Outcome((), test.height, {"measured": test.height}, found)

    figures = Stage(
        name=f"{name} figures", round=ROUND, version=VERSION,
        config={"prompt": spec.sampling.prompt, "seed": spec.seed},
        inputs={"model": trained.model_id, "before": model.model_id, "test": digest(QUESTIONS, test)},
    )  # fmt: skip
    measured: Entry = run_stage(workspace, figures, measure)[0]
    return [Result(arm.name, seed, {**measured.counts, "steps": [], "heldout": [], "stopped": None})]


@stage_task("compare arms")
def compare(run: Run, study: str, results: list[Result]) -> dict[str, object]:
    """Write the study's report and its figures as JSON; returns the figures, with the report's path."""
    if not results:
        raise TrainingError(f"{study}: no arm could be trained; the pool holds no question inside any window")
    workspace = run.open()
    runs = [ArmRun(one.arm, one.seed, one.counts) for one in results]
    document = ablation_document(study, runs)
    page = workspace.reports / f"ablate-{study}.html"
    with whole_file(page) as draft:
        draft.write_text(build_ablation_report(document, runs), encoding="utf-8")
    with whole_file(page.with_suffix(".json")) as draft:
        draft.write_text(json.dumps(document, indent=1))
    return {**document, "report": page.as_posix()}
