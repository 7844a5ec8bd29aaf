"""A workspace with as many made chains as asked for: clips with evidence, derived questions, K chains of each.

Some hundred clips are really made and really measured. The others are these, transposed and louder or softer, so that
each has facts of its own; questions are derived from them by the pipeline's own rules. A chain is put together from
what is true of its clip, what is false, what cannot be decided and what argues from a text, in many wordings; some say
nearly what another chain of the question says. Audio files of the transposed clips are stand-ins of 0.25 s: export
copies and hashes them, nothing measures them.
"""

import argparse
import io
import random
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from mgrd.audio.evidence import measure_clips
from mgrd.audio.words import ATTRIBUTES
from mgrd.engines.sampling import SamplingRun, plan_traces
from mgrd.ids import clip_key, seed_from, sha256_bytes
from mgrd.ingest.derive import derive_questions
from mgrd.ingest.embedded import make_embedded
from mgrd.ingest.embedded.phrases import CLAUSES, LABEL_CLAUSES, known_words
from mgrd.settings import EmbeddedSpec, IngestSpec
from mgrd.store import Outcome, Stage, Workspace, frame_of, init_workspace, run_stage
from prompts import load_prompt
from schemas import CLIPS, EVIDENCE, QUESTIONS, TRACES

SAMPLES = 8
QUESTIONS_PER_CLIP = 6
REAL_CLIPS = 240
CLIPS_AT_ONCE = 500
QUESTIONS_AT_ONCE = 2_500
SOURCES = 400
NEAR_COPIES = 0.12
"""Share of chains that differ from an earlier one of their question by a word."""
Row = dict[str, Any]

OPENINGS = (
    "Let me listen closely.", "First I focus on the sound itself.", "I will describe what I hear.", "", "",
    "Listening to the whole clip once more.", "The question is about what can be heard.", "Okay.",
)  # fmt: skip
HEDGES = ("", "", "", "", "clearly ", "perhaps ", "I think ", "it seems that ", "quite clearly ")
JOINS = (". ", ". Then ", ", and ", ". Also, ", "; ", ". At the same time ", ", while ")
VAGUE = (
    "the overall impression is quite pleasant", "there is a certain warmth to it", "nothing else stands out to me",
    "the sound has some character of its own", "it could come from many sources", "I compare the options one by one",
    "this matters for the question", "the other options do not fit as well",
)  # fmt: skip
SURROGATES = (
    "the caption of this clip probably says {answer}", "the title of the file suggests {answer}",
    "recordings like this are usually described that way", "the transcript would read {answer}",
    "it is well known from the literature",
)  # fmt: skip
CLOSINGS = (
    "So the answer is {answer}.", "Therefore I choose {answer}.", "This points to {answer}.", "Hence {answer}.",
    "Of the choices, {answer} fits best.",
)  # fmt: skip
VALUES: dict[str, tuple[str, ...]] = {
    "f0_median": ("the pitch is around {v:.0f} Hz", "the fundamental lies at {v:.0f} Hz", "f0 is near {v:.0f} Hz"),
    "tempo": ("the pulse runs at roughly {v:.0f} BPM", "I count about {v:.0f} beats per minute"),
    "event_count": ("I hear {v:.0f} separate sounds", "there are {v:.0f} distinct events", "I count {v:.0f} notes"),
    "duration": ("the clip lasts about {v:.1f} seconds", "after {v:.1f} seconds it is over"),
    "spectral_centroid": ("the spectral centroid sits near {v:.0f} Hz",),
    "longest_pause": ("there is a pause of about {v:.1f} s",),
    "loudness_trend": ("the level changes by about {v:.0f} dB from start to end",),
}  # fmt: skip
PLACES = (
    "",
    "",
    "",
    " at the beginning",
    " towards the end",
    " in the first half",
    " throughout",
    " after 1.5 seconds",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    make_workspace(asked.folder, asked.rows)


def make_workspace(folder: Path, rows: int) -> None:
    """Clips, evidence, questions and traces of round 1, with the ledger entry that a sampling stage leaves."""
    init_workspace(folder)
    workspace = Workspace.open(folder)
    words: dict[str, Row] = {}
    wanted = -(-rows // SAMPLES)
    for clips, evidence in many_clips(workspace):
        workspace.store.append(CLIPS, clips)
        workspace.store.append(EVIDENCE, evidence)
        spec = IngestSpec(questions_per_clip=QUESTIONS_PER_CLIP)
        questions = derive_questions(clips, evidence, spec, seed=0).head(wanted)
        workspace.store.append(QUESTIONS, questions)
        facts = dict(evidence.select("clip_id", "facts").iter_rows())
        for clip in clips.iter_rows(named=True):
            known = {fact["name"]: fact["value"] for fact in facts[clip["clip_id"]] if fact["reliability"] > 0.5}
            words[clip["clip_id"]] = {
                "label": clip["label"],
                "facts": {name: value for name, value in known.items() if name in VALUES},
                "words": {name: word for name, word in known_words(known).items() if (name, word) in CLAUSES},
            }
        wanted -= questions.height
        if wanted <= 0:
            break
    sample(workspace, words, rows)


def many_clips(workspace: Workspace) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """(CLIPS, EVIDENCE) frames without end: the made clips, then these transposed and at other levels."""
    spec = EmbeddedSpec(cold_clips=1, pool_clips=REAL_CLIPS, dev_clips=0, test_clips=0)
    made, _ = make_embedded(workspace.audio, "audio", spec, 0, 2, lambda _: None)
    made = made.filter(pl.col("split") == "pool")
    measured, bad = measure_clips(made, workspace.root, 2)
    assert bad.is_empty()
    clips = made.join(measured.select("clip_id", "facts"), on="clip_id").to_dicts()
    number = 0
    while True:
        rows = [_transposed(workspace, clips[(number + i) % len(clips)], number + i) for i in range(CLIPS_AT_ONCE)]
        number += CLIPS_AT_ONCE
        yield (
            frame_of(CLIPS, [{k: v for k, v in row.items() if k in CLIPS.arrow.names} for row in rows]),
            frame_of(EVIDENCE, [
                {"clip_id": row["clip_id"], "version": "made", "facts": row["facts"], "seconds": 0.0} for row in rows
            ]),
        )  # fmt: skip


def _transposed(workspace: Workspace, clip: Row, number: int) -> Row:
    rng = random.Random(seed_from("clip", number))
    semitones, decibels = rng.uniform(-9, 9), rng.uniform(-12, 6)
    data = _stand_in(number)
    sha = sha256_bytes(data)
    path = workspace.audio / f"{clip_key(sha)}.wav"
    path.write_bytes(data)
    shift = {"Hz": lambda v: v * 2 ** (semitones / 12), "midi": lambda v: v + semitones,
             "dBFS": lambda v: v + decibels, "LUFS": lambda v: v + decibels}  # fmt: skip
    facts = [
        {**fact, "value": shift[fact["unit"]](fact["value"])}
        if fact["unit"] in shift and "rate" not in fact["name"] else fact
        for fact in clip["facts"]
    ]  # fmt: skip
    return {
        **clip, "clip_id": clip_key(sha), "sha256": sha, "uri": f"audio/{path.name}", "truth": None, "facts": facts,
        "source": f"source {number % SOURCES}", "collection": "scale",
    }  # fmt: skip


def _stand_in(number: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(8_000)
        out.writeframes(random.Random(number).randbytes(2_000))
    return file.getvalue()


def sample(workspace: Workspace, words: dict[str, Row], rows: int) -> None:
    """Traces on every question, in the order of the questions as a sampling stage writes them."""
    spec = workspace.settings.spec
    prompt = load_prompt(spec.sampling.prompt)
    run = SamplingRun(1, "distill", "no-such-model", prompt, spec.sampling, spec.seed)
    questions = workspace.store.read(QUESTIONS).sort("question_id")
    partition = {"round": 1, "purpose": "distill"}

    def work() -> Outcome:
        left = rows
        for part in questions.iter_slices(QUESTIONS_AT_ONCE):
            plan = plan_traces(part, run, tuple(range(SAMPLES))).head(left)
            left -= plan.height
            asked: dict[str, list[str]] = {}
            traces = [_trace(row, words[row["clip_id"]], run, asked) for row in plan.iter_rows(named=True)]
            workspace.store.append(TRACES, frame_of(TRACES, traces))
            if not left:
                break
        reference = workspace.store.reference(TRACES, partition)
        return Outcome((reference,), rows, {"sampled": reference.rows, "quarantined": 0})

    run_stage(workspace, Stage("sample-distill", 1, 1, {}, {}), work)


def _trace(planned: Row, clip: Row, run: SamplingRun, asked: dict[str, list[str]]) -> Row:
    rng = random.Random(planned["seed"])
    before = asked.setdefault(planned["question_id"], [])
    answer = planned["answer"] if rng.random() < 0.6 else rng.choice(planned["choices"])
    reasoning = chain(rng, clip, answer)
    if before and rng.random() < NEAR_COPIES:
        reasoning = before[-1].replace(" the ", " this ", 1)
    before.append(reasoning)
    tokens = len(reasoning) // 4
    return {
        "trace_id": planned["trace_id"], "round": 1, "purpose": "distill", "split": "pool",
        "question_id": planned["question_id"], "clip_id": planned["clip_id"],
        "sample_index": planned["sample_index"], "prompt_id": run.prompt.id, "prompt_sha": run.prompt.sha,
        "raw_text": f"<think>\n{reasoning}\n</think>\n\n{answer}", "reasoning": reasoning, "answer": answer,
        "choice": answer, "correct": answer == planned["answer"], "problems": [], "finish_reason": "stop",
        "prompt_tokens": 60, "completion_tokens": tokens + 8, "reasoning_tokens": tokens, "audio_tokens": 38,
        "logprob": -0.7 * tokens, "engine": "made", "model_id": run.model_id, "temperature": 1.0, "top_p": 1.0,
        "max_new_tokens": 512, "seed": planned["seed"],
    }  # fmt: skip


def chain(rng: random.Random, clip: Row, answer: str) -> str:
    """A chain of three to eight statements; one in six of them is false, one in twenty argues from a text."""
    parts = []
    for _ in range(rng.randint(3, 8)):
        kind = rng.random()
        if kind < 0.05:
            parts.append(rng.choice(SURROGATES).format(answer=answer))
        elif kind < 0.2:
            parts.append(rng.choice(VAGUE))
        elif kind < 0.45 and clip["facts"]:
            name = rng.choice(list(clip["facts"]))
            value = clip["facts"][name] * (1 if rng.random() < 0.9 else rng.uniform(1.3, 3))
            parts.append(rng.choice(HEDGES) + rng.choice(VALUES[name]).format(v=value))
        elif kind < 0.52:
            parts.append(rng.choice(LABEL_CLAUSES[clip["label"]]))
        elif clip["words"]:
            name = rng.choice(list(clip["words"]))
            word = clip["words"][name] if rng.random() < 0.88 else rng.choice(ATTRIBUTES[name].bands).word
            said = CLAUSES.get((name, word)) or CLAUSES[name, clip["words"][name]]
            parts.append(rng.choice(HEDGES) + rng.choice(said) + rng.choice(PLACES))
    text = parts[0]
    for part in parts[1:]:
        text += rng.choice(JOINS) + part
    closing = rng.choice(CLOSINGS).format(answer=answer)
    return " ".join(filter(None, (rng.choice(OPENINGS), f"{text[0].upper()}{text[1:]}.", closing)))


if __name__ == "__main__":
    main()
