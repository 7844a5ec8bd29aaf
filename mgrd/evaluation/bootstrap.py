"""Percentile bootstrap over clusters: how sure a figure is. Every interval of the project is drawn here, but Wilson's.

Questions on one source (patch, voice, recording session) rise and fall together, so whole sources
are drawn, never single rows: an interval over rows would be too narrow. The interval speaks of new
sources of the same kind, not of new training runs.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mgrd.errors import DataError

LEVEL = 0.95
DRAWS_AT_ONCE = 2_000_000
"""Cells of the resample-by-cluster matrix held in memory together (16 MB)."""


class Estimate(NamedTuple):
    """A mean with its interval; `low` and `high` are None where one cluster gives no spread to see."""

    mean: float
    low: float | None
    high: float | None


def cluster_bootstrap(values: np.ndarray, clusters: np.ndarray, resamples: int, seed: int) -> Estimate:
    """Mean of `values` (N,) with a 95 % percentile interval over resampled `clusters` (N,).

    A resample draws as many clusters as there are, with replacement, and takes the mean over all
    their rows (Davison and Hinkley 1997, section 3.8: clusters drawn, rows inside them kept). The
    same arguments give the same interval. With fewer than about 20 clusters the interval is too
    narrow. Raises DataError when there is nothing to average or a value is not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    clusters = np.asarray(clusters)
    _check(values, clusters)
    _, index = np.unique(clusters, return_inverse=True)
    sums_c = np.bincount(index, weights=values)
    sizes_c = np.bincount(index).astype(np.float64)
    mean = float(values.mean())
    if len(sizes_c) == 1:
        return Estimate(mean, None, None)
    means = [(draws @ sums_c) / (draws @ sizes_c) for draws in draw_clusters(len(sizes_c), resamples, seed)]
    return Estimate(mean, *percentile_interval(np.concatenate(means)))


def draw_clusters(count: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks [R, count] of resamples, `resamples` rows in all: how often each of `count` clusters is drawn in each.

    Blocks are of bounded memory; how the draws are cut into them changes none of them.
    """
    generator = np.random.default_rng(seed)
    block = max(1, DRAWS_AT_ONCE // count)
    for start in range(0, resamples, block):
        yield generator.multinomial(count, np.full(count, 1 / count), size=min(block, resamples - start))


def percentile_interval(values: np.ndarray) -> tuple[float, float]:
    """The middle LEVEL of a figure's resampled values."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _check(values: np.ndarray, clusters: np.ndarray) -> None:
    if values.ndim != 1 or values.shape != clusters.shape:
        raise DataError(f"values {values.shape} and clusters {clusters.shape} must be two vectors of one length")
    if not values.size:
        raise DataError("no values to average; check that the split has questions")
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise DataError(f"{wrong.size} values are not finite, first at {wrong[0]}; drop unscored rows before averaging")
