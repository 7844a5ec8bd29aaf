"""Preference pairs: two chains of one question, of which one listens and the other does not.

`grounded_over_surrogate`: right and kept against one that argues from text. `hearing_over_denial`: one that speaks
of the sound against one that denies hearing (the self-cognition pairs of Step-Audio-R1, arXiv 2511.15848).
"""

import polars as pl

from mgrd.ids import content_key
from mgrd.store import frame_of
from schemas import PREFERENCES

GROUNDED, HEARING = "grounded_over_surrogate", "hearing_over_denial"


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
        ordered = sorted(group.iter_rows(named=True), key=lambda row: content_key("pair", seed, row["trace_id"]))
        kept = [row for row in ordered if row["decision"] == "kept" and row["correct"] is not False]
        denying = [row for row in ordered if "denial" in row["reasons"]]
        textual = [row for row in ordered if "surrogate" in row["reasons"] and "denial" not in row["reasons"]]
        for reason, rejected in ((GROUNDED, textual), (HEARING, denying)):
            couples = list(zip(kept, rejected, strict=False))[:per_question]
            rows += [
                {
                    "pair_id": content_key("pair", reason, better["trace_id"], worse["trace_id"]),
                    "round": round_,
                    "question_id": better["question_id"],
                    "chosen_trace_id": better["trace_id"],
                    "rejected_trace_id": worse["trace_id"],
                    "reason": reason,
                }
                for better, worse in couples
            ]
    return frame_of(PREFERENCES, rows)
