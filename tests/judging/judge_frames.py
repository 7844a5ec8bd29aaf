"""Traces, questions and facts that the judge's tests share."""

import polars as pl

from mgrd.audio.facts import Fact, fact
from mgrd.judging import Case, cases_of
from mgrd.judging.mock import MockJudge
from mgrd.settings import PanelSpec
from mgrd.store import frame_of
from schemas import DECISIONS, QUESTIONS, TRACES

CHAIN = "The pitch climbs from low to high, so the contour is rising."
FACTS: list[Fact] = [
    fact("f0_trend", 5.0, end=3.0, reliability=0.9),
    fact("tempo", 120.0, end=3.0, reliability=0.2),
    fact("onset", 0.1, end=0.1),
    fact("onset", 0.6, start=0.5, end=0.6),
]
CLIP, QUESTION = "c" * 16, "f" * 16
"""Keys as the tables want them."""
EVIDENCE = {CLIP: FACTS}


def trace(name: str, reasoning: str | None = CHAIN, round_: int = 1) -> dict[str, object]:
    return {
        **dict.fromkeys(TRACES.arrow.names),
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "reasoning_tokens", "audio_tokens"), 1),
        **dict.fromkeys(("prompt_id", "prompt_sha", "raw_text", "engine", "model_id"), "x"),
        "trace_id": name,
        "round": round_,
        "purpose": "distill",
        "split": "pool",
        "question_id": QUESTION,
        "clip_id": CLIP,
        "sample_index": 0,
        "reasoning": reasoning,
        "answer": "rising",
        "choice": "rising",
        "correct": True,
        "problems": [],
        "finish_reason": "stop",
        "temperature": 1.0,
        "top_p": 1.0,
        "max_new_tokens": 64,
        "seed": 0,
    }


def traces(count: int, round_: int = 1) -> pl.DataFrame:
    return frame_of(TRACES, [trace(f"t{i:03d}", f"{CHAIN} Number {i}.", round_) for i in range(count)])


def questions() -> pl.DataFrame:
    row = {
        "question_id": QUESTION,
        "clip_id": CLIP,
        "text": "How does the pitch move?",
        "choices": ["rising", "falling"],
    }
    rest = {"answer": "rising", "skill": "contour", "split": "pool", "origin": "embedded", "collection": "x"}
    return frame_of(QUESTIONS, [row | rest])


def decision(trace_id: str, *reasons: str) -> dict[str, object]:
    kinds = {(): "kept", ("no_evidence",): "unscored"}
    return {
        "trace_id": trace_id,
        "round": 1,
        "purpose": "distill",
        "question_id": QUESTION,
        "decision": kinds.get(reasons, "rejected"),
        "reasons": list(reasons),
        "correct": "wrong_answer" not in reasons,
        "grounded": not reasons,
        "surrogate": False,
        "supported": 1,
        "contradicted": 0,
        "unverifiable": 0,
        "surrogate_share": 0.0,
        "warnings": [],
        "checks": [reason for reason in reasons if reason != "wrong_answer"],
        "decided_by": "checks",
        "score": 0.5,
        "policy_sha": "checks",
    }


def decisions(*rows: dict[str, object]) -> pl.DataFrame:
    return frame_of(DECISIONS, list(rows))


def cases(count: int, round_: int = 1) -> list[Case]:
    return cases_of(traces(count, round_), questions(), EVIDENCE)


def panel_of(
    server: MockJudge, *, judges: int = 1, panel: dict[str, object] | None = None, **fields: object
) -> PanelSpec:
    """A panel of judges at one server, `judge-1` and on; `fields` are settings of each judge."""
    base = {"base_url": server.url, "timeout_seconds": 5.0, "attempts": 3}
    members = [{"model": f"judge-{number + 1}", **base, **fields} for number in range(judges)]
    return PanelSpec.model_validate({"judges": members, **(panel or {})})
