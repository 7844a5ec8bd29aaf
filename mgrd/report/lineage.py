"""Where a row came from: from a training row or a chain back to clip, question, prompt, model, judges and policy."""

import json
from typing import Any

import polars as pl

from mgrd.errors import DataError
from mgrd.ingest.unwritten import unwritten_question
from mgrd.store import Workspace
from schemas import (
    CLIPS,
    DECISIONS,
    DISTILLED,
    LEDGER,
    MODELS,
    OVERRIDES,
    PREFERENCES,
    QUESTIONS,
    TRACES,
    VERDICTS,
    Table,
)
from schemas.traces import DISTILL

Record = dict[str, Any]
STAGES = ("sample", "ground", "judge", "counterfactual")
"""Stages that a chain of either purpose goes through; chains that are distilled are decided and selected then."""


def lineage_of(workspace: Workspace, key: str) -> Record:
    """Everything behind a chain, by its `trace_id`, or by the `row_id` of a training row (in an export: `id`).

    JSON-ready. A part that does not exist (no judge, no clip) is None or empty. Raises DataError for a
    key that no table knows.
    """
    row = _one(workspace, DISTILLED, pl.col("row_id") == key)
    trace_id = key if row is None else row["trace_id"]
    if row is not None and trace_id is None:  # a cold-start or text row: written, not sampled
        return {"row": row, **_asked(workspace, row), "stages": _stages(workspace, 0, ("demonstrations",))}
    trace = _one(workspace, TRACES, pl.col("trace_id") == trace_id)
    if trace is None:
        raise DataError(
            f"no chain or training row has the key {key!r}; `mgrd data show traces` and `mgrd data show distilled` "
            "print keys, an export's rows name theirs in `trace_id`"
        )
    mine = pl.col("trace_id") == trace_id
    return {
        "trace": {name: value for name, value in trace.items() if name != "raw_text"},
        **_asked(workspace, trace),
        "prompt": {"id": trace["prompt_id"], "sha": trace["prompt_sha"]},
        "models": _ancestors(workspace, trace["model_id"]),
        "verdicts": [
            {name: verdict[name] for name in ("verdict_id", "judge", "prompt_id", "prompt_version", "prompt_sha",
                                              "scored", "acoustic_grounding", "logical_coherence", "reason")}
            for verdict in _all(workspace, VERDICTS, mine)
        ],
        "decision": _one(workspace, DECISIONS, mine),
        "overrides": [{name: vote[name] for name in ("reviewer", "verdict", "reason", "made_at")}
                      for vote in _all(workspace, OVERRIDES, mine)],
        "rows": _all(workspace, DISTILLED, mine),
        "pairs": [pair["pair_id"] for pair in _pairs(workspace, trace_id)],
        "stages": _stages(workspace, trace["round"], stages_of_chain(trace["purpose"])),
    }  # fmt: skip


def _asked(workspace: Workspace, row: Record) -> Record:
    clip = None if row["clip_id"] is None else _one(workspace, CLIPS, pl.col("clip_id") == row["clip_id"])
    question = None
    if row["question_id"] is not None:
        question = _one(workspace, QUESTIONS, pl.col("question_id") == row["question_id"])
        if question is None and (made := unwritten_question(workspace, row["question_id"], row["clip_id"])):
            question = {**made, "split": row.get("split")}
    return {"clip": clip and {k: v for k, v in clip.items() if k != "truth"}, "question": question}


def _ancestors(workspace: Workspace, model_id: str) -> list[Record]:
    """The model and its parents, youngest first; an outside model is known by its id alone."""
    rows = {row["model_id"]: row for row in workspace.store.read(MODELS).iter_rows(named=True)}
    line: list[Record] = []
    known: set[str] = set()
    while model_id in rows and model_id not in known:
        known.add(model_id)
        row = rows[model_id]
        line.append({name: row[name] for name in ("model_id", "parent_id", "round", "stage", "uri", "template_sha")})
        model_id = row["parent_id"]
    return line or [{"model_id": model_id}]


def _pairs(workspace: Workspace, trace_id: str) -> list[Record]:
    sides = [name for name in PREFERENCES.arrow.names if name.endswith("_trace_id")]
    return _all(workspace, PREFERENCES, pl.any_horizontal(pl.col(name) == trace_id for name in sides))


def stages_of_chain(purpose: str) -> tuple[str, ...]:
    """Names of the stages that made a chain of this purpose and, where it is distilled, selected it."""
    names = tuple(f"{name}-{purpose}" for name in STAGES)
    return (*names, "decide", "select") if purpose == DISTILL else names


def _stages(workspace: Workspace, round_: int, names: tuple[str, ...]) -> list[Record]:
    """The newest ledger entry of each stage: its fingerprint, its configuration and when it finished."""
    entries = workspace.store.scan(LEDGER).filter((pl.col("round") == round_) & pl.col("stage").is_in(names))
    newest = entries.collect().sort("finished_at").unique("stage", keep="last", maintain_order=True)
    return [
        {
            "stage": row["stage"],
            "fingerprint": row["fingerprint"],
            "config": None if row["config"] is None else json.loads(row["config"]),
            "inputs": json.loads(row["inputs"]),
            "finished_at": row["finished_at"],
        }
        for row in newest.iter_rows(named=True)
    ]


def _all(workspace: Workspace, table: Table, which: pl.Expr) -> list[Record]:
    return workspace.store.scan(table).filter(which).collect().to_dicts()


def _one(workspace: Workspace, table: Table, which: pl.Expr) -> Record | None:
    rows = workspace.store.scan(table).filter(which).head(1).collect()
    return rows.row(0, named=True) if rows.height else None
