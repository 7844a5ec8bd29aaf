"""Small frames that hold every contract, for tests that break one thing at a time."""

import polars as pl

from mgrd.ids import content_key
from schemas import TABLES

SPLITS = ("cold", "pool", "dev", "test")


def frame(table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(pl.DataFrame(TABLES[table].arrow.empty_table()).schema))


def fact(name: str = "f0_median", value: float = 220.0, unit: str = "Hz") -> dict[str, object]:
    return {"name": name, "value": value, "unit": unit, "start": 0.0, "end": 3.0, "reliability": 0.9}


def clip_id(index: int) -> str:
    return content_key("clip", index)


def clips(count: int = 40) -> pl.DataFrame:
    return frame(
        "clips",
        [
            {
                "clip_id": clip_id(i),
                "sha256": (clip_id(i) * 4),
                "uri": f"clips/{clip_id(i)}.wav",
                "duration": 3.0,
                "sample_rate": 16000,
                "channels": 1,
                "domain": "synthetic",
                "source": f"patch {SPLITS[i % 4]} {i // 8}",
                "collection": f"voices {i % 3}",
                "licence": "CC0-1.0",
                "provenance": "made by construction",
                "split": SPLITS[i % 4],
                "truth": [fact()],
            }
            for i in range(count)
        ],
    )


def questions(count: int = 40) -> pl.DataFrame:
    return frame(
        "questions",
        [
            {
                "question_id": content_key("question", i),
                "clip_id": clip_id(i),
                "text": "How does the pitch move?",
                "choices": ["rising", "falling", "flat"],
                "answer": "rising",
                "skill": "contour",
                "split": SPLITS[i % 4],
                "origin": "embedded",
                "collection": "embedded",
            }
            for i in range(count)
        ],
    )


def evidence(count: int = 40) -> pl.DataFrame:
    facts = [fact(), fact("tempo", 120.0, "BPM"), fact("snr", 30.0, "dB"), fact("rms", -20.0, "dBFS")]
    return frame(
        "evidence",
        [
            {"clip_id": clip_id(i), "version": "1", "facts": [*facts, fact("duration", 3.0, "s")], "seconds": 0.05}
            for i in range(count)
        ],
    )


def traces(count: int = 40) -> pl.DataFrame:
    return frame(
        "traces",
        [
            {
                "trace_id": content_key("trace", i),
                "round": 1,
                "purpose": "distill" if i % 4 < 2 else "evaluate",
                "split": SPLITS[i % 4],
                "question_id": content_key("question", i),
                "clip_id": clip_id(i),
                "sample_index": 0,
                "prompt_id": "sample/perceive",
                "prompt_sha": "0123456789abcdef",
                "raw_text": "<think>the pitch rises</think>\n\nrising",
                "reasoning": "the pitch rises",
                "answer": "rising",
                "choice": "rising",
                "correct": True,
                "problems": [],
                "finish_reason": "stop",
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "reasoning_tokens": 12,
                "audio_tokens": 75,
                "logprob": -9.5,
                "engine": "transformers",
                "model_id": "m1",
                "temperature": 1.0,
                "top_p": 1.0,
                "max_new_tokens": 64,
                "seed": i,
            }
            for i in range(count)
        ],
    )


def claims(count: int = 40) -> pl.DataFrame:
    return frame(
        "claims",
        [
            {
                "claim_id": content_key("claim", i),
                "trace_id": content_key("trace", i),
                "round": 1,
                "purpose": "distill",
                "start": 0,
                "end": 15,
                "text": "the pitch rises",
                "attribute": "contour",
                "relation": "is",
                "claimed": "rising",
                "negated": False,
                "weight": 1.0,
                "extractor": "grammar",
                "verdict": "supported",
                "measured": 4.0,
                "tolerance": 0.5,
                "reliability": 0.9,
            }
            for i in range(count)
        ],
    )


def decisions(count: int = 40) -> pl.DataFrame:
    return frame(
        "decisions",
        [
            {
                "trace_id": content_key("trace", i),
                "round": 1,
                "purpose": "distill",
                "question_id": content_key("question", i),
                "decision": "kept" if i % 2 else "rejected",
                "reasons": [] if i % 2 else ["contradicted"],
                "correct": True,
                "grounded": bool(i % 2),
                "surrogate": False,
                "supported": 1,
                "contradicted": 1 - i % 2,
                "unverifiable": 0,
                "surrogate_share": 0.0,
                "warnings": [],
                "checks": [],
                "decided_by": "checks",
                "score": 0.5,
                "policy_sha": "0123456789abcdef",
            }
            for i in range(count)
        ],
    )


def distilled() -> pl.DataFrame:
    """Rows on the pool clips, and one text row."""
    rows: list[dict[str, object]] = [
        {
            "row_id": content_key("row", i),
            "trace_id": content_key("trace", i),
            "round": 1,
            "origin": "distilled",
            "phase": 0,
            "question_id": content_key("question", i),
            "clip_id": clip_id(i),
            "prompt": "How does the pitch move?",
            "reasoning": "the pitch rises",
            "answer": "rising",
            "weight": 1.0,
        }
        for i in range(1, 40, 4)
    ]
    text = rows[0] | {"row_id": content_key("row", "text"), "origin": "text", "trace_id": None, "clip_id": None}
    return frame("distilled", [*rows, text | {"question_id": None}])


def metrics() -> pl.DataFrame:
    names = ("accuracy", "accuracy_sampled", "grounded", "claim_precision", "surrogate")
    return frame(
        "metrics",
        [
            {"round": 1, "split": split, "name": name, "value": 0.5, "low": 0.4, "high": 0.6, "n": 300}
            for split in ("dev", "test")
            for name in names
        ],
    )


GOOD = {
    "clips": clips,
    "questions": questions,
    "evidence": evidence,
    "traces": traces,
    "claims": claims,
    "decisions": decisions,
    "distilled": distilled,
    "metrics": metrics,
}
