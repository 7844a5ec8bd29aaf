"""Evaluate: a checkpoint on a public benchmark, scored by its owners' rule and by grounding."""

from pathlib import Path
from typing import Any

from prefect import flow

from mgrd.evaluation.benchmarks.run import Evaluating
from tasks.artifacts import tell_failure
from tasks.benchmark import benchmark as answer
from tasks.run import Overrides, Run


@flow(name="evaluate", on_failure=[tell_failure], on_crashed=[tell_failure], on_cancellation=[tell_failure])
def evaluate(
    workspace: str,
    benchmark: str,
    data: str,
    out: str,
    model: str | None = None,
    samples: int = 0,
    grounding: bool = True,
    scaling: bool = False,
    limit: int | None = None,
    overrides: Overrides | None = None,
) -> dict[str, Any]:
    """Answer `benchmark`, write predictions in its owners' format to `out`, and score them.

    The same parameters again go on where a run stopped: what the model has answered is not asked again.

    Args:
        workspace: Folder of the workspace, as the worker sees it; its current model answers.
        benchmark: Name of the benchmark, such as mmau.
        data: Folder of the owners' files as published, or one of their files.
        out: Folder of predictions, answers and evaluation.json.
        model: Folder of another checkpoint.
        samples: Chains per question for majority and best-of-K; 0: none.
        grounding: Check chains against the clips; silence and swap them.
        scaling: Accuracy against reasoning length, and thinking on and off.
        limit: Only so many questions; none: all.
        overrides: Settings for this run alone, by dotted key, such as {"runtime.engine": "openai"}.
    """
    run = Run(workspace=workspace, overrides=overrides or {})
    with run.traced("evaluate"):
        return answer(run, benchmark, data, out, model, limit, Evaluating(Path(out), samples, grounding, scaling))
