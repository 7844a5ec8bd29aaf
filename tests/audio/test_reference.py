"""docs/evidence.md tells of every fact and every word as the code has them."""

from pathlib import Path

import pytest

from mgrd.audio.decode import MAX_SECONDS
from mgrd.audio.facts import FACT_UNITS, FACTS
from mgrd.audio.reference import evidence_reference
from mgrd.audio.words import ATTRIBUTES, MORE_ATTRIBUTES, Attribute

PAGE = Path(__file__).parents[2] / "docs" / "evidence.md"
EVERY = [*ATTRIBUTES.values(), *MORE_ATTRIBUTES.values()]


def test_the_page_is_the_generated_one() -> None:
    assert PAGE.read_text() == evidence_reference(), "run `python -m mgrd.audio.reference > docs/evidence.md`"


def test_every_fact_stands_on_the_page_with_its_unit_and_meaning() -> None:
    page = evidence_reference()
    for name, kind in FACTS.items():
        assert f"| `{name}` | {kind.unit} | {kind.how} | {kind.trust} |" in page
    assert f"longer than {MAX_SECONDS:.0f} s" in page


@pytest.mark.parametrize("attribute", EVERY, ids=lambda attribute: attribute.name)
def test_every_word_stands_on_the_page_with_the_edges_of_its_band(attribute: Attribute) -> None:
    row = next(line for line in evidence_reference().splitlines() if line.startswith(f"| {attribute.name} |"))
    assert attribute.fact in FACT_UNITS
    for band in attribute.bands:
        assert f"{band.word}: " in row
    edges = {edge for band in attribute.bands for edge in (band.low, band.high)} - {0, float("inf"), float("-inf")}
    assert all(f"{edge:g}" in row for edge in edges)


@pytest.mark.parametrize("attribute", EVERY, ids=lambda attribute: attribute.name)
def test_bands_rise_and_leave_a_neutral_zone_between_them(attribute: Attribute) -> None:
    for lower, upper in zip(attribute.bands, attribute.bands[1:], strict=False):
        whole_numbers = FACT_UNITS[attribute.fact] == "count"
        assert lower.low < lower.high <= upper.low < upper.high
        assert lower.high < upper.low or whole_numbers
        assert attribute.word((lower.high + upper.low) / 2) is None or whole_numbers
