"""docs/grounding.md and the code say the same: reason codes with their examples, tolerances, policy keys."""

import re
from pathlib import Path

import pytest

from mgrd.audio.facts import Fact, fact
from mgrd.grounding import tolerances
from mgrd.grounding.leaks import LEAKS, split_chain
from mgrd.grounding.outside import BAD_AUDIO, BAD_ROW
from mgrd.grounding.scorer import CONTRADICTED, IRRELEVANT, NO_SUPPORTED, SURROGATE, score_chain
from mgrd.selection.policy import WRONG_ANSWER
from mgrd.settings import GroundingSpec

PAGE = (Path(__file__).parents[2] / "docs" / "grounding.md").read_text(encoding="utf-8")
REASONS = re.findall(r"^\| `(\w+)` \| [^|]+ \| (?:`([^|]+)`)? ?\|$", PAGE.split("## Reasons")[1].split("##")[0], re.M)
TONE: list[Fact] = [
    fact(name, value, end=3.0)
    for name, value in {"duration": 3.0, "f0_trend": 8.0, "event_count": 1.0, "f0_median": 300.0}.items()
]


def test_the_page_lists_every_reason_code() -> None:
    outside = {WRONG_ANSWER, BAD_ROW, BAD_AUDIO}
    assert {code for code, _ in REASONS} == {NO_SUPPORTED, IRRELEVANT, CONTRADICTED, SURROGATE, *LEAKS, *outside}


@pytest.mark.parametrize(("code", "example"), [pair for pair in REASONS if pair[1]])
def test_each_example_has_its_reason(code: str, example: str) -> None:
    reasoning, _ = split_chain(example)
    scored = score_chain(
        raw_text=example,
        reasoning=reasoning,
        answer="rising",
        question="How does the pitch move?",
        choices=["rising", "falling", "flat"],
        facts=TONE,
    )
    assert code in scored.reasons


def test_the_page_shows_the_table_of_tolerances() -> None:
    rows = [line for line in (tolerances.__doc__ or "").splitlines() if line.startswith("|")]
    assert len(rows) > 10
    assert all(row in PAGE for row in rows)


def test_the_page_names_every_policy_key_with_its_default() -> None:
    for name, field in GroundingSpec.model_fields.items():
        assert f"| `{name}` | {str(field.default).lower()} |" in PAGE
