"""Quantities that stand in no plain value clause: lengths of time ("for three whole seconds nothing happens"), lists of
onsets ("at 0.2, 1.2 and 2.2 s"), intervals without a direction, edges of a band, sounds counted one by one.
"""

import re
from collections.abc import Callable, Iterator

from mgrd.grounding.context import Draft
from mgrd.grounding.lexicon import NUMBER_WORDS

_SMALL = {word: float(number) for number, word in enumerate(NUMBER_WORDS[:13])} | {"a": 1.0, "an": 1.0}
_PARTS = {"half": 0.5, "a quarter of": 0.25, "a third of": 1 / 3, "a tenth of": 0.1, "three quarters of": 0.75}
_PARTS |= {
    "two tenths of": 0.2,
    "three tenths of": 0.3,
    "two thirds of": 2 / 3,
    "a fifth of": 0.2,
    "a hundredth of": 0.01,
}
_NUMBER = rf"(?:\d+(?:\.\d+)?|{'|'.join(sorted(_SMALL, key=len, reverse=True))})"
_ABOUT = (
    r"(?:(?:about|around|roughly|some|nearly|almost|just|under|over|good|only|exactly|approximately|a bit|bit|more than|"
    r"less than|well|a little|the first|the next|the full|a full) )*"
)
_TIME = (
    rf"(?P<time>(?:{_NUMBER}(?: and a half)?|{'|'.join(_PARTS)}|a couple of)(?: a| whole| full| solid| complete)* ?"
    r"(?:seconds?|secs?|s|ms|milliseconds?)\b(?: and a half)?|0:\d\d)"
)
_SOUND = (
    r"(?:sound|tone|beep|note|it|they|noise|hum|click|burst|signal|drone|whistle|pip|blip|tick|hiss|buzz|voice|clap|hit|"
    r"pluck|knock|chirp|bang|thud|pulse)s?"
)
_ENTERS = (
    r"(?:enters?|starts?|begins?|comes? in|sets? in|appears?|turns? up|arrives?|pops? (?:up|out)|kicks? in|is (?:first )?heard|"
    r"occurs?|happens?|comes?|sounds?|takes? over)"
)
_SILENCE = r"(?:silence|nothing(?:ness)?|quiet|stillness|dead air|complete silence|emptiness)"
_HERTZ = r"(?P<hertz>\d+(?:\.\d+)?) ?(?P<unit>k?hz)\b"
_LOW = r"(?P<low>\d+(?:\.\d+)?) ?(?P<low_unit>k?hz)?"
_HIGH = r"(?P<high>\d+(?:\.\d+)?) ?(?P<high_unit>k?hz)\b"
_STEPS = {
    "semitone": 1,
    "whole tone": 2,
    "minor third": 3,
    "major third": 4,
    "fourth": 5,
    "perfect fourth": 5,
    "tritone": 6,
}
_STEPS |= {"fifth": 7, "perfect fifth": 7, "minor sixth": 8, "major sixth": 9, "octave": 12, "perfect octave": 12}
_SIZES = "|".join(sorted(_STEPS, key=len, reverse=True))
_INTERVAL = rf"(?:(?P<many>two|three|four|five|\d+) (?P<unit>octaves|semitones)|(?:an? )?(?:full |whole |exact )?(?P<one>{_SIZES}))"
MIDDLE_C, TUNING_A = 261.63, 440.0
BAND_MIDDLE = 1000.0  # Hz: a cut below it is a band's lower edge
MOST_COUNTED = 20

Found = tuple[str, float, str, dict[str, object]]
"""Fact, value, unit, and what differs of the draft."""


def seconds_of(text: str) -> float:
    """Seconds of "three whole seconds", "500 ms", "half a second", "a second and a half", "0:03"."""
    if text.startswith("0:"):
        return float(text[2:])
    scale = 0.001 if re.search(r"m(?:s|illiseconds?)\b", text) else 1.0
    part = next((size for name, size in _PARTS.items() if text.startswith(name)), None)
    more = 0.5 if "and a half" in text else 0.0
    if part is not None:
        return part * scale
    if text.startswith("a couple of"):
        return 2.0
    number = re.match(_NUMBER, text)
    head = number.group() if number else "1"
    return (_SMALL[head] if head in _SMALL else float(head)) * scale + more


def _onset(match: re.Match[str]) -> Iterator[Found]:
    yield "onset", seconds_of(match["time"]), "s", {}


def _entry(match: re.Match[str]) -> Iterator[Found]:
    yield "onset", seconds_of(match["time"]), "s", {"subject": 1}


def _numbered(match: re.Match[str]) -> Iterator[Found]:
    numbers = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
    yield "onset", seconds_of(match["time"]), "s", {"subject": numbers[match["number"]]}


def _onsets(match: re.Match[str]) -> Iterator[Found]:
    for number in re.findall(r"\d+(?:\.\d+)?", match["list"]):
        yield "onset", float(number), "s", {}


def _pause(match: re.Match[str]) -> Iterator[Found]:
    yield "longest_pause", seconds_of(match["time"]), "s", {}


def _silence(match: re.Match[str]) -> Iterator[Found]:
    yield "gap", seconds_of(match["time"]), "s", {}


def _length(match: re.Match[str]) -> Iterator[Found]:
    yield "duration", seconds_of(match["time"]), "s", {}


def _spacing(match: re.Match[str]) -> Iterator[Found]:
    seconds = seconds_of(match["time"])
    if seconds > 0:
        yield "tempo", 60 / seconds, "BPM", {}


def _rate(match: re.Match[str]) -> Iterator[Found]:
    number = match["number"]
    rate = 60 * (_SMALL[number] if number in _SMALL else float(number))
    yield "tempo", rate, "BPM", {"relation": "above" if match["more"] else "is"}


def _semitones(match: re.Match[str]) -> float:
    if match["one"]:
        return float(_STEPS[match["one"]])
    number = float(_SMALL.get(match["many"], 0.0) or match["many"])
    return number * (12.0 if match["unit"] == "octaves" else 1.0)


def _span(match: re.Match[str]) -> Iterator[Found]:
    yield "event_interval", _semitones(match), "semitones", {}


def _step(match: re.Match[str]) -> Iterator[Found]:
    down = match["way"] in ("descending", "downward", "downwards", "down", "lower", "beneath", "below")
    yield "f0_trend", (-1 if down else 1) * _semitones(match), "semitones", {}


def _edge(match: re.Match[str]) -> Iterator[Found]:
    hertz = float(match["hertz"]) * (1000 if match["unit"] == "khz" else 1)
    yield ("band_low" if hertz < BAND_MIDDLE else "band_high"), hertz, "Hz", {}


def _band(match: re.Match[str]) -> Iterator[Found]:
    for name, number, unit in (("band_low", "low", "low_unit"), ("band_high", "high", "high_unit")):
        scale = 1000 if (match[unit] or match["high_unit"]) == "khz" else 1
        yield name, float(match[number]) * scale, "Hz", {"relation": "is"}


def _fading(match: re.Match[str]) -> Iterator[Found]:
    yield "decay_time", seconds_of(match["time"]), "s", {}


def _middle_c(match: re.Match[str]) -> Iterator[Found]:
    yield "f0_median", MIDDLE_C, "Hz", {"relation": match["way"]}


def _tuning(match: re.Match[str]) -> Iterator[Found]:
    yield "f0_median", TUNING_A, "Hz", {}


def _one(match: re.Match[str]) -> Iterator[Found]:
    yield "event_count", 1.0, "count", {"relation": "count", "claimed": "event_count one"}


def _enumerated(match: re.Match[str]) -> Iterator[Found]:
    said = re.findall(r"[a-z]+|\d+", match.group())
    numbers = [_SMALL[word] if word in _SMALL else float(word) for word in said if word in _SMALL or word.isdigit()]
    if len(numbers) >= 3 and numbers == [float(k) for k in range(1, len(numbers) + 1)]:
        number = int(numbers[-1])
        yield (
            "event_count",
            numbers[-1],
            "count",
            {"relation": "count", "claimed": f"event_count {NUMBER_WORDS[number]}"},
        )


def _count(number: int) -> Found:
    return (
        "event_count",
        float(number),
        "count",
        {"relation": "count", "claimed": f"event_count {NUMBER_WORDS[number]}"},
    )


def _ordinals(match: re.Match[str]) -> Iterator[Found]:
    named = 2 + sum(bool(match[name]) for name in ("third", "fourth", "fifth"))
    if named > 2:
        yield _count(named)


def _final(match: re.Match[str]) -> Iterator[Found]:
    yield _count({"second": 2, "third": 3, "fourth": 4, "fifth": 5}[match["last"] or match["end"]])


def _alternating(match: re.Match[str]) -> Iterator[Found]:
    number = len(re.findall(rf"\b{match['sound']}\b", match.group()))
    if match["total"]:
        yield _count(int(_SMALL[match["total"].split()[-1].lstrip(":,")]))
    elif number <= MOST_COUNTED:
        words = NUMBER_WORDS[number]
        yield "event_count", number - 1.0, "count", {"relation": "above", "claimed": f"event_count at least {words}"}


def _halved(match: re.Match[str]) -> Iterator[Found]:
    sizes = {"hal": -12.0, "dou": 12.0, "tri": 19.0, "qua": 24.0}
    yield "f0_trend", sizes[(match["way"] or match["was"])[:3]], "semitones", {}


def _level(_: re.Match[str]) -> Iterator[Found]:
    yield "f0_trend", 0.0, "semitones", {}


_RULES: tuple[tuple[str, str, Callable[[re.Match[str]], Iterator[Found]]], ...] = (
    ("second s ms 0", rf"\b{_SOUND} (?:\w+ )?{_ENTERS}(?: only| just)? (?:at|after|around|near|about|from|a bit after|just after|by) {_ABOUT}{_TIME}", _onset),
    ("second s ms 0", rf"\b(?:at|after|around|a bit after|just after|from|shortly after|near) {_ABOUT}{_TIME}(?: on)?,? (?:a|an|the|one|another) (?:[\w-]+ ){{0,3}}{_SOUND} (?:\w+ )?{_ENTERS}", _onset),
    ("second s ms", rf"\b(?:for|during) {_ABOUT}{_TIME},? (?:absolutely |literally )?(?:nothing|no sound|there(?:'s| is) (?:nothing|{_SILENCE}|no sound)|it(?:'s| is) silent|all is silent)", _silence),
    ("second seconds ms", rf"\bthe first {_TIME}(?: or so)?(?: of the (?:clip|file|recording|audio))?(?: is| are|'s) (?:\w+ly )?(?:silent|silence|empty|blank|quiet)\b", _entry),
    ("second s ms", rf"{_TIME}(?:'s worth)? of {_SILENCE}(?= (?:at (?:the )?(?:start|beginning|first|outset)|before|and then|then|comes first|opens)|, (?:a|an|one|the) )", _silence),
    ("second s ms", rf"\b(?:starts|begins|opens) with {_ABOUT}{_TIME} of {_SILENCE}\b", _entry),
    ("second s ms", rf"{_TIME} before the (?:first |only )?{_SOUND}\b", _silence),
    ("second s ms", rf"\b(?P<number>first|second|third|fourth|last) (?:one |{_SOUND} )?(?:\w+ly )?(?:comes|starts|is|arrives|begins|falls|lands|appears)(?: in)? (?:at|after|around) {_ABOUT}{_TIME}", _numbered),
    ("0 1 2 3 4 5 6 7 8 9", r"\b(?:at|near|around|on) (?:about |roughly )?(?P<list>\d+(?:\.\d+)?(?:, \d+(?:\.\d+)?)*,? and \d+(?:\.\d+)?) ?(?:s|seconds?|secs?)\b", _onsets),
    ("silence pause gap hole break wait", rf"\b(?:silence|pause|gap|hole|break|breather|blank)(?: in between| between them)? (?:of|lasting|lasts|is|that lasts) {_ABOUT}{_TIME}", _pause),
    ("second s ms", rf"{_TIME}(?:'s worth)? of (?:dead |complete |total |pure |utter )?{_SILENCE}(?= (?:in between|between|separat|divid|in the middle|splitting))", _pause),
    ("second s ms", rf"{_TIME}(?:'s worth)? of (?:dead |complete |total |pure |utter )?{_SILENCE}(?=[.;,]|$| follow)", _silence),
    ("second s ms", rf"\b(?:tone|note|beep|burst|hum|whistle|one|each|they|blips?|beeps|tones|notes|bursts|noise|static|drone|sound|it|signal)(?: of them)?(?: is| are|'s|'re)?(?: then)? (?:lasts?|lasting|goes on|held|sustained|kept up|on|long)(?: for)? {_ABOUT}{_TIME}", _length),
    ("each apiece long", rf"\beach (?:of them )?(?:lasting |held for |going on for )?{_ABOUT}{_TIME}(?: long)?(?=[.,;]|$| long| apiece)|{_TIME.replace('?P<time>', '?P<other>')} apiece\b", lambda m: iter([("duration", seconds_of(m["time"] or m["other"]), "s", {})])),
    ("spacing interval gap grid period spaced intervals gaps", rf"\b(?:spacing|inter-onset interval|interval|gaps|period|grid|ioi)s?(?: between (?:the |them)?\w*)?(?: is| are|'s| =|:| of| at| measures?)+ ?(?:always |exactly |the same )*{_ABOUT}{_TIME}", _spacing),
    ("second", rf"\b(?P<number>{_NUMBER})(?P<more> or more| at least)?(?: or so)? to the second\b", _rate),
    ("second", rf"\b(?:about |roughly |around )(?P<number>{_NUMBER})(?P<more>) (?:every|each) second\b", _rate),
    ("octave octaves semitone semitones third fifth fourth sixth tritone", rf"\b(?:leap|jump|interval|skip|distance|step|drop|gap)s?(?: (?:between|from) (?:them|the \w+(?: \w+)?(?: (?:and|to) the \w+(?: \w+)?)?))?(?: is| of| spans| covers|:)+ (?:exactly |about |roughly |a full )*{_INTERVAL}\b", _span),
    ("octave fifth fourth third semitone sixth", rf"\b(?P<one>{_SIZES}),? (?P<way>descending|ascending|downwards?|upwards?)\b(?P<many>)(?P<unit>)", _step),
    ("hz khz", rf"\b(?:cut(?:s|ting)?(?: off)?|cut-?off|cliff|rolls? off|roll-off|limited|filtered|stops?|brick ?wall|edge)(?: is| sits)? (?:at|around|near|below|above) {_ABOUT}{_HERTZ}", _edge),
    ("hz khz", rf"\b(?:everything|anything|all|frequencies|content|energy|nothing|no energy)[^.;]{{0,20}} below {_ABOUT}{_LOW}[^.;]{{0,20}}\babove {_ABOUT}{_HIGH}", _band),
    ("hz khz", rf"\b(?:everything|energy|content|spectrum|sound|frequencies|signal|limited|restricted|confined)[^.;]{{0,30}} (?:between|from|to) {_ABOUT}{_LOW} (?:and|to|-|–) {_ABOUT}{_HIGH}", _band),
    ("second s ms", rf"\b(?:takes?|taking|needs?) {_ABOUT}{_TIME} to (?:fully )?(?:disappear|die|fade|decay|vanish|fall silent|subside|ring out|dissolve)", _fading),
    ("c", r"\b(?:well|far|just|not far|a bit|slightly|way|somewhat|high|a little|somewhere|lies|sits|is) (?P<way>above|below) middle c\b", _middle_c),
    ("tuning concert orchestra oboe", r"\b(?:tuning|concert|(?:orchestra|oboe)(?:'s)?(?: tuning)?|concert pitch) a\b(?!\d)", _tuning),
    ("second transient hit attack", r"\b(?:isn't|is no|never|not|no|without) (?:a |any )?second (?:transient|hit|attack|onset|sound|beep|clap|note|event|click|impulse|tone)\b", _one),
    ("second", rf"\bfirst (?P<noun>{_SOUND}),? (?:then |and )?(?:the )?second (?P=noun)(?:,? (?:then |and )?(?:the )?(?P<third>third) (?P=noun))?(?:,? (?:then |and )?(?:the )?(?P<fourth>fourth) (?P=noun))?(?P<fifth>,? (?:and |then )?(?:the )?fifth (?P=noun))?", _ordinals),
    ("third fourth", rf"\b(?:a|one) {_SOUND},? (?:and )?then another(?: one)?,? (?:and )?then a (?P<last>third|fourth)\b|\bafter the (?P<end>third|fourth|second|fifth)(?: {_SOUND})?,? (?:there is |there's )?nothing\b", _final),
    ("silence pause gap", rf"\b(?P<sound>noise|sound|tone|beep|click|burst|note|hiss|pip)(?:, (?:silence|pause|gap|nothing|quiet), (?P=sound))+\b(?P<total>)", _alternating),
    ("sound beep click tone note pip pluck tick knock tap", r"\b(?P<sound>sound|beep|click|tone|note|pip|pluck|tick|knock|tap|ding)(?:(?:,|\.\.\.|…|;) ?(?:and )?(?P=sound)\b){2,}(?P<total>(?::|,| -| –) ?(?:that makes |so )?(?:two|three|four|five|six|seven|eight)\b)?", _alternating),
    ("halved halves doubled doubles quadrupled quadruples tripled triples", r"\b(?:pitch|frequency|note|tone|f0) (?:is |gets )?(?:has )?(?P<way>halved|halves|doubled|doubles|quadrupled|quadruples|tripled|triples)\b|\b(?:pitch|frequency|note|tone|f0) has (?P<was>halved|doubled|quadrupled|tripled)\b", _halved),
    ("same where", r"\b(?:begins?|starts?)[^.;,]{0,15} and (?:ends?|finish(?:es)?|closes?) (?:up )?(?:on|at|with) (?:exactly )?the same (?:note|pitch|frequency|tone)|\bends? (?:up )?(?:about |exactly |roughly |right )?where it (?:began|started|set out)\b", _level),
    ("three 3", rf"\b(?:one|1)(?:(?:,|\.\.\.|…|;| -| and|,? then)+ ?(?:{_NUMBER})){{2,{MOST_COUNTED}}}\b", _enumerated),
)  # fmt: skip
RULES = tuple((frozenset(needs.split()), re.compile(pattern), read) for needs, pattern, read in _RULES)
_BY_NEED: dict[str, list[int]] = {}
for _place, (_needs, _, _) in enumerate(RULES):
    for _need in _needs:
        _BY_NEED.setdefault(_need, []).append(_place)
_BY_NEED["seconds"] = _BY_NEED["second"]
_DENIED = re.compile(r"(?:\b(?:not|never|no|without|nor)|n't)(?: \w+)?\s*$")
_LESS = re.compile(r"\b(?:less than|under|below|at most|within)\b")
_MORE = re.compile(r"\b(?:more than|over|above|at least|well over)\b")


def read_quantities(sentence: str, words: frozenset[str], start: int) -> list[Draft]:
    """Drafts of the quantities in a sentence, in lower case, that begins at character `start` of its text."""
    drafts: list[Draft] = []
    for place in sorted({place for word in words for place in _BY_NEED.get(word, ())}):
        _, pattern, read = RULES[place]
        for match in pattern.finditer(sentence):
            for name, value, unit, more in read(match):
                drafts.append(_draft(sentence, match, start, name, value, unit) | more)
    return drafts


def _draft(sentence: str, match: re.Match[str], offset: int, name: str, value: float, unit: str) -> Draft:
    begin, end = match.span()
    said = match.group()
    relation = "below" if _LESS.search(said) else "above" if _MORE.search(said) else "is"
    shown = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
    return {
        "start": offset + begin,
        "end": offset + end,
        "attribute": name,
        "relation": relation,
        "claimed": f"{name} {'' if relation == 'is' else relation + ' '}{shown} {unit}",
        "value": value,
        "unit": unit,
        "negated": _DENIED.search(sentence[max(0, begin - 20) : begin]) is not None,
    }
