"""Which kinds of sounds come where ("first a click", "the tone precedes the noise"), which of them is the longest or
the brightest, and how one of them moves.
"""

import re
from collections.abc import Iterator

from mgrd.grounding.reading.drafts import Draft, statement
from mgrd.grounding.reading.parts import NUMBERS, ORDINALS, Passage

KIND, KIND_ORDER, RANK = "sound_kind", "kind_order", "sound_rank"
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
_PLACES = frozenset({"outset", "close", "first", "last", "final", "end", "start", "beginning"})
_WAYS = frozenset(
    {"precedes", "precede", "preceded", "before", "after", "follows", "follow", "followed", "leads", "lead", "gives"}
    | {"give", "turns", "turn", "changes", "change", "switches", "switch", "replaced"}
)
REACH = 45  # characters from a pointer to the noun that it introduces


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
    if not said.isdisjoint(ORDINALS):
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
            word, number = _SAME_RANK.get(match["what"], match["what"]), NUMBERS[match["n"]]
            draft = _word(RANK, word, offset + match.start(), offset + match.end())
            yield draft | {"claimed": f"{RANK} {word} of sound {number}", "subject": number}


def _compared(sentence: str, offset: int) -> Iterator[Draft]:
    for match in _COMPARED.finditer(sentence):
        word, number = _DEGREES.get(match["what"], match["what"]), NUMBERS[match["n"]]
        other = NUMBERS.get(match["other"] or "", number - 1 if number > 1 else -1 if number == 1 else 1)
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
