"""One round of Modality-Grounded Reasoning Distillation (Step-Audio-R1, arXiv 2511.15848).

Read top to bottom, this is the method: the current model writes K chains per question; each chain's
acoustic claims are checked against measurements of its clip, and a judge, where one is set, reads
what passed; some are scored again without their sound; the policy decides over all of this, reviewers
last; chains that are correct and grounded become training rows; the model is trained on them
with text reasoning in the mix; the held-out splits say what came of it, and the gate whether the new
model replaces the old one.
"""

from dataclasses import dataclass

from prefect import flow

from mgrd.store import DatasetRef
from tasks.calibrate import check_calibration
from tasks.contracts import check_round
from tasks.counterfactual import counterfactual
from tasks.decide import decide
from tasks.evaluate import evaluate, promote
from tasks.ground import ground
from tasks.judge import judge
from tasks.models import ModelRef
from tasks.prefer import pair, prefer
from tasks.reinforce import reinforce_model
from tasks.run import Run
from tasks.sample import sample
from tasks.select import select
from tasks.train import train


@dataclass(frozen=True, slots=True)
class RoundResult:
    """The model that the round trained, and whether the gate let it replace its parent.

    A round that kept no chain trains nothing: its model is the one it sampled from, not promoted.
    """

    model: ModelRef
    promoted: bool


@flow(name="distill round", flow_run_name="round-{round_}", validate_parameters=False)
def distill_round(run: Run, round_: int, model: ModelRef, start: ModelRef) -> RoundResult:
    """Round `round_` from `model`; training starts from `start` (the same model, or the cold start)."""
    with run.traced("distill round", round_):
        traces = sample(run, round_, model)
        decisions = decide_round(run, round_, traces)
        distilled = select(run, round_, traces, decisions)
        check_round(run, round_, traces, decisions, distilled)
        check_calibration(run)
        trained = train_round(run, round_, traces, decisions, distilled, start)
        evaluate(run, round_, trained or model)
        promoted = trained is not None and promote(run, round_, trained, model)
        return RoundResult(trained or model, promoted)


def decide_round(run: Run, round_: int, traces: DatasetRef) -> DatasetRef:
    """From sampled chains to decisions: the checks, then what else is asked for, then the policy over all of it."""
    spec = run.open().settings.spec
    checked = ground(run, round_, traces)
    verdicts = judge(run, round_, traces, checked) if spec.panel is not None else None
    gains = counterfactual(run, round_, traces, checked) if spec.counterfactual.share else None
    return decide(run, round_, traces, checked, verdicts, gains)


def train_round(
    run: Run, round_: int, traces: DatasetRef, decisions: DatasetRef, distilled: DatasetRef, start: ModelRef
) -> ModelRef | None:
    """The stages of `training.stages` in their order; None when none of them changed the model."""
    model = start
    for stage in run.open().settings.spec.training.stages:
        if stage == "sft":
            model = train(run, round_, distilled, model) or model
        elif stage == "dpo":
            model = prefer(run, round_, pair(run, round_, traces, decisions, model), model)
        else:
            model = reinforce_model(run, round_, model)
    return None if model == start else model
