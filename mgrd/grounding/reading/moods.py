"""What a chain only supposes, quotes or generalises: parts of a text that assert nothing of the clip.

"If it were falling, the end would be lower", "at 60 BPM there'd be four of them", "'stays level' is out", "say it was a
straight tone". Only the supposition and what follows from it are left out: "but", a dash or a full stop ends them.
"""

import re
from functools import lru_cache
from itertools import pairwise

from mgrd.grounding.reading.dismissed import dismissed
from mgrd.grounding.reading.gates import Gates, gate_of, stems_of

CACHED_CHAINS = 65_536

Spans = tuple[tuple[int, int], ...]

_KINDS = (
    r"(?:tubas?|pedals|strings|drums|bells|foghorns|sirens|engines|hums|birds|dogs|organs|guitars|cellos|violins|basses|"
    r"trumpets|flutes|piccolos|whistles|kettles|clocks|metronomes|alarms|machines|people|humans|singers|thunder|"
    r"cathedrals|churches|halls|rooms|closets|studios|voices|motors|fans|speakers|telephones|phones)"
)
_STEM = re.compile(
    r"would|['’](?:d|ve)\b|\b(?:if|suppos|assum|imagin|say|were|had|should|could|might|unless|whether|otherwise|"
    r"scenario|case|must|thought|impulse|instinct|hunch|reaction|guess|figured|wonder|expected|suspected|wait|listen|"
    rf"look|search|tried|considered)|\b{_KINDS}\b"
)
"""Without one of these nothing is supposed, sought or said in general."""
_SENTENCE = re.compile(r"(?:[^.!?;\n—–]+|\.(?=[^\s.]))+[.!?;\n—–]*")
_TURN = re.compile(
    r"(?:,\s*|\band\s+)?\b(?:but|yet|whereas|in fact|however|while|and here|and i hear|so that's)\b|:\s", re.IGNORECASE
)
"""Words after which a sentence speaks of the clip again."""
_HELD = r"(?:it|this|that|there|they|these|he|she|the|a|an|somebody|someone|any|one|each|both|its)"
_JUDGING = (
    r"(?:say|call|describe|put|file|label|go|guess|rate|judge|class|like|rather|better|"
    r"place|estimate|opt|conclude|pick)"
)
_NAMING_IT = r"(?! (?:say|call|describe|label|hear|recogni[sz]e|name))"
"""What somebody would call a sound is said of it."""
_GENERIC = (
    r"^\W*(?:(?:and|but|while|whereas) )?(?:most |many |all |real )?"
    rf"(?!(?:the|these|those|both|two|three|four|five|its|my) )(?:[a-z-]+ (?:and )?){{0,4}}?{_KINDS}"
    r" (?:sit|live|lie|tend|range|are all|are always|have|can|do|don't|require|need|reach|go|make|produce|belong)\b"
)
"""What kinds of things are like in general: bare plurals and what they do."""
_COUNTERFACTUAL = re.compile(
    rf"\b(?:there|you|they|we|he|she|it|that|this|each|one)['’]d\b(?! (?:been|{_JUDGING}))|"
    r"\bi['’]d (?:have|hear|expect|notice|need|feel)\b|\bi(?: would|['’]d) have\b|"
    r"\b(?:could|might|should|would|must)(?:['’]ve| have)\b|"
    r"\b(?:wouldn['’]t|would) (?:not |never |also |then )?"
    r"(?:be|have|need|sound|show|start|begin|leave|mean|require|announce|come|go|give|rise|fall|point|feel|take|give)\b|"
    rf"\b(?:a|an|any|no|another) (?:[\w-]+ ){{1,4}}(?:would|could|should)\b{_NAMING_IT}|"
    r"\bmy (?:initial |first )?(?:impulse|instinct|thought|hunch|reaction|guess) (?:was|is)\b|"
    r"\b(?:at first )?i (?:first |initially )?(?:figured|thought|wondered|expected|suspected)\b|"
    r"\bi (?:briefly |first |initially |at first |also )?considered\b|" + _GENERIC,
    re.IGNORECASE,
)
_DOING = r"(?:anything|i (?:tap|count|listen|follow|take|focus|compare|look|concentrate|trace|clap|nod))"
_OPENING = re.compile(
    rf"^\W*(?:(?:\d|so|and|or|now|then|but|well)\W+)?"
    rf"(?:(?:were|had|should) {_HELD}\b|if\b(?! {_DOING})|unless\b|suppos(?:e|ing)\b|assum(?:e|ing)\b|imagine\b|"
    r"say (?:for|next|it|that|the|there|instead)\b|let's (?:say|suppose|assume|pretend)\b|"
    r"in (?:that|this|which) case\b|"
    r"in scenario\b|whether\b|could (?:it|this|that)\b|otherwise\b|"
    rf"(?:a|an) (?:[\w-]+ ){{1,3}}(?:would|could|might)\b{_NAMING_IT})",
    re.IGNORECASE,
)
_SEEKING = re.compile(
    r"\b(?:wait|listen|look|search)(?:ed|ing)? (?:(?:past|through|behind|under|beyond) (?:the )?\w+ )?"
    r"for (?!the (?:sound|clip))|"
    r"\b(?:tried|trying) to (?:detect|find|hear)\b",
    re.IGNORECASE,
)
"""What was waited for is not what came."""
_FOUND = re.compile(r", (?:and )?(?:i|there|here|what|it)\b(?! (?:would|should|might|could)\b)", re.IGNORECASE)
"""Where a sentence goes on to say what came."""
_GATES = Gates([gate_of(pattern) for pattern in (_OPENING, _COUNTERFACTUAL, _SEEKING)])
_THEN = re.compile(r"\W*then\b", re.IGNORECASE)
_QUOTE = re.compile(r"[\"“]([^\"“”\n]{1,400})[\"”]")
_NAMING = re.compile(
    r"\b(?:options?|choices?|candidate|alternative|answer|called|labell?ed|means?|would|out|wrong|strike|neither|nor|or|"
    r"fails?|excluded?|discard|eliminated?|require|match|leg to stand|absurd|impossible|supposed|asked)\b|[?]",
    re.IGNORECASE,
)
_AROUND = 80  # characters either side of a quotation in which it may be named an option


@lru_cache(maxsize=CACHED_CHAINS)
def supposed(text: str) -> Spans:
    """Character spans of a text that assert nothing, in order."""
    found: list[tuple[int, int]] = []
    if '"' in text or "“" in text:
        found += [match.span() for match in _QUOTE.finditer(text) if _names(text, match)]
    if _STEM.search(text.lower()):
        found += _suppositions(text)
    found += dismissed(text)
    return tuple(sorted(found))


def _suppositions(text: str) -> list[tuple[int, int]]:
    gates = _GATES.open(stems_of(text))
    may_open, may_counter, may_seek = (place in gates for place in range(3))
    if not (may_open or may_counter or may_seek):
        return []
    found: list[tuple[int, int]] = []
    before = False
    for sentence in _SENTENCE.finditer(text):
        words = sentence.group()
        opened = may_open and _OPENING.match(words) is not None
        if before and _THEN.match(words):
            found.append(sentence.span())
        elif may_seek and not opened and (sought := _SEEKING.search(words)) is not None:
            found_it = _FOUND.search(words, sought.end())
            end = sentence.end() if found_it is None else sentence.start() + found_it.start()
            found.append((sentence.start() + sought.start(), end))
        elif opened or (may_counter and _COUNTERFACTUAL.search(words)):
            found += _unasserted(words, sentence.start(), opened)
        before = opened
    return found


def _names(text: str, match: re.Match[str]) -> bool:
    """A quotation of several words, a heading, or a word that is named as an option."""
    if " " in match[1].strip():
        return True
    before = re.split(r"[.!?\n]", text[max(0, match.start() - _AROUND) : match.start()])[-1]
    after = re.split(r"[.!\n]", text[match.end() : match.end() + _AROUND])[0]
    return after[:1] in (":", "?") or _NAMING.search(before + " " + after) is not None


def _unasserted(words: str, offset: int, opened: bool) -> list[tuple[int, int]]:
    """The supposed parts of a sentence: from a condition up to a turn back to the clip, else single phrases."""
    found = []
    start = 0
    for end in [*(turn.start() for turn in _TURN.finditer(words)), len(words)]:
        part = _TURN.sub("", words[start:end], count=1) if start else words[start:end]
        if (opened and not start) or (start and _OPENING.match(part)):
            found.append((offset + start, offset + end))
        elif _COUNTERFACTUAL.search(part):
            found += _phrases(words, start, end, offset)
        start = end
    return found


def _phrases(words: str, start: int, end: int, offset: int) -> list[tuple[int, int]]:
    """The phrases between commas that are counterfactual."""
    cuts = [start, *(match.start() for match in re.finditer(r",(?!\d)", words[start:end])), end]
    cuts = [start, *(start + cut for cut in cuts[1:-1]), end]
    found = []
    for begin, close in pairwise(cuts):
        if _COUNTERFACTUAL.search(words[begin:close]):
            found.append((offset + begin, offset + close))
    return found
