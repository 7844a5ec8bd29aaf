"""What a campaign still needs: rows, calls, tokens, time and money per stage, before anything is spent.

Rates come from the workspace's own finished stages and verdicts; where there are none yet, from
`DEFAULT_RATES`. Each figure is a range: the lowest and the highest that was seen (or is possible, where
a limit is known), and the mean between. A stage that the ledger holds counts as done: whether a
changed setting makes it owed again is only known when it runs, so `everything` plans all rounds anew.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from mgrd.settings import Settings, Spec
from mgrd.store import Workspace
from schemas import CLIPS, LEDGER, QUESTIONS, TRACES, VERDICTS
from schemas.clips import HELD_OUT
from schemas.traces import DISTILL, EVALUATE, PREFER, PROBE, TEXT


@dataclass(frozen=True, slots=True)
class Range:
    """A figure with its bounds: low <= expected <= worst."""

    low: float = 0.0
    expected: float = 0.0
    worst: float = 0.0

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.expected + other.expected, self.worst + other.worst)

    def __mul__(self, other: "Range | float") -> "Range":
        by = other if isinstance(other, Range) else Range(other, other, other)
        return Range(self.low * by.low, self.expected * by.expected, self.worst * by.worst)


@dataclass(frozen=True, slots=True)
class Rate:
    """What one row of a stage takes; `measured` says whether this workspace has shown it."""

    seconds: Range
    tokens: Range
    measured: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of one round. `calls` are requests to a judge; `cost` is in the currency of the settings' prices."""

    round: int
    stage: str
    rows: Range
    calls: Range
    tokens: Range
    seconds: Range
    cost: Range
    measured: bool
    done: bool


DEFAULT_RATES = {
    "train": Rate(Range(0.002, 0.005, 0.05), Range(20, 100, 400), measured=False),
    "sample": Rate(Range(0.002, 0.004, 2.0), Range(10, 24, 0), measured=False),
    "ground": Rate(Range(0.0003, 0.0005, 0.005), Range(), measured=False),
    "judge": Rate(Range(0.02, 0.2, 3.0), Range(), measured=False),
    "counterfactual": Rate(Range(0.005, 0.02, 4.0), Range(10, 60, 400), measured=False),
}
"""Per row, by the first word of a stage. Low and expected are about those of the embedded model on two cores, worst
those of a model of some billions behind a server. A sampled chain's most tokens are those that the settings allow."""
PROMPT_TOKENS = Range(600, 1100, 4000)
"""Tokens of a judge's prompt where no verdict has shown them."""
REPLY_SHARE = Range(0.15, 0.3, 1.0)
"""Tokens of a reply as a share of its limit."""
PASSED = Range(0.03, 0.4, 1.0)
"""Share of chains that pass the checks and are judged."""
CORRECTIONS = Range(1.0, 1.02, 2.0)
"""Calls to a verdict: an unreadable reply is asked for once more."""


def plan_campaign(workspace: Workspace, *, everything: bool = False) -> list[Step]:
    """The steps of all rounds of the settings, finished ones as done (with `everything`: as if none were)."""
    return list(_Planner(workspace, everything).steps())


def plan_document(steps: list[Step], settings: Settings) -> dict[str, Any]:
    """The plan as plain data: its steps, totals over those not done, and how the worst cost stands to the limit."""
    owed = [step for step in steps if not step.done]
    totals = {name: asdict(_total(owed, name)) for name in ("rows", "calls", "tokens", "seconds", "cost")}
    limit = settings.runtime.max_cost
    return {
        "steps": [asdict(step) for step in steps],
        "totals": totals,
        "max_cost": limit,
        "may_pass_max_cost": limit is not None and totals["cost"]["worst"] > limit,
        "measured": bool(owed) and all(step.measured for step in owed),
    }


def _total(steps: list[Step], name: str) -> Range:
    return sum((getattr(step, name) for step in steps), Range())


class _Planner:
    def __init__(self, workspace: Workspace, everything: bool) -> None:
        self.workspace = workspace
        self.spec: Spec = workspace.settings.spec
        self.everything = everything
        self.ledger = workspace.store.read(LEDGER)
        self.verdicts = workspace.store.read(VERDICTS, columns=["prompt_tokens", "completion_tokens", "requests"])
        counts = workspace.store.read(QUESTIONS, columns=["split"])["split"].value_counts()
        limit = self.spec.limit or float("inf")
        self.questions = {split: min(int(count), limit) for split, count in counts.iter_rows()}
        clips = workspace.store.read(CLIPS, columns=["split"])["split"].value_counts()
        self.clips = dict(clips.iter_rows())
        present = workspace.store.read(TRACES, columns=["round", "purpose"]).group_by("round", "purpose").len()
        self.present = {(round_, purpose): count for round_, purpose, count in present.iter_rows()}

    def steps(self) -> Iterator[Step]:
        if self.spec.model.base == "embedded":
            cold = self.spec.cold_start
            yield self._plain(0, "hearing", "train", cold.hearing_steps * self.spec.training.batch_rows)
            yield self._plain(0, "cold start", "train", cold.chain_steps * self.spec.training.batch_rows)
        yield from self._evaluation(0)
        for round_ in range(1, self.spec.rounds + 1):
            yield from self._round(round_)
            yield from self._evaluation(round_)

    def _round(self, round_: int) -> Iterator[Step]:
        chains = self.questions.get("pool", 0) * self.spec.sampling.samples
        yield self._sampling(round_, DISTILL, chains)
        yield self._grounding(round_, DISTILL, chains)
        if self.spec.panel is not None:
            yield self._judging(round_, chains)
        yield from self._contrast(round_, DISTILL, chains)
        yield from self._training(round_)

    def _training(self, round_: int) -> Iterator[Step]:
        training, preferences, reinforce = self.spec.training, self.spec.preferences, self.spec.reinforce
        if "sft" in training.stages:
            yield self._plain(round_, "train", "train", training.steps * training.batch_rows)
        if "dpo" in training.stages:
            yield self._sampling(
                round_, PREFER, self._probes(("pool",), preferences.probes) * self.spec.sampling.samples
            )
            yield self._plain(round_, "dpo", "train", preferences.steps * 2 * preferences.batch_pairs)
        if "reinforce" in training.stages:
            rollouts = reinforce.steps * reinforce.prompts * reinforce.rollouts
            yield self._step(round_, "reinforce", rollouts, self._rate("reinforce", "sample"))

    def _probes(self, splits: tuple[str, ...], most: int) -> int:
        return sum(min(self.clips.get(split, 0), most) for split in splits)

    def _evaluation(self, round_: int) -> Iterator[Step]:
        chains = sum(self.questions.get(split, 0) for split in HELD_OUT) * (1 + self.spec.evaluation.samples)
        yield self._sampling(round_, EVALUATE, chains)
        yield self._grounding(round_, EVALUATE, chains)
        yield from self._contrast(round_, EVALUATE, chains)
        evaluation = self.spec.evaluation
        if evaluation.text_problems:
            yield self._sampling(round_, TEXT, len(HELD_OUT) * evaluation.text_problems)
        if probes := self._probes(HELD_OUT, evaluation.probes):
            yield self._sampling(round_, PROBE, probes * (1 + evaluation.samples))

    def _plain(self, round_: int, stage: str, kind: str, rows: float) -> Step:
        """A stage without calls. Training is rated by rows seen, steps x batch, which the ledger does not count."""
        rate = self._rate(stage, kind, per_row=rows if kind == "train" else None)
        return self._step(round_, stage, rows, rate)

    def _sampling(self, round_: int, purpose: str, chains: float) -> Step:
        stage = f"sample-{purpose}"
        rate = self._rate(stage, "sample")
        most = max(float(self.spec.sampling.max_new_tokens), rate.tokens.expected)
        tokens = Range(rate.tokens.low, rate.tokens.expected, most)
        there = 0 if self.everything else self.present.get((round_, purpose), 0)
        return self._step(round_, stage, max(0.0, chains - there), Rate(rate.seconds, tokens, rate.measured))

    def _grounding(self, round_: int, purpose: str, chains: float) -> Step:
        stage = f"ground-{purpose}"
        step = self._step(round_, stage, chains, self._rate(stage, "ground"))
        panel = self.spec.panel
        if self.spec.claims.extractor == "grammar" or panel is None or step.done:
            return step
        calls = step.rows * CORRECTIONS
        return _with_calls(step, calls, PROMPT_TOKENS, REPLY_SHARE * panel.judges[0].max_tokens, panel.judges[0])

    def _judging(self, round_: int, chains: float) -> Step:
        panel = self.spec.panel
        assert panel is not None
        step = self._step(round_, "judge-distill", self._passed() * chains, self._rate("judge-distill", "judge"))
        if step.done:
            return step
        paid = self.verdicts.filter(pl.col("requests") > 0)
        for judge in panel.judges:
            prompt, reply = PROMPT_TOKENS, REPLY_SHARE * judge.max_tokens
            if paid.height:
                prompt = _seen(paid["prompt_tokens"] / paid["requests"])
                reply = _seen(paid["completion_tokens"] / paid["requests"])
            step = _with_calls(step, step.rows * CORRECTIONS, prompt, reply, judge)
        return step

    def _contrast(self, round_: int, purpose: str, chains: float) -> Iterator[Step]:
        share = self.spec.counterfactual.share
        if share:
            stage = f"counterfactual-{purpose}"
            yield self._step(round_, stage, share * chains, self._rate(stage, "counterfactual"))

    def _passed(self) -> Range:
        """Share of a round's chains that were judged, in earlier rounds."""
        finished = {
            stage: self.ledger.filter(pl.col("stage") == stage) for stage in ("judge-distill", "ground-distill")
        }
        judged, sampled = (frame.select("round", "rows_in").unique("round", keep="last") for frame in finished.values())
        both = judged.join(sampled, on="round", suffix="_sampled").filter(pl.col("rows_in_sampled") > 0)
        if both.is_empty():
            return PASSED
        seen = _seen(both["rows_in"] / both["rows_in_sampled"])
        return Range(seen.low, seen.expected, 1.0)

    def _rate(self, stage: str, kind: str, per_row: float | None = None) -> Rate:
        """Seconds and tokens to a row in the stage's finished runs, or the default."""
        runs = self.ledger.filter((pl.col("stage") == stage) & (pl.col("rows_in") > 0) & (pl.col("seconds") > 0))
        if runs.is_empty():
            return DEFAULT_RATES[kind]
        rows = runs["rows_in"].cast(pl.Float64) if per_row is None else pl.Series([per_row] * runs.height)
        return Rate(_seen(runs["seconds"] / rows), _seen(runs["tokens"] / rows), measured=True)

    def _step(self, round_: int, stage: str, rows: float | Range, rate: Rate) -> Step:
        done = not self.everything and not self.ledger.filter(
            (pl.col("round") == round_) & (pl.col("stage") == stage)
        ).is_empty()  # fmt: skip
        many = Range() if done else Range(1, 1, 1) * rows
        return Step(round_, stage, many, Range(), many * rate.tokens, many * rate.seconds, Range(), rate.measured, done)


def _seen(values: pl.Series) -> Range:
    """Least, mean and most of what was seen."""
    numbers = [float(value) for value in values]
    return Range(min(numbers), sum(numbers) / len(numbers), max(numbers))


def _with_calls(step: Step, calls: Range, prompt: Range, reply: Range, judge: Any) -> Step:
    """The step with one judge's calls added."""
    share = judge.batch_price if judge.batch else 1.0
    cost = calls * (prompt * (judge.price_in / 1e6) + reply * (judge.price_out / 1e6)) * share
    tokens = step.tokens + calls * (prompt + reply)
    return replace(step, calls=step.calls + calls, tokens=tokens, cost=step.cost + cost)
