"""What a chain claims about the sound: a deterministic grammar for English, no network, no model.

A claim needs a topic (pitch, pulse, room, ...) and something said of it; a feature that is only named
claims nothing, and neither do questions, conditions, quoted speech and statements of the answer. The
grammar never judges a claim, and never raises on any text.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from mgrd.grounding.clauses import read_clause
from mgrd.grounding.context import Clause, Context, Draft, split_clauses
from mgrd.grounding.counts import read_counts
from mgrd.grounding.lexer import Sentence, read_sentences
from mgrd.grounding.values import read_values

CACHED_CHAINS = 65_536
SEQUENCERS = frozenset({"then", "followed by", "before", "next", "afterwards", "later"})
LISTED = 3  # described nouns in a row without any verb: a list of keywords


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim at characters [start, end) of the text.

    `attribute` is a name of mgrd.audio.words.ATTRIBUTES, of mgrd.grounding.tolerances.MORE_ATTRIBUTES or a fact;
    `time_start` and `time_end` are in `time_unit` ("s", or "share" of the clip; negative seconds count from the
    end). `subject` and `reference` name events (1 is the first, -1 the last) where the claim is about single events.
    """

    start: int
    end: int
    text: str
    attribute: str
    relation: str
    claimed: str
    value: float | None = None
    unit: str | None = None
    time_start: float | None = None
    time_end: float | None = None
    time_unit: str | None = None
    negated: bool = False
    weight: float = 1.0
    word: str | None = None
    subject: int | None = None
    reference: int | None = None
    of_event: bool = False
    """It describes one sound among others ("a high note"), so it may be relative."""


@lru_cache(maxsize=CACHED_CHAINS)
def _extract(text: str) -> tuple[Claim, ...]:
    context = Context()
    claims: list[Claim] = []
    for sentence in read_sentences(text):
        if not sentence.asked:
            claims += _read_sentence(sentence, text, context)
    return tuple(_distinct(claims))


def extract_claims(text: str) -> list[Claim]:
    """The claims of a text in the order of their places."""
    return list(_extract(text))


def _read_sentence(sentence: Sentence, text: str, context: Context) -> list[Claim]:
    clauses = split_clauses(sentence.items)
    found: list[Claim] = []
    context.new_sentence()
    for clause in clauses:
        for draft in read_clause(clause, sentence.items, context):
            found.append(_claim(text, draft))
        if not clause.stopped:
            found += [_claim(text, draft) for draft in read_values(clause, context.topic)]
    found += [_claim(text, draft) for draft in read_counts(clauses)]
    found = _without_choices(found, clauses)
    found = _in_sequence(found, sentence, text)
    has_verb = any(item.kind == "verb" for item in sentence.items)
    if not has_verb and len(found) >= LISTED:
        return []
    return found


def _claim(text: str, draft: Draft) -> Claim:
    return Claim(text=text[draft["start"] : draft["end"]], **draft)


def _without_choices(claims: list[Claim], clauses: list[Clause]) -> list[Claim]:
    """Drops claims of one attribute that an "or" joins: neither of them is asserted."""
    doubtful = [clause.start for clause in clauses if clause.link == "or"]
    dropped: set[int] = set()
    for place in doubtful:
        before = [c for c in claims if c.end <= place + 3]
        after = [c for c in claims if c.start >= place]
        for a in before[-1:]:
            for b in after[:1]:
                if a.attribute == b.attribute and not (a.negated or b.negated):
                    dropped |= {id(a), id(b)}
    return [claim for claim in claims if id(claim) not in dropped]


def _in_sequence(claims: list[Claim], sentence: Sentence, text: str) -> list[Claim]:
    """A low sound and a high one in one sentence: an order when the sentence says so, else nothing certain."""
    registers = [c for c in claims if c.attribute == "register" and c.word in ("low", "high") and not c.negated]
    if not registers:
        return claims
    words = {c.word for c in registers}
    first, last = registers[0], registers[-1]
    rest = [c for c in claims if c not in registers]
    if len(words) < 2:
        relative = first.of_event and any(i.word in SEQUENCERS and i.start > first.start for i in sentence.items)
        return rest if relative else claims
    if len(registers) != 2:
        return claims
    ordered = first.subject is not None and last.subject is not None
    sequenced = any(i.word in SEQUENCERS and first.start <= i.start < last.end for i in sentence.items)
    if not ordered and not sequenced:
        return rest if first.subject is None and last.subject is None and first.time_start is None else claims
    if ordered and {first.subject, last.subject} != {1, -1} and {first.subject, last.subject} != {1, 2}:
        return claims
    if ordered and last.subject == 1:
        first, last = last, first
    word = "upwards" if first.word == "low" else "downwards"
    start, end = min(first.start, last.start), max(first.end, last.end)
    order = replace(
        last,
        start=start,
        end=end,
        text=text[start:end],
        attribute="pitch_order",
        relation="above" if word == "upwards" else "below",
        claimed=f"pitch_order {word}",
        word=word,
        weight=min(first.weight, last.weight),
        subject=last.subject if ordered and last.subject else -1,
        reference=1,
    )
    rest.append(order)
    return sorted(rest, key=lambda c: c.start)


def _distinct(claims: list[Claim]) -> list[Claim]:
    """Claims in order; one that says the same at an overlapping place is merged into the first."""
    kept: list[Claim] = []
    for claim in sorted(claims, key=lambda c: (c.start, -c.end)):
        same = next(
            (
                k
                for k, other in enumerate(kept)
                if other.end > claim.start
                and (other.claimed, other.negated, other.subject) == (claim.claimed, claim.negated, claim.subject)
            ),
            None,
        )
        if same is None:
            kept.append(claim)
        else:
            other = kept[same]
            kept[same] = replace(other, end=max(other.end, claim.end)) if claim.end <= other.end else other
    return kept
