"""Probes: asking the model outright whether it hears, on held-out clips to measure, on pool clips to pair."""

import polars as pl

from mgrd.ingest.probes import PROMPT, paired_probes, probe_questions
from mgrd.store import DatasetRef, Workspace
from schemas.clips import HELD_OUT
from schemas.traces import PREFER, PROBE
from tasks.models import ModelRef
from tasks.rows import clips_of
from tasks.sample import sample_questions


def measure_probes(workspace: Workspace, round_: int, model: ModelRef, indices: tuple[int, ...]) -> DatasetRef | None:
    """Replies to `spec.evaluation.probes` probes in each held-out split; None when there are none to ask."""
    spec = workspace.settings.spec
    questions = probe_questions(clips_of(workspace, *HELD_OUT), spec.evaluation.probes, spec.seed)
    return _ask(workspace, round_, model, PROBE, questions, indices)


def prefer_probes(workspace: Workspace, round_: int, model: ModelRef) -> DatasetRef | None:
    """K replies each to `spec.preferences.probes` probes of the pool; None when there are none to ask."""
    spec = workspace.settings.spec
    questions = paired_probes(workspace.store.scan, spec)
    return _ask(workspace, round_, model, PREFER, questions, tuple(range(spec.sampling.samples)))


def _ask(
    workspace: Workspace,
    round_: int,
    model: ModelRef,
    purpose: str,
    questions: pl.DataFrame,
    indices: tuple[int, ...],
) -> DatasetRef | None:
    if questions.is_empty():
        return None
    return sample_questions(workspace, round_, model, purpose, questions, indices, PROMPT)
