"""Agreement of a signal with people: Cohen's kappa, and the precision that a threshold on its score buys.

Labels and verdicts are booleans, true for a grounded chain. Every figure comes with a 95 % interval: a handful of
labels proves little, and the figures say so.
"""

from dataclasses import dataclass

import numpy as np

from mgrd.errors import DataError
from mgrd.evaluation.raters import cohen

MOST_POINTS = 50
"""Thresholds on a curve at most; more scores are thinned by quantiles."""
NORMAL_975 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of verdicts with labels. `kappa` is None when both are all of one kind; its interval when most resamples are."""

    count: int
    positives: int
    agreement: float
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """The chains whose score is at least `threshold`."""

    threshold: float
    chains: int
    precision: float
    precision_low: float
    precision_high: float
    recall: float
    recall_low: float
    recall_high: float


def agreement(
    labels: np.ndarray, verdicts: np.ndarray, clusters: np.ndarray, *, resamples: int, seed: int
) -> Agreement:
    """Agreement of boolean `verdicts` (N,) with `labels` (N,); whole `clusters` (N,) are resampled for the interval.

    Raises DataError when there is no label.
    """
    labels, verdicts = _booleans(labels), _booleans(verdicts)
    if not labels.size or labels.shape != verdicts.shape or labels.shape != clusters.shape:
        raise DataError(f"{labels.size} labels, {verdicts.size} verdicts and {clusters.size} clusters do not pair up")
    cells = np.stack([labels & verdicts, ~labels & verdicts, labels & ~verdicts, ~labels & ~verdicts], axis=1)
    counts = cells.sum(axis=0)
    kappa = cohen(
        labels.astype(np.int64), verdicts.astype(np.int64), 2, clusters=clusters, resamples=resamples, seed=seed
    )
    return Agreement(
        count=int(labels.size),
        positives=int(labels.sum()),
        agreement=float((counts[0] + counts[3]) / labels.size),
        kappa=kappa.value,
        kappa_low=kappa.low,
        kappa_high=kappa.high,
        precision=_share(counts[0], counts[0] + counts[1]),
        recall=_share(counts[0], counts[0] + counts[2]),
    )


def precision_curve(labels: np.ndarray, scores: np.ndarray) -> list[Point]:
    """A point per distinct score as threshold (thinned to 50), the highest first; empty without a positive label.

    Intervals are Wilson's (1927), which stay honest where all of a few labels agree; they take chains as independent.
    """
    labels, scores = _booleans(labels), np.asarray(scores, dtype=np.float64)
    total = int(labels.sum())
    if not total:
        return []
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(labels[order])
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    if last.size > MOST_POINTS:
        last = last[np.unique(np.round(np.linspace(0, last.size - 1, MOST_POINTS)).astype(int))]
    points = []
    for at in last:
        found, chains = int(hits[at]), int(at) + 1
        low, high = wilson(found, chains)
        recall_low, recall_high = wilson(found, total)
        points.append(
            Point(float(ranked[at]), chains, found / chains, low, high, found / total, recall_low, recall_high)
        )
    return points


def threshold_for(curve: list[Point], precision: float, *, sure: bool = False) -> float | None:
    """The lowest threshold (the most chains) whose precision is at least as wished; None when none reaches it.

    `sure` asks it of the lower end of the interval.
    """
    reached = [p.threshold for p in curve if (p.precision_low if sure else p.precision) >= precision]
    return min(reached) if reached else None


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927)."""
    share, z2 = hits / count, NORMAL_975**2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = NORMAL_975 / (1 + z2 / count) * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _booleans(values: np.ndarray) -> np.ndarray:
    return np.asarray(values).astype(bool)


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
