"""Text-reasoning tasks (E_task): small problems without audio that keep reasoning from text alive."""

import polars as pl

from mgrd.ids import content_key, question_key
from mgrd.ingest.embedded.problems import Problem, make_problems
from mgrd.store import frame_of
from prompts import load_prompt
from schemas import DISTILLED, QUESTIONS

PROMPT = "sample/plain"
"""The template of a text question, in training and in evaluation."""
HELD_OUT_STREAMS = {"dev": 11, "test": 12}


def text_tasks(count: int, seed: int, phase: int = 1) -> pl.DataFrame:
    """At most `count` distinct training rows (DISTILLED, origin "text", no clip), every answer verified."""
    problems = make_problems(count, seed, held_out=False, stream=phase)
    rows = [text_row(p.question, p.choices, p.reasoning, p.answer, phase) for p in problems]
    return frame_of(DISTILLED, rows).unique("row_id", maintain_order=True)


def heldout_problems(count: int, seed: int) -> pl.DataFrame:
    """At most `count` distinct questions (QUESTIONS, skill "text") of each split, dev and test, never trained on."""
    made = [
        _question(problem, split)
        for split, stream in HELD_OUT_STREAMS.items()
        for problem in make_problems(count, seed, held_out=True, stream=stream)
    ]
    return frame_of(QUESTIONS, made).unique("question_id", maintain_order=True)


def text_row(question: str, choices: tuple[str, ...], reasoning: str, answer: str, phase: int = 1) -> dict[str, object]:
    """A training row (DISTILLED) of a text problem."""
    question_id = question_key(None, question, list(choices), answer)
    return {
        "row_id": content_key("distilled", question_id, reasoning, answer, "text", phase),
        "trace_id": None,
        "round": 0,
        "origin": "text",
        "style": "text",
        "phase": phase,
        "question_id": question_id,
        "clip_id": None,
        "prompt": load_prompt(PROMPT).render(question=question, choices=list(choices)),
        "reasoning": reasoning,
        "answer": answer,
        "weight": 1.0,
    }


def _question(problem: Problem, split: str) -> dict[str, object]:
    choices = list(problem.choices)
    return {
        "question_id": question_key(None, problem.question, choices, problem.answer),
        "clip_id": None,
        "text": problem.question,
        "choices": choices,
        "answer": problem.answer,
        "skill": "text",
        "split": split,
        "origin": "embedded",
        "collection": "text",
    }
