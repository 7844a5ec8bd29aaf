"""The report for machines: the figures of every section of the page as one JSON-ready document.

`docs/report.md` lists the keys. They are stable: a key is added, and `version` grows when one goes or changes its
meaning.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mgrd.report.cost import cost_document
from mgrd.report.examples import Example, choose_examples, example_views
from mgrd.report.figures import funnel_gap
from mgrd.report.inputs import ReportInputs
from mgrd.report.provenance import gather_provenance
from mgrd.report.status import SPLITS, figures_of, status_document

VERSION = 1
TRACE_FIELDS = ("trace_id", "round", "sample_index", "model_id", "reasoning", "answer", "choice", "correct")
CLAIM_FIELDS = (
    "claim_id", "start", "end", "text", "attribute", "relation", "negated", "claimed", "value", "unit", "time_start",
    "time_end", "verdict", "note", "measured", "tolerance", "reliability", "truth_verdict",
)  # fmt: skip


def report_document(inputs: ReportInputs) -> dict[str, Any]:
    """The document; the same inputs give the same. What was not measured is None, never 0 and never NaN."""
    rounds = status_document(inputs.metrics, inputs.ledger)["rounds"]
    numbers = [round_["round"] for round_ in rounds]
    provenance = gather_provenance(inputs)
    document = {
        "version": VERSION,
        "as_of": provenance.as_of or None,
        "arm": provenance.arm or None,
        "rounds": numbers,
        "figures": {split: _curves(inputs, numbers, split) for split in SPLITS},
        "selection": [_selection(round_) for round_ in rounds if round_["funnel"]["sampled"]],
        "ablations": {"studies": list(inputs.studies.documents), "unread": list(inputs.studies.unread)},
        "examples": [_example(one, inputs) for one in example_views(inputs, choose_examples(inputs))],
        "cost": cost_document(inputs.ledger, rounds),
        "provenance": {
            "settings": dict(inputs.settings),
            "models": provenance.models,
            "prompts": provenance.prompts,
            "licences": provenance.licences,
        },
    }
    return {name: _finite(value) for name, value in document.items()}


def _curves(inputs: ReportInputs, rounds: Sequence[int], split: str) -> dict[str, list[dict[str, Any]]]:
    """Each figure by name: its points over the rounds that measured it."""
    curves: dict[str, list[dict[str, Any]]] = {}
    for round_ in rounds:
        for name, row in sorted(figures_of(inputs.metrics, round_, split).items()):
            point = {"round": round_, **{key: row[key] for key in ("value", "low", "high", "n")}}
            curves.setdefault(name, []).append(point)
    return dict(sorted(curves.items()))


def _selection(round_: Mapping[str, Any]) -> dict[str, Any]:
    funnel = round_["funnel"]
    return {
        "round": round_["round"],
        "funnel": funnel,
        "yield": funnel["kept"] / funnel["sampled"],
        "unaccounted": funnel_gap(funnel),
        "reasons": round_["reasons"],
    }


def _example(example: Example, inputs: ReportInputs) -> dict[str, Any]:
    trace, question, reasoning = example.trace, example.question, example.trace["reasoning"]
    return {
        **{name: trace[name] for name in TRACE_FIELDS},
        "clip": example.clip and {name: example.clip[name] for name in ("clip_id", "uri", "source", "licence")},
        "question": {name: question[name] for name in ("question_id", "text", "choices", "answer", "skill")},
        "decision": example.decision,
        "reasons": list(example.reasons),
        "surrogate_share": example.surrogate_share,
        "surrogate_spans": [list(span) for span in inputs.surrogate_spans(reasoning)] if reasoning else [],
        "claims": [{name: claim[name] for name in CLAIM_FIELDS} for claim in example.rows],
    }


def _finite(value: Any) -> Any:
    """The value with numbers that JSON lacks (NaN, infinities) as None."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {key: _finite(one) for key, one in value.items()}
        case list() | tuple():
            return [_finite(one) for one in value]
        case _:
            return value
