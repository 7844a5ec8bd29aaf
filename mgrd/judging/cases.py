"""A case: one chain with all that a judge is told about it, and the prompt that tells it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from mgrd.audio.facts import Fact
from mgrd.ids import content_key
from mgrd.judging.evidence import evidence_words
from mgrd.judging.fence import as_data, mark_for
from mgrd.judging.rubric import READING_VERSION, SCHEMA_SHA
from mgrd.settings import JudgeSpec
from prompts import Prompt, load_prompt

CORRECTION = "judge/correction"


@dataclass(frozen=True, slots=True)
class Case:
    """A chain to be judged. `evidence` is the text of `evidence_words`: what was measured of its clip."""

    trace_id: str
    question: str
    choices: tuple[str, ...]
    chain: str
    answer: str
    evidence: str
    round: int = 0


def cases_of(
    traces: pl.DataFrame, questions: pl.DataFrame, evidence_by_clip: Mapping[str, Sequence[Fact]]
) -> list[Case]:
    """The traces of a workspace as cases, in their order; `evidence_by_clip` maps clip_id to measured facts."""
    asked = questions.select("question_id", question="text", choices="choices")
    rows = traces.join(asked, on="question_id", how="left", maintain_order="left")
    told = {clip: evidence_words(evidence_by_clip.get(clip, ())) for clip in traces["clip_id"].unique().to_list()}
    return [_case(row, told[row["clip_id"]]) for row in rows.iter_rows(named=True)]


def _case(row: Mapping[str, object], evidence: str) -> Case:
    choices = row["choices"]
    return Case(
        trace_id=str(row["trace_id"]),
        question=str(row["question"] or ""),
        choices=tuple(str(choice) for choice in choices) if isinstance(choices, list) else (),
        chain=str(row["reasoning"] or ""),
        answer=str(row["answer"] or ""),
        evidence=evidence,
        round=int(str(row["round"])),
    )


def judge_identity(judge: JudgeSpec) -> dict[str, object]:
    """What a verdict depends on beside its case; address, limits, prices and batch mode are not part of it."""
    return {
        "model": judge.model,
        "prompt": load_prompt(judge.prompt).sha,
        "correction": load_prompt(CORRECTION).sha,
        "temperature": judge.temperature,
        "max_tokens": judge.max_tokens,
        "schema": SCHEMA_SHA,
        "reading": READING_VERSION,
    }


def verdict_id(case: Case, identity: Mapping[str, object]) -> str:
    """The key of a judge's verdict on a case: it covers all that could change the verdict."""
    text = (case.question, case.choices, case.chain, case.answer, case.evidence)
    return content_key("verdict", case.trace_id, dict(identity), *text)


def verdict_ids(cases: Sequence[Case], judge: JudgeSpec) -> Iterator[tuple[Case, str]]:
    """Each case with the key that this judge's verdict on it has."""
    identity = judge_identity(judge)
    return ((case, verdict_id(case, identity)) for case in cases)


def judge_prompt(prompt: Prompt, case: Case) -> str:
    """The prompt for one case; all text by others is fenced."""
    question, chain, answer = as_data(case.question), as_data(case.chain), as_data(case.answer)
    choices = [as_data(choice) for choice in case.choices]
    return prompt.render(
        question=question,
        choices=choices,
        chain=chain,
        answer=answer,
        evidence=case.evidence,
        fence=mark_for([question, *choices, chain, answer]),
    )
