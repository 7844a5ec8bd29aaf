"""Cold-start demonstrations: what stage A trains on, written from the clips' constructed truth.

Phase 0 teaches hearing (descriptions and direct answers, always true). Phase 1 teaches writing in a
mixture of styles, so that the filters of later rounds have something to choose from: `grounded`
chains cite what is true of the clip, `wrong` ones what is false, `surrogate` ones argue from an
imagined text, `direct` ones do not reason. In every style the same share of answers is right, so
correctness tells nothing about style. A chain's claim on the asked attribute always agrees with the
answer it leads to: a grounded chain to a wrong answer cites other facts.
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from mgrd.ids import content_key, seed_from
from mgrd.ingest.embedded.phrases import CLAUSES, LABEL_CLAUSES, known_words, pick, say
from mgrd.ingest.embedded.self_cognition import probe_replies
from mgrd.ingest.embedded.texts import text_tasks
from mgrd.ingest.skills import NUMBER_WORDS
from mgrd.settings import ColdStartSpec
from mgrd.store import frame_of
from schemas import DISTILLED

DESCRIBE = "Describe what you hear."
DESCRIBED_FACTS = (3, 4)
"""Facts in a description, at least and at most, beside the label."""
DESCRIPTION_WEIGHT = 0.25
"""A description is five times as long as an answer: at full weight its words crowd out what the answers teach."""
TEXT_SHARE = 0.06
"""Text rows per cold question, in each phase."""
STYLES = ("grounded", "surrogate", "wrong", "direct")
PITCH_WAYS = frozenset({"contour", "pitch_order"})
LOUDNESS_WAYS = frozenset({"loudness", "loudness_order"})
"""Attributes that say nearly the same: one chain uses one of them."""

OPENINGS = ("", "", "listening closely, ", "i listen: ", "in this clip ")
CLOSINGS = ("so the answer is {answer}.", "so i choose {answer}.", "this means {answer}.")
SOURCES = (
    "the caption of this clip probably says {answer}",
    "the title of the file suggests {answer}",
    "the transcript would read {answer}",
    "the description of the recording mentions {answer}",
    "the lyrics of the song mention {answer}",
)
HABITS = (
    "recordings like this are usually described that way",
    "most people know that such clips are labelled like this",
    "in the text such a question is usually answered this way",
    "it is well known from the literature",
    "the metadata normally agrees with it",
)


def write_demonstrations(
    clips: pl.DataFrame,
    questions: pl.DataFrame,
    render: Callable[[str, list[str]], str],
    spec: ColdStartSpec,
    seed: int,
) -> pl.DataFrame:
    """Demonstration rows (DISTILLED, round 0) for the cold clips among `clips` and their questions.

    `render` turns a question's text and choices into the prompt. Shares of styles and of right
    answers are met by quota, so they hold exactly up to rounding, in every style.
    """
    cold = clips.filter(pl.col("split") == "cold")
    asked = questions.filter(pl.col("split") == "cold")
    heard = {row["clip_id"]: _Heard(row) for row in cold.iter_rows(named=True)}
    rows = [_describe(clip, seed) for clip in heard.values()]
    rng = np.random.default_rng(seed_from("demonstrations", seed))
    styles, rights = _assign(rng, asked.height, spec)
    for question, style, right in zip(asked.iter_rows(named=True), styles, rights, strict=True):
        prompt = render(question["text"], question["choices"])
        rows.append(_row(question, prompt, "", question["answer"], "hearing", 0))
        own = np.random.default_rng(seed_from("chain", seed, question["question_id"]))
        wrong = [choice for choice in question["choices"] if choice != question["answer"]]
        answer = question["answer"] if right else str(own.choice(wrong))
        reasoning = _reason(own, style, heard[question["clip_id"]], question["skill"], answer, right=right)
        rows.append(_row(question, prompt, reasoning, answer, style, 1))
    if spec.probes:
        rows += probe_replies(cold, {clip_id: LABEL_CLAUSES[clip.label] for clip_id, clip in heard.items()}, spec, seed)
    frame = frame_of(DISTILLED, rows)
    count = round(TEXT_SHARE * asked.height)
    return pl.concat([frame, text_tasks(count, seed, phase=0), text_tasks(count, seed, phase=1)])


class _Heard:
    """A cold clip as the writer sees it: its label and the words that its truth decides."""

    def __init__(self, clip: dict[str, object]) -> None:
        truth = clip["truth"]
        assert isinstance(truth, list)
        self.clip_id = str(clip["clip_id"])
        self.label = str(clip["label"])
        self.words = known_words({known["name"]: known["value"] for known in truth})
        if clip["family"] in ("glide", "noise"):
            self.words.pop("event_count", None)


def _assign(rng: np.random.Generator, count: int, spec: ColdStartSpec) -> tuple[list[str], list[bool]]:
    """A style and a right-or-wrong flag per question: quotas, then one shuffle."""
    shares = np.array([spec.grounded, spec.surrogate, spec.wrong, spec.direct])
    edges = np.round(np.cumsum(shares) / shares.sum() * count).astype(int)
    sizes = np.diff(np.concatenate([[0], edges]))
    pairs: list[tuple[str, bool]] = []
    for style, size in zip(STYLES, sizes, strict=True):
        right = round(spec.right_answers * int(size))
        pairs += [(style, place < right) for place in range(int(size))]
    order = rng.permutation(count)
    return [pairs[place][0] for place in order], [pairs[place][1] for place in order]


def _reason(rng: np.random.Generator, style: str, clip: _Heard, skill: str, answer: str, *, right: bool) -> str:
    if style == "direct":
        return ""
    closing = pick(rng, CLOSINGS).format(answer=answer)
    if style == "surrogate":
        return f"{pick(rng, SOURCES).format(answer=answer)}. {pick(rng, HABITS)}, {closing}"
    decisive = [say(rng, skill, answer, clip.label)] if right == (style == "grounded") else []
    others = [name for name in clip.words if not _overlap(name, skill)]
    least = 0 if decisive and skill != "label" else 1
    wanted = int(rng.integers(least, 3)) if decisive else int(rng.integers(1, 4))
    chosen: list[str] = []
    for name in rng.permutation(others):
        if len(chosen) < wanted and not any(_overlap(str(name), before) for before in chosen):
            chosen.append(str(name))
    if not decisive and not chosen and skill in clip.words:
        chosen = [skill]  # the clip has nothing else to speak of
    words = {
        name: clip.words[name] if style == "grounded" else _other_word(rng, name, clip.words[name]) for name in chosen
    }
    clauses = [say(rng, name, word, clip.label) for name, word in words.items()]
    if not decisive and not clauses:
        clauses = [pick(rng, LABEL_CLAUSES[clip.label])]
    clauses = [str(clause) for clause in rng.permutation(decisive + clauses)]
    return f"{pick(rng, OPENINGS)}{_join(clauses)}, {closing}"


def _overlap(first: str, second: str) -> bool:
    return first == second or any({first, second} <= ways for ways in (PITCH_WAYS, LOUDNESS_WAYS))


def _other_word(rng: np.random.Generator, attribute: str, word: str) -> str:
    """A false word of the attribute."""
    if attribute == "event_count":
        number = NUMBER_WORDS.index(word)
        return NUMBER_WORDS[int(rng.choice([other for other in range(1, 8) if abs(other - number) >= 2]))]
    return pick(rng, [other for name, other in CLAUSES if name == attribute and other != word])


def _describe(clip: _Heard, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed_from("description", seed, clip.clip_id))
    names = [str(name) for name in rng.permutation(list(clip.words))]
    names = names[: int(rng.integers(DESCRIBED_FACTS[0], DESCRIBED_FACTS[1] + 1))]
    clauses = [pick(rng, LABEL_CLAUSES[clip.label])]
    clauses += [say(rng, name, clip.words[name], clip.label) for name in names]
    answer = " ".join(f"{clause}." for clause in clauses)
    row = _row({"question_id": None, "clip_id": clip.clip_id}, DESCRIBE, "", answer, "description", 0)
    return {**row, "weight": DESCRIPTION_WEIGHT}


def _row(
    question: dict[str, object], prompt: str, reasoning: str, answer: str, style: str, phase: int
) -> dict[str, object]:
    return {
        "row_id": content_key(
            "distilled", question["question_id"], question["clip_id"], reasoning, answer, "cold", phase
        ),
        "trace_id": None,
        "round": 0,
        "origin": "cold",
        "style": style,
        "phase": phase,
        "question_id": question["question_id"],
        "clip_id": question["clip_id"],
        "prompt": prompt,
        "reasoning": reasoning,
        "answer": answer,
        "weight": 1.0,
    }


def _join(clauses: list[str]) -> str:
    return clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
