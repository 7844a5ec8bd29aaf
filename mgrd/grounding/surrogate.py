"""Textual surrogates: parts of a chain that argue from an imagined text, or from what is usual, instead of the sound.

A text that is named in order to set it aside ("not from the caption") is no surrogate. A denial of hearing is.
Nothing here reads acoustic claims.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from mgrd.grounding.reading.gates import WORDS, Gates, gate_of, stems, stems_of
from mgrd.grounding.reading.lexicon import LISTS, listed, plural

CACHED_CHAINS = 65_536
_SENTENCE = re.compile(r"[^.!?;\n]+(?:[.!?;\n]+|$)")
_CONTRAST = re.compile(r",|\b(?:but|while|whereas|although|because|since)\b", re.IGNORECASE)


def _any(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


_SOURCE = (
    r"(?:transcript(?:ion)?s?|captions?|subtitles?|lyrics?|titles?|file ?names?|meta-?data|descriptions?|synopsis|"
    r"annotations?|liner notes|literature|dialogue|documentation)"
)
_WEAK_SOURCE = r"(?:tags?|labels?|album|artist|playlist|text|script|summary|database|dataset|written \w+)"
_THE = _any(
    "the its this that a an their any some given provided accompanying attached imagined supposed song's clip's"
)
_TELLS = _any(
    "says? said states? stated mentions? mentioned suggests? suggested reads? talks? tells? indicates? describes? "
    "described contains? speaks? refers? calls? implies implied confirms? notes? lists? gives? is are has have points? "
    "names? agrees? shows? makes? reports? hints? includes? goes? labels? specifies explains? matches supports?"
)
_BEFORE_TELLS = r"(?:(?:\w+ly|would|might|may|could|can|also|seems? to|itself|must|here|then)\s+)*"
_OF = r"(?:\s+(?:of|for|to|in)\s+(?:the|this|that|a)\s+\w+)?"
_KINDS = _any(
    "songs? recordings? clips? pieces? sounds? music tracks? tunes? voices? speakers? people questions? files? "
    "samples? examples? messages? ballads? announcements? prompts? titles? tones? instruments? effects? cases? "
    "melod(?:y|ies)"
)
_USUALLY = (
    r"(?:usually|typically|generally|normally|often|always|commonly|tends?|mostly|rarely|by convention|as a rule|"
    r"in most cases|in general|most of the time|by default|traditionally|almost always)"
)
_SOUNDS = "|".join(
    sorted({plural(noun) for noun in listed(LISTS["event"]["one"])} | set(listed(LISTS["event"]["many"])))
)
_ACOUSTIC = (
    rf"(?:{_SOUNDS}|clicks|beeps|notes|ticks|taps|sounds|tones|pulses|bursts|hits|harmonics|overtones|partials|pauses|gaps|intervals|"
    r"frequencies|onsets|transients|knocks|thuds|thumps|chords|voices|syllables|words|peaks|levels|steps|footsteps|drums|"
    r"silences|blips|chirps|sweeps|glides|events|attacks|beats|strokes|strikes|claps|pops|snaps|cracks|crackles|highs|"
    r"lows|mids|spaces|spacings|swells|whistles|hums|bangs|impacts|echoes|reflections|ears|meters|options|choices|its|"
    r"this|was|is|has|does|as|plus|less|always|perhaps|towards|upwards|downwards|afterwards|sometimes|besides|bass|"
    r"others|both|all|pitches|bits|edges|formants|consonants|vowels|tails|decays|drops|wobbles|repeats|strings|"
    r"horns|cymbals|instruments|speakers|channels|sidebands|ratios|durations|measurements|dynamics|harshness)"
)
"""Plurals that speak of what is heard."""
_DOES = (
    r"are|have|love|go|come|make|made|use|need|get|tend|take|often|usually|walk|lose|recede|do|don't|mean|dominate|"
    r"contain|end"
)
_GENERIC = (
    rf"^\W*(?:(?:so|but|and|well|because|since|as) )?(?!{_ACOUSTIC}\b)(?:(?!{_ACOUSTIC}\b|the\b|these\b|those\b|its\b|"
    r"a\b|an\b|there\b|it\b|i\b|we\b|two\b|three\b|four\b|five\b|six\b|seven\b|eight\b|nine\b|ten\b|twelve\b|her\b|his\b|my\b|our\b|their\b|several\b|some\b|low\b|high\b|in\b|at\b|on\b|with\b)"
    r"[a-z]+ ){0,2}"
    rf"(?!{_ACOUSTIC}\b)[a-z]{{2,}}[a-rt-z]s (?:(?:in|of|from|on|for|at) (?:[a-z]+ ){{1,2}})?"
    r"(?:are (?!heard|audible|present|rising|falling|getting|playing|ringing|evenly|regular)|"
    rf"(?:{_DOES})\b)(?<!are)(?![^.;]*\b(?:here|hear|heard)\b)"
)
"""What a kind of thing is or does, said without any article: "opera singers are trained to"."""
_ASKERS = (
    r"(?:question|quiz|exam|test|option|choice|answer|stimul|corpus|corpora|data ?set|benchmark|collection)s?"
    r"(?:[- ](?:setter|writer|maker|author|designer|set|key)s?)?"
)
_WHO = _any("speaker voice man woman singer narrator person he she they announcer caller somebody someone")
_SAYS = _any("says? said asks? asked announces? tells? sings? reads? mentions? exclaims? whispers? shouts? states?")

_PATTERNS: dict[str, tuple[str, ...]] = {
    "text_source": (
        rf"\b{_SOURCE}{_OF}\s+{_BEFORE_TELLS}{_TELLS}\b",
        rf"\b{_THE}\s+(?:\w+\s+)?{_WEAK_SOURCE}{_OF}\s+{_BEFORE_TELLS}{_TELLS}\b",
    ),
    "from_text": (
        (
            r"\b(?:based on|according to|judging (?:from|by)|from|per|given|reading|looking at|see(?:ing)? in|in|"
            r"following|using|by|relying on|rely on|considering|with)\s+"
            rf"(?:{_THE}\s+)?(?:\w+\s+)?{_SOURCE}\b"
        ),
        r"\b(?:says|said|reads|states|mentions) the (?:text|caption|transcript|title|lyrics?|description|subtitle)\b",
        r"\bas (?:described|captioned|transcribed|labell?ed|written)\b",
    ),
    "imagined": (
        (
            r"\b(?:imagin(?:e|ed|ing|ary)|hypothetical|supposed|reads like)\b[^.;]{0,160}"
            rf"\b(?:{_SOURCE}|text|words?)\b"
        ),
    ),
    "quoted": (
        rf"\b{_WHO}\s+(?:\w+ly\s+)?{_SAYS}\s*(?:[:,]?\s*[\"“'‘«]|(?:that|please|about|whether|if|what|where|how|why)\b)",
        r"\b(?:sentence|words?|phrase|utterance|line|text|content)\s+(?:is|are|was|were|reads?|being)\s*[:,]?\s*[\"“'‘«]",
        (
            r"\b(?:because|since|as|which is|given that) (?:(?:it|this|that|he|she)(?:'s| is) )?(?:just |simply )?"
            r"(?:a |an )(?:question|statement|command|greeting|request|yes[/ -]no question)\b"
        ),
        (
            rf"\b{_WHO} (?:\w+ly )?(?:says|said|mentions|announces|explains|claims|tells us) "
            r"(?:the (?!words?|sentence|phrase|lines?|text)|they|we|you|he|she|i|there|his|her|my|your)\b"
        ),
        r"\b(?:grammatical(?:ly)?|syntactic(?:ally)?|semantic(?:ally|s)?|syntax)\b",
        r"[\"“][^\"”]{8,}[\"”],? (?:he|she|they|the \w+|someone|somebody|it) (?:says|said|asks|asked|shouts|announces)",
        (
            r"\b(?:dialogue|words?|wording|sentence|line|phrase)\b[^.;\"“]{0,20}[\"“][^\"”]+[\"”][^.;]{0,60}"
            r"\b(?:is an? |means|so|which|therefore|answer)"
        ),
        r"\b(?:asks|asking|asked) (?:a question|something|whether|if)\b[^.;]{0,160}\b(?:so|therefore|hence)\b",
    ),
    "habit": (
        rf"\b(?:such|similar|these|those|most|many|all)\s+(?:\w+\s+){{0,2}}{_KINDS}\b[^.;]{{0,160}}\b{_USUALLY}\b",
        (
            rf"\b{_KINDS}\s+(?:like (?:this|these|that)|of this (?:kind|type|sort)|from this \w+)\b[^.;]{{0,160}}"
            rf"\b(?:{_USUALLY}|are|is|have|sound)\b"
        ),
        r"\b(?:people|someone|anyone|those|speakers?|singers?|composers?)\s+who\b",
        (
            r"\b(?:most|many|all|almost all|nearly all|such|similar|the typical|a typical) (?:\w+ ){1,3}"
            r"(?:like (?:this|these|that|those)|of (?:this|that) (?:kind|type|sort|nature))\b"
        ),
        rf"\bin (?:most|many|all|such|similar) (?:\w+ )?{_KINDS}\b",
        rf"\ba typical (?:\w+ ){{0,2}}\w+ (?:would|is|has|goes|sounds|{_USUALLY})\b",
        r"\b(?:in|of) this (?:data ?set|benchmark|corpus|task)\b",
        (
            r"\b(?:usually|typically|normally|generally|traditionally|tends? to)\b"
            r"(?! (?:be )?(?:called|considered|regarded|perceived|termed|heard|counts?)\b)"
        ),
        rf"\b{_USUALLY}\s+(?:have|has|is|are|described|answered|means?|labell?ed|associated)\b",
    ),
    "fiction": (
        (
            r"\bin (?:the )?(?:cartoons?|films?|movies?|tv shows?|video ?games?|stories|songs|operas?|orchestras?|"
            r"lullabies|horror \w+)\b"
        ),
    ),
    "asking": (
        (
            rf"\b{_ASKERS}\b[^.;]{{0,60}}\b(?:usually|rarely|often|normally|typically|always|expects?|favou?rs?|loves?|"
            r"would be too|tends?|show up|popular|dominat\w+|full of|suspicious\w*|oddly|plausible|obvious choice)\b"
        ),
        (
            r"\b(?:wording|phrasing|phrase|presence) (?:of|in|\"|“|')[^.;]{0,60}\b(?:option|choice|answer|question|"
            r"suggest|hint)s?"
        ),
        (
            r"\b(?:usual|likeliest|most plausible|most likely|safest|likely) (?:demo|culprit|suspect|choice|answer|"
            r"option|guess|case)\b"
        ),
        (
            r"\bbase rates?\b|\bmy training (?:data|set|includes|contains|has|saw)\b|\bprobabilit(?:y|"
            r"ies) (?:favou?r|suggest)"
        ),
    ),
    "pictured": (
        (
            r"\b(?:i (?:can |could )?(?:just )?(?:picture|envision|visuali[sz]e) (?:it\b|an?\b|the\b|him|her|"
            r"some)|i imagine (?:an? |the )[a-z]+ (?:at|in|on|who)\b|"
            r"imagining\b|in my mind's eye)"
        ),
    ),
    "knowledge": (
        (
            r"\b(?:classic|textbook|stock|standard|popular|famous|common|default) (?:example|stimul\w+|sample|"
            r"effect|demo|trope|"
            r"cartoon|calibration|test tone|progression|pattern in|choice|technique)s?\b"
        ),
        r"\b(?:everybody|everyone|anybody|anyone) knows\b|\b(?:general|prior|common) (?:knowledge|experience)\b",
        (
            r"\b(?:laws? of|physics|newton\w*|thermodynamics|evolution\w*|film school|textbooks?|literature) "
            r"(?:tells?|says?|teaches|predicts?|dictates?|means|requires?|on|of|demands?|restitution)\b"
        ),
        r"\b(?:by|out of|as a matter of) convention\b|\ba rule (?:from|of)\b|\bcommonly used\b|\bare everywhere\b",
        r"\b(?:it is|it's) (?:widely |well[- ]|commonly |generally )?(?:known|common|assumed|accepted)\b",
        r"\bas (?:we|everyone|everybody) knows?\b",
        r"\b(?:by|from|with) my knowledge\b|\bmy knowledge of\b",
        (
            r"\b(?:is|are) (?:the|a) (?:default|standard|usual|normal|most common) [\w ]{1,20}\b"
            r"(?:in|for|of) (?:most|many|all)\b"
        ),
        r"\b(?:common|general|world|background|prior) knowledge\b",
        r"\b(?:well[- ]known|known for|famous for|most people know|from experience|in music theory)\b",
        (
            r"\bi (?:know|remember|recall) (?:that|from|(?:this|the) (?:\w+ )?(?:song|piece|recording|clip|track|tune|"
            r"melody|sample|file|answer|data ?set|question|video|film|game|ad|show))\b"
        ),
        r"\bstereotyp\w+|\bit stands to reason\b|\bstatistically\b",
        r"\bthe most (?:common|likely|frequent|probable) (?:answer|choice|option)\b",
        r"\bthe (?:words?|phrase|name) (?:[\"“'‘]|of the song|means?|suggests?|implies|imply)",
    ),
}
PATTERNS = {code: re.compile("|".join(parts), re.IGNORECASE) for code, parts in _PATTERNS.items()}
_CODES = tuple(PATTERNS)

_MODEL = r"an? (?:text|language|ai|text[- ]based|text[- ]only|large language)[- ]?(?:based |only )?(?:language )?"
_UNABLE = (
    r"(?:i|we) (?:can(?:not|'t| not)|am unable to|'m unable to|am not able to|'m not able to|could not|couldn't|"
    r"(?:do not|don't) have (?:the|any) (?:ability|capability) to|"
    r"have no way of|lack the (?:ability|means|capability) to|have no (?:way|ability) (?:to|of))"
)
_HEARING = _any(
    "hear(?:ing)? listen(?:ing)? process(?:ing)? access(?:ing)? perceiv(?:e|ing) play analy[sz]e open receive"
)
_AUDIO = _any("audio sounds? clip recording file music anything it them")
_ONE = _any("the any this that your actual an a")
DENIAL = re.compile(
    "|".join(
        (
            rf"\bas {_MODEL}(?:model|assistant)\b",
            rf"\bi(?:'m| am) (?:only |just )?{_MODEL}(?:model|assistant)\b",
            (
                rf"\b{_UNABLE} (?:actually |directly |really |physically |literally |"
                rf"truly )?{_HEARING} (?:to )?(?:{_ONE} )*{_AUDIO}\b"
            ),
            rf"\b{_UNABLE} (?:actually |directly |really |physically )?(?:hear|listen)(?: to)?\s*(?:[.,;!?]|$)",
            (
                r"\b(?:no|without(?: any)?) (?:audio|sound|clip|recording)(?: file)? "
                r"(?:was|is|has been) (?:provided|given|attached|available|supplied)\b"
            ),
            rf"\b(?:no access to|without (?:access to|hearing)) (?:{_ONE} )?(?:audio|sound|recording|clip)\b",
            (
                r"\b(?:audio|sound|clip|recording|waveform|file|signal) (?:itself )?(?:is|was|has) ?"
                r"(?:n't|not) (?:been )?"
                r"(?:actually |really |directly )?(?:available|accessible|provided|attached|audible|supplied|given)\b"
                r"(?: to (?:me|us))?"
            ),
            (
                r"\b(?:cannot|can't|can not|could not|couldn't) (?:judge|verify|check|inspect|assess|"
                r"evaluate|confirm|examine|"
                r"experience) (?:\w+ ){0,4}(?:first[- ]?hand|directly|by ear|myself|audibly)\b"
            ),
            rf"\bno (?:way|means|chance|possibility) (?:for me |of me )?(?:to|of) {_HEARING}\b",
            (
                r"\b(?:only|just|merely|solely) (?:able to |capable of |designed to |built to )?"
                r"(?:process|read|handle|see|work with|deal with|processing|reading|"
                r"handling)\w* (?:with )?(?:text|written words)\b"
            ),
            (
                r"\b(?:no|without(?: any)?|isn't any|is not any) (?:audio|sound|recording|clip|file|"
                r"waveform)(?: file)?\b"
                r"[^.;,]{0,20}\b(?:attached|provided|available|supplied|given|shared|included|in (?:this|the|our) "
                r"(?:conversation|chat|prompt|message))\b"
            ),
            (
                r"\b(?:hearing|listening|audio|sound|acoustics?|audio qualities) (?:is|are|lies?) (?:beyond|outside|"
                r"not part of|not among)\b"
            ),
            (
                r"\b(?:training|abilities|capabilities|skills|modalities) (?:do|does|did)(?: not|n't) (?:include|"
                r"cover|extend to)\b"
            ),
            (
                r"\b(?:do not|don't|does not|doesn't) have (?:the |any )?(?:capability|ability|means|"
                r"capacity) (?:to|of|for) (?:hear|listen|perceiv|process)"
            ),
            (
                r"\b(?:cannot|can't|can not|couldn't) (?:literally |actually |truly |really )"
                r"(?:hear|listen|perceive)\b"
            ),
            r"\b(?:without|lacking|no) access to (?:the |this |any )?(?:audio|sound|recording|clip|file)\b",
            r"\bi have no ears\b|\bi only (?:see|have|process|read) (?:the )?text\b",
            r"\b(?:do not|don't) have (?:access to )?(?:the |any )?(?:audio|recording|ears|hearing|auditory)\b",
            r"\bunable to (?:hear|listen|process|access)\b[^.;]{0,160}\b(?:audio|sound|clip|recording)\b",
        )
    ),
    re.IGNORECASE,
)

_GATES = Gates([gate_of(pattern) for pattern in (*PATTERNS.values(), DENIAL)])
_DENYING = len(PATTERNS)
"""The place of the last of these gates."""
_DISMISSED = re.compile(
    r"\b(?:no|not|never|without|rather than|instead of|ignor\w+|regardless of|independent(?:ly)? of|disregard\w*|don't|"
    r"doesn't|isn't|cannot|set(?:ting)? aside|nor|neither|unlike|nothing)\b",
    re.IGNORECASE,
)
GENERIC = re.compile(_GENERIC, re.IGNORECASE)
_MAYBE_GENERIC = re.compile(rf"[a-rt-z]s (?:(?:in|of|from|on|for|at) (?:[a-z]+ ){{1,2}})?(?:{_DOES})\b", re.IGNORECASE)
DISMISSAL_REACH = 45  # characters before a text's name in which it may be set aside


@dataclass(frozen=True, slots=True)
class Surrogates:
    """`share` of the chain's characters in clauses that argue from text; their spans; the codes found."""

    share: float
    spans: tuple[tuple[int, int], ...]
    codes: tuple[str, ...]


NONE = Surrogates(0.0, (), ())


@lru_cache(maxsize=CACHED_CHAINS)
def find_surrogates(reasoning: str) -> Surrogates:
    """The parts of a chain that do not reason from sound. A denial of hearing counts as such a part."""
    total = len(reasoning.strip())
    if not total:
        return NONE
    opened = _open_gates(reasoning)
    generic = _MAYBE_GENERIC.search(reasoning) is not None
    if not (opened or generic):
        return NONE
    spans: list[tuple[int, int]] = []
    codes: list[str] = []
    for sentence in _SENTENCE.finditer(reasoning):
        for start, end in _clauses(sentence.group(), sentence.start()):
            found = _codes(reasoning[start:end], gated=bool(opened), generic=generic)
            if found:
                spans.append((start, end))
                codes += [code for code in found if code not in codes]
    covered = sum(len(reasoning[start:end].strip()) for start, end in spans)
    return Surrogates(min(1.0, covered / total), tuple(spans), tuple(codes))


def _clauses(sentence: str, offset: int) -> list[tuple[int, int]]:
    """Clauses of a sentence between commas and contrasts, with their places in the chain."""
    cuts = [0, *[match.start() for match in _CONTRAST.finditer(sentence)], len(sentence)]
    return [(offset + a, offset + b) for a, b in pairwise(cuts) if sentence[a:b].strip()]


def denies_hearing(text: str) -> bool:
    """Somewhere in the text its writer denies to have heard anything."""
    return _DENYING in _open_gates(text) and DENIAL.search(text) is not None


@lru_cache(maxsize=4)
def _open_gates(text: str) -> tuple[int, ...]:
    """Places of the patterns that a text may match; its denial is looked for twice."""
    return tuple(_GATES.open(stems_of(text)))


def _codes(clause: str, *, gated: bool, generic: bool) -> list[str]:
    """The codes of a clause of a text in which one gate is open, or a statement on things in general may stand."""
    codes = ["generic"] if generic and _MAYBE_GENERIC.search(clause) and GENERIC.match(clause) else []
    opened = _GATES.open(stems(WORDS.findall(clause.lower()))) if gated else []
    if _DENYING in opened and DENIAL.search(clause):
        codes.append("denial")
    for place in opened:
        if place == _DENYING:
            continue
        code = _CODES[place]
        pattern = PATTERNS[code]
        match = pattern.search(clause)
        if match and not _dismissed(clause, match):
            codes.append(code)
    return codes


def _dismissed(clause: str, match: re.Match[str]) -> bool:
    """The text is named in order to set it aside: "not from the caption", "there is no transcript"."""
    return bool(_DISMISSED.search(clause[max(0, match.start() - DISMISSAL_REACH) : match.end()]))
