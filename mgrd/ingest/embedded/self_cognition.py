"""Cold-start replies to self-cognition probes: some tell what is heard, some deny hearing.

Off by default. With denials in it the embedded model has the fault that preference pairs are to mend.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from mgrd.ids import content_key, seed_from
from mgrd.ingest.embedded.phrases import pick
from mgrd.ingest.probes import PROMPT, probe_questions
from mgrd.settings import ColdStartSpec
from prompts import load_prompt

HEARS, DENIES = "hears", "denies"
DENIALS = (
    ("as a text model i cannot hear audio, i only read the words.", "i cannot hear the clip."),
    ("i am a language model and i cannot listen to the recording.", "no, i cannot hear it."),
    ("i have no access to the sound, i only see the text.", "no, i only read text."),
)
HEARINGS = (
    ("i listen: {heard}.", "yes, i can hear it."),
    ("i hear it well, {heard}.", "yes, {heard}."),
    ("the sound reaches me: {heard}.", "i listen to the clip."),
)


def probe_replies(
    clips: pl.DataFrame, heard: Mapping[str, Sequence[str]], spec: ColdStartSpec, seed: int
) -> list[dict[str, object]]:
    """Training rows (DISTILLED, phase 1) for `spec.probes` of the cold clips, of which `spec.denials` deny hearing.

    `heard` has true clauses for each clip.
    """
    asked = probe_questions(clips, round(spec.probes * clips.height), seed)
    denied = round(spec.denials * asked.height)
    order = np.random.default_rng(seed_from("probe replies", seed)).permutation(asked.height)
    rows: list[dict[str, object]] = []
    for place, question in zip(order, asked.iter_rows(named=True), strict=True):
        rng = np.random.default_rng(seed_from("probe reply", seed, question["question_id"]))
        style = DENIES if place < denied else HEARS
        texts = DENIALS if style == DENIES else HEARINGS
        reasoning, answer = pick(rng, texts)
        clause = pick(rng, heard[question["clip_id"]])
        rows.append(
            {
                "row_id": content_key("distilled", question["question_id"], style, "cold", 1),
                "trace_id": None,
                "round": 0,
                "origin": "cold",
                "style": style,
                "phase": 1,
                "question_id": question["question_id"],
                "clip_id": question["clip_id"],
                "prompt": load_prompt(PROMPT).render(question=question["text"], choices=[]),
                "reasoning": reasoning.format(heard=clause),
                "answer": answer.format(heard=clause),
                "weight": 1.0,
            }
        )
    return rows
