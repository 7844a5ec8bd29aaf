"""Agreement among raters on nominal labels: Cohen's and Fleiss' kappa, Krippendorff's alpha, with 95 % intervals.

Ratings are an integer matrix [items, raters], MISSING where a rater did not speak. Each figure is a function of sums
over items, so an interval is one matrix product over resampled clusters (percentile bootstrap, whole clusters drawn).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mgrd.errors import DataError
from mgrd.evaluation.bootstrap import draw_clusters, percentile_interval

MISSING = -1
Ratings = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """An agreement over `items`; None where all labels are of one kind, or nothing was rated twice."""

    value: float | None
    low: float | None
    high: float | None
    items: int


def cohen(first: Ratings, second: Ratings, kinds: int, *, clusters: np.ndarray, resamples: int, seed: int) -> Figure:
    """Cohen's kappa (1960) of two raters [items], over the items that both rated."""
    both = (first != MISSING) & (second != MISSING)
    tables = np.zeros((int(both.sum()), kinds * kinds))
    tables[np.arange(len(tables)), first[both] * kinds + second[both]] = 1.0
    return _figure(tables, lambda sums: _cohen(sums.reshape(-1, kinds, kinds)), clusters[both], resamples, seed)


def fleiss(ratings: Ratings, kinds: int, *, clusters: np.ndarray, resamples: int, seed: int) -> Figure:
    """Fleiss' kappa (1971), over the items that all raters rated; at least two raters."""
    counts = _counts(ratings[(ratings != MISSING).all(axis=1)], kinds)
    kept = clusters[(ratings != MISSING).all(axis=1)]
    raters = ratings.shape[1]
    if raters < 2:
        return Figure(None, None, None, 0)
    agreed = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    rows = np.column_stack([np.ones(len(counts)), agreed, counts / raters])
    return _figure(rows, _fleiss, kept, resamples, seed)


def krippendorff(ratings: Ratings, kinds: int, *, clusters: np.ndarray, resamples: int, seed: int) -> Figure:
    """Krippendorff's alpha for nominal data (2004, section 11.3); raters may miss items, two ratings are needed."""
    paired = (ratings != MISSING).sum(axis=1) >= 2
    counts = _counts(ratings[paired], kinds)
    given = counts.sum(axis=1)
    alike = (counts * (counts - 1)).sum(axis=1) / np.maximum(given - 1, 1)
    rows = np.column_stack([given - alike, counts])
    return _figure(rows, _krippendorff, clusters[paired], resamples, seed)


def _counts(ratings: Ratings, kinds: int) -> Floats:
    return np.stack([(ratings == kind).sum(axis=1) for kind in range(kinds)], axis=1).astype(np.float64)


def _cohen(tables: Floats) -> Floats:
    """Multiplied out in counts: (n sum of the diagonal - sum of products) / (n^2 - sum of products)."""
    total = tables.sum(axis=(1, 2))
    chance = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1)
    same = total * np.trace(tables, axis1=1, axis2=2)
    return _ratio(same - chance, total**2 - chance)


def _fleiss(sums: Floats) -> Floats:
    items, agreed, shares = sums[:, 0], sums[:, 1], sums[:, 2:]
    expected = ((shares / np.maximum(items, 1)[:, None]) ** 2).sum(axis=1)
    return _ratio(agreed / np.maximum(items, 1) - expected, 1 - expected)


def _krippendorff(sums: Floats) -> Floats:
    observed, counts = sums[:, 0], sums[:, 1:]
    total = counts.sum(axis=1)
    expected = (total**2 - (counts**2).sum(axis=1)) / np.maximum(total - 1, 1)
    return _ratio(expected - observed, expected)


def _ratio(above: Floats, below: Floats) -> Floats:
    """nan where the agreement that chance alone gives is already whole."""
    none = np.abs(below) < 1e-12
    return np.where(none, np.nan, above / np.where(none, 1.0, below))


def _figure(
    rows: Floats, value_of: Callable[[Floats], Floats], clusters: np.ndarray, resamples: int, seed: int
) -> Figure:
    if len(rows) != len(clusters):
        raise DataError(f"{len(rows)} rated items and {len(clusters)} clusters do not pair up")
    if not len(rows):
        return Figure(None, None, None, 0)
    value = float(value_of(rows.sum(axis=0)[None])[0])
    if np.isnan(value):
        return Figure(None, None, None, len(rows))
    names, index = np.unique(clusters, return_inverse=True)
    if len(names) == 1:
        return Figure(value, None, None, len(rows))
    sums = np.zeros((len(names), rows.shape[1]))
    np.add.at(sums, index, rows)
    values = np.concatenate([value_of(draws @ sums) for draws in draw_clusters(len(names), resamples, seed)])
    values = values[~np.isnan(values)]
    if values.size < resamples / 2:
        return Figure(value, None, None, len(rows))
    return Figure(value, *percentile_interval(values), len(rows))
