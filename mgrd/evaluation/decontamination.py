"""Training rows that an evaluation set holds too: one recording, one source and time, or one question.

The benchmark is indexed, by source, by landmark and by run of words, and each training row asks the index: the work
grows with the rows, not with the pairs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mgrd.errors import AudioError
from mgrd.evaluation.fingerprint import Fingerprint, Wave, fingerprint_file, same_recording
from mgrd.evaluation.recordings import RecordingIndex

NGRAM = 8
"""Words in a row that two questions share when one is taken from the other."""
WAVES_KEPT = 512
"""Clips of a benchmark whose waves stay in memory; others are decoded again when a candidate names them."""
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
    """At most one overlap per training row and benchmark: source before audio before question.

    Each file is decoded once, but for the benchmark's clips that a candidate names.
    """
    unreadable: dict[str, str] = {}
    held = {name: _Held(samples, unreadable) for name, samples in benchmarks.items()}
    heard = _by_recording(training, held, unreadable)
    overlaps = []
    for name, index in held.items():
        for row in training:
            found = (
                ("source", index.of_source(row)),
                ("audio", heard.get((name, row.audio)) if row.audio else None),
                ("question", index.of_question(row)),
            )
            overlaps.extend([Overlap(row.key, name, other, reason) for reason, other in found if other is not None][:1])
    return Decontamination(overlaps, unreadable)


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


class _Held:
    """One benchmark's rows, to be asked for. Only landmarks stay in memory, not waves."""

    def __init__(self, samples: Sequence[Sample], unreadable: dict[str, str]) -> None:
        self._sources: dict[str, list[Sample]] = {}
        self._grams: dict[tuple[str, ...], int] = {}
        self._samples = samples
        for place, sample in enumerate(samples):
            if sample.source is not None:
                self._sources.setdefault(sample.source, []).append(sample)
            for gram in ngrams(sample.question):
                self._grams.setdefault(gram, place)
        read = [(sample.key, path, mark.hashes, mark.frames) for sample, path, mark in _read(samples, unreadable)]
        self._heard = [(key, path) for key, path, _, _ in read]
        self._recordings = RecordingIndex([(hashes, frames) for _, _, hashes, frames in read])
        self._wave = lru_cache(maxsize=WAVES_KEPT)(_wave)

    def of_source(self, row: Sample) -> str | None:
        found = self._sources.get(row.source or "", ())
        return next((other.key for other in found if same_part(row, other)), None)

    def of_question(self, row: Sample) -> str | None:
        found = [place for gram in ngrams(row.question) if (place := self._grams.get(gram)) is not None]
        return self._samples[min(found)].key if found else None

    def of_recording(self, mark: Fingerprint) -> str | None:
        for place in self._recordings.candidates(mark):
            key, path = self._heard[place]
            if same_recording(mark.wave, self._wave(path)):
                return key
        return None


def _by_recording(
    training: Sequence[Sample], held: Mapping[str, _Held], unreadable: dict[str, str]
) -> dict[tuple[str, Path], str | None]:
    """(benchmark, training file) -> key of the row that holds its recording."""
    found = {}
    for _, path, mark in _read(training, unreadable):
        for name, index in held.items():
            found[name, path] = index.of_recording(mark)
    return found


def _read(samples: Sequence[Sample], unreadable: dict[str, str]) -> Iterator[tuple[Sample, Path, Fingerprint]]:
    """The first sample of each file, with its fingerprint; files that cannot be read go to `unreadable`."""
    seen: set[Path] = set()
    for sample in samples:
        if sample.audio is None or sample.audio in seen:
            continue
        seen.add(sample.audio)
        try:
            mark = fingerprint_file(sample.audio)
        except AudioError as error:
            unreadable[sample.key] = str(error)
            continue
        yield sample, sample.audio, mark


def _wave(path: Path) -> Wave:
    return fingerprint_file(path).wave
