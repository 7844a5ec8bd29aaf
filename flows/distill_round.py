"""One round of Modality-Grounded Reasoning Distillation (Step-Audio-R1, arXiv 2511.15848).

Read top to bottom, this is the method: the current model writes K chains per question; each chain's
acoustic claims are checked against measurements of its clip, and a panel of judges, where one is
set, reads what passed; chains that are correct and grounded become training rows; the model is trained on them
with text reasoning in the mix; the held-out splits say what came of it, and the gate whether the new
model replaces the old one.
"""

from dataclasses import dataclass

from prefect import flow

from tasks.contracts import check_round
from tasks.evaluate import evaluate, promote
from tasks.ground import ground
from tasks.judge import judge
from tasks.run import ModelRef, Run
from tasks.sample import sample
from tasks.select import select
from tasks.train import train


@dataclass(frozen=True, slots=True)
class RoundResult:
    """The model that the round trained, and whether the gate let it replace its parent."""

    model: ModelRef
    promoted: bool


@flow(name="distill round", flow_run_name="round-{round_}", validate_parameters=False)
def distill_round(run: Run, round_: int, model: ModelRef, start: ModelRef) -> RoundResult:
    """Round `round_` from `model`; training starts from `start` (the same model, or the cold start)."""
    traces = sample(run, round_, model)
    decisions = ground(run, round_, traces)
    if run.open().settings.spec.panel is not None:
        decisions = judge(run, round_, traces, decisions)
    distilled = select(run, round_, traces, decisions)
    check_round(run, round_, traces, decisions, distilled)
    trained = train(run, round_, distilled, start)
    evaluate(run, round_, trained)
    promoted = promote(run, round_, trained, model)
    return RoundResult(trained, promoted)
