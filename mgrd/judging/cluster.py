"""Judging over the workers of an executor: the driver deals and commits, workers ask.

A worker gets cases and a share of the panel's concurrency and money; it opens no table. The key of a judge is read
from the worker's own environment. Replies that a worker pays are kept in a file of its own until the driver has
committed the verdicts and taken them into the campaign's cache; what a killed run left is taken at the next start.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from mgrd.errors import JudgeError
from mgrd.executors import Executor, Frames
from mgrd.ids import content_key
from mgrd.judging.cache import FILE, ReplyCache, reply_key
from mgrd.judging.cases import Case, judge_prompt
from mgrd.judging.dealing import Hand, OwedVerdict, deal, most_of
from mgrd.judging.judge import Asked, Commit, Judged, ask_panel, owed_cases, standing
from mgrd.judging.panel import panel_results
from mgrd.judging.spend import Prices
from mgrd.settings import PanelSpec
from mgrd.store import frame_of
from prompts import load_prompt
from schemas import VERDICTS

WORKERS = "workers"
"""Folder of the workers' files, in that of the reply cache."""
OWED = {
    "judge": pl.Int64, "verdict_id": pl.String, "money": pl.Float64, "trace_id": pl.String, "question": pl.String,
    "choices": pl.List(pl.String), "chain": pl.String, "answer": pl.String, "evidence": pl.String, "round": pl.Int64,
}  # fmt: skip
"""Columns of the frames that workers are given: the case, and what is owed on it; `money` is the whole frame's."""
HAPPENED = {
    "frame": pl.String, "judges": pl.List(pl.Int64), "failures": pl.List(pl.String), "limited": pl.Boolean,
    "spent": pl.Float64,
}  # fmt: skip
"""Columns of the row that comes back beside the verdicts; `frame` names the folder of the worker's replies."""


def judge_on_cluster(
    executor: Executor,
    cases: Sequence[Case],
    panel: PanelSpec,
    *,
    cache: Path,
    known: pl.DataFrame,
    on_verdicts: Commit,
    spent: float = 0.0,
) -> Judged:
    """As `judge_chains`, over the executor's workers; `cache` must be visible to all of them.

    A batch interface is not used: one process hands batches in.
    """
    take_replies(cache)
    run = _Run(executor, panel, cache, on_verdicts, spent)
    known = standing(known)
    run.judge(_owed_verdicts(owed_cases(cases, panel, known), panel))
    verdicts = pl.concat([known, *run.done])
    fresh = pl.concat([frame_of(VERDICTS, []), *run.done])
    failures = tuple(failure for _, failure in sorted(run.failures.items()))
    return Judged(verdicts, fresh, panel_results(cases, verdicts, panel), failures, run.limited)


def take_replies(cache: Path, key: str = "*") -> None:
    """Take the replies that workers kept into the campaign's cache, and remove the workers' files."""
    folders = [path.parent for path in sorted((cache / WORKERS).glob(f"{key}/{FILE}"))]
    if folders:
        replies = ReplyCache(cache)
        try:
            for folder in folders:
                replies.take(folder)
                shutil.rmtree(folder)
        finally:
            replies.close()


@dataclass
class AskJudges:
    """The work on a frame of `OWED` rows: (VERDICTS rows, one `HAPPENED` row). The panel's limits are one worker's.

    A judge that this worker had to give up is not asked for its later frames.
    """

    panel: PanelSpec
    cache: Path
    failures: dict[int, str] = field(default_factory=dict)

    def __call__(self, rows: pl.DataFrame) -> Frames:
        owed: list[dict[str, Case]] = [{} for _ in self.panel.judges]
        for row in rows.iter_rows(named=True):
            case = {name: row[name] for name in Case.__slots__}
            owed[row["judge"]][row["verdict_id"]] = Case(**{**case, "choices": tuple(case["choices"])})
        for number in self.failures:
            owed[number] = {}
        panel = self.panel.model_copy(update={"max_cost": rows["money"][0]})
        frame = content_key("judged frame", *rows["verdict_id"])  # who must do it again finds what was paid for it
        folder = self.cache / WORKERS / frame
        asked = ask_panel(owed, panel, cache=folder, alone=True, spent=_paid(folder, panel))
        self.failures |= asked.failures
        return asked.fresh, _happened(frame, asked)


def _paid(folder: Path, panel: PanelSpec) -> float:
    """What a worker that died had paid for the same frame."""
    if not (folder / FILE).is_file():
        return 0.0
    replies = ReplyCache(folder, alone=True)
    try:
        models = {judge.model: Prices(judge.price_in, judge.price_out) for judge in panel.judges}
        return sum(prices.usage(*replies.paid(model)).cost for model, prices in models.items())
    finally:
        replies.close()


def _happened(frame: str, asked: Asked) -> pl.DataFrame:
    row = {
        "frame": frame,
        "judges": list(asked.failures), "failures": list(asked.failures.values()),
        "limited": asked.limited, "spent": asked.spent,
    }  # fmt: skip
    return pl.DataFrame([row], schema=HAPPENED)


def _owed_verdicts(owed: Sequence[dict[str, Case]], panel: PanelSpec) -> list[OwedVerdict]:
    """All that is owed, the judges of a case one after the other: each worker then has work for all of them."""
    prompts = [load_prompt(judge.prompt) for judge in panel.judges]
    found: list[OwedVerdict] = []
    for number, keyed in enumerate(owed):
        judge = panel.judges[number]
        for key, case in keyed.items():
            prompt = judge_prompt(prompts[number], case)
            most = 0.0 if panel.max_cost is None else most_of(prompt, judge)
            found.append(OwedVerdict(number, key, reply_key(prompt, judge), case, most))
    return sorted(found, key=lambda verdict: verdict.case.trace_id)


class _Run:
    """One stage's judging: what is left to ask and to spend."""

    def __init__(self, executor: Executor, panel: PanelSpec, cache: Path, commit: Commit, spent: float) -> None:
        self.executor = executor
        self.panel = panel
        self.cache = cache
        self.commit = commit
        self.spent = spent
        self.done: list[pl.DataFrame] = []
        self.failures: dict[int, str] = {}
        self.limited = False
        self.workers = min(executor.workers, *(judge.concurrency for judge in panel.judges))

    def judge(self, owed: list[OwedVerdict]) -> None:
        """Deal and ask until nothing is owed, the money is spent, or all judges are given up."""
        owed = self._but_cached(owed)
        while owed:
            hands = deal(owed, self.workers, self._left())
            answered: set[str] = set()
            limited = False
            for verdicts, happened in self._asked(hands):
                answered.update(verdicts["verdict_id"])
                limited |= happened["limited"]
                self.spent += happened["spent"]
                self.failures |= dict(zip(happened["judges"], happened["failures"], strict=True))
            if limited and len(hands) == 1:  # it had all that is left
                self.limited = True
                return
            before = len(owed)
            owed = [one for one in owed if one.verdict_id not in answered and one.judge not in self.failures]
            if len(owed) == before:
                raise JudgeError(f"{before} verdicts were dealt to workers, and none came back; run again to go on")

    def _asked(self, hands: Sequence[Hand]) -> Iterator[tuple[pl.DataFrame, dict[str, Any]]]:
        """(verdicts, what happened) of each hand as it is done; committed by then."""
        at_once = min(self.workers, len(hands))
        judges = [judge.model_copy(update={"concurrency": judge.concurrency // at_once}) for judge in self.panel.judges]
        work = AskJudges(self.panel.model_copy(update={"judges": tuple(judges)}), self.cache, dict(self.failures))
        for verdicts, rows in self.executor.map_unordered(work, [_frame(hand) for hand in hands], at_once):
            happened = rows.row(0, named=True)
            self._keep(verdicts)
            take_replies(self.cache, happened["frame"])
            yield verdicts, happened

    def _but_cached(self, owed: list[OwedVerdict]) -> list[OwedVerdict]:
        """What the campaign's cache cannot answer; the rest is answered here."""
        replies = ReplyCache(self.cache)
        try:
            known = {reply for reply in {one.reply for one in owed} if reply in replies}
        finally:
            replies.close()
        mine: list[dict[str, Case]] = [{} for _ in self.panel.judges]
        for one in owed:
            if one.reply in known:
                mine[one.judge][one.verdict_id] = one.case
        if not any(mine):
            return owed
        asked = ask_panel(mine, self.panel, cache=self.cache, on_verdicts=self._keep, spent=self.spent)
        self.spent = asked.spent
        self.failures |= asked.failures
        answered = set(asked.fresh["verdict_id"])
        return [one for one in owed if one.verdict_id not in answered and one.judge not in self.failures]

    def _keep(self, verdicts: pl.DataFrame) -> None:
        if verdicts.height:
            self.done.append(verdicts)
            self.commit(verdicts)

    def _left(self) -> float | None:
        return None if self.panel.max_cost is None else max(0.0, self.panel.max_cost - self.spent)


def _frame(hand: Hand) -> pl.DataFrame:
    rows = [
        {"judge": one.judge, "verdict_id": one.verdict_id, "money": hand.money, **asdict(one.case)} for one in hand.owed
    ]
    return pl.DataFrame(rows, schema=OWED)
