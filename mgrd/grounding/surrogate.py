"""Textual surrogates and leaks: chains that argue from an imagined text, or that are not chains at all.

A surrogate reasons over a transcript, caption, title, lyrics, metadata or what such recordings usually are,
instead of over the sound. Naming a text in order to set it aside is no surrogate.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

SENTENCE = re.compile(r"[^.!?;\n]+(?:[.!?;\n]+|$)")
CLAUSE_SPLIT = re.compile(r",|\b(?:but|while|whereas|although|because|since)\b")

_TEXT = (
    r"(?:transcript(?:ion)?s?|captions?|subtitles?|lyrics?|titles?|file ?names?|meta-?data|tags?|labels?|"
    r"descriptions?|synopsis|annotations?|liner notes|album|artist|playlist|genre tag|text|script|dialogue|summary|"
    r"written (?:words|text|account|description)|documentation|literature|database|dataset)"
)
_DETERMINED = (
    r"(?:the|its|this|that|a|an|their|any|some|given|provided|accompanying|attached|imagined|supposed|song'?s|clip'?s)"
)
_KINDS = r"(?:songs?|recordings?|clips?|pieces?|sounds?|music|tracks?|tunes?|voices?|speakers?|people|questions?|files?|samples?|examples?|messages?|ballads?|announcements?|prompts?|titles?|tones?|instruments?|effects?|cases?)"
_HABIT = r"(?:usually|typically|generally|normally|often|always|commonly|tends?|mostly|rarely|never|by convention|as a rule|in most cases|in general|most of the time|by default|traditionally|almost always)"

PATTERNS: dict[str, re.Pattern[str]] = {
    code: re.compile(pattern, re.IGNORECASE)
    for code, pattern in {
        "text_source": rf"\b(?:{_DETERMINED}\s+)?(?:\w+\s+)?{_TEXT}\b(?:\s+(?:of|for|to|in)\s+(?:the|this|that|a)\s+\w+)?\s+"
        r"(?:\w+ly\s+|would\s+|might\s+|may\s+|could\s+|also\s+|already\s+|clearly\s+|seems? to\s+|itself\s+|must\s+|here\s+)*"
        r"(?:say|says|said|state|states|stated|mention|mentions|mentioned|suggest|suggests|suggested|read|reads|talk|talks|"
        r"tell|tells|indicate|indicates|describe|describes|described|contain|contains|speak|speaks|refer|refers|call|calls|"
        r"imply|implies|implied|confirm|confirms|note|notes|list|lists|give|gives|is|are|has|have|point|points|name|names|agree|"
        r"agrees|show|shows|make|makes|report|reports|hint|hints|include|includes|go|goes|label|labels|specify|specifies|explain|explains|match|matches|support|supports)\b",
        "from_text": rf"\b(?:based on|according to|judging (?:from|by)|from|per|given|reading|looking at|see(?:ing)? in|in|following|using|by|as in|relying on|rely on|considering|with)\s+"
        rf"(?:{_DETERMINED}\s+)?(?:\w+\s+)?(?:transcript(?:ion)?s?|captions?|subtitles?|lyrics?|titles?|file ?names?|meta-?data|descriptions?|annotations?|liner notes|literature|dialogue)\b",
        "as_described": r"\bas (?:described|captioned|transcribed|labell?ed|written|the (?:text|title|caption|description) )",
        "habit": rf"\b(?:such|similar|these|those|most|many|all)\s+(?:\w+\s+){{0,2}}{_KINDS}\b[^.;]*\b{_HABIT}\b"
        rf"|\b{_KINDS}\s+(?:like (?:this|these|that)|of this (?:kind|type|sort)|from this \w+)\b[^.;]*\b(?:{_HABIT}|are|is|have|sound)\b"
        rf"|\b(?:people|someone|anyone|those|speakers?|singers?|composers?)\s+who\b"
        rf"|\b(?:is|are|was|were|would be)\s+(?:usually|typically|generally|normally|commonly|traditionally)\b"
        rf"|\b{_HABIT}\s+(?:have|has|is|are|described|answered|means?|goes|labelled|labeled|associated)\b"
        r"|^\W*(?:usually|typically|generally|normally|traditionally|in general|as a rule|by convention)\b"
        r"|\b(?:usually|typically|normally|generally|traditionally|tends? to|tend to)\b",
        "knowledge": r"\b(?:it is (?:well[- ])?known|as (?:we|everyone|everybody) knows?|common knowledge|general knowledge|world knowledge|"
        r"well[- ]known|known for|famous for|i (?:know|remember|recall) (?:that|this|the)|most people know|from experience|"
        r"by definition|in music theory|stereotyp\w+|it is common|it stands to reason|statistically|likely to be the most common|"
        r"the most (?:common|likely|frequent) (?:answer|choice|option)|the word|the words|the phrase|the name) "
        r"(?!(?:is|are) (?:spoken|said))|\bmost people know\b|\bwell[- ]known\b|\bcommon knowledge\b|\bknown for\b|\bfamous for\b",
        "quoted": r"\b(?:speaker|voice|man|woman|singer|narrator|person|he|she|they|announcer|caller|somebody|someone)\s+"
        r"(?:\w+ly\s+)?(?:says?|said|asks?|asked|announces?|tells?|sings?|reads?|mentions?|exclaims?|whispers?|shouts?|states?)\s*"
        r"(?:[:,]?\s*[\"“'‘«]|that\b|please\b|about\b)",
        "imagined": r"\b(?:imagin(?:e|ed|ing|ary)|hypothetical|supposed|would (?:probably )?(?:read|say)|reads like)\b[^.;]*"
        r"\b(?:transcript\w*|caption\w*|text|lyrics?|words?|title|description)\b",
    }.items()
}

_DISMISSED = re.compile(
    r"\b(?:no|not|never|without|rather than|instead of|ignor\w+|regardless of|independent(?:ly)? of|disregard\w*|don't|do not|doesn't|"
    r"does not|cannot see|isn't|no need|set aside|setting aside|nor|neither|not from|unlike)\b",
    re.IGNORECASE,
)

DENIAL = re.compile(
    r"\b(?:as an? (?:text|language|text[- ]based|ai)[- ]?(?:based |only )?(?:language )?(?:model|assistant)|"
    r"i(?:'m| am) (?:only |just )?an? (?:text|language|ai|large language)[- ]?(?:based |only )?(?:language )?(?:model|assistant)|"
    r"(?:i|we) (?:can(?:not|'t| not)|am unable to|'m unable to|am not able to|'m not able to|do(?:n't| not) (?:have|possess) the (?:ability|capability) to|could not|couldn't|"
    r"lack the ability to|have no (?:way|ability) (?:to|of)) (?:actually |directly |really |physically )?"
    r"(?:hear(?:ing)?|listen(?:ing)?|process(?:ing)?|access(?:ing)?|perceive|play|analy[sz]e|open|receive) (?:to )?(?:the |any |this |that |your |actual |an? )?"
    r"(?:audio|sounds?|clip|recording|file|music|anything|it|them)|"
    r"i (?:can(?:not|'t)|am unable to|do not|don't) (?:actually |directly )?(?:hear|listen)(?: to)?(?! (?:any |a |an |the )?"
    r"(?:\w+ )?(?:noise|hiss|echo|reverb\w*|vibrato|pauses?|background|static|rise|fall|change|movement|difference))|"
    r"(?:no|without(?: any)?) (?:audio|sound|clip|recording)(?: file)? (?:was|is|has been) (?:provided|given|attached|available|supplied)|"
    r"no access to (?:the |any )?(?:audio|sound|recording|clip)|without (?:access to|hearing) (?:the |any )?(?:audio|sound|clip|recording)|"
    r"i have no ears|i only (?:see|have|process|read) (?:the )?text|"
    r"(?:do not|don't) have (?:access to )?(?:the )?(?:audio|ears|hearing|auditory))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Surrogates:
    """`share` of the chain's characters in sentences that argue from text; their spans; the codes found."""

    share: float
    spans: tuple[tuple[int, int], ...]
    codes: tuple[str, ...]


@lru_cache(maxsize=65_536)
def find_surrogates(reasoning: str) -> Surrogates:
    """The parts of a chain that do not reason from sound. A denial of hearing counts as such a part."""
    total = len(reasoning.strip())
    if not total:
        return Surrogates(0.0, (), ())
    spans: list[tuple[int, int]] = []
    codes: list[str] = []
    for sentence in SENTENCE.finditer(reasoning):
        for start, end in _clauses(sentence.group(), sentence.start()):
            found = _codes(reasoning[start:end])
            if found:
                spans.append((start, end))
                codes += [code for code in found if code not in codes]
    covered = sum(len(reasoning[start:end].strip()) for start, end in spans)
    return Surrogates(min(1.0, covered / total), tuple(spans), tuple(codes))


def _clauses(sentence: str, offset: int) -> list[tuple[int, int]]:
    """Clauses of a sentence between commas and contrasts, with their places in the chain."""
    cuts = [0, *[match.start() for match in CLAUSE_SPLIT.finditer(sentence)], len(sentence)]
    return [(offset + a, offset + b) for a, b in zip(cuts[:-1], cuts[1:], strict=True) if sentence[a:b].strip()]


def _codes(clause: str) -> list[str]:
    codes = []
    if DENIAL.search(clause):
        codes.append("denial")
    for code, pattern in PATTERNS.items():
        match = pattern.search(clause)
        if match and not _dismissed(clause, match):
            codes.append(code)
    return codes


def _dismissed(clause: str, match: re.Match[str]) -> bool:
    """The text is named in order to set it aside: "not from the caption", "there is no transcript"."""
    return bool(_DISMISSED.search(clause[max(0, match.start() - 45) : match.end()]))
