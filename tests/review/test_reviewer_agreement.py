"""Agreement figures: those of the page are those of scikit-learn and of published examples."""

import re

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from review_workspace import CHAINS, add_judge, add_traces, trace_row
from sklearn.metrics import cohen_kappa_score

from mgrd.evaluation.raters import MISSING, cohen, fleiss, krippendorff
from mgrd.review.access import Access
from mgrd.review.agreement import agreement_page
from mgrd.review.app import make_app
from mgrd.review.items import refresh_items
from mgrd.review.mirror import Mirror
from mgrd.store import Workspace, frame_of
from schemas import OVERRIDES, QUESTIONS, TRACES

DRAWN = {"resamples": 200, "seed": 5}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=60))
def test_cohen_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs).T
    found = cohen(first, second, 3, clusters=np.arange(len(pairs)), **DRAWN)
    if len({*first, *second}) == 1:
        assert found.value is None
    else:
        assert found.value == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)


def test_fleiss_on_his_published_example() -> None:
    """Fleiss 1971 as retold in textbooks: 10 subjects, 14 raters, 5 categories, kappa 0.210."""
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    ratings = np.array([np.repeat(np.arange(5), row) for row in counts])
    found = fleiss(ratings, 5, clusters=np.arange(10), **DRAWN)
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


def test_krippendorff_on_his_published_example() -> None:
    """Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C: nominal, missing data, 0.743."""
    m = MISSING
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, m, m, m],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, m, 3],
        [m, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, m],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, m],
    ]
    found = krippendorff(np.array(observers).T, 6, clusters=np.arange(12), **DRAWN)
    assert found.value == pytest.approx(0.743, abs=5e-4)


def test_nothing_rated_twice_is_no_figure() -> None:
    alone = np.full((4, 2), MISSING)
    alone[:, 0] = 1
    assert krippendorff(alone, 3, clusters=np.arange(4), **DRAWN).value is None
    assert fleiss(alone, 3, clusters=np.arange(4), **DRAWN).value is None
    assert cohen(alone[:, 0], alone[:, 1], 3, clusters=np.arange(4), **DRAWN).items == 0


def test_two_reviewers_over_200_chains_get_the_kappa_of_scikit_learn_on_the_page(workspace: Workspace) -> None:
    questions = workspace.store.read(QUESTIONS).to_dicts()
    add_traces(workspace.store, [trace_row(questions[n % 3], 3, n, CHAINS[n % 4]) for n in range(200)])
    keys = workspace.store.read(TRACES, {"round": 3})["trace_id"].sort().to_list()
    rng = np.random.default_rng(11)
    words = np.array(["grounded", "not_grounded", "unsure"])
    first = rng.choice(words, 200, p=[0.5, 0.4, 0.1])
    second = np.where(rng.random(200) < 0.75, first, rng.choice(words, 200))
    rows = [
        {"override_id": f"{name}{n}", "trace_id": key, "reviewer": name, "verdict": verdict, "seconds": 5.0,
         "made_at": f"2030-01-01T00:{n // 60:02d}:{n % 60:02d}+00:00"}
        for name, said in (("ann", first), ("bob", second))
        for n, (key, verdict) in enumerate(zip(keys, said, strict=True))
    ]  # fmt: skip
    workspace.store.append(OVERRIDES, frame_of(OVERRIDES, rows))
    with TestClient(make_app(workspace, Access()), base_url="http://127.0.0.1:1") as client:
        page = client.get("/agreement").text
    shown = re.search(r'class="cohen".*?<b>(-?[\d.]+)</b>.*?<td>(\d+)</td>', page, re.DOTALL)
    assert shown
    assert shown[1] == f"{cohen_kappa_score(first, second):.3f}"
    assert shown[2] == "200"


def test_judges_policy_and_reasons_are_held_against_people(mirror: Mirror) -> None:
    store = mirror.workspace.store
    keys = store.read(TRACES)["trace_id"].sort().to_list()
    add_judge(store, keys[:8], "kind", 5.0)
    rows = [
        {"override_id": str(n), "trace_id": key, "reviewer": "ann", "verdict": "grounded" if n % 2 else "not_grounded",
         "seconds": 3.0, "made_at": f"2030-01-01T00:00:{n:02d}+00:00"} for n, key in enumerate(keys[:8])
    ]  # fmt: skip
    store.append(OVERRIDES, frame_of(OVERRIDES, rows))
    refresh_items(mirror)
    page = agreement_page(mirror)
    judge = next(table for table in page.confusions if table.title == "judge kind")
    assert judge.counts == ((4, 4), (0, 0))
    policy = next(table for table in page.confusions if table.title == "policy")
    assert sum(map(sum, policy.counts)) == 8
    decisions = mirror.rows  # the mirror's rows, as the tables have them
    from schemas import DECISIONS

    for line in page.reasons:
        flagged = [key for key in keys[:8] if line.reason in decisions(DECISIONS, "trace_id", key)[0]["reasons"]]
        assert line.chains == len(flagged)
        assert line.agreed == sum(keys.index(key) % 2 == 0 for key in flagged)
    assert pl.DataFrame(rows).height == page.reviewers[0][1]
