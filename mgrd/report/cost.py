"""What a campaign took, by round and stage, as the ledger recorded it: time, tokens, judge calls, money.

Every run of a stage counts, also one that a changed setting made owed again: it was paid for. (The times of
`mgrd status` are those of the last runs.) A killed stage has no entry: its time is in none of these sums,
while verdicts that it stored count in the entry of the run that continues it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from mgrd.report.lineage import stages_of_chain
from schemas.traces import DISTILL


@dataclass(frozen=True, slots=True)
class Spent:
    """Sums over runs. `seconds` are wall time; `calls` are requests to judges; `cost` is in the currency of the
    settings' prices (`price_in`, `price_out` of each judge), 0 where none are set."""

    runs: int = 0
    seconds: float = 0.0
    tokens: int = 0
    calls: int = 0
    cost: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.runs + other.runs, self.seconds + other.seconds, self.tokens + other.tokens,
            self.calls + other.calls, self.cost + other.cost,
        )  # fmt: skip


def cost_document(ledger: pl.DataFrame, rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What was spent per round and stage, per stage over all rounds, in total, and on a kept chain.

    `rounds` are those of `status_document`: their funnels say how many chains were kept. `per_kept` is what the
    stages from sampling to selection took, divided by the kept chains; None where none was kept. JSON-ready.
    """
    runs: dict[tuple[int, str], Spent] = {}
    for row in ledger.sort("finished_at", maintain_order=True).iter_rows(named=True):
        key = (row["round"], row["stage"])
        runs[key] = runs.get(key, Spent()) + _spent(row)
    stages = list(dict.fromkeys(stage for _, stage in runs))
    made = [_round(round_, runs) for round_ in rounds]
    kept = sum(round_["kept"] for round_ in made)
    return {
        "rounds": made,
        "stages": [
            {"stage": name, **asdict(_sum(spent for (_, stage), spent in runs.items() if stage == name))}
            for name in stages
        ],
        "total": asdict(_sum(runs.values())),
        "kept": kept,
        "per_kept": _per_kept(_sum(_selecting(runs, round_["round"]) for round_ in made), kept),
    }


def _round(round_: Mapping[str, Any], runs: Mapping[tuple[int, str], Spent]) -> dict[str, Any]:
    number, kept = round_["round"], round_["funnel"]["kept"]
    mine = {stage: spent for (in_round, stage), spent in runs.items() if in_round == number}
    return {
        "round": number,
        "stages": [{"stage": stage, **asdict(spent)} for stage, spent in mine.items()],
        "total": asdict(_sum(mine.values())),
        "kept": kept,
        "per_kept": _per_kept(_selecting(runs, number), kept),
    }


def _selecting(runs: Mapping[tuple[int, str], Spent], round_: int) -> Spent:
    names = stages_of_chain(DISTILL)
    return _sum(spent for (number, stage), spent in runs.items() if number == round_ and stage in names)


def _per_kept(spent: Spent, kept: int) -> dict[str, float] | None:
    if not kept:
        return None
    return {name: getattr(spent, name) / kept for name in ("seconds", "tokens", "calls", "cost")}


def _spent(row: Mapping[str, Any]) -> Spent:
    calls = json.loads(row["counts"]).get("requests", 0)
    return Spent(1, row["seconds"], row["tokens"], int(calls), row["cost"])


def _sum(parts: Iterable[Spent]) -> Spent:
    return sum(parts, Spent())
