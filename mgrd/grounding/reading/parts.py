"""Which sound of several a passage speaks of: "the first is quiet", "then a hiss", "it ends with a click".

The clause grammar reads what is said; this says of which sound it is said, so that one sound's pitch, level or colour
is never checked against the whole clip.
"""

import re
from dataclasses import dataclass, replace

from mgrd.grounding.claim import Claim

SCOPED = frozenset(
    {"register", "level", "contour", "loudness", "timbre", "harmonicity", "sound_length", "percussiveness", "stereo"}
    | {"chord", "f0_median", "duration", "event_length", "muffling", "bass", "noise"}
)
"""What can be said of one sound and looked up at it."""
NUMBERS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8}
NUMBERS |= {"opening": 1, "initial": 1, "earlier": 1, "former": 1, "one": 1, "two": 2, "three": 3, "four": 4}
NUMBERS |= {"1": 1, "2": 2, "3": 3, "4": 4}
NUMBERS |= dict.fromkeys(("last", "final", "closing", "later", "latter", "concluding"), -1)
_TIMES = (
    r"half|halves|third|thirds|quarter|quarters|second|seconds|part of|portion|moments?|instants?|time|thing|things|"
    r"choice|option|answer|impression|listen|few|bit|two|three|four|five|six|\d|harmonics?|overtones?|partials?|"
    r"syllables?|words?|candidate|reason|statement|possibility|description|guess|fundamental|formant"
)
_SUBJECT = re.compile(
    r"(?:^|[,;:(–—-] ?|\b(?:and|but|while|whereas|since|because|that|so|though|with|yet|where|hear) |"
    r"\b(?:in|during|over) )$"
)
"""Where a subject may begin: "above the last" speaks of another sound."""
_HARMONY = re.compile(r"\b(?:chord|triad|root|major|minor|harmony|interval|semitones?)\b")
_POINTERS = re.compile(
    rf"\b(?:the (?:very )?(?P<ordinal>first|second|third|fourth|fifth|sixth|seventh|eighth|opening|"
    rf"initial|earlier|"
    rf"former|last|final|closing|later|latter|concluding)\b(?! (?:{_TIMES})\b))"
    r"|\b(?:part|section|segment|event|sound|note|tone|item|number) (?P<numbered>one|two|three|four|[1-4])\b(?! of)"
    r"|\b(?P<opens>(?:opens?|begins?|starts?|kicks? off|sets? off|leads? off|commences?)(?: out| off)? (?:with|"
    r"on|as|by))\b"
    r"|\b(?P<ends>(?:ends?|closes?|finish(?:es)?|concludes?|signs? off|terminates?|stops?|wraps? up)(?: up| off)? "
    r"(?:with|in|on|by))\b"
    r"|(?P<enters>\bfirst,? (?:of all,? )?(?:comes |there(?:'s| is) |i hear |we hear |you hear )?(?=an? |some |one ))"
    r"|(?P<next>(?:\bthen|\bnext|\bafter (?:that|which|it|this)|\bafterwards?|\bfollowed(?: \w+ly)? by|\bsubsequently)"
    r"(?:,)?(?: comes| there(?:'s| is)| i hear| we hear| you hear| follows)?(?= an? | some | another | noise|"
    r" static| hiss))"
    r"|(?P<closes>(?:\bfinally|\blastly|\band last(?:ly)?|\bat the (?:very )?end|\bright at the end|"
    r"\bto (?:finish|close|end))"
    r"(?:,)?(?: comes| there(?:'s| is| comes)| i hear| we hear| you hear| follows)?(?= an? | some | another |"
    r" noise| static| hiss))"
)
_PLACING = re.compile(r"\b(?:in|during|over|throughout|for) $")
_HALVES = re.compile(
    r"\bthe (?P<which>first|second|last|opening|closing|final|initial|"
    r"latter) (?P<of>half|third|quarter)\b(?! of)"
)
MOVING = frozenset({"contour", "loudness", "brightness_trend", "f0_median", "timbre"})
"""What can be looked up in a part of the clip."""
_CLOSE = re.compile(r"[;(—–]|, (?:so|which|making|giving)\b|\bthe (?:other|next)\b|\b(?:then|by|and) (?:another|one)\b")
_ALIKE = re.compile(r"\b(?:same|equal\w*|identical\w*|alike|unchanged|as \w+ as)\b", re.IGNORECASE)
NEAR_POINTER = 40  # characters from "the first" to a pitch that is surely its own
_SHARES = frozenset({"half", "third", "quarter"})
_PLAIN = frozenset({"one", "two", "three", "four", "1", "2", "3", "4"})
_PARTS = frozenset({"part", "section", "segment", "event", "sound", "note", "tone", "item", "number"})
ORDINALS = frozenset(NUMBERS) - _PLAIN
_OPENING = frozenset(
    {"open", "opens", "begin", "begins", "start", "starts", "kick", "kicks", "set", "sets", "lead", "leads"}
)
_ENDING = frozenset({"end", "ends", "close", "closes", "finish", "finishes", "conclude", "concludes", "sign", "signs"})
_ENDING |= {"terminate", "terminates", "stop", "stops", "wrap", "wraps", "finally", "lastly"}
_FOLLOWING = frozenset({"then", "next", "after", "afterward", "afterwards", "followed", "subsequently"})
_HINTS = ORDINALS | _OPENING | _ENDING | _FOLLOWING | {"commence", "commences"}
"""Words without one of which no passage of one sound is looked for."""
LONGEST_LINK = 9  # letters of a word that a subject follows


@dataclass(frozen=True, slots=True)
class Passage:
    """Characters [start, end) of a sentence that speak of sound `number`; `said` is where what is said of it begins."""

    start: int
    said: int
    end: int
    number: int
    introduces: bool
    """It brings the sound in ("then a hiss"), so its noun says of what kind it is."""
    vague: bool = False
    """It is one of the later sounds, whichever ("then", "next")."""
    share: tuple[float, float] | None = None
    """It speaks of this share of the clip and of no single sound ("the second half descends")."""


def passages(sentence: str, said: frozenset[str]) -> list[Passage]:
    """The passages of a sentence in lower case, of the words `said`, that speak of one sound, in order."""
    if said.isdisjoint(_HINTS) and (said.isdisjoint(_PARTS) or said.isdisjoint(_PLAIN)):
        return []
    found: list[Passage] = []
    matches = list(_POINTERS.finditer(sentence))
    before = 0
    for at, match in enumerate(matches):
        number = _number(match, before)
        if number == 0 or (match["ordinal"] and not _is_subject(sentence, match.start(), part=False)):
            continue
        if match["ordinal"] in ("third", "fifth", "fourth") and _HARMONY.search(sentence):
            continue  # an interval, and no sound
        end = matches[at + 1].start() if at + 1 < len(matches) else len(sentence)
        close = _CLOSE.search(sentence, match.end(), end)
        end = close.start() if close is not None else end
        vague = match["next"] is not None
        found.append(Passage(match.start(), match.end(), end, number, match["ordinal"] is None, vague))
        before = number
    halves = _of_halves(sentence) if not said.isdisjoint(_SHARES) else []
    return sorted([*found, *halves], key=lambda passage: passage.start)


def _is_subject(sentence: str, start: int, *, part: bool) -> bool:
    """A subject may begin here, or a phrase of place such as "in the first half"."""
    found = _SUBJECT.search(sentence, max(0, start - LONGEST_LINK), start)
    return found is not None and (part or not found.group().startswith(("in ", "during ", "over ")))


def _of_halves(sentence: str) -> list[Passage]:
    found = []
    for match in _HALVES.finditer(sentence):
        if not _is_subject(sentence, match.start(), part=True):
            continue
        size = {"half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4}[match["of"]]
        early = match["which"] in ("first", "opening", "initial")
        share = (0.0, size) if early else (1 - size, 1.0)
        clause = max(sentence.rfind(mark, 0, match.start()) for mark in ",;:(") + 1
        if _PLACING.search(sentence, clause, match.start()) and len(sentence[clause : match.start()].split()) > 2:
            found.append(Passage(clause, clause, match.end(), 0, introduces=False, share=share))  # what stands before
            continue
        close = _CLOSE.search(sentence, match.end())
        following = _HALVES.search(sentence, match.end())
        ends = [m.start() for m in (close, following) if m is not None]
        end = min(ends, default=len(sentence))
        found.append(Passage(match.start(), match.end(), end, 0, introduces=False, share=share))
    return found


def _number(match: re.Match[str], before: int) -> int:
    if (name := match["ordinal"] or match["numbered"]) is not None:
        return NUMBERS[name]
    if match["opens"] or match["enters"]:
        return 1
    if match["ends"] or match["closes"]:
        return -1
    return before + 1 if before > 0 else 0  # "then" goes on from a sound whose number is known


def scoped(claims: list[Claim], found: list[Passage], offset: int) -> list[Claim]:
    """The claims of a sentence that begins at `offset`, each with the sound that its passage speaks of."""
    if not found:
        return claims
    brought = [(p.start + offset, p.end + offset) for p in found if p.introduces]
    claims = [c for c in claims if not (c.value == 1 and c.attribute == "event_count" and _within(c, brought))]
    return [_scoped(claim, found, offset) for claim in claims]


def _within(claim: Claim, places: list[tuple[int, int]]) -> bool:
    """ "It opens with a single note" counts no notes."""
    return any(start <= claim.start < end for start, end in places)


def _scoped(claim: Claim, found: list[Passage], offset: int) -> Claim:
    known = claim.subject is not None or claim.time_start is not None or claim.sequence
    start = claim.start - offset
    passage = next((p for p in reversed(found) if p.start <= start < p.end), None)
    if known or passage is None or claim.attribute not in SCOPED or not _is_its_own(claim, passage, start, offset):
        return claim
    if passage.vague:
        return replace(claim, of_event=True)
    if passage.share is not None:
        return replace(claim, time_start=passage.share[0], time_end=passage.share[1], time_unit="share")
    name = "event_length" if claim.attribute == "duration" else claim.attribute
    return replace(claim, attribute=name, subject=passage.number)


def _is_its_own(claim: Claim, passage: Passage, start: int, offset: int) -> bool:
    """What is said in the passage is said of its sound, and neither of a movement from sound to sound nor compared
    with the others ("the second is at the same pitch", "the first half is louder")."""
    moves = claim.attribute in ("contour", "loudness") and claim.word not in ("flat", "steady")
    far = claim.attribute == "f0_median" and start - passage.said > NEAR_POINTER
    outside = claim.end - offset > passage.end or _ALIKE.search(claim.text) is not None
    if passage.share is not None and (claim.attribute not in MOVING or start < passage.said):
        return False
    return not (outside or far or (moves and passage.introduces))
