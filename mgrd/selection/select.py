"""From decisions to training rows: duplicates out, a cap per question, the difficulty window.

Gains follow the number of *distinct* correct chains (RFT, arXiv 2308.01825), so exact and
near-duplicate chains of a question count once. ReST-EM (arXiv 2312.06585) caps the chains per
problem so that easy questions do not crowd out hard ones. Questions that the model always or never
gets right (outside the window of Step-Audio-R1, section on data selection) give fewer rows.
"""

from collections.abc import Sequence

import polars as pl

from mgrd.ids import content_key
from mgrd.settings import SelectionSpec
from mgrd.store import frame_of
from prompts import Prompt
from schemas import CURRICULUM, DISTILLED


def pass_counts(traces: pl.DataFrame, round_: int, spec: SelectionSpec) -> pl.DataFrame:
    """The curriculum: samples and passes per question, and whether it lies inside the window."""
    counted = traces.group_by("question_id", maintain_order=True).agg(
        samples=pl.len().cast(pl.Int64), passed=pl.col("correct").fill_null(value=False).sum().cast(pl.Int64)
    )
    rows = counted.with_columns(
        round=pl.lit(round_, pl.Int64), inside=pl.col("passed").is_between(spec.window_low, spec.window_high)
    )
    return rows.select(CURRICULUM.arrow.names)


def select_traces(
    traces: pl.DataFrame,
    decisions: pl.DataFrame,
    questions: pl.DataFrame,
    *,
    spec: SelectionSpec,
    prompt: Prompt,
    round_: int,
    seed: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Training rows (DISTILLED) of the kept traces, and the curriculum they were capped by.

    A chain without an answer gives no row, whatever the arm: there is nothing to train towards.
    """
    curriculum = pass_counts(traces, round_, spec)
    kept = (
        traces.join(decisions.select("trace_id", "decision"), on="trace_id")
        .filter((pl.col("decision") == "kept") & (pl.col("answer").fill_null("") != ""))
        .join(curriculum.select("question_id", "inside"), on="question_id")
        .join(questions.select("question_id", "text", "choices"), on="question_id")
    )
    rows: list[dict[str, object]] = []
    for chains in kept.partition_by("question_id", maintain_order=True):
        cap = spec.per_question if chains["inside"][0] else spec.per_question_outside
        order = sorted(chains.iter_rows(named=True), key=lambda chain: content_key("select", seed, chain["trace_id"]))
        rows += [_training_row(chain, prompt, round_) for chain in distinct(order, spec.near_duplicate)[:cap]]
    return frame_of(DISTILLED, rows), curriculum


def distinct(chains: Sequence[dict[str, object]], threshold: float) -> list[dict[str, object]]:
    """The chains without those whose word set overlaps an earlier one (Jaccard index >= threshold)."""
    kept: list[dict[str, object]] = []
    seen: list[frozenset[str]] = []
    for chain in chains:
        words = frozenset(str(chain["reasoning"] or "").lower().split())
        if all(_jaccard(words, other) < threshold for other in seen):
            kept.append(chain)
            seen.append(words)
    return kept


def _jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    union = len(left | right)
    return len(left & right) / union if union else 1.0


def _training_row(chain: dict[str, object], prompt: Prompt, round_: int) -> dict[str, object]:
    reasoning = chain["reasoning"] or ""
    return {
        "row_id": content_key("distilled", chain["trace_id"]),
        "trace_id": chain["trace_id"],
        "round": round_,
        "origin": "distilled",
        "style": None,
        "phase": 0,
        "question_id": chain["question_id"],
        "clip_id": chain["clip_id"],
        "prompt": prompt.render(question=chain["text"], choices=chain["choices"]),
        "reasoning": reasoning,
        "answer": chain["answer"],
        "weight": 1.0,
    }
