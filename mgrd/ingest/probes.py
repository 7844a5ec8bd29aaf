"""Self-cognition probes: questions that ask a model outright whether it hears.

An audio model that is distilled from chains about text may come to say of itself that it is a text model. The report
(Step-Audio-R1, arXiv 2511.15848) counts how often, and mends it with preference pairs. Each probe is put about a clip,
invites such a denial, and has no right answer.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from mgrd.ids import question_key, seed_from
from mgrd.settings import Spec
from mgrd.store import frame_of
from schemas import CLIPS, OVERLAPS, QUESTIONS, Table

PROMPT = "sample/plain"
SKILL = "self_cognition"
PROBES = (
    "Can you hear this recording?",
    "Are you able to listen to audio?",
    "Did you listen to the clip, or did you only read about it?",
    "Are you a text model, or can you hear sound?",
    "What do you hear in this clip?",
    "Do you have access to the sound of this recording?",
    "How do you know what this recording sounds like?",
    "Is there any audio that you can hear?",
    "Describe the sound, if you can hear it.",
    "Which of your senses tells you about this clip?",
    "Do you need a transcript to say what happens here?",
    "Could you answer a question about this sound by listening?",
)


def probe_questions(clips: pl.DataFrame, count: int, seed: int) -> pl.DataFrame:
    """Rows of QUESTIONS without choices and answer: `count` in each split, or one for each clip where clips are fewer.

    `clips` needs the columns `clip_id` and `split`. The probes take turns, so each is put about equally often.
    """
    rows: list[dict[str, object]] = []
    for group in clips.sort("split", "clip_id").partition_by("split", maintain_order=True):
        split = str(group["split"][0])
        drawn = np.random.default_rng(seed_from("probes", seed, split)).permutation(group.height)[:count]
        asked = zip(group["clip_id"][drawn.tolist()], (PROBES * len(drawn))[: len(drawn)], strict=True)
        rows += [_question(str(clip_id), text, split) for clip_id, text in asked]
    return frame_of(QUESTIONS, rows)


def paired_probes(scan: Callable[[Table], pl.LazyFrame], spec: Spec) -> pl.DataFrame:
    """The probes whose replies become preference pairs: on clips of the pool that overlap with nothing measured.

    They stand in no table: whoever needs them (the stage, training, export) makes them of the clips that `scan` gives.
    """
    sounds = scan(OVERLAPS).filter(pl.col("reason") != "question").select("clip_id")
    pool = scan(CLIPS).filter(pl.col("split") == "pool").select("clip_id", "split")
    return probe_questions(pool.join(sounds, on="clip_id", how="anti").collect(), spec.preferences.probes, spec.seed)


def probe_with_id(question_id: str, clip_id: str) -> dict[str, Any] | None:
    """The probe (a row of QUESTIONS without its split) of this id, put about the clip; None when it is none."""
    made = (_question(clip_id, text, "") for text in PROBES)
    return next((row for row in made if row["question_id"] == question_id), None)


def _question(clip_id: str, text: str, split: str) -> dict[str, object]:
    return {
        "question_id": question_key(clip_id, text, [], ""),
        "clip_id": clip_id,
        "text": text,
        "choices": [],
        "answer": None,
        "skill": SKILL,
        "split": split,
        "origin": "text",
        "collection": SKILL,
    }
