"""All that is known of one chain, as plain data: the document behind `mgrd explain`.

It is read from the tables as they stand; nothing is measured, judged or decided again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from mgrd.audio.facts import FACT_UNITS
from mgrd.errors import DataError
from mgrd.grounding.surrogate import find_surrogates
from mgrd.grounding.tolerances import ALL_ATTRIBUTES
from mgrd.ingest.unwritten import unwritten_question
from mgrd.store import Workspace
from schemas import CLAIMS, CLIPS, COUNTERFACTUALS, DECISIONS, OVERRIDES, QUESTIONS, TRACES, VERDICTS, Table

Lookup = Callable[[Table, str, str | None], list[dict[str, Any]]]
"""Rows of a table whose column has a value; none for None. The tables answer it here, an index of them in review."""

LISTED = 5
"""Ids that an ambiguous beginning is answered with."""
TRACE_FIELDS = (
    "trace_id", "round", "purpose", "split", "question_id", "clip_id", "sample_index", "raw_text", "reasoning",
    "answer", "choice", "correct", "problems", "finish_reason", "completion_tokens", "model_id", "prompt_id",
)  # fmt: skip
DECISION_FIELDS = (
    "decision", "decided_by", "reasons", "warnings", "checks", "grounded", "score", "supported", "contradicted",
    "unverifiable", "surrogate_share", "truth_grounded", "policy_sha",
)  # fmt: skip
CLAIM_FIELDS = (
    "claim_id", "start", "end", "text", "attribute", "relation", "claimed", "negated", "value", "unit", "weight",
    "extractor",
    "verdict", "note", "measured", "tolerance", "reliability", "truth_verdict",
)  # fmt: skip


def explain_trace(workspace: Workspace, beginning: str) -> dict[str, Any]:
    """The trace whose id begins so, with question, clip, claims, surrogates, judges, counterfactual and decision.

    JSON-ready. What a stage has not written is None or an empty list. Raises DataError when no id, or more than one,
    begins so.
    """
    trace_id = find_trace(workspace, beginning)

    def look_up(table: Table, column: str, key: str | None) -> list[dict[str, Any]]:
        return _rows(workspace, table, column, key)

    found = explain_rows(look_up, trace_id)
    if found["question"] is None:
        found["question"] = _question(unwritten_question(workspace, found["question_id"], found["clip_id"]))
    return found


def explain_rows(look_up: Lookup, trace_id: str) -> dict[str, Any]:
    """The same for a whole id, of rows from anywhere. Raises DataError when there is no such trace."""
    trace = _first(look_up(TRACES, "trace_id", trace_id))
    if trace is None:
        raise DataError(f"there is no trace {trace_id}")
    question = _first(look_up(QUESTIONS, "question_id", trace["question_id"]))
    clip = _first(look_up(CLIPS, "clip_id", trace["clip_id"]))
    decision = _first(look_up(DECISIONS, "trace_id", trace_id))
    counterfactual = _first(look_up(COUNTERFACTUALS, "trace_id", trace_id))
    gains = {gain["claim_id"]: gain for gain in counterfactual["claims"]} if counterfactual else {}
    claims = sorted(look_up(CLAIMS, "trace_id", trace_id), key=lambda row: (row["start"], row["end"]))
    reasoning = trace["reasoning"] or ""
    return {
        **{name: trace[name] for name in TRACE_FIELDS},
        "question": _question(question),
        "clip": clip and {name: clip[name] for name in ("uri", "duration", "source", "label")},
        "claims": [_claim(number, row, gains.get(row["claim_id"])) for number, row in enumerate(claims, start=1)],
        "surrogates": [
            {"start": start, "end": end, "text": reasoning[start:end]}
            for start, end in find_surrogates(reasoning).spans
        ],
        "verdicts": [_verdict(row) for row in look_up(VERDICTS, "trace_id", trace_id)],
        "counterfactual": counterfactual
        and {name: counterfactual[name] for name in counterfactual if name not in ("claims", "trace_id", "round")},
        "overrides": sorted(look_up(OVERRIDES, "trace_id", trace_id), key=lambda row: row["made_at"]),
        "decision": decision and {name: decision[name] for name in DECISION_FIELDS},
    }


def find_trace(workspace: Workspace, beginning: str) -> str:
    """The one trace id that begins so."""
    lazy = workspace.store.scan(TRACES).select("trace_id").filter(pl.col("trace_id").str.starts_with(beginning))
    found = lazy.unique().sort("trace_id").collect()["trace_id"].to_list()
    if not found:
        raise DataError(
            f"no trace of {workspace.root} has an id that begins with {beginning!r}; ids are the trace_id column of "
            f"{workspace.store.path(TRACES)}, and stand under each chain of the report"
        )
    if len(found) > 1 and beginning not in found:
        few = ", ".join(found[:LISTED]) + (", ..." if len(found) > LISTED else "")
        raise DataError(f"{len(found)} traces begin with {beginning!r}: {few}; give more digits")
    return beginning if beginning in found else found[0]


def measured_fact(attribute: str) -> str:
    """The name of the fact that a claim on the attribute is held against: the attribute's own, or itself."""
    return ALL_ATTRIBUTES[attribute].fact if attribute in ALL_ATTRIBUTES else attribute


def measured_unit(attribute: str, unit: str | None) -> str:
    """The unit of a claim's measured value."""
    return unit or FACT_UNITS.get(measured_fact(attribute), "")


def _question(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {name: row[name] for name in ("text", "choices", "answer", "skill")}


def _claim(number: int, row: Mapping[str, Any], gain: Mapping[str, Any] | None) -> dict[str, Any]:
    timed = row["time_start"] is not None
    return {
        "number": number,
        **{name: row[name] for name in CLAIM_FIELDS},
        "measured_unit": measured_unit(row["attribute"], row["unit"]),
        "time": [row["time_start"], row["time_end"]] if timed else None,
        "silence_gain": gain and gain["silence"],
        "swap_gain": gain and gain["swap"],
    }


def _verdict(row: Mapping[str, Any]) -> dict[str, Any]:
    hidden = ("verdict_id", "trace_id", "round", "raw_reply")
    return {name: value for name, value in row.items() if name not in hidden}


def _rows(workspace: Workspace, table: Table, column: str, key: str | None) -> list[dict[str, Any]]:
    if key is None:
        return []
    return workspace.store.scan(table).filter(pl.col(column) == key).collect().to_dicts()


def _first(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return rows[0] if rows else None
