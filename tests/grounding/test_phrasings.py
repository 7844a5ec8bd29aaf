"""One-clause chains over clips where they are true and where they are false: many ways to say the same.

A line "# name | clips | clips" of tests/golden/phrasings.txt heads the phrasings that are true of the first clips and
false of the second.
"""

from functools import cache
from pathlib import Path

from mgrd.grounding.scorer import score_text
from tests.grounding.labelled import evidence

PATH = Path(__file__).parents[1] / "golden" / "phrasings.txt"


@cache
def outcomes() -> tuple[int, list[str], list[str], list[str]]:
    """Number of phrasings; those contradicted where true, supported where false, and not read where true."""
    total, contradicted, supported, missed = 0, [], [], []
    true: list[str] = []
    false: list[str] = []
    for line in PATH.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            true, false = (clips.split() for clips in line.split("|")[1:])
            continue
        total += 1
        of_true = [score_text(line, evidence(clip)) for clip in true]
        of_false = [score_text(line, evidence(clip)) for clip in false]
        contradicted += [line] * any(found.contradicted for found in of_true)
        supported += [line] * any(found.supported and not found.contradicted for found in of_false)
        missed += [line] * any(not found.supported for found in of_true)
    return total, contradicted, supported, missed


def test_true_phrasings_are_not_contradicted() -> None:
    total, contradicted, _, _ = outcomes()
    assert total >= 700
    assert len(contradicted) <= 2, contradicted


def test_false_phrasings_are_not_supported() -> None:
    assert len(outcomes()[2]) <= 2, outcomes()[2]


def test_most_true_phrasings_are_read() -> None:
    total, _, _, missed = outcomes()
    assert len(missed) <= 0.01 * total, missed
