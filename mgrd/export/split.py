"""Which rows are held out of training, and in which order the others stand.

A source (speaker, recording, patch) goes whole into `validation` or whole into `train`, so held-out
rows are never about a sound that training has heard. The split is stratified by domain and skill:
each stratum gives its share as nearly as whole sources allow. Both depend on keys and seed alone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mgrd.export.rows import Row
from mgrd.ids import content_key

TRAIN, VALIDATION = "train", "validation"


@dataclass(frozen=True, slots=True)
class _Source:
    """A source with its stratum and its number of clips."""

    name: str
    domain: str
    skill: str
    clips: int


def split_rows(rows: Sequence[Row], share: float, seed: int) -> dict[str, list[Row]]:
    """The rows by split, each in its shuffled order; a split without rows is left out. Rows without clip are train."""
    held = held_out_sources(rows, share, seed)
    sides: dict[str, list[Row]] = {TRAIN: [], VALIDATION: []}
    for row in rows:
        sides[VALIDATION if row["clip_id"] is not None and row["source"] in held else TRAIN].append(row)
    return {name: shuffled(side, seed) for name, side in sides.items() if side}


def shuffled(rows: Sequence[Row], seed: int) -> list[Row]:
    """The rows in an order that their ids and the seed fix, whatever order they came in."""
    return sorted(rows, key=lambda row: (content_key("order", seed, row["id"]), row["id"]))


def held_out_sources(rows: Sequence[Row], share: float, seed: int) -> frozenset[str]:
    """Sources of the held-out side: about `share` of the clips, in every stratum as nearly as whole sources allow.

    What rounding leaves over in one stratum is carried to the next. Every stratum keeps a source for training; what
    is owed after that is taken from whole domains, and a share above 0 holds out one source at least.
    """
    sources = sorted(_sources(rows), key=lambda source: content_key("held out", seed, source.name))
    if share == 0 or len(sources) < 2:
        return frozenset()
    held: set[str] = set()
    owed = 0.0
    for members in _strata(sources, lambda source: (source.domain, source.skill)):
        owed = _hold(members, held, owed + share * sum(source.clips for source in members))
    for members in _strata(sources, lambda source: (source.domain, "")):
        owed = _hold(members, held, owed)
    return frozenset(held or {sources[0].name})


def _strata(sources: Sequence[_Source], key: Callable[[_Source], tuple[str, str]]) -> list[list[_Source]]:
    strata: dict[tuple[str, str], list[_Source]] = defaultdict(list)
    for source in sources:
        strata[key(source)].append(source)
    return [strata[name] for name in sorted(strata)]


def _hold(members: Sequence[_Source], held: set[str], owed: float) -> float:
    """Hold sources of one stratum while they fit what is owed, never its last; returns what is still owed."""
    free = [source for source in members if source.name not in held]
    for source in free[:-1]:
        if source.clips <= owed + 0.5:
            held.add(source.name)
            owed -= source.clips
    return owed


def _sources(rows: Sequence[Row]) -> list[_Source]:
    clips: dict[str, set[str]] = defaultdict(set)
    skills: dict[str, Counter[str]] = defaultdict(Counter)
    domains: dict[str, str] = {}
    for row in rows:
        if row["clip_id"] is not None:
            name = row["source"]
            clips[name].add(row["clip_id"])
            skills[name][row["skill"] or ""] += 1
            domains[name] = row["domain"]
    return [
        _Source(name, domains[name], min(counts, key=lambda skill: (-counts[skill], skill)), len(clips[name]))
        for name, counts in skills.items()
    ]
