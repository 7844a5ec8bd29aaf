"""An inverted index of fingerprints: of many clips, the few that may hold the recording of another."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mgrd.evaluation.fingerprint import Fingerprint

MOST_MATCHES = 200_000
"""Postings that one question reads, its rarest hashes first: what bounds its time in an index of any size."""
OFFSET_FRAMES = 4  # matches within so many frames of one offset vote together
CANDIDATES = 4
LEAST_VOTES = 1
LEAST_OF_BEST = 1 / 3
_SPAN = 1 << 24  # offsets lie within plus and minus half of this


class RecordingIndex:
    """Hash -> (clip, frame) as sorted arrays; clips are numbered in the order given."""

    def __init__(self, marks: Sequence[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]]) -> None:
        """Of (hashes, frames) of each clip."""
        lengths = [len(hashes) for hashes, _ in marks]
        hashes = np.concatenate([m[0] for m in marks]) if marks else np.zeros(0, np.int32)
        frames = np.concatenate([m[1] for m in marks]) if marks else np.zeros(0, np.int32)
        clips = np.repeat(np.arange(len(marks), dtype=np.int32), lengths)
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._clips, self._frames = hashes[order], clips[order], frames[order]

    def candidates(self, mark: Fingerprint) -> list[int]:
        """At most CANDIDATES clips, most votes first: matches of landmarks at one offset."""
        first = np.searchsorted(self._hashes, mark.hashes, "left")
        counts = np.searchsorted(self._hashes, mark.hashes, "right") - first
        rare = np.argsort(counts, kind="stable")
        rare = rare[counts[rare] > 0]
        rare = rare[np.cumsum(counts[rare]) <= MOST_MATCHES]
        if not len(rare):
            return []
        first, counts, frames = first[rare], counts[rare], mark.frames[rare]
        ends = np.cumsum(counts)
        places = np.arange(ends[-1]) + np.repeat(first - (ends - counts), counts)
        clips = self._clips[places].astype(np.int64)
        offsets = self._frames[places].astype(np.int64) - np.repeat(frames, counts) + _SPAN // 2
        return _most_voted(clips, offsets)


def _most_voted(clips: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> list[int]:
    votes: dict[int, int] = {}
    for shift in (0, OFFSET_FRAMES // 2):  # so that no offset lies at the border of both bins
        keys, counts = np.unique(clips * _SPAN + (offsets + shift) // OFFSET_FRAMES, return_counts=True)
        strongest = np.argsort(-counts, kind="stable")[: 4 * CANDIDATES]
        for key, count in zip(keys[strongest] // _SPAN, counts[strongest], strict=True):
            votes[int(key)] = max(votes.get(int(key), 0), int(count))
    best = max(votes.values())
    least = max(LEAST_VOTES, best * LEAST_OF_BEST)
    ranked = sorted((clip for clip, count in votes.items() if count >= least), key=lambda clip: (-votes[clip], clip))
    return ranked[:CANDIDATES]
