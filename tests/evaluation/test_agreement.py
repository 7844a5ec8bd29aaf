"""Kappa and precision curves: worked examples, another implementation, and honest intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgrd.errors import DataError
from mgrd.evaluation.agreement import Agreement, agreement, precision_curve, threshold_for, wilson

BITS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def found(labels: list[bool], verdicts: list[bool], resamples: int = 500, seed: int = 0) -> Agreement:
    clusters = np.arange(len(labels))
    return agreement(np.array(labels), np.array(verdicts), clusters, resamples=resamples, seed=seed)


def kappa_of(both: int, only_verdict: int, only_label: int, neither: int) -> float | None:
    labels = [True] * both + [False] * only_verdict + [True] * only_label + [False] * neither
    verdicts = [True] * (both + only_verdict) + [False] * (only_label + neither)
    return found(labels, verdicts, resamples=1).kappa


def test_kappa_of_a_worked_example() -> None:
    """Two readers of 50 proposals: both yes 20, both no 15, 5 and 10 apart; agreement 0.7, by chance 0.5."""
    assert kappa_of(20, 5, 10, 15) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("table", "kappa"),
    [((5, 0, 0, 5), 1.0), ((0, 5, 5, 0), -1.0), ((5, 5, 5, 5), 0.0), ((9, 0, 0, 0), None), ((0, 3, 0, 6), 0.0)],
)
def test_kappa_at_its_ends(table: tuple[int, int, int, int], kappa: float | None) -> None:
    assert kappa_of(*table) == kappa


@settings(deadline=None)
@given(BITS)
def test_kappa_precision_and_recall_equal_scikit_learns(pairs: list[tuple[bool, bool]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    labels, verdicts = [a for a, _ in pairs], [b for _, b in pairs]
    ours = found(labels, verdicts, resamples=10)
    if ours.kappa is None:
        assert len({*labels, *verdicts}) == 1
    else:
        assert ours.kappa == pytest.approx(metrics.cohen_kappa_score(labels, verdicts), abs=1e-12)
    if ours.precision is not None:
        assert ours.precision == pytest.approx(metrics.precision_score(labels, verdicts))
    if ours.recall is not None:
        assert ours.recall == pytest.approx(metrics.recall_score(labels, verdicts))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=40))
def test_the_curve_equals_scikit_learns(pairs: list[tuple[bool, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    labels, scores = np.array([a for a, _ in pairs]), np.array([b / 8 for _, b in pairs])
    curve = precision_curve(labels, scores)
    if not labels.any():
        assert curve == []
        return
    precision, recall, thresholds = metrics.precision_recall_curve(labels, scores)
    assert [p.threshold for p in reversed(curve)] == thresholds.tolist()
    assert [p.precision for p in reversed(curve)] == pytest.approx(precision[:-1].tolist())
    assert [p.recall for p in reversed(curve)] == pytest.approx(recall[:-1].tolist())


def test_the_kappa_interval_holds_the_truth_and_narrows_with_labels() -> None:
    generator = np.random.default_rng(3)
    widths = []
    for count in (40, 400):
        labels = generator.random(count) < 0.5
        verdicts = np.where(generator.random(count) < 0.9, labels, ~labels)
        ours = found(labels.tolist(), verdicts.tolist())
        assert ours.kappa_low is not None
        assert ours.kappa_high is not None
        assert ours.kappa_low < 0.8 < ours.kappa_high, "nine in ten agree, half by chance"
        widths.append(ours.kappa_high - ours.kappa_low)
    assert widths[1] < widths[0] / 2


def test_labels_of_one_source_count_as_one() -> None:
    labels, verdicts = np.tile([True, False, True, False], 25), np.tile([True, False, False, False], 25)
    apart = agreement(labels, verdicts, np.arange(100), resamples=400, seed=1)
    lumped = agreement(labels, verdicts, np.arange(100) // 20, resamples=400, seed=1)
    alone = agreement(labels, verdicts, np.zeros(100), resamples=400, seed=1)
    assert apart.kappa == lumped.kappa == alone.kappa == 0.5
    assert alone.kappa_low is None
    assert lumped.kappa_low == lumped.kappa_high == 0.5, "five sources that are all the same"
    assert apart.kappa_low is not None
    assert apart.kappa_low < 0.45


def test_the_threshold_for_a_precision_keeps_the_most_chains() -> None:
    labels = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    curve = precision_curve(labels, scores)
    assert threshold_for(curve, 1.0) == 0.7
    assert threshold_for(curve, 0.8) == 0.5
    assert threshold_for(curve, 0.5) == 0.2
    assert threshold_for(curve, 0.8, sure=True) is None, "four labels prove little"
    assert threshold_for(precision_curve(~labels, scores), 0.9) is None


def test_many_scores_are_thinned_and_keep_their_ends() -> None:
    scores = np.linspace(0, 1, 1001)
    curve = precision_curve(scores > 0.3, scores)
    assert len(curve) <= 50
    assert (curve[0].threshold, curve[-1].threshold) == (1.0, 0.0)
    assert curve[-1].chains == 1001


def test_the_wilson_interval_of_a_worked_example() -> None:
    """Ten of ten: [0.722, 1]; and 81 of 263: [0.2553, 0.3662] (Newcombe 1998, table I)."""
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(DataError, match="0 labels"):
        found([], [])
