"""Which sound of several a passage speaks of ("the first is quiet", "then a hiss", "it ends with a click"), and what
kinds of sounds follow each other.

The clause grammar reads what is said; this says of which sound it is said, so that one sound's pitch, level or colour
is never checked against the whole clip.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mgrd.grounding.claim import Claim
from mgrd.grounding.reading.drafts import Draft, statement

KIND, KIND_ORDER, RANK = "sound_kind", "kind_order", "sound_rank"
SCOPED = frozenset(
    {"register", "level", "contour", "loudness", "timbre", "harmonicity", "sound_length", "percussiveness", "stereo"}
    | {"chord", "f0_median", "duration", "event_length", "muffling", "bass", "noise"}
)
"""What can be said of one sound and looked up at it."""

_NOUNS = {
    "click": "clicks? ticks? snaps? pops? clacks? blips? clicking ticking",
    "hit": "knocks? taps? thuds? thumps? claps? impacts? hits? bangs? bumps? strokes? strikes? slaps? drums? kicks?",
    "tone": "tones? hums? beeps? notes? whistles? drones? pings? bleeps? chirps? squeals? plucks? toots? chimes?",
    "noise": "noises? hiss hisses hissing static whoosh rush rustle rustling bursts? crackle swoosh",
    "chord": "chords? triads?",
    "voice": "voices? speech speakers? talkers? person persons man woman people somebody someone",
}
_KIND_OF = {kind: re.compile(rf"^(?:{'|'.join(words.split())})$") for kind, words in _NOUNS.items()}
_ANY_NOUN = "|".join(word for words in _NOUNS.values() for word in words.split())
_NOUN = re.compile(rf"\b(?P<noun>{_ANY_NOUN})\b(?: of (?P<of>noise|static|white noise|hiss|sound|tone|speech))?")
_NUMBERS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8}
_NUMBERS |= {"opening": 1, "initial": 1, "earlier": 1, "former": 1, "one": 1, "two": 2, "three": 3, "four": 4}
_NUMBERS |= {"1": 1, "2": 2, "3": 3, "4": 4}
_NUMBERS |= dict.fromkeys(("last", "final", "closing", "later", "latter", "concluding"), -1)
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
_PLACED = re.compile(
    rf"\b(?:the|an?) (?:[\w-]+ ){{0,3}}?(?P<noun>{_ANY_NOUN})(?: of \w+)?(?: is| comes?| arrives?| sounds?| occurs?| "
    r"appears?| is heard| enters?)(?: \w+ly)? (?P<place>first|last|the (?:first|last|final)(?: (?:sound|event|"
    r"one|thing))?"
    r"|at the (?:very )?(?:end|start|beginning))\b(?! (?:louder|softer|higher|lower|than|a|an|the)\b)"
)
_BEFORE = re.compile(
    rf"\b(?P<one>{_ANY_NOUN})\b,?[^.;,]{{0,24}}? (?P<way>takes? over from|"
    r"takes? the place of|precedes?|preceded by|comes? before|is before|leads? into|"
    r"gives? way to|turns? into|changes? (?:in)?to|switch(?:es)? to|(?:is )?followed(?: \w+ly)? by|"
    r"is replaced by|follows?|"
    r"comes? after|before|after) "
    rf"(?:an? |the |some )?(?:[\w-]+ ){{0,3}}?(?P<two>{_ANY_NOUN})\b(?: of (?P<of>noise|static|hiss))?"
)
_REVERSED = re.compile(r"^(?:takes?|preceded|follows?$|comes? after|after)")
_PLACING = re.compile(r"\b(?:in|during|over|throughout|for) $")
_ENDS = re.compile(
    rf"\b(?:there(?:'s| is)|i hear|we hear|with|and|then) (?:an? |some )?(?:[\w-]+ ){{0,3}}?(?P<noun>{_ANY_NOUN})"
    r"(?: of (?P<of>noise|static|hiss))? (?:right |just )?(?:at|in) the (?:very )?(?P<place>end|start|beginning|outset|"
    r"close)\b(?! of (?:each|every|it\b|the (?:note|tone|beep)))"
)
_ROW = re.compile(
    rf"^\W*(?:an? )?(?P<one>{_ANY_NOUN})(?:,|,? then|,? and then) (?:an? )?(?P<two>{_ANY_NOUN})\b(?=[,.]|$| then| and)"
)
_BOTH = re.compile(
    rf"\b(?P<one>{_ANY_NOUN}) (?:at|in) the (?:very )?(?:start|beginning|outset),? (?:and |then )?(?:an? |the |some )?"
    rf"(?:[\w-]+ ){{0,2}}?(?P<two>{_ANY_NOUN})(?: of (?P<of>noise|static|hiss))? "
    r"(?:at|in|after|near|towards?) (?:the )?(?:very )?(?:end|close|finish|about|around)"
)
_FIRST_THEN = re.compile(
    rf"\bfirst,? (?:an? |the |some |comes an? )?(?:[\w-]+ ){{0,2}}?(?P<one>{_ANY_NOUN})(?: of \w+)?"
    r",? (?:and )?(?:then|next|after that|followed by),? (?:an? |the |some )?"
    rf"(?:[\w-]+ ){{0,2}}?(?P<two>{_ANY_NOUN})\b(?: of (?P<of>noise|static|hiss))?"
)
_HALVES = re.compile(
    r"\bthe (?P<which>first|second|last|opening|closing|final|initial|"
    r"latter) (?P<of>half|third|quarter)\b(?! of)"
)
MOVING = frozenset({"contour", "loudness", "brightness_trend", "f0_median", "timbre"})
"""What can be looked up in a part of the clip."""
_UP = r"(?:up(?:wards?)?)"
_DOWN = r"(?:down(?:wards?)?)"
_GOING = r"(?:goes|sweeps|slides|glides|moves|swoops|bends|heads|curves|shoots|whoops|drifts|creeps|runs|jumps|steps)"
_MOVES = re.compile(
    r"^(?: (?:one|tone|sound|note|sweep|glide|chirp|beep|whistle|burst|event|segment|part|call|whoop|siren|of them))?"
    r"(?: (?:also|then|instead|again|[a-z]+ly)){0,2} "
    rf"(?:(?P<up>rises|climbs|ascends|{_GOING}(?: back)? {_UP})|(?P<down>falls|sinks|descends|drops|"
    rf"{_GOING}(?: back)? {_DOWN}))"
    r"\b(?! (?:in|off|out) (?:volume|level|loudness|intensity|amplitude|strength))(?! (?:away|off|out|silent|at|"
    r"on|to the)\b)"
)
_RANKS = "longest|shortest|briefest|brightest|dullest|darkest|sharpest"
_RANKED = (
    re.compile(
        r"\bthe (?P<n>first|second|third|fourth|fifth|last|final)(?: (?:one|sound|note|event|tone|beep|burst|"
        r"syllable|chord|hit))?"
        r"(?: of \w+)?(?: is| was|,? being| lasts| is held| held| sounds| rings)?(?: by far)?(?: for)?(?: the)? "
        rf"(?P<what>{_RANKS})\b"
    ),
    re.compile(
        rf"\bthe (?P<what>{_RANKS})(?: (?:one|sound|note|event|tone|beep|burst|chord|hit))?(?: of \w+)? "
        r"(?:comes|is|arrives|appears|sounds)(?: the)? (?P<n>first|second|third|last|final)\b"
    ),
)
_COMPARED = re.compile(
    r"\b(?:the )?(?P<n>first|second|third|fourth|last|final)(?: (?:one|sound|note|event|tone|beep|burst|chord|"
    r"hit|noise|part))?"
    r"(?: (?:is|was|lasts|sounds|comes out|goes on|rings|seems|being))(?: \w+ly| much| far| a (?:bit|little|"
    r"lot)| quite)? "
    r"(?:about |roughly |almost |nearly )?(?P<what>twice as long|"
    r"longer|shorter|briefer|brighter|crisper|duller|darker|more muffled|mellower)\b"
    r"(?: than (?:the )?(?P<other>first|second|third|last|other|previous|one before))?(?! (?:and|than))"
)
_DEGREES = {
    "briefer": "shorter",
    "twice as long": "longer",
    "crisper": "brighter",
    "duller": "darker",
    "more muffled": "darker",
    "mellower": "darker",
}
_SAME_RANK = {"briefest": "shortest", "dullest": "darkest", "sharpest": "brightest"}
_IS_A = re.compile(
    r"^(?:\s*[\w'-]+){0,2}?\s*(?:is|was|'s|being|sounds like|consists of|:|=|,)\s*(?:just |simply )?(?:an? |"
    r"some |pure |the )?"
)
_DENIED = re.compile(r"\b(?:not|no|never|neither|nor|without|rather than|instead of|isn't|n't)\b[^,;]{0,30}$")
_CLOSE = re.compile(r"[;(—–]|, (?:so|which|making|giving)\b|\bthe (?:other|next)\b|\b(?:then|by|and) (?:another|one)\b")
_ALIKE = re.compile(r"\b(?:same|equal\w*|identical\w*|alike|unchanged|as \w+ as)\b", re.IGNORECASE)
NEAR_POINTER = 40  # characters from "the first" to a pitch that is surely its own
_SHARES = frozenset({"half", "third", "quarter"})
_PLAIN = frozenset({"one", "two", "three", "four", "1", "2", "3", "4"})
_PARTS = frozenset({"part", "section", "segment", "event", "sound", "note", "tone", "item", "number"})
_ORDINALS = frozenset(_NUMBERS) - _PLAIN
_PLACES = frozenset({"outset", "close", "first", "last", "final", "end", "start", "beginning"})
_WAYS = frozenset(
    {"precedes", "precede", "preceded", "before", "after", "follows", "follow", "followed", "leads", "lead", "gives"}
    | {"give", "turns", "turn", "changes", "change", "switches", "switch", "replaced"}
)
_OPENING = frozenset(
    {"open", "opens", "begin", "begins", "start", "starts", "kick", "kicks", "set", "sets", "lead", "leads"}
)
_ENDING = frozenset({"end", "ends", "close", "closes", "finish", "finishes", "conclude", "concludes", "sign", "signs"})
_ENDING |= {"terminate", "terminates", "stop", "stops", "wrap", "wraps", "finally", "lastly"}
_FOLLOWING = frozenset({"then", "next", "after", "afterward", "afterwards", "followed", "subsequently"})
_HINTS = _ORDINALS | _OPENING | _ENDING | _FOLLOWING | {"commence", "commences"}
"""Words without one of which no passage of one sound is looked for."""
LONGEST_LINK = 9  # letters of a word that a subject follows
REACH = 45  # characters from a pointer to the noun that it introduces


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
        return _NUMBERS[name]
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


def kind_of(noun: str, of: str | None = None) -> str | None:
    """The kind of sound that a noun names: a burst, or a sound, of noise is noise."""
    if of is not None:
        return "noise" if of in ("noise", "static", "white noise", "hiss") else "tone" if of == "tone" else None
    return next((kind for kind, pattern in _KIND_OF.items() if pattern.match(noun)), None)


def read_kinds(sentence: str, said: frozenset[str], offset: int, found: list[Passage]) -> Iterator[Draft]:
    """Drafts of what kinds of sounds come where, how they move and which is the longest, in a sentence in lower case
    that begins at `offset`."""
    yield from _introduced(sentence, offset, found)
    yield from _moves(sentence, offset, found)
    if not said.isdisjoint(_ORDINALS):
        yield from _ranked(sentence, offset)
        yield from _compared(sentence, offset)
    for match in _PLACED.finditer(sentence) if not said.isdisjoint(_PLACES) else ():
        kind = kind_of(match["noun"])
        if kind is not None:
            number = -1 if re.search(r"last|final|end", match["place"]) else 1
            yield _kind(kind, number, offset + match.start(), offset + match.end(), sentence, None)
    for match in _ENDS.finditer(sentence) if not said.isdisjoint(_PLACES) else ():
        kind = kind_of(match["noun"], match["of"])
        if kind is not None:
            number = -1 if match["place"] in ("end", "close") else 1
            yield _kind(kind, number, offset + match.start(), offset + match.end(), sentence, None)
    if not said.isdisjoint(_WAYS):
        yield from _before(sentence, offset)
    for pattern in (_FIRST_THEN, _BOTH, _ROW):
        match = pattern.search(sentence) if pattern is _ROW or not said.isdisjoint(_PLACES) else None
        if match is not None:
            kinds = [kind_of(match["one"]), kind_of(match["two"], match.groupdict().get("of"))]
            if None not in kinds and kinds[0] != kinds[1]:
                yield _word(KIND_ORDER, f"{kinds[0]} before {kinds[1]}", offset + match.start(), offset + match.end())


def _introduced(sentence: str, offset: int, found: list[Passage]) -> Iterator[Draft]:
    """ "First a click", "the second is a burst of noise"."""
    for passage in found:
        if passage.share is not None:
            continue
        words, begin = sentence[passage.said : min(passage.end, passage.said + REACH)], passage.said
        if not passage.introduces:
            named = _IS_A.match(words)
            if named is None:
                continue
            words, begin = words[named.end() :], begin + named.end()
        noun = _head(words)
        if noun is not None and (kind := kind_of(noun["noun"], noun["of"])) is not None:
            yield _kind(kind, passage.number, offset + passage.start, offset + begin + noun.end(), sentence, passage)


def _ranked(sentence: str, offset: int) -> Iterator[Draft]:
    for pattern in _RANKED:
        for match in pattern.finditer(sentence):
            word, number = _SAME_RANK.get(match["what"], match["what"]), _NUMBERS[match["n"]]
            draft = _word(RANK, word, offset + match.start(), offset + match.end())
            yield draft | {"claimed": f"{RANK} {word} of sound {number}", "subject": number}


def _compared(sentence: str, offset: int) -> Iterator[Draft]:
    for match in _COMPARED.finditer(sentence):
        word, number = _DEGREES.get(match["what"], match["what"]), _NUMBERS[match["n"]]
        other = _NUMBERS.get(match["other"] or "", number - 1 if number > 1 else -1 if number == 1 else 1)
        draft = _word(RANK, word, offset + match.start(), offset + match.end())
        yield draft | {"claimed": f"{RANK} {word} of sound {number}", "subject": number, "reference": other}


def _before(sentence: str, offset: int) -> Iterator[Draft]:
    """ "The tone precedes the noise"."""
    for match in _BEFORE.finditer(sentence):
        kinds = [kind_of(match["one"]), kind_of(match["two"], match["of"])]
        if None in kinds or kinds[0] == kinds[1]:
            continue
        if _REVERSED.match(match["way"]):
            kinds.reverse()
        yield _word(KIND_ORDER, f"{kinds[0]} before {kinds[1]}", offset + match.start(), offset + match.end())


def _moves(sentence: str, offset: int, found: list[Passage]) -> Iterator[Draft]:
    """ "The first sweeps up, the second goes back down"."""
    for passage in found:
        if passage.introduces or passage.share is not None:
            continue
        match = _MOVES.match(sentence[passage.said : passage.end])
        if match is not None:
            word = "rising" if match["up"] else "falling"
            verb = match.start("up") if match["up"] else match.start("down")
            draft = _word("contour", word, offset + passage.said + verb, offset + passage.said + match.end())
            yield draft | {"subject": passage.number}


def _word(attribute: str, word: str, start: int, end: int) -> Draft:
    return {"start": start, "end": end} | statement(attribute, word)


def _head(words: str) -> re.Match[str] | None:
    """The last noun of the first noun phrase: "a noise burst" is a burst of noise, "a click track" a track."""
    first = _NOUN.search(re.split(r"[,;.()]| and | that | which | with | at ", words, maxsplit=1)[0])
    if first is None:
        return None
    after = _NOUN.match(words, first.end() + 1)
    if after is not None and first["noun"] not in ("noise", "static", "hiss"):
        return after
    return first


def _kind(kind: str, number: int, start: int, end: int, sentence: str, passage: Passage | None) -> Draft:
    before = sentence[max(0, (passage.said if passage else 0) - 40) : passage.said if passage else 0]
    of_one = {"claimed": f"{KIND} {kind} of sound {number}", "subject": number}
    return _word(KIND, kind, start, end) | of_one | {"negated": bool(_DENIED.search(before))}
