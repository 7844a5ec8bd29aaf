"""Whether the reading of a claim covers the clause that it stands in.

A clause may turn what a part of it says: "steady beat" is one thing, "no steady change of gear" another, "tremolo" one
and "tremolo is not the main story" another. The word that tells is the next one, or the next but for articles, adverbs,
a form of "be" and a negation: the noun that the read words describe, or what is said of them. Where nobody could read
it, nobody knows what was claimed, so the claim may be borne out but not refuted. Covered without it is a claim that is
a statement by itself ("the pitch drops"), with its own subject and verb; one with a number, which has its unit; and one
that is followed by words of place, time or manner.
"""

from collections.abc import Sequence
from dataclasses import replace

from mgrd.grounding.claim import Claim
from mgrd.grounding.reading.context import Clause
from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.lexicon import word_set

PASSED = word_set("passed")
"""Words between a noun and what belongs to it, or between a subject and what is said of it."""
ADJOINING = word_set("adjoining")
"""Words that only add where, when or how."""


def with_coverage(claims: list[Claim], clauses: Sequence[Clause]) -> list[Claim]:
    """The claims with the unread word that each depends on, where there is one."""
    return [
        replace(claim, unread=word)
        if claim.value is None and (word := _unread(claim.start, claim.end, clauses)) is not None
        else claim
        for claim in claims
    ]


def _unread(start: int, end: int, clauses: Sequence[Clause]) -> str | None:
    """The unread word that tells what the words at characters [start, end) say; None where none is needed."""
    clause = next((clause for clause in reversed(clauses) if clause.start < end), None)
    if clause is None or clause.end <= end:
        return None
    told = next((item for item in clause.items if item.start >= end and not _is_passed(item)), None)
    if told is None or told.kind != "unknown" or told.word in ADJOINING:
        return None
    within = [item for item in clause.items if start <= item.start < end]
    return None if any(map(_is_noun, within)) and any(item.kind in ("verb", "trend") for item in within) else told.word


def _is_noun(item: Item) -> bool:
    return item.kind in ("topic", "event") and item.value != "it"


def _is_passed(item: Item) -> bool:
    adverb = item.kind == "unknown" and item.word.endswith("ly")
    return adverb or item.word in PASSED or item.kind in ("negation", "hedge") or item.value == "be"
