"""Agreement of a signal with people: Cohen's kappa, and the precision that a threshold on its score buys.

Labels and verdicts are booleans, true for a grounded chain. Every figure comes with a 95 % interval: a handful of
labels proves little, and the figures say so.
"""

from dataclasses import dataclass

import numpy as np

from mgrd.errors import DataError
from mgrd.evaluation.bootstrap import LEVEL

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


def cohen_kappa(both: float, only_verdict: float, only_label: float, neither: float) -> float | None:
    """(observed - expected) / (1 - expected) agreement of a 2 x 2 table (Cohen 1960); None where 1 is expected.

    Multiplied out, 2 (both * neither - one * other) / (chance), which is exact in whole counts.
    """
    kappa = _kappas(np.array([[both, only_verdict, only_label, neither]], dtype=np.float64))[0]
    return None if np.isnan(kappa) else float(kappa)


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
    low, high = _kappa_interval(cells.astype(np.float64), clusters, resamples, seed)
    kappa = cohen_kappa(*counts)
    return Agreement(
        count=int(labels.size),
        positives=int(labels.sum()),
        agreement=float((counts[0] + counts[3]) / labels.size),
        kappa=kappa,
        kappa_low=None if kappa is None else low,
        kappa_high=None if kappa is None else high,
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


def _kappa_interval(
    cells: np.ndarray, clusters: np.ndarray, resamples: int, seed: int
) -> tuple[float | None, float | None]:
    """Percentile bootstrap over clusters; None with one cluster, or where most resamples have no kappa."""
    _, index = np.unique(clusters, return_inverse=True)
    count = int(index.max()) + 1
    if count == 1:
        return None, None
    cells_c = np.zeros((count, 4))
    np.add.at(cells_c, index, cells)
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    kappas = _kappas(draws @ cells_c)
    kappas = kappas[~np.isnan(kappas)]
    if kappas.size < resamples / 2:
        return None, None
    low, high = np.quantile(kappas, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _kappas(tables: np.ndarray) -> np.ndarray:
    """Kappas (R,) of tables (R, 4): both, only verdict, only label, neither; nan where expected agreement is 1."""
    both, only_verdict, only_label, neither = tables.T
    said, unsaid = both + only_verdict, only_label + neither
    meant, unmeant = both + only_label, only_verdict + neither
    chance = said * unmeant + meant * unsaid
    wins = 2 * (both * neither - only_verdict * only_label)
    return np.where(chance == 0, np.nan, wins / np.where(chance == 0, 1.0, chance))


def _booleans(values: np.ndarray) -> np.ndarray:
    return np.asarray(values).astype(bool)


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
