"""Which rows are held out of training, and in which order the others stand.

A source (speaker, recording, patch) goes whole into `validation` or whole into `train`, so held-out
rows are never about a sound that training has heard. The split is stratified by domain and skill:
each stratum gives its share as nearly as whole sources allow. Both depend on keys and seed alone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mgrd.ids import content_key

TRAIN, VALIDATION = "train", "validation"
NO_SOURCE = -1


@dataclass(frozen=True, slots=True)
class _Source:
    """A source with its number, its stratum and its number of clips."""

    number: int
    name: str
    domain: str
    skill: str
    clips: int


class Sources:
    """The sources of rows that come one by one, and which of them are held out."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._clips: list[set[str]] = []
        self._skills: list[Counter[str]] = []
        self._domains: list[str] = []

    def add(self, row: Mapping[str, str | None]) -> int:
        """Count a row in; returns the number of its source, NO_SOURCE for a row without clip, which is never held."""
        clip_id, name = row["clip_id"], row.get("source")
        if clip_id is None or name is None:
            return NO_SOURCE
        number = self._numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
            self._clips.append(set())
            self._skills.append(Counter())
            self._domains.append(row["domain"] or "")
        self._clips[number].add(clip_id)
        self._skills[number][row["skill"] or ""] += 1
        return number

    def held_out(self, share: float, seed: int) -> frozenset[int]:
        """Numbers of the held-out sources: about `share` of the clips, in every stratum as nearly as whole sources
        allow.

        What rounding leaves over in one stratum is carried to the next. Every stratum keeps a source for training;
        what is owed after that is taken from whole domains, and a share above 0 holds out one source at least.
        """
        sources = sorted(self._described(), key=lambda source: content_key("held out", seed, source.name))
        if share == 0 or len(sources) < 2:
            return frozenset()
        held: set[int] = set()
        owed = 0.0
        for members in _strata(sources, lambda source: (source.domain, source.skill)):
            owed = _hold(members, held, owed + share * sum(source.clips for source in members))
        for members in _strata(sources, lambda source: (source.domain, "")):
            owed = _hold(members, held, owed)
        return frozenset(held or {sources[0].number})

    def _described(self) -> list[_Source]:
        return [
            _Source(number, name, domain, min(counts, key=lambda skill: (-counts[skill], skill)), len(clips))
            for number, (name, domain, counts, clips) in enumerate(
                zip(self.names, self._domains, self._skills, self._clips, strict=True)
            )
        ]


def _strata(sources: Sequence[_Source], key: Callable[[_Source], tuple[str, str]]) -> list[list[_Source]]:
    strata: dict[tuple[str, str], list[_Source]] = defaultdict(list)
    for source in sources:
        strata[key(source)].append(source)
    return [strata[name] for name in sorted(strata)]


def _hold(members: Sequence[_Source], held: set[int], owed: float) -> float:
    """Hold sources of one stratum while they fit what is owed, never its last; returns what is still owed."""
    free = [source for source in members if source.number not in held]
    for source in free[:-1]:
        if source.clips <= owed + 0.5:
            held.add(source.number)
            owed -= source.clips
    return owed
