"""Judge chains: who is owed a verdict, and verdicts that are committed while the rest is still asked.

A verdict's key covers everything that could change it, so no chain is judged twice and a killed run
goes on where it ended. Verdicts leave in parts as they come in: what was paid for is kept. A judge
that cannot be read or reached gives an unscored verdict, never a low score, and a judge that must be
given up does not stop the others.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from mgrd.errors import JudgeError
from mgrd.judging.cache import CachedReply, ReplyCache, reply_key
from mgrd.judging.cases import CORRECTION, Case, judge_prompt, verdict_ids
from mgrd.judging.fence import as_data
from mgrd.judging.panel import PanelResult, panel_results
from mgrd.judging.replies import Reply, Unreadable, read_reply
from mgrd.judging.spend import Spend, Usage
from mgrd.serving.failures import UNREACHABLE
from mgrd.serving.limits import Concurrency
from mgrd.settings import JudgeSpec, PanelSpec
from mgrd.store import frame_of
from prompts import load_prompt
from schemas import VERDICTS
from schemas.verdicts import CRITERIA

if TYPE_CHECKING:
    from mgrd.judging.client import Judgement, Paid

COMMIT_EVERY = 64
COMMIT_PAUSE, COMMIT_SECONDS = 2.0, 20.0
"""Verdicts to a commit, and the least and the most seconds between two: nothing is asked during a commit.
What a kill loses of them is in the reply cache."""
OUT_OF_REACH = 16
"""Chains in a row without any reply after which a judge is given up for this run."""

Row = dict[str, object]
Commit = Callable[[pl.DataFrame], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of judging: all verdicts (new and known), one result per case, and which judges were given up.

    `fresh` holds the new verdicts alone; `limited` says that the spend limit left cases unasked.
    """

    verdicts: pl.DataFrame
    fresh: pl.DataFrame
    results: list[PanelResult]
    failures: tuple[str, ...] = ()
    limited: bool = False

    def check(self) -> None:
        """Raises JudgeError when a judge had to be given up."""
        if self.failures:
            raise JudgeError("; ".join(self.failures))


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: the new verdicts, the judges that were given up (number in the panel -> why), whether the
    spend limit left cases unasked, and what everything has cost by now.
    """

    fresh: pl.DataFrame
    failures: Mapping[int, str]
    limited: bool
    spent: float


def verdict_keys(cases: Sequence[Case], panel: PanelSpec) -> pl.DataFrame:
    """`trace_id`, number of the `judge` in the panel and `verdict_id` for every verdict that the cases are owed."""
    rows = [
        (case.trace_id, number, key)
        for number, judge in enumerate(panel.judges)
        for case, key in verdict_ids(cases, judge)
    ]
    return pl.DataFrame(rows, schema={"trace_id": pl.String, "judge": pl.Int64, "verdict_id": pl.String}, orient="row")


def standing(verdicts: pl.DataFrame) -> pl.DataFrame:
    """The verdicts for which the judge did reply; the chains of the others are owed again."""
    unreached = ~pl.col("scored") & pl.col("reason").fill_null("").str.starts_with(UNREACHABLE)
    return verdicts.filter(~unreached)


def judge_chains(
    cases: Sequence[Case],
    panel: PanelSpec,
    *,
    cache: Path | None = None,
    known: pl.DataFrame | None = None,
    on_verdicts: Commit | None = None,
    spent: float = 0.0,
) -> Judged:
    """Ask every judge of the panel about every case.

    `cache` is the folder of the reply cache (None: this call only). `known` holds VERDICTS rows that
    are not asked again; `on_verdicts` gets each part of the new ones once, to be committed; `spent` is
    what the round has cost before. Works with or without a running event loop. Raises JudgeError when
    a judge's key is not set; a judge that fails later is in `failures`, and its chains are unscored.
    """
    known = frame_of(VERDICTS, []) if known is None else standing(known)
    owed = owed_cases(cases, panel, known)
    asked = ask_panel(owed, panel, cache=cache, on_verdicts=on_verdicts, spent=spent)
    verdicts = pl.concat([known, asked.fresh])
    failures = tuple(asked.failures.values())
    return Judged(verdicts, asked.fresh, panel_results(cases, verdicts, panel), failures, asked.limited)


def owed_cases(cases: Sequence[Case], panel: PanelSpec, known: pl.DataFrame) -> list[dict[str, Case]]:
    """For each judge of the panel, the cases on which it owes a verdict, by the verdicts' keys."""
    have = set(known["verdict_id"])
    owed: list[dict[str, Case]] = []
    for judge in panel.judges:
        keyed = {key: case for case, key in verdict_ids(cases, judge) if key not in have}
        owed.append(keyed)
        have |= keyed.keys()
    return owed


def ask_panel(
    owed: Sequence[Mapping[str, Case]],
    panel: PanelSpec,
    *,
    cache: Path | None = None,
    alone: bool = False,
    on_verdicts: Commit | None = None,
    spent: float = 0.0,
) -> Asked:
    """Ask each judge about the cases that stand in its place of `owed`; the rest as `judge_chains`.

    `alone` says that no other process has the cache open (see `ReplyCache`).
    """
    parts = _Parts(on_verdicts)
    run = _PanelRun(panel, parts, cache, alone, spent)
    if any(owed):
        _run(run.judge(owed))
    fresh = pl.concat([frame_of(VERDICTS, []), *parts.done])
    return Asked(fresh, run.failures, run.limited, run.spent)


def _run(work: Coroutine[None, None, None]) -> None:
    """Run to the end; beside a loop that already runs in this thread, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


class _Parts:
    """Rows that wait for the next commit, and the frames that were committed."""

    def __init__(self, commit: Commit | None) -> None:
        self.commit = commit
        self.done: list[pl.DataFrame] = []
        self._waiting: list[Row] = []
        self._since = time.monotonic()

    def add(self, row: Row) -> None:
        self._waiting.append(row)
        waited = time.monotonic() - self._since
        if waited >= (COMMIT_PAUSE if len(self._waiting) >= COMMIT_EVERY else COMMIT_SECONDS):
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            frame = frame_of(VERDICTS, self._waiting)
            self._waiting = []
            self.done.append(frame)
            if self.commit is not None:
                self.commit(frame)
        self._since = time.monotonic()


class _PanelRun:
    """All judges of a panel side by side: one purse, one gate per address, one cache."""

    def __init__(self, panel: PanelSpec, parts: _Parts, cache: Path | None, alone: bool, spent: float) -> None:
        self.panel = panel
        self.parts = parts
        self.folder = cache
        self.alone = alone
        self.spent = spent
        self.failures: dict[int, str] = {}
        self.limited = False

    async def judge(self, owed: Sequence[Mapping[str, Case]]) -> None:
        purse = Spend(self.panel.max_cost, self.spent)
        gates = {
            url: Concurrency(min(judge.concurrency for judge in self.panel.judges if judge.base_url == url))
            for url in {judge.base_url for judge in self.panel.judges}
        }
        async with AsyncExitStack() as stack:
            cache = ReplyCache(self.folder, alone=self.alone)
            stack.callback(cache.close)
            stack.callback(self.parts.flush)
            runs = [_JudgeRun(judge, gates[judge.base_url], purse, cache, self.parts) for judge in self.panel.judges]
            for run in runs:
                stack.push_async_callback(run.client.close)
            try:
                async with asyncio.TaskGroup() as group:
                    for run, cases in zip(runs, owed, strict=True):
                        group.create_task(run.judge(cases))
            except ExceptionGroup as several:
                raise _first(several) from several
        self.failures = {number: run.failure for number, run in enumerate(runs) if run.failure}
        self.spent = purse.spent
        self.limited = any(run.limited for run in runs)


class _JudgeRun:
    """One judge over many cases: a few workers that share a client and stop together."""

    def __init__(self, judge: JudgeSpec, gate: Concurrency, purse: Spend, cache: ReplyCache, parts: _Parts) -> None:
        from mgrd.judging.client import JudgeClient  # openai takes seconds to import

        self.spec = judge
        self.cache = cache
        self.parts = parts
        self.prompt = load_prompt(judge.prompt)
        self.client = JudgeClient(judge, load_prompt(CORRECTION), gate, purse)
        self.failure = ""
        self.limited = False
        self._unreached = 0
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def judge(self, cases: Mapping[str, Case]) -> None:
        """Judge the cases by verdict key; on failure or limit requests in flight still end: they are paid for."""
        queue = iter(cases.items())
        if self.spec.batch and len(cases) > 1:
            await self._work(iter([next(queue)]), {})  # asked directly: teaches what the server understands
            await self._in_batches(dict(queue))
            return
        await self._side_by_side(queue, {}, len(cases))

    async def _in_batches(self, cases: Mapping[str, Case]) -> None:
        from mgrd.judging.batch import BatchDesk

        if self._stopped:
            return
        desk = BatchDesk(self.client, self.cache)
        prompts = (judge_prompt(self.prompt, case) for case in cases.values())
        keyed = {reply_key(prompt, self.spec): prompt for prompt in prompts}
        wanted = {key: prompt for key, prompt in keyed.items() if self.cache.get(key) is None}
        try:
            arrived = await desk.replies({key: [{"role": "user", "content": text}] for key, text in wanted.items()})
        except JudgeError as error:
            self.failure = str(error)
            return
        await self._side_by_side(iter(cases.items()), arrived, len(cases))
        self.parts.flush()
        desk.forget()

    async def _side_by_side(self, queue: Iterator[tuple[str, Case]], arrived: Mapping[str, "Paid"], count: int) -> None:
        # More workers than requests at once: the next prompts are ready when a place at the server falls free.
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.spec.concurrency + self.spec.concurrency // 2 + 1, count)):
                group.create_task(self._work(queue, arrived))

    async def _work(self, queue: Iterator[tuple[str, Case]], arrived: Mapping[str, "Paid"]) -> None:
        from mgrd.judging.client import SpendLimitError

        for key, case in queue:
            try:
                judgement = await self._judgement(case, arrived)
            except SpendLimitError:
                self.limited = True
            except JudgeError as error:
                self.failure = str(error)
            else:
                self.parts.add(self._row(key, case, judgement))
                self._watch(judgement)
            if self._stopped:
                return

    @property
    def _stopped(self) -> bool:
        return self.limited or bool(self.failure)

    async def _judgement(self, case: Case, arrived: Mapping[str, "Paid"]) -> "Judgement":
        """The judge's reply to the case's prompt, from the cache where the same prompt was read before."""
        prompt, graded = judge_prompt(self.prompt, case), as_data(case.chain)
        key = reply_key(prompt, self.spec)
        async with self._one_at_a_time[key]:
            found = self._cached(key, graded)
            if found is not None:
                return found
            judgement = await self.client.judge(prompt, graded, arrived.get(key))
            if judgement.grade is not None:
                usage = judgement.usage
                reply = CachedReply(judgement.readable, usage.prompt_tokens, usage.completion_tokens)
                self.cache.put(key, self.spec.model, reply)
            return judgement

    def _cached(self, key: str, graded: str) -> "Judgement | None":
        from mgrd.judging.client import Judgement

        found = self.cache.get(key)
        if found is None:
            return None
        read = read_reply(Reply(found.content, None), graded)
        if isinstance(read, Unreadable):
            return None
        return Judgement(read, read.reasons(), found.content, Usage(), found.content, cached=True)

    def _watch(self, judgement: "Judgement") -> None:
        self._unreached = 0 if judgement.raw_reply else self._unreached + 1
        if self._unreached >= OUT_OF_REACH:
            self.failure = (
                f"the judge at {self.spec.base_url} gave no reply for {self._unreached} chains in a row "
                f"({judgement.reason}); verdicts so far are kept, run again when it is up"
            )

    def _row(self, key: str, case: Case, judgement: "Judgement") -> Row:
        grade = judgement.grade
        scores: Mapping[str, float | None] = dict.fromkeys(CRITERIA) if grade is None else grade.scores()
        return {
            "verdict_id": key,
            "trace_id": case.trace_id,
            "round": case.round,
            "judge": self.spec.model,
            "prompt_id": self.prompt.id,
            "prompt_version": self.prompt.version,
            "prompt_sha": self.prompt.sha,
            "scored": grade is not None,
            **scores,
            "reason": judgement.reason,
            "raw_reply": judgement.raw_reply,
            "requests": judgement.usage.requests,
            "cached": judgement.cached,
            "prompt_tokens": judgement.usage.prompt_tokens,
            "completion_tokens": judgement.usage.completion_tokens,
            "cost": judgement.usage.cost,
        }


def _first(several: ExceptionGroup) -> Exception:
    """The first error inside groups of groups."""
    error: Exception = several
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
