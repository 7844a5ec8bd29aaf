"""What a chain claims about the sound: a deterministic grammar for English, no network, no model.

A claim needs a topic (pitch, pulse, room, ...) and something said of it; a feature that is only named
claims nothing, and neither do questions, conditions, quoted speech and statements of the answer. The
grammar never judges a claim, and never raises on any text.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache

from mgrd.grounding.claim import Claim
from mgrd.grounding.reading.clauses import read_clause
from mgrd.grounding.reading.comparisons import read_comparisons
from mgrd.grounding.reading.constructions import read_constructions
from mgrd.grounding.reading.context import Clause, Context, split_clauses
from mgrd.grounding.reading.counts import read_counts
from mgrd.grounding.reading.coverage import with_coverage
from mgrd.grounding.reading.drafts import Draft
from mgrd.grounding.reading.gates import WORDS, stems
from mgrd.grounding.reading.glossary import read_glossary
from mgrd.grounding.reading.kinds import KIND, read_kinds
from mgrd.grounding.reading.lexer import Sentence, read_sentences
from mgrd.grounding.reading.moods import supposed
from mgrd.grounding.reading.parts import passages, scoped
from mgrd.grounding.reading.quantities import read_quantities
from mgrd.grounding.reading.rates import read_rates
from mgrd.grounding.reading.sequences import as_movements, in_sequence, neither
from mgrd.grounding.reading.sides import read_sides
from mgrd.grounding.reading.values import read_values
from mgrd.grounding.tolerances import INFERRED_ATTRIBUTES

CACHED_CHAINS = 65_536
RECENT = 16  # claims among which one that says the same is looked for
_FAMILIES = (
    "contour pitch_order intonation f0_trend event_interval melody", "loudness loudness_order loudness_trend throb",
    "tempo speech_rate", "pauses pause_count entry", "noise snr", "timbre muffling bass",
)  # fmt: skip
_FAMILY = {name: names for names in _FAMILIES for name in names.split()}
"""Attributes of which one clause says one thing."""
REPEATED = re.compile(
    r"\b(?:once|twice|\w+ times) (?:a|per|every|each)\b|\b(?:every|each) (?:\w+ ){0,2}(?:seconds?|s|ms|cycle)\b|"
    r"\b(?:over and over|again and again|repeatedly|periodically|regularly|cyclically|rhythmically|cycles?|continually|"
    r"back and forth|in turn|many times|several times|time and again|on repeat)\b"
)
CYCLES = (
    ("contour", "rising", "falling", "contour", "flat", True),
    ("loudness", "louder", "softer", "throb", "present", False),
)
"""Attribute, its two movements, and what they are over and over: attribute, word and whether it is denied."""
BEHIND = re.compile(r"\b(?:background|underneath|under|behind|beneath|backdrop|bed|wash|layer|floor)\b")
BESIDE = re.compile(
    r"\b(?:with|by|in|under|beneath|behind|through|over|against|plus|and|from)(?: the| some| a| a lot of)? $"
)
OF_NOTES = re.compile(
    r"no (?:single )?(?:note|pitch) (?:lasts?|stands? out|repeats?|recurs|goes|rises?|falls?|follows?|(?:is|was)\b"
    r"(?! (?:\w+ly )?(?:heard|audible|present|there|discern|percept|identif|clear|defin|recogni|found|detect|evident)))"
)
OF_MOVEMENT = re.compile(
    r"\b(?:movement|motion|glide|sweep|slide|rise|fall|climb|ascent|descent|vibrato|wobble|crescendo|fade)(?: \w+ly)? $"
)
_SIDES = re.compile(r"left|right|both", re.IGNORECASE)
_OF_ALL = re.compile(
    r"\b(?:all|both|each|every|either|neither)(?: single)?(?: one)?(?: of)?(?: the| these)? $", re.IGNORECASE
)
LONGEST_DETERMINER = 32  # characters of "every single one of these "
LONGEST_BESIDE = 12  # characters of these words before what they bring in
LISTED = 3  # described nouns in a row without any verb: a list of keywords
PHRASED = frozenset({"a", "an", "the", "with", "no", "its", "i", "very", "at", "each", "both", "this"})
"""Words of a phrase, which a list of keywords lacks."""


@dataclass(frozen=True, slots=True)
class _Prose:
    """A sentence as characters, for the readers that go by patterns."""

    text: str
    """The text that it stands in."""
    first: int
    """The character of the text with which it begins."""
    words: str
    """The sentence itself, in lower case."""
    said: frozenset[str]
    """Its words."""
    clauses: list[Clause]

    def stopped(self) -> list[tuple[int, int]]:
        """The places of clauses that claim nothing."""
        return [(c.start, c.end) for c in self.clauses if c.stopped and any(item.kind == "stop" for item in c.items)]


@lru_cache(maxsize=CACHED_CHAINS)
def _extract(text: str) -> tuple[Claim, ...]:
    context = Context()
    claims: list[Claim] = []
    for sentence in read_sentences(text):
        if not sentence.asked:
            found = _read_sentence(sentence, text, context)
            as_movements(claims, found, sentence)
    claims = _without_rates(_asserted(claims, supposed(text)))
    return tuple(_quoting(claim, text) for claim in _distinct(claims))


def extract_claims(text: str) -> list[Claim]:
    """The claims of a text in the order of their places."""
    return list(_extract(text))


def _read_sentence(sentence: Sentence, text: str, context: Context) -> list[Claim]:
    clauses = split_clauses(sentence.items)
    found = _by_clause(sentence, clauses, text, context)
    prose = _prose(sentence, clauses, text)
    if prose is not None:
        found = _with_constructions(found, prose)
        found = _of_parts(found, prose)
    found = _without_choices(found, clauses)
    found = in_sequence(neither(found), sentence)
    return [] if _is_list(found, sentence) else with_coverage(found, clauses)


def _by_clause(sentence: Sentence, clauses: list[Clause], text: str, context: Context) -> list[Claim]:
    """What the clauses of a sentence say, one after the other, and what stretches over several of them."""
    context.new_sentence()
    counted = context.counted
    compared = read_comparisons(clauses)
    sided = _SIDES.search(text, sentence.items[0].start, sentence.items[-1].end) is not None
    found: list[Claim] = []
    for clause in clauses:
        edge = context.edge
        if sided and (sides := read_sides(clause)) and not any(item.kind == "stop" for item in clause.items):
            found += [_claim(text, draft) for draft in sides]
            clause.compared = True
        for draft in read_clause(clause, sentence.items, context):
            found.append(_claim(text, draft))
        if not clause.stopped:
            values = [_claim(text, draft) for draft in read_values(clause, context.topic, edge)]
            rates = [_claim(text, draft) for draft in read_rates(clause, context.topic)]
            values += [rate for rate in rates if not any(rate.overlaps(v.start, v.end) for v in values)]
            context.carried = context.carried or bool(values)
            found += values
    stopped = [clause for clause in clauses if clause.stopped]
    found += [_claim(text, d) for d in compared if not any(c.start <= d["start"] <= c.end for c in stopped)]
    return found + [_claim(text, draft) for draft in read_counts(clauses, counted)]


def _prose(sentence: Sentence, clauses: list[Clause], text: str) -> _Prose | None:
    """None of a sentence without clauses, or with a letter whose lower case is longer, which would move the places."""
    first, last = sentence.items[0].start, sentence.items[-1].end
    words = text[first:last].lower().replace("’", "'")
    if not clauses or len(words) != last - first:
        return None
    return _Prose(text, first, words, frozenset(WORDS.findall(words)), clauses)


def _of_parts(found: list[Claim], prose: _Prose) -> list[Claim]:
    """The claims with the sounds that they speak of, and those on what kinds of sounds come where."""
    parts = passages(prose.words, prose.said)
    stopped = prose.stopped()
    found = _with_glossary(found, prose)
    kinds = [_claim(prose.text, draft) for draft in read_kinds(prose.words, prose.said, prose.first, parts)]
    kinds = [c for c in kinds if not any(c.overlaps(*place) for place in stopped)]
    told = [c for c in found if c.attribute in ("contour", "pitch_order", "loudness")]
    kinds = [c for c in kinds if c.attribute != "contour" or not any(c.overlaps(t.start, t.end) for t in told)]
    found = _cyclic(found, prose.words)
    return sorted([*scoped(found, parts, prose.first), *kinds], key=lambda c: c.start)


def _cyclic(found: list[Claim], words: str) -> list[Claim]:
    """Two opposite movements over and over ("swells and recedes once a second") lead nowhere: the line moves, the level
    throbs."""
    if not any(c.word in ("rising", "louder") for c in found) or REPEATED.search(words) is None:
        return found
    for attribute, up, down, read, word, negated in CYCLES:
        told = [c for c in found if c.attribute == attribute and c.word in (up, down) and c.reference is None]
        if {c.word for c in told} != {up, down}:
            continue
        start, end = told[0].start, max(c.end for c in told)
        cycle = replace(
            told[0], end=end, attribute=read, word=word, claimed=f"{read} {word}", relation="is", negated=negated,
            sequence=(), part=0, subject=None, time_start=None, time_end=None, time_unit=None,
        )  # fmt: skip
        found = [c for c in found if c not in told and not (c.attribute == read and start <= c.start < end)] + [cycle]
    return found


def _with_glossary(found: list[Claim], prose: _Prose) -> list[Claim]:
    """The claims with what words say by themselves in clauses that were not read to speak of it."""
    added: list[Claim] = []
    words = prose.words
    for draft in read_glossary(words, prose.first):
        begin = draft["start"] - prose.first
        clause = next((c for c in prose.clauses if c.start <= draft["start"] < c.end), None)
        if clause is None or clause.stopped:
            continue
        if draft["attribute"] == "pauses" and any(c.attribute == "stereo_trend" for c in found):
            continue  # of one side only
        if draft["claimed"] == "pauses present" and OF_MOVEMENT.search(words, 0, begin):
            continue  # "the movement stops and": the sound goes on
        if draft["claimed"] == "pauses absent" and BEHIND.search(words):
            continue  # of a noise that goes on under the sounds
        if draft["claimed"] == "harmonicity noisy" and OF_NOTES.match(words, begin):
            continue  # "no note is repeated": there are notes
        if draft["claimed"] == "harmonicity noisy" and BESIDE.search(words, max(0, begin - LONGEST_BESIDE), begin):
            continue  # noise beside the sound is not the sound
        if draft["attribute"] == "voice" and any(_near(c, draft, clause) for c in found):
            continue  # that somebody speaks is no news where it is said how
        family = _FAMILY.get(draft["attribute"], draft["attribute"])
        if any(_FAMILY.get(c.attribute, c.attribute) == family and _near(c, draft, clause) for c in [*found, *added]):
            continue
        added.append(_claim(prose.text, draft))
    return found + added


def _near(claim: Claim, draft: Draft, clause: Clause) -> bool:
    """The claim speaks of the same words, or of the same clause."""
    return claim.overlaps(min(draft["start"], clause.start), max(draft["end"], clause.end))


def _with_constructions(found: list[Claim], prose: _Prose) -> list[Claim]:
    """The claims with those of constructions, which are read in place of other words for the same words."""
    stopped = prose.stopped()
    heads = stems(prose.said)
    drafts = read_constructions(prose.words, heads, prose.first)
    drafts += [(draft, True) for draft in read_quantities(prose.words, heads, prose.first)]
    for draft, swallows in drafts:
        claim = _claim(prose.text, draft)
        if any(claim.overlaps(*place) for place in stopped):
            continue
        counts = claim.attribute == "chord"  # "three notes at once" are no three sounds
        same = [c for c in found if c.overlaps(claim.start, claim.end) and (counts or c.attribute != "event_count")]
        known = [c for c in same if c.claimed == claim.claimed and c.negated == claim.negated]
        if any(claim.subject in (None, c.subject) for c in known):
            continue  # "the second beep starts at 0.5 s" says more than that one does
        replaced = [
            c for c in same if ((swallows or counts) and c.value is not None) or (c.value is None and _inside(c, claim))
        ]
        replaced = [c for c in replaced if counts or (c.start, c.end) != (claim.start, claim.end)]
        found = [c for c in found if c not in replaced]
        found.append(claim)
    return sorted(found, key=lambda c: c.start)


def _inside(claim: Claim, other: Claim) -> bool:
    """The claim says something else of the same words, or the same attribute of words that overlap."""
    if other.attribute in ("entry", "sound_length"):
        return claim.attribute == other.attribute
    within = other.start <= claim.start and claim.end <= other.end
    if other.attribute == "stereo_trend" and claim.attribute in ("pauses", "stereo"):
        return True  # "the left goes silent and the right begins"
    if other.attribute in ("vibrato", "throb") and claim.attribute in ("contour", "loudness"):
        return True  # "it goes up and down about six times a second" goes nowhere
    return claim.attribute == other.attribute or (within and claim.attribute not in INFERRED_ATTRIBUTES)


def _is_list(found: list[Claim], sentence: Sentence) -> bool:
    """Three described nouns or more in a row without any verb or phrase: a list of keywords."""
    if len(found) < LISTED or any(item.kind in ("verb", "negation", "number") for item in sentence.items):
        return False
    words = {item.word for item in sentence.items}
    attributes = {c.attribute for c in found}
    opposed = len({(c.attribute, c.word) for c in found if c.attribute != KIND}) > len(attributes - {KIND})
    return opposed or (len(attributes) >= LISTED and not words & PHRASED)


def _asserted(claims: list[Claim], spans: tuple[tuple[int, int], ...]) -> list[Claim]:
    """The claims that begin outside of what is only supposed or quoted."""
    if not spans:
        return claims
    return [c for c in claims if not any(start <= c.start < end or start < c.end <= end for start, end in spans)]


def _without_rates(claims: list[Claim]) -> list[Claim]:
    """Without the count of "five of them! So, five per second": it was of one second."""
    rates = {c.value / 60 for c in claims if c.attribute == "tempo" and c.value is not None and c.value > 60}
    return [c for c in claims if c.attribute != "event_count" or c.value not in rates] if rates else claims


def _claim(text: str, draft: Draft) -> Claim:
    return Claim(text=text[draft["start"] : draft["end"]], **draft)


def _quoting(claim: Claim, text: str) -> Claim:
    """The claim with the text at its place, which may have grown since it was read, from a word for all sounds on."""
    of_all = _OF_ALL.search(text, max(0, claim.start - LONGEST_DETERMINER), claim.start)
    start = of_all.start() if of_all is not None else claim.start
    said = text[start : claim.end]
    return claim if claim.text == said else replace(claim, start=start, text=said)


def _without_choices(claims: list[Claim], clauses: list[Clause]) -> list[Claim]:
    """Drops claims of one attribute that an "or" joins: neither of them is asserted."""
    doubtful = [clause.start for clause in clauses if clause.link == "or"]
    dropped: set[int] = set()
    for place in doubtful:
        before = [c for c in claims if c.end <= place + 3]
        after = [c for c in claims if c.start >= place]
        for a in before[-1:]:
            for b in after[:1]:
                if a.attribute == b.attribute and not (a.negated or b.negated) and not _agree(a, b):
                    dropped |= {id(a), id(b)}
    return [claim for claim in claims if id(claim) not in dropped]


def _agree(a: Claim, b: Claim) -> bool:
    """ "two clicks per second, or 120 BPM" says one thing twice."""
    return a.value is not None and b.value is not None and abs(a.value - b.value) <= 0.1 * abs(b.value)


def _distinct(claims: list[Claim]) -> list[Claim]:
    """Claims in order; one that says the same at an overlapping place is merged into the first."""
    kept: list[Claim] = []
    for claim in sorted(claims, key=lambda c: (c.start, -c.end)):
        same = next(
            (
                k
                for k, other in enumerate(kept[-RECENT:], start=max(0, len(kept) - RECENT))
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
    return _unopposed(kept)


def _unopposed(claims: list[Claim]) -> list[Claim]:
    """The claims less those whose very words were read both ways: nobody knows what they claim."""
    readings = Counter((c.start, c.end, c.claimed, c.subject) for c in claims)
    return [c for c in claims if readings[c.start, c.end, c.claimed, c.subject] == 1]
