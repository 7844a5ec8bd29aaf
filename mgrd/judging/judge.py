"""Judge chains: who is owed a verdict, and verdicts that are committed while the rest is still asked.

A verdict's key covers everything that could change it, so no chain is judged twice and a killed run
goes on where it ended. Verdicts leave in parts as they come in: what was paid for is kept. A judge
that cannot be read or reached gives an unscored verdict, never a low score.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from mgrd.audio.facts import Fact
from mgrd.errors import JudgeError
from mgrd.ids import content_key
from mgrd.judging.evidence import evidence_words
from mgrd.judging.fence import as_data, mark_for
from mgrd.judging.replies import UNREACHABLE
from mgrd.judging.rubric import CRITERIA
from mgrd.settings import JudgeSpec
from mgrd.store import frame_of
from prompts import Prompt, load_prompt
from schemas import VERDICTS

if TYPE_CHECKING:
    from mgrd.judging.client import Judgement

READING_VERSION = 1
"""Raised when the same raw reply is read as another grade."""
CORRECTION = "judge/correction"
COMMIT_EVERY = 64
COMMIT_SECONDS = 20.0
"""Verdicts, or time, between two commits: what a kill can cost."""
OUT_OF_REACH = 16
"""Chains in a row without any reply after which the judge is given up for this run."""

Evidence = Mapping[str, Sequence[Fact]]
Row = dict[str, object]


def judge_identity(spec: JudgeSpec) -> dict[str, object]:
    """What a verdict depends on beside its chain; address, limits and prices are not part of it."""
    return {
        "model": spec.model,
        "prompt": load_prompt(spec.prompt).sha,
        "correction": load_prompt(CORRECTION).sha,
        "temperature": spec.temperature,
        "max_tokens": spec.max_tokens,
        "reading": READING_VERSION,
    }


def verdict_keys(traces: pl.DataFrame, evidence_by_clip: Evidence, spec: JudgeSpec) -> pl.DataFrame:
    """`trace_id` and the `verdict_id` that a verdict on it would have, in the traces' order."""
    identity = judge_identity(spec)
    words = _words_by_clip(traces, evidence_by_clip)
    rows = [
        (trace, content_key("verdict", trace, identity, words[clip]))
        for trace, clip in traces.select("trace_id", "clip_id").iter_rows()
    ]
    return pl.DataFrame(rows, schema={"trace_id": pl.String, "verdict_id": pl.String}, orient="row")


def standing(verdicts: pl.DataFrame) -> pl.DataFrame:
    """The verdicts for which the judge did reply; the chains of the others are owed again."""
    unreached = ~pl.col("scored") & pl.col("reason").fill_null("").str.starts_with(UNREACHABLE)
    return verdicts.filter(~unreached)


def judge_traces(
    traces: pl.DataFrame,
    questions: pl.DataFrame,
    evidence_by_clip: Evidence,
    spec: JudgeSpec,
    on_verdicts: Callable[[pl.DataFrame], None],
    *,
    spent: float = 0.0,
) -> pl.DataFrame:
    """Ask the judge about every trace; returns the new VERDICTS rows, in the order they came in.

    `on_verdicts` gets each part of them once, to be committed. `spent` is what the round has cost
    before. With fewer rows than traces the spend limit was reached. Raises JudgeError when the judge
    refuses all requests or is out of reach; verdicts until then have been handed to `on_verdicts`.
    """
    if traces.is_empty():
        return frame_of(VERDICTS, [])
    keys = verdict_keys(traces, evidence_by_clip, spec)
    asked = questions.select("question_id", question="text", choices="choices")
    rows = traces.join(asked, on="question_id", how="left", maintain_order="left").with_columns(keys["verdict_id"])
    words = _words_by_clip(traces, evidence_by_clip)
    cases = ((row, words[row["clip_id"]]) for row in rows.iter_rows(named=True))
    parts = _Parts(on_verdicts)
    asyncio.run(_Judging(spec, parts, spent).run(cases, min(spec.concurrency, traces.height)))
    return pl.concat([frame_of(VERDICTS, []), *parts.done])


def judge_prompt(prompt: Prompt, trace: Row, evidence: str) -> str:
    """The prompt for one trace joined with its `question` and `choices`; all text by others is fenced."""
    question, chain, answer = (as_data(str(trace[name] or "")) for name in ("question", "reasoning", "answer"))
    listed = trace["choices"]
    choices = [as_data(str(choice)) for choice in listed] if isinstance(listed, list) else []
    return prompt.render(
        question=question,
        choices=choices,
        chain=chain,
        answer=answer,
        evidence=evidence,
        fence=mark_for([question, *choices, chain, answer]),
    )


class _Parts:
    """Rows that wait for the next commit, and the frames that were committed."""

    def __init__(self, commit: Callable[[pl.DataFrame], None]) -> None:
        self.commit = commit
        self.done: list[pl.DataFrame] = []
        self._waiting: list[Row] = []
        self._since = time.monotonic()

    def add(self, row: Row) -> None:
        self._waiting.append(row)
        if len(self._waiting) >= COMMIT_EVERY or time.monotonic() - self._since >= COMMIT_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            frame = frame_of(VERDICTS, self._waiting)
            self.commit(frame)
            self.done.append(frame)
            self._waiting = []
        self._since = time.monotonic()


class _Judging:
    """One run over many chains: a few workers that share a client and stop together."""

    def __init__(self, spec: JudgeSpec, parts: _Parts, spent: float) -> None:
        from mgrd.judging.client import JudgeClient  # openai takes seconds to import

        self.spec = spec
        self.parts = parts
        self.prompt = load_prompt(spec.prompt)
        self.client = JudgeClient(spec, load_prompt(CORRECTION), spent)
        self.failure: JudgeError | None = None
        self.stopped = False
        self.unreached = 0

    async def run(self, cases: Iterator[tuple[Row, str]], workers: int) -> None:
        """Judge the cases; on failure or limit requests in flight still end, since they are paid for."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(cases))
        except ExceptionGroup as several:
            raise several.exceptions[0] from several
        finally:
            self.parts.flush()
            await self.client.close()
        if self.failure is not None:
            raise self.failure

    async def _work(self, cases: Iterator[tuple[Row, str]]) -> None:
        from mgrd.judging.client import SpendLimitError

        for trace, evidence in cases:
            try:
                judgement = await self.client.judge(
                    judge_prompt(self.prompt, trace, evidence), as_data(str(trace["reasoning"] or ""))
                )
            except SpendLimitError:
                self.stopped = True
            except JudgeError as error:
                self.stopped, self.failure = True, error
            else:
                self.parts.add(_verdict_row(trace, judgement, self.spec, self.prompt))
                self._watch(judgement)
            if self.stopped:
                return

    def _watch(self, judgement: "Judgement") -> None:
        reached = bool(judgement.raw_reply)
        self.unreached = 0 if reached else self.unreached + 1
        if self.unreached >= OUT_OF_REACH:
            self.stopped = True
            self.failure = JudgeError(
                f"the judge at {self.spec.base_url} gave no reply for {self.unreached} chains in a row "
                f"({judgement.reason}); verdicts so far are kept, run again when it is up"
            )


def _verdict_row(trace: Row, judgement: "Judgement", spec: JudgeSpec, prompt: Prompt) -> Row:
    grade = judgement.grade
    scores: Mapping[str, float | None] = dict.fromkeys(CRITERIA) if grade is None else grade.scores()
    return {
        "verdict_id": trace["verdict_id"],
        "trace_id": trace["trace_id"],
        "round": trace["round"],
        "judge": spec.model,
        "prompt_id": prompt.id,
        "prompt_sha": prompt.sha,
        "scored": grade is not None,
        **scores,
        "reason": judgement.reason,
        "raw_reply": judgement.raw_reply,
        "prompt_tokens": judgement.usage.prompt_tokens,
        "completion_tokens": judgement.usage.completion_tokens,
        "cost": judgement.usage.cost,
    }


def _words_by_clip(traces: pl.DataFrame, evidence_by_clip: Evidence) -> dict[str | None, str]:
    clips = traces["clip_id"].unique().to_list()
    return {clip: evidence_words(evidence_by_clip.get(clip, ())) for clip in clips}
