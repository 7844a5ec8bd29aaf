"""A workspace to review: made sounds, measured by the real code, and chains that the real checks decided on."""

from pathlib import Path

import numpy as np
import polars as pl

from mgrd.audio.evidence import measure_clips
from mgrd.audio.facts import from_row
from mgrd.audio.wav import pcm16, wav_bytes
from mgrd.ids import clip_key, content_key, sha256_bytes
from mgrd.selection.decisions import ground_traces
from mgrd.settings import PolicySpec
from mgrd.store import Store, Workspace, frame_of, init_workspace
from schemas import CLAIMS, CLIPS, DECISIONS, EVIDENCE, QUESTIONS, TRACES, VERDICTS

RATE = 16_000
HOSTILE = "<script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'> The pitch rises, so rising."
CHAINS = (
    "The pitch rises from the start to the end, so the answer is rising.",
    "The pitch falls, and there is one sound, so the answer is falling.",
    "The transcript says hello. The pitch is steady, so the answer is flat.",
    "Something happens here, so the answer is rising.",
)


def glide(start: float, end: float, seconds: float = 2.0) -> bytes:
    """A WAV of a harmonic tone that glides from one pitch to another, in Hz."""
    times = np.arange(int(seconds * RATE)) / RATE
    pitch = start * (end / start) ** (times / seconds)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase) / k for k in (1, 2, 3))
    fade = np.minimum(1, np.minimum(times, seconds - times) / 0.05)
    return wav_bytes(pcm16(0.15 * tone * fade), RATE)


def make_workspace(root: Path, *, clips: int = 3, rounds: int = 2, samples: int = 4) -> Workspace:
    """Rounds 1.. of chains on a few clips; the chain of a sample differs between rounds, so that some flip."""
    init_workspace(root)
    workspace = Workspace.open(root)
    rows = [_clip(root, number) for number in range(clips)]
    workspace.store.append(CLIPS, frame_of(CLIPS, rows))
    evidence, bad = measure_clips(workspace.store.read(CLIPS), root, pictures=workspace.pictures)
    assert bad.is_empty()
    workspace.store.append(EVIDENCE, evidence)
    questions = [_question(row["clip_id"]) for row in rows]
    workspace.store.append(QUESTIONS, frame_of(QUESTIONS, questions))
    chains = [
        trace_row(question, round_, sample, HOSTILE if (sample, number) == (0, 0) else CHAINS[(sample + round_) % 4])
        for round_ in range(1, rounds + 1)
        for number, question in enumerate(questions)
        for sample in range(samples)
    ]
    add_traces(workspace.store, chains)
    return workspace


def _clip(root: Path, number: int) -> dict[str, object]:
    data = glide(200 + 30 * number, 400 + 10 * number)
    sha256 = sha256_bytes(data)
    uri = f"audio/{clip_key(sha256)}.wav"
    (root / "audio").mkdir(exist_ok=True)
    (root / uri).write_bytes(data)
    return {
        "clip_id": clip_key(sha256), "sha256": sha256, "uri": uri, "duration": 2.0, "sample_rate": RATE, "channels": 1,
        "domain": "music" if number else "speech", "source": f"source {number}", "licence": "CC0-1.0",
        "provenance": "made", "split": "pool", "collection": "made",
    }  # fmt: skip


def _question(clip_id: object) -> dict[str, object]:
    return {
        "question_id": content_key("question", clip_id), "clip_id": clip_id, "text": "How does the pitch move?",
        "choices": ["rising", "falling", "flat"], "answer": "rising", "skill": "contour", "split": "pool",
        "origin": "embedded", "collection": "made",
    }  # fmt: skip


def trace_row(question: dict[str, object], round_: int, sample: int, chain: str) -> dict[str, object]:
    answer = next((word for word in ("falling", "flat") if f"is {word}" in chain), "rising")
    return {
        "trace_id": content_key("trace", question["question_id"], round_, sample, chain), "round": round_,
        "purpose": "distill", "split": "pool", "question_id": question["question_id"],
        "clip_id": question["clip_id"], "sample_index": sample, "prompt_id": "sample/perceive", "prompt_sha": "0" * 16,
        "raw_text": f"<think>\n{chain}\n</think>\n\n{answer}", "reasoning": chain, "answer": answer, "choice": answer,
        "correct": answer == question["answer"], "problems": [], "finish_reason": "stop", "prompt_tokens": 9,
        "completion_tokens": 9, "reasoning_tokens": 9, "audio_tokens": 50, "engine": "transformers",
        "model_id": "m" * 16, "temperature": 1.0, "top_p": 1.0, "max_new_tokens": 64, "seed": sample,
    }  # fmt: skip


def add_traces(store: Store, rows: list[dict[str, object]]) -> None:
    """Append chains with what the real checks make of them."""
    traces = frame_of(TRACES, rows)
    facts = {row["clip_id"]: [from_row(fact) for fact in row["facts"]] for row in store.read(EVIDENCE).to_dicts()}
    claims, decisions = ground_traces(traces, store.read(QUESTIONS), facts, {}, policy=PolicySpec(), arm="filtered")
    for table, frame in ((TRACES, traces), (CLAIMS, claims), (DECISIONS, decisions)):
        store.append(table, frame)


def judge_row(trace_id: str, judge: str, score: float) -> dict[str, object]:
    return {
        "verdict_id": content_key("verdict", trace_id, judge), "trace_id": trace_id, "round": 1, "judge": judge,
        "prompt_id": "judge/grounding", "prompt_version": 1, "prompt_sha": "0" * 16, "scored": True,
        "acoustic_grounding": score, "logical_coherence": 4.0, "answer_follows": 4.0, "surrogate": 5.0,
        "self_cognition": 5.0, "reason": "heard <b>nothing</b>", "raw_reply": "{}", "requests": 1, "cached": False,
        "prompt_tokens": 10, "completion_tokens": 10, "cost": 0.25,
    }  # fmt: skip


def add_judge(store: Store, trace_ids: list[str], judge: str, score: float) -> None:
    store.append(VERDICTS, frame_of(VERDICTS, [judge_row(key, judge, score) for key in trace_ids]))


def traces_of(workspace: Workspace) -> pl.DataFrame:
    return workspace.store.read(TRACES).sort("trace_id")
