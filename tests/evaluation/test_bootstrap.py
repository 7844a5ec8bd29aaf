"""The bootstrap: its intervals cover the truth as often as they say, because whole sources are drawn."""

import numpy as np
import pytest

from mgrd.errors import DataError
from mgrd.evaluation.bootstrap import cluster_bootstrap

TRUTH = 0.4


def sources(generator: np.random.Generator, count: int = 40, rows: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Rows that share most of their value with their source; the population mean is TRUTH."""
    shared = generator.normal(0, 1, count)
    values = TRUTH + np.repeat(shared, rows) + generator.normal(0, 0.3, count * rows)
    return values, np.repeat(np.arange(count), rows)


def coverage(by_source: bool, trials: int = 300) -> float:
    generator = np.random.default_rng(7)
    hits = 0
    for trial in range(trials):
        values, clusters = sources(generator)
        drawn = clusters if by_source else np.arange(len(values))
        _, low, high = cluster_bootstrap(values, drawn, 300, trial)
        assert low is not None
        assert high is not None
        hits += low <= TRUTH <= high
    return hits / trials


def test_intervals_over_sources_cover_the_truth_about_95_percent_of_the_time() -> None:
    assert 0.90 <= coverage(by_source=True) <= 0.98


def test_intervals_over_rows_would_be_far_too_narrow() -> None:
    assert coverage(by_source=False) < 0.75


def test_the_mean_is_over_rows_and_lies_inside_the_interval() -> None:
    values = np.array([1.0, 1.0, 1.0, 0.0])
    mean, low, high = cluster_bootstrap(values, np.array(["a", "a", "a", "b"]), 500, 0)
    assert mean == pytest.approx(0.75)
    assert low == 0.0
    assert high == 1.0


def test_the_same_seed_gives_the_same_interval_and_names_may_be_text() -> None:
    values, clusters = sources(np.random.default_rng(1))
    named = np.array([f"voice {c}" for c in clusters])
    assert cluster_bootstrap(values, named, 200, 3) == cluster_bootstrap(values, named, 200, 3)
    assert cluster_bootstrap(values, named, 200, 3) != cluster_bootstrap(values, named, 200, 4)


def test_blocks_of_resamples_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    values, clusters = sources(np.random.default_rng(2))
    whole = cluster_bootstrap(values, clusters, 101, 5)
    monkeypatch.setattr("mgrd.evaluation.bootstrap.DRAWS_AT_ONCE", 400)
    assert cluster_bootstrap(values, clusters, 101, 5) == pytest.approx(whole)


def test_one_source_gives_a_mean_without_an_interval() -> None:
    assert cluster_bootstrap(np.array([0.0, 1.0]), np.array(["a", "a"]), 100, 0) == (0.5, None, None)


def test_what_cannot_be_averaged_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="no values"):
        cluster_bootstrap(np.array([]), np.array([]), 10, 0)
    with pytest.raises(DataError, match="not finite, first at 1"):
        cluster_bootstrap(np.array([1.0, np.nan]), np.array(["a", "b"]), 10, 0)
    with pytest.raises(DataError, match="one length"):
        cluster_bootstrap(np.array([1.0]), np.array(["a", "b"]), 10, 0)
