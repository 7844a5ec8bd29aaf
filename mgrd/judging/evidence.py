"""Measured facts in words: what a judge that cannot hear is told about a clip.

Everything here is measured, nothing is taken from a chain. A fact that may not refute a claim says
so. Series (onsets, lines) are one line each, so the length stays bounded.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

from mgrd.audio.facts import Fact
from mgrd.audio.words import ATTRIBUTES

RELIABLE = 0.5
"""Reliability below which a judge is told not to refute anything by the fact."""
MOST_LISTED = 24
"""Values of a series that are told; the rest is counted."""

NOTHING = "Nothing was measured of this clip."


def evidence_words(facts: Iterable[Fact]) -> str:
    """One line per fact or series, in the order of the names."""
    ordered = sorted(facts, key=lambda fact: (fact.name, fact.start))
    lines = [_line(name, list(group)) for name, group in groupby(ordered, key=lambda fact: fact.name)]
    return "\n".join(lines) or NOTHING


def _line(name: str, facts: Sequence[Fact]) -> str:
    first = facts[0]
    label = f"- {name.replace('_', ' ')}"
    if len(facts) > 1:
        told = [f"{fact.value:.4g} ({fact.start:.2f} s)" for fact in facts[:MOST_LISTED]]
        more = [f"and {len(facts) - MOST_LISTED} more"] if len(facts) > MOST_LISTED else []
        text = f"{label} ({first.unit}, each with its time): {', '.join([*told, *more])}"
    else:
        where = f"; from {first.start:.2f} to {first.end:.2f} s"
        text = f"{label}: {first.value:.4g} {first.unit}{where}{_words(first)}"
    return text if min(fact.reliability for fact in facts) >= RELIABLE else f"{text} (unreliable)"


def _words(fact: Fact) -> str:
    """The words that people use for the value, where it lies clearly inside a band."""
    found = [
        f"{attribute.name.replace('_', ' ')} is {word}"
        for attribute in ATTRIBUTES.values()
        if attribute.fact == fact.name and (word := attribute.word(fact.value)) is not None
    ]
    return f" ({', '.join(found)})" if found else ""
