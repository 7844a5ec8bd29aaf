"""Preference pairs: two chains of one question, of which one listens and the other does not.

`grounded_over_surrogate`: right and kept against one that argues from text. `hearing_over_denial`: one that speaks
of the sound against one that denies hearing (the self-cognition pairs of Step-Audio-R1, arXiv 2511.15848).
"""

import re
from typing import Any

import polars as pl

from mgrd.grounding.surrogate import DENIAL
from mgrd.ids import content_key
from mgrd.store import frame_of
from schemas import PREFERENCES

GROUNDED, HEARING = "grounded_over_surrogate", "hearing_over_denial"
_HEARS = re.compile(r"\b(?:hear|heard|hearing|listen|listened|listening|sounds?|audible|my ears?)\b", re.IGNORECASE)


def pair_traces(
    traces: pl.DataFrame, decisions: pl.DataFrame, *, round_: int, per_question: int, seed: int
) -> pl.DataFrame:
    """Rows of PREFERENCES: at most `per_question` pairs per question and reason; no chain is used twice for a reason.

    Chains that did not end (no answer) and pairs of the same text make no pair.
    """
    chains = traces.join(decisions.select("trace_id", "decision", "reasons"), on="trace_id").filter(
        (pl.col("answer").fill_null("") != "") & (pl.col("reasoning").fill_null("") != "")
    )
    rows: list[dict[str, object]] = []
    for group in chains.partition_by("question_id", maintain_order=True):
        ordered = _ordered(group, seed)
        kept = [row for row in ordered if row["decision"] == "kept" and row["correct"] is not False]
        denying = [row for row in ordered if "denial" in row["reasons"]]
        textual = [row for row in ordered if "surrogate" in row["reasons"] and "denial" not in row["reasons"]]
        for reason, rejected in ((GROUNDED, textual), (HEARING, denying)):
            rows += _couples(kept, rejected, reason, round_)[:per_question]
    return frame_of(PREFERENCES, rows)


def pair_replies(replies: pl.DataFrame, *, round_: int, per_question: int, seed: int) -> pl.DataFrame:
    """Rows of PREFERENCES from replies to self-cognition probes: one that speaks of hearing over one that denies it.

    Replies that did not end, or say neither, make no pair.
    """
    ended = replies.filter((pl.col("finish_reason") == "stop") & (pl.col("answer").fill_null("") != ""))
    rows: list[dict[str, object]] = []
    for group in ended.partition_by("question_id", maintain_order=True):
        ordered = _ordered(group, seed)
        denying = [row for row in ordered if DENIAL.search(row["raw_text"])]
        hearing = [row for row in ordered if not DENIAL.search(row["raw_text"]) and _HEARS.search(row["raw_text"])]
        rows += _couples(hearing, denying, HEARING, round_)[:per_question]
    return frame_of(PREFERENCES, rows)


def _ordered(group: pl.DataFrame, seed: int) -> list[dict[str, Any]]:
    """A question's chains in an order that depends on nothing but their keys and the seed."""
    return sorted(group.iter_rows(named=True), key=lambda row: content_key("pair", seed, row["trace_id"]))


def _couples(
    better: list[dict[str, Any]], worse: list[dict[str, Any]], reason: str, round_: int
) -> list[dict[str, object]]:
    return [
        {
            "pair_id": content_key("pair", reason, one["trace_id"], other["trace_id"]),
            "round": round_,
            "question_id": one["question_id"],
            "chosen_trace_id": one["trace_id"],
            "rejected_trace_id": other["trace_id"],
            "reason": reason,
        }
        for one, other in zip(better, worse, strict=False)
    ]
