"""The filter on labelled chains about real audio, by the way that `mgrd ground` takes."""

from collections import Counter
from functools import cache

import pytest

from tests.grounding.clips import CLIPS
from tests.grounding.labelled import ROWS, Figures, figures


@cache
def measured_figures() -> Figures:
    return figures()


def test_the_set_is_large_and_of_every_kind() -> None:
    kinds = Counter(row["kind"] for row in ROWS if "clip" in row)
    assert sum(kinds.values()) >= 300
    assert len({row["clip"] for row in ROWS if "clip" in row}) >= 60
    wanted = {
        "grounded",
        "contradicted",
        "half-true",
        "surrogate",
        "denial",
        "leak",
        "stuffed",
        "irrelevant",
        "no-claim",
    }
    assert wanted <= set(kinds)
    assert len({row["id"] for row in ROWS}) == len(ROWS)


def test_verdicts_agree_with_what_the_clips_were_built_as() -> None:
    assert measured_figures().accuracy >= 0.97, measured_figures().wrong


def test_kept_chains_are_grounded_and_grounded_chains_are_kept() -> None:
    assert measured_figures().precision >= 0.97, measured_figures().wrong
    assert measured_figures().recall >= 0.92, measured_figures().wrong


@pytest.mark.parametrize("kind", ["surrogate", "stuffed", "denial", "leak", "no-claim", "contradicted", "irrelevant"])
def test_kinds_that_must_never_be_kept(kind: str) -> None:
    assert measured_figures().kept_share[kind] <= 0.02, measured_figures().wrong


def test_every_clip_has_a_question_with_its_answer_among_the_choices() -> None:
    assert all(clip.answer in clip.choices and clip.truth for clip in CLIPS.values())
