"""Self-cognition probes: which clips are asked, and what the cold start replies."""

import polars as pl
import pytest

from mgrd.evaluation.heldout import denies_hearing
from mgrd.ingest.embedded.self_cognition import probe_replies
from mgrd.ingest.probes import PROBES, probe_questions
from mgrd.settings import ColdStartSpec
from schemas import DISTILLED, QUESTIONS


def clips(**counts: int) -> pl.DataFrame:
    rows = [(f"{split}-{i}", split) for split, count in counts.items() for i in range(count)]
    return pl.DataFrame(rows, schema=["clip_id", "split"], orient="row")


def test_each_split_is_asked_so_many_clips_and_each_probe_in_turn() -> None:
    asked = probe_questions(clips(dev=40, test=5), 24, seed=0)
    assert dict(asked.group_by("split").len().iter_rows()) == {"dev": 24, "test": 5}
    assert asked["clip_id"].is_unique().all()
    of_dev = asked.filter(pl.col("split") == "dev")["text"].value_counts()
    assert of_dev["count"].to_list() == [2] * len(PROBES)
    assert asked["answer"].null_count() == asked.height
    assert list(asked.schema) == QUESTIONS.arrow.names


def test_the_same_seed_asks_the_same_and_another_seed_asks_otherwise() -> None:
    shuffled = clips(dev=40).sample(fraction=1.0, shuffle=True, seed=3)
    assert probe_questions(clips(dev=40), 8, seed=0).equals(probe_questions(shuffled, 8, seed=0))
    assert not probe_questions(clips(dev=40), 8, seed=0).equals(probe_questions(clips(dev=40), 8, seed=1))


def test_without_clips_nothing_is_asked() -> None:
    assert probe_questions(clips(), 8, seed=0).is_empty()
    assert probe_questions(clips(dev=3), 0, seed=0).is_empty()


@pytest.mark.parametrize("denials", [0.0, 0.25, 1.0])
def test_the_wished_share_of_replies_denies_hearing_and_no_other_does(denials: float) -> None:
    cold = clips(cold=80)
    heard = dict.fromkeys(cold["clip_id"], ("a person speaks", "i hear speech"))
    rows = pl.DataFrame(probe_replies(cold, heard, ColdStartSpec(probes=0.5, denials=denials), seed=0))
    assert rows.height == 40
    said = denies_hearing(rows["reasoning"] + " " + rows["answer"])
    assert said.sum() == round(40 * denials)
    assert (said == (rows["style"] == "denies")).all()
    assert set(rows.columns) == set(DISTILLED.arrow.names)
    assert rows["row_id"].is_unique().all()


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_is_no_denial_itself(probe: str) -> None:
    """An echo of the question must not count as an error of the model."""
    assert not denies_hearing(pl.Series([probe]))[0]
