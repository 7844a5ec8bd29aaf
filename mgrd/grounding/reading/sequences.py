"""Claims that belong together because the text puts them in a row: a low sound, then a high one; up, then down."""

from dataclasses import replace

from mgrd.grounding.claim import Claim
from mgrd.grounding.reading.lexer import Sentence

SEQUENCERS = frozenset(
    {"then", "followed by", "before", "next", "afterwards", "later", "first", "follows", "second", "after", "to"}
    | {"ends", "ends with", "finishes", "ending", "ending with"}
)
RESUMING = frozenset({"then", "after", "afterwards", "next", "finally", "subsequently", "later"})
"""First words of a sentence that goes on where the one before ended."""
ORDERS = {
    "register": (("low", "high"), "pitch_order", ("upwards", "downwards")),
    "level": (("quiet", "loud"), "loudness_order", ("last louder", "first louder")),
}
WAYS = {"contour": ("rising", "falling", "flat"), "loudness": ("louder", "softer", "steady")}


NEITHER = {
    "contour": ({"rising", "falling"}, "flat"),
    "loudness": ({"louder", "softer"}, "steady"),
    "tempo_trend": ({"speeding up", "slowing down"}, "steady"),
    "brightness_trend": ({"brighter", "darker"}, "steady"),
    "register": ({"low", "high"}, "middle"),
    "level": ({"quiet", "loud"}, "moderate"),
    "tempo": ({"slow", "fast"}, "moderate"),
    "speech_rate": ({"slow", "fast"}, "moderate"),
    "timbre": ({"dark", "bright"}, "balanced"),
    "intonation": ({"rising", "falling"}, "level"),
}
"""What holds when both poles of an attribute are denied at once."""


def neither(claims: list[Claim]) -> list[Claim]:
    """ "neither rises nor falls", "no crescendo or decrescendo": the attribute stays between its poles."""
    if sum(claim.negated for claim in claims) < 2:
        return claims
    for attribute, (poles, middle) in NEITHER.items():
        told = [c for c in claims if c.attribute == attribute and c.negated and c.word in poles]
        if {c.word for c in told} != poles:
            continue
        start, end = min(c.start for c in told), max(c.end for c in told)
        one = replace(
            told[0],
            start=start,
            end=end,
            relation="steady",
            claimed=f"{attribute} {middle}",
            word=middle,
            negated=False,
            weight=min(c.weight for c in told),
        )
        claims = sorted([*(c for c in claims if c not in told), one], key=lambda c: c.start)
    return claims


def in_sequence(claims: list[Claim], sentence: Sentence) -> list[Claim]:
    """A low sound and a high one in one sentence: an order when the sentence says so, else nothing certain."""
    for attribute in ORDERS:
        claims = _ordered(claims, sentence, attribute)
    return [claim for claim in claims if claim.relation != "relative"]


def _ordered(claims: list[Claim], sentence: Sentence, attribute: str) -> list[Claim]:
    poles, name, words = ORDERS[attribute]
    told = [c for c in claims if c.attribute == attribute and c.word in poles and not c.negated]
    if not told:
        return claims
    first, last = told[0], told[-1]
    rest = [c for c in claims if c not in told]
    if len({c.word for c in told}) < 2:
        relative = first.of_event and any(i.word in SEQUENCERS and i.start > first.start for i in sentence.items)
        return rest if relative else claims
    if len(told) != 2:
        return claims
    ordered = first.subject is not None and last.subject is not None
    sequenced = any(i.word in SEQUENCERS and first.start <= i.end for i in sentence.items)
    if not ordered and not sequenced:
        return rest if first.subject is None and last.subject is None and first.time_start is None else claims
    if ordered and {first.subject, last.subject} not in ({1, -1}, {1, 2}):
        return claims
    if ordered and last.subject == 1:
        first, last = last, first
    word = words[0] if first.word == poles[0] else words[1]
    start, end = min(first.start, last.start), max(first.end, last.end)
    order = replace(
        last,
        start=start,
        end=end,
        text="",
        attribute=name,
        relation="above" if word == words[0] else "below",
        claimed=f"{name} {word}",
        word=word,
        weight=min(first.weight, last.weight),
        subject=last.subject if ordered and last.subject else -1,
        reference=1,
    )
    rest.append(order)
    return sorted(rest, key=lambda c: c.start)


def as_movements(claims: list[Claim], found: list[Claim], sentence: Sentence) -> None:
    """Adds a sentence's claims; opposite movements of one line in a row are marked as parts of one sequence."""
    first = sentence.items[0] if sentence.items else None
    resumes = first is not None and (first.word in RESUMING or (first.time is not None and first.time[0] > 0))
    begin = max(0, len(claims) - 2) if resumes else len(claims)
    claims += found
    for attribute, ways in WAYS.items():
        told = [k for k in range(begin, len(claims)) if claims[k].attribute == attribute and _moves(claims[k], ways)]
        words = [claims[k].word or "" for k in told]
        told, words = _once(told, words)
        if len(words) < 2 or not {ways[0], ways[1]} <= set(words):
            continue
        part = -1
        for k, again in told:
            part += not again
            claims[k] = replace(claims[k], sequence=tuple(words), part=part)


def _once(told: list[int], words: list[str]) -> tuple[list[tuple[int, bool]], list[str]]:
    """The movements without those that say one again ("rises, rises, then falls"), and a shape that is named and then
    told as the one told; with each claim, whether it repeats the one before."""
    marked = [(k, n > 0 and words[n] == words[n - 1]) for n, k in enumerate(told)]
    found = [word for (_, again), word in zip(marked, words, strict=True) if not again]
    if len(found) == 4 and found[:2] == found[2:]:
        half = next(n for n in range(len(marked)) if sum(not again for _, again in marked[: n + 1]) == 3)
        return marked[half:], found[2:]
    return marked, found


def _moves(claim: Claim, ways: tuple[str, ...]) -> bool:
    return claim.word in ways and not claim.negated and claim.time_start is None and not claim.sequence
