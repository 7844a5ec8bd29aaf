"""What a question asks for, as attributes and facts that a claim can have."""

from mgrd.audio.facts import FACTS
from mgrd.grounding.reading.kinds import KIND, KIND_ORDER, RANK
from mgrd.grounding.relevance import FAMILIES
from mgrd.grounding.tolerances import ALL_ATTRIBUTES

OF_CLAIMS_ALONE = {KIND, KIND_ORDER, RANK, "event_length", "cycle_count"}
"""Names that a claim can have, and that neither a word's attribute nor a measured fact has."""


def test_every_family_names_what_a_claim_can_be_about() -> None:
    assert frozenset().union(*FAMILIES.values()) <= set(ALL_ATTRIBUTES) | set(FACTS) | OF_CLAIMS_ALONE
