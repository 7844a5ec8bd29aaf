"""Training rows that an evaluation set holds too: one recording, one source and time, or one question."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mgrd.errors import AudioError
from mgrd.evaluation.fingerprint import Fingerprint, fingerprint_file, same_recording

NGRAM = 8
"""Words in a row that two questions share when one is taken from the other."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Sample:
    """A row to compare. `source` with `start` and `end` (s) names a part of a recording, where they are known."""

    key: str
    audio: Path | None = None
    question: str = ""
    source: str | None = None
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Overlap:
    """A training row to remove, and why: `source`, `audio` or `question`."""

    key: str
    benchmark: str
    other: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decontamination:
    """`unreadable` maps the keys of samples whose sound could not be compared to the reason."""

    overlaps: Sequence[Overlap]
    unreadable: Mapping[str, str]


def find_overlaps(training: Sequence[Sample], benchmarks: Mapping[str, Sequence[Sample]]) -> Decontamination:
    """At most one overlap per training row and benchmark: source before audio before question."""
    marks = _Marks()
    overlaps = []
    for name, held in benchmarks.items():
        grams = [ngrams(other.question) for other in held]
        for row in training:
            own = ngrams(row.question)
            found = next((Overlap(row.key, name, o.key, "source") for o in held if same_part(row, o)), None)
            found = found or next((Overlap(row.key, name, o.key, "audio") for o in held if marks.same(row, o)), None)
            found = found or next(
                (
                    Overlap(row.key, name, o.key, "question")
                    for o, theirs in zip(held, grams, strict=True)
                    if own & theirs
                ),
                None,
            )
            if found:
                overlaps.append(found)
    return Decontamination(overlaps, marks.unreadable)


def same_part(one: Sample, other: Sample) -> bool:
    """One source, and times that overlap; a row without times is the whole source."""
    if one.source is None or one.source != other.source:
        return False
    if None in (one.start, one.end, other.start, other.end):
        return True
    return max(one.start or 0.0, other.start or 0.0) < min(one.end or 0.0, other.end or 0.0)


def ngrams(question: str) -> set[tuple[str, ...]]:
    """Its runs of NGRAM words; none of a shorter question, since short ones are asked everywhere."""
    words = _WORD.findall(question.casefold())
    return {tuple(words[at : at + NGRAM]) for at in range(len(words) - NGRAM + 1)}


class _Marks:
    """Fingerprints, each file read once."""

    def __init__(self) -> None:
        self._marks: dict[Path, Fingerprint | None] = {}
        self.unreadable: dict[str, str] = {}

    def same(self, one: Sample, other: Sample) -> bool:
        left, right = self._of(one), self._of(other)
        return left is not None and right is not None and same_recording(left, right)

    def _of(self, sample: Sample) -> Fingerprint | None:
        if sample.audio is None:
            return None
        if sample.audio not in self._marks:
            try:
                self._marks[sample.audio] = fingerprint_file(sample.audio)
            except AudioError as error:
                self._marks[sample.audio] = None
                self.unreadable[sample.key] = str(error)
        return self._marks[sample.audio]
