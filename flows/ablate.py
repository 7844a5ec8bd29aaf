"""Ablations of the report (arXiv 2511.15848, figures 4 and 5), and the grounding term beyond it.

Each seed is a campaign of its own below the workspace: clips, cold start, one sampled round. The arms of a study
start from the same model and differ in one setting. Finished stages are skipped, and studies share their arms.
"""

from pathlib import Path

from prefect import flow

from flows.distill import cold_start
from flows.distill_round import decide_round
from flows.ingest import ingest
from mgrd.arms import Study
from mgrd.settings import SETTINGS_FILE
from mgrd.store import init_workspace
from tasks.ablate import Arm, Result, compare, reinforce_arm, sft_arm
from tasks.models import ModelRef
from tasks.run import Overrides, Run
from tasks.sample import sample
from tasks.select import select
from tasks.train import train

RIGHT_ONLY: Overrides = {"spec.reinforce.reward.correct": 1.0, "spec.reinforce.reward.reasoning": 0.0}
FAILED: Overrides = {"spec.reinforce.window_low": 0, "spec.reinforce.window_high": 0}
GROUNDED: Overrides = {"spec.reinforce.reward.grounding": 0.5}
UNGUARDED: Overrides = {"spec.reinforce.guards.enabled": False}
"""A guard would stop the collapse that is to be seen."""

REPORT = Arm("reinforced", {})
STUDIES: dict[Study, tuple[Arm, ...]] = {
    "format-reward": (REPORT, Arm("without format term", RIGHT_ONLY)),
    "data-selection": (
        REPORT,
        Arm("failed questions", FAILED),
        Arm("filtered sft", {"spec.selection.arm": "filtered"}, kind="sft"),
        Arm("unfiltered sft", {"spec.selection.arm": "unfiltered"}, kind="sft"),
    ),
    "grounding-term": (
        Arm("after sft", {}, start="sft"),
        Arm("after sft with grounding term", GROUNDED, start="sft"),
    ),
}


@flow(name="ablate", validate_parameters=False)
def ablate(workspace: str, study: Study, seeds: list[int], overrides: Overrides | None = None) -> dict[str, object]:
    """Run a study over the seeds; returns its figures and the path of its report."""
    campaign = Run(workspace=workspace, overrides=overrides or {})
    with campaign.traced(f"ablate {study}"):
        results: list[Result] = []
        for seed in seeds:
            run = _campaign(workspace, seed, overrides or {})
            starts: dict[str, ModelRef] = {"cold": _sampled(run)}
            if any(arm.start == "sft" for arm in STUDIES[study]):
                starts["sft"] = _filtered(run, starts["cold"])
            for arm in STUDIES[study]:
                own = Run(workspace=run.workspace, overrides={**run.overrides, **UNGUARDED, **arm.overrides})
                step = sft_arm if arm.kind == "sft" else reinforce_arm
                results += step(own, seed, arm, starts[arm.start])
        return compare(campaign, study, results)


def _campaign(workspace: str, seed: int, overrides: Overrides) -> Run:
    """The campaign of a seed, with the settings of the workspace."""
    folder = Path(workspace) / "ablations" / f"seed-{seed}"
    init_workspace(folder, Path(workspace) / SETTINGS_FILE)
    return Run(workspace=str(folder), overrides={**overrides, "spec.seed": seed})


def _sampled(run: Run) -> ModelRef:
    """The cold start, its chains of the pool decided on, and the pass counts of the questions."""
    ingest(run.workspace, "embedded", run.overrides)
    model = cold_start(run)
    traces = sample(run, 1, model)
    select(run, 1, traces, decide_round(run, 1, traces))
    return model


def _filtered(run: Run, model: ModelRef) -> ModelRef:
    """The cold start after SFT on the round's kept chains."""
    traces = sample(run, 1, model)
    rows = select(run, 1, traces, decide_round(run, 1, traces))
    return train(run, 1, rows, model) or model
