"""Questions on made clips: the right answer comes from the clip's truth, the choices from the word bands.

Every clip carries the question it was planned for; clips of the cold start carry more, and those are
chosen so that the answers of each skill stay evenly used.
"""

from collections import Counter, defaultdict

import numpy as np
import polars as pl

from mgrd.audio.words import ATTRIBUTES
from mgrd.errors import ContractError
from mgrd.ids import question_key, seed_from
from mgrd.ingest.embedded.plan import Plan, skill_answers
from mgrd.ingest.skills import NUMBER_WORDS, SKILLS
from mgrd.store import frame_of
from schemas import QUESTIONS

PER_COLD_CLIP = 4
SLACK = 4
"""By how many uses an answer may be ahead of the rarest one of its skill before it is no longer asked."""
OPEN_CHOICES = 3
"""Choices of a question whose answers are not the bands of an attribute."""


def known_answers(truth: list[dict[str, float]] | None, label: str | None) -> dict[str, str]:
    """The right answer of every skill that the truth decides; a value between two bands decides nothing."""
    values = {str(known["name"]): float(known["value"]) for known in truth or []}
    answers: dict[str, str] = {}
    for skill in SKILLS.values():
        if skill.attribute:
            attribute = ATTRIBUTES[skill.attribute]
            word = attribute.word(values[attribute.fact]) if attribute.fact in values else None
            if word:
                answers[skill.name] = word
    if "event_count" in values:
        answers["event_count"] = NUMBER_WORDS[int(values["event_count"])]
    if label:
        answers["label"] = label
    return answers


def askable(plan: Plan, answers: dict[str, str]) -> dict[str, str]:
    """Without what is trivially so or unclear in the plan's family."""
    left = dict(answers)
    if plan.family in ("glide", "noise"):
        left.pop("event_count", None)
        left.pop("reverberation", None)
    if plan.count < 3 and plan.family not in ("glide", "noise"):
        left.pop("contour", None)
        left.pop("loudness", None)
    return left


def ask_questions(plans: list[Plan], clips: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One question per clip, at most PER_COLD_CLIP for cold ones, in the order of the plans (QUESTIONS).

    Raises ContractError when a clip's truth does not give the answer that it was planned for.
    """
    used: dict[str, Counter[str]] = defaultdict(Counter)
    rows: list[dict[str, object]] = []
    for plan, clip in zip(plans, clips.iter_rows(named=True), strict=True):
        answers = known_answers(clip["truth"], clip["label"])
        if answers.get(plan.skill) != plan.answer:
            raise ContractError(
                f"clip {clip['clip_id']}: planned {plan.skill} = {plan.answer}, truth says {answers.get(plan.skill)}"
            )
        chosen = [(plan.skill, plan.answer)]
        if plan.split == "cold":
            others = [(skill, word) for skill, word in askable(plan, answers).items() if skill != plan.skill]
            others.sort(key=lambda pair: _overuse(used, *pair))
            chosen += [pair for pair in others if _ahead(used, *pair) <= SLACK][: PER_COLD_CLIP - 1]
            for skill, word in chosen:
                used[skill][word] += 1
        rng = np.random.default_rng(seed_from("choices", seed, clip["clip_id"]))
        rows += [_question(rng, clip["clip_id"], plan.split, skill, word) for skill, word in chosen]
    return frame_of(QUESTIONS, rows)


def _overuse(used: dict[str, Counter[str]], skill: str, word: str) -> tuple[float, int, str]:
    """How far an answer is ahead of its skill's mean, then how often the skill was asked."""
    counts = used[skill]
    return counts[word] - counts.total() / len(skill_answers(skill)), counts.total(), skill


def _ahead(used: dict[str, Counter[str]], skill: str, word: str) -> int:
    """How often an answer was used more than the rarest one of its skill."""
    return used[skill][word] - min(used[skill][other] for other in skill_answers(skill))


def _question(rng: np.random.Generator, clip_id: str, split: str, skill: str, answer: str) -> dict[str, object]:
    text = SKILLS[skill].text
    choices = list(skill_answers(skill))
    if SKILLS[skill].attribute is None:
        others = [choice for choice in choices if choice != answer]
        choices = [answer, *rng.choice(others, OPEN_CHOICES - 1, replace=False)]
    choices = [str(choice) for choice in rng.permutation(choices)]
    return {
        "question_id": question_key(clip_id, text, choices, answer),
        "clip_id": clip_id,
        "text": text,
        "choices": choices,
        "answer": answer,
        "skill": skill,
        "split": split,
        "origin": "embedded",
    }
