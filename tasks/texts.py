"""The text-reasoning set of a campaign: rows to replay, and held-out problems, generated or from a file."""

import polars as pl

from mgrd.engines.sampling import GREEDY
from mgrd.ingest.embedded.texts import PROMPT, text_tasks
from mgrd.ingest.text_set import heldout_texts, text_set_of
from mgrd.store import DatasetRef, Workspace
from schemas import DISTILLED, OVERLAPS, QUARANTINE
from schemas.traces import TEXT
from tasks.models import ModelRef
from tasks.sample import sample_questions

GENERATED_ROWS = 400
"""Rows made where the cold start left none: a model from outside."""
STAGE = {"stage": "text", "round": 0}


def replay_rows(workspace: Workspace) -> pl.DataFrame:
    """Rows (DISTILLED) that rounds mix in; of a file, refused rows go to quarantine, and table `overlaps` stays out."""
    spec = workspace.settings.spec
    if (found := text_set_of(workspace)) is not None:
        workspace.store.replace(QUARANTINE, found.refused, STAGE)
        overlaps = workspace.store.read(OVERLAPS, columns=["question_id"])
        return found.rows.join(overlaps, on="question_id", how="anti", maintain_order="left")
    origin, phase = pl.col("origin") == "text", pl.col("phase") == 1
    made = workspace.store.read(DISTILLED, {"round": 0}).filter(origin & phase)
    return made if made.height else text_tasks(GENERATED_ROWS, spec.seed)


def measure_texts(workspace: Workspace, round_: int, model: ModelRef) -> DatasetRef | None:
    """Greedy chains on held-out text problems: whether reasoning from text is still there. None without problems."""
    spec = workspace.settings.spec
    if not spec.evaluation.text_problems:
        return None
    questions = heldout_texts(workspace)
    if questions.is_empty():
        return None
    return sample_questions(workspace, round_, model, TEXT, questions, (GREEDY,), PROMPT)
