"""A finished round without a model: made clips and chains, really grounded and really selected.

Every clip has one question and two chains that hold plus one that does not, so a round of `clips`
clips has kept rows, a curriculum inside the window and a preference pair per question.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from mgrd.audio.facts import Fact, fact
from mgrd.audio.wav import pcm16, wav_bytes
from mgrd.ids import clip_key, content_key, sha256_bytes
from mgrd.selection.decisions import ground_traces
from mgrd.selection.select import select_traces
from mgrd.store import Outcome, Workspace, frame_of, init_workspace
from prompts import load_prompt
from schemas import (
    CLAIMS,
    CLIPS,
    CURRICULUM,
    DECISIONS,
    DISTILLED,
    PREFERENCES,
    QUESTIONS,
    TRACES,
)

RATE = 16_000
DOMAINS = ("synthetic", "music", "speech")
PROMPT = load_prompt("sample/perceive")
HOSTILE = "| <script>alert(1)</script> `x` \u2028 ---\nlicense: mit"
"""What a file name or a label may hold."""

Row = dict[str, object]


def sound(number: int, seconds: float) -> bytes:
    """A WAV file of a tone of its own, mono PCM16 at 16 kHz."""
    times = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(number).normal(size=len(times)) * 0.01
    samples = 0.3 * np.sin(2 * np.pi * (200 + number) * times) + noise
    return wav_bytes(pcm16(samples), RATE)


def make_workspace(root: Path, clips: int = 12, seconds: float = 0.2, sources: int = 6, texts: int = 3) -> Workspace:
    """A workspace whose round 1 is selected; clip i belongs to source i modulo `sources`."""
    init_workspace(root)
    workspace = Workspace.open(root)
    rows = [_clip(workspace, i, seconds, sources) for i in range(clips)]
    workspace.store.replace(CLIPS, frame_of(CLIPS, rows), {"collection": "made"})
    questions = frame_of(QUESTIONS, [_question(row) for row in rows])
    workspace.store.replace(QUESTIONS, questions, {"collection": "made"})
    finish_round(workspace, 1, questions)
    workspace.store.replace(DISTILLED, frame_of(DISTILLED, [_text(i) for i in range(texts)]), {"round": 0})
    return workspace


def finish_round(workspace: Workspace, round_: int, questions: pl.DataFrame) -> None:
    """Chains on every question, checked and selected, with a ledger entry as the pipeline leaves it."""
    store, spec = workspace.store, workspace.settings.spec
    traces = frame_of(TRACES, [chain for row in questions.iter_rows(named=True) for chain in _chains(row, round_)])
    sampled = {"round": round_, "purpose": "distill"}
    claims, decisions = ground_traces(
        traces, questions, dict.fromkeys(questions["clip_id"], FACTS), {}, policy=spec.policy, arm="filtered"
    )
    distilled, curriculum = select_traces(
        traces, decisions, questions, spec=spec.selection, prompt=PROMPT, round_=round_, seed=0
    )
    for table, frame in ((TRACES, traces), (CLAIMS, claims), (DECISIONS, decisions)):
        store.replace(table, frame, sampled)
    for table, frame in ((DISTILLED, distilled), (CURRICULUM, curriculum)):
        store.replace(table, frame, {"round": round_})
    counts = {name: decisions.filter(pl.col("decision") == name).height for name in ("kept", "rejected", "unscored")}
    outcome = Outcome((), decisions.height, counts, {"sampled": decisions.height, "reasons": {"wrong_answer": 1}})
    workspace.ledger.record(round_, "select", f"mark-{round_}", {}, outcome, 0.0)


def make_pairs(workspace: Workspace, round_: int = 1) -> None:
    """A preference pair per question: the first kept chain against the first rejected one."""
    decisions = workspace.store.read(DECISIONS, {"round": round_, "purpose": "distill"}).sort("trace_id")
    sides = {
        name: decisions.filter(pl.col("decision") == name).unique("question_id", keep="first", maintain_order=True)
        for name in ("kept", "rejected")
    }
    pairs = sides["kept"].join(sides["rejected"], on="question_id").sort("question_id")
    rows: list[Row] = [
        {
            "pair_id": content_key("pair", row["trace_id"], row["trace_id_right"]),
            "round": round_,
            "question_id": row["question_id"],
            "chosen_trace_id": row["trace_id"],
            "rejected_trace_id": row["trace_id_right"],
            "reason": "grounding",
        }
        for row in pairs.iter_rows(named=True)
    ]
    workspace.store.replace(PREFERENCES, frame_of(PREFERENCES, rows), {"round": round_})


FACTS: Sequence[Fact] = [
    fact("duration", 0.2, end=0.2),
    fact("f0_trend", 7.0, end=0.2),
    fact("f0_median", 220.0, end=0.2),
    fact("loudness_trend", -9.0, end=0.2),
]


def _clip(workspace: Workspace, number: int, seconds: float, sources: int) -> Row:
    data = sound(number, seconds)
    sha = sha256_bytes(data)
    uri = f"audio/{clip_key(sha)}.wav"
    path = workspace.root / uri
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return {
        **dict.fromkeys(("label", "transcript", "speaker", "family", "truth")),
        "clip_id": clip_key(sha),
        "sha256": sha,
        "uri": uri,
        "duration": seconds,
        "sample_rate": RATE,
        "channels": 1,
        "domain": DOMAINS[number % sources % len(DOMAINS)],
        "source": f"source {number % sources}",
        "licence": ("CC0-1.0", "CC-BY-4.0")[number % sources % 2],
        "provenance": f"made for tests {HOSTILE}",
        "split": "pool",
        "collection": "made",
    }


def _question(clip: Row) -> Row:
    text, choices = "How does the pitch move?", ["rising", "falling", "flat"]
    return {
        "question_id": content_key("question", clip["clip_id"]),
        "clip_id": clip["clip_id"],
        "text": text,
        "choices": choices,
        "answer": "rising",
        "skill": "contour",
        "split": "pool",
        "origin": "derived",
        "collection": "made",
    }


CHAINS = (
    ("The pitch rises steadily from start to end, so the answer is rising.", "rising"),
    ("I hear a tone that climbs in pitch while it gets softer. That is a rising contour.", "rising"),
    ("The pitch falls all the way down, therefore falling.", "falling"),
)


def _chains(question: Row, round_: int) -> list[Row]:
    return [
        {
            "trace_id": content_key("trace", question["question_id"], round_, index),
            "round": round_,
            "purpose": "distill",
            "split": "pool",
            "question_id": question["question_id"],
            "clip_id": question["clip_id"],
            "sample_index": index,
            "prompt_id": PROMPT.id,
            "prompt_sha": PROMPT.sha,
            "raw_text": f"<think>\n{reasoning}\n</think>\n\n{answer}",
            "reasoning": reasoning,
            "answer": answer,
            "choice": answer,
            "correct": answer == question["answer"],
            "problems": [],
            "finish_reason": "stop",
            "prompt_tokens": 40,
            "completion_tokens": 20 + index,
            "reasoning_tokens": 15,
            "audio_tokens": 5,
            "logprob": -9.0,
            "engine": "transformers",
            "model_id": "no-such-model",
            "temperature": 1.0,
            "top_p": 1.0,
            "max_new_tokens": 64,
            "seed": index,
        }
        for index, (reasoning, answer) in enumerate(CHAINS)
    ]


def _text(number: int) -> Row:
    return {
        **dict.fromkeys(("trace_id", "question_id", "clip_id")),
        "row_id": content_key("text", number),
        "round": 0,
        "origin": "text",
        "style": "text",
        "phase": 1,
        "prompt": f"Which number is larger: {number} or ten?",
        "reasoning": f"ten is more than {number}.",
        "answer": "ten",
        "weight": 1.0,
    }
