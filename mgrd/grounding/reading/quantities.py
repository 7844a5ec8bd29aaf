"""Quantities that stand in no plain value clause: lengths of time ("for three whole seconds nothing happens"), lists of
onsets ("at 0.2, 1.2 and 2.2 s"), intervals without a direction, edges of a band, sounds counted one by one.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from mgrd.grounding.reading.drafts import Draft, count_said, of_period, value_said
from mgrd.grounding.reading.gates import Gate, Gates, gate_of
from mgrd.grounding.reading.lexicon import NUMBER_WORDS
from mgrd.grounding.reading.note_names import INTERVALS, MIDDLE_C, TUNING_A

_FILE = tomllib.loads(Path(__file__).with_name("quantities.toml").read_text(encoding="utf-8"))
_SMALL = {word: float(number) for number, word in enumerate(NUMBER_WORDS[:13])} | {"a": 1.0, "an": 1.0}
_TENS = {"fifteen": 15.0, "twenty": 20.0, "thirty": 30.0, "forty": 40.0}
_PARTS = {"half": 0.5, "a quarter of": 0.25, "a third of": 1 / 3, "a tenth of": 0.1, "three quarters of": 0.75}
_PARTS |= {
    "two tenths of": 0.2,
    "three tenths of": 0.3,
    "two thirds of": 2 / 3,
    "a fifth of": 0.2,
    "a hundredth of": 0.01,
}
_PARTS |= {
    f"{word} {part}s of": number / size
    for word, number in _SMALL.items()
    if 1 < number < 10
    for part, size in (("tenth", 10), ("fifth", 5), ("quarter", 4), ("third", 3))
}
_NUMBER = rf"(?:\d+(?:\.\d+)?|{'|'.join(sorted(_SMALL, key=len, reverse=True))})"
_TIME = (
    rf"(?<!tenths of )(?<!thirds of )(?<!quarters of )(?<!fifths of )"
    rf"(?P<time>(?:{'|'.join(_PARTS)}|{_NUMBER}(?: and a half)?|a couple of)(?: a| whole| full| solid| complete)* ?"
    r"(?:seconds?|secs?|s|ms|milliseconds?)\b(?: and a half)?|0:\d\d)"
)
_STEPS = {
    **{name: INTERVALS[name] for name in ("semitone", "whole tone", "fourth", "fifth", "tritone", "octave")},
    **{name: INTERVALS[name] for name in ("minor third", "major third", "minor sixth", "major sixth")},
    **{f"perfect {name}": INTERVALS[name] for name in ("fourth", "fifth", "octave")},
}
"""Semitones of the intervals that need no direction: those whose name says their size."""
_SIZES = "|".join(sorted(_STEPS, key=len, reverse=True))
_INTERVAL = (
    r"(?:(?P<many>two|three|four|five|\d+) (?P<unit>octaves|semitones)|"
    rf"(?:an? )?(?:full |whole |exact )?(?P<one>{_SIZES}))"
)
BAND_MIDDLE = 1000.0  # Hz: a cut below it is a band's lower edge
MOST_COUNTED = 20
LIMIT_SLACK = 1.3  # within which an edge of a spectrum is the one that was named
LEAST_PACKED = 0.75  # of a rate that is counted within a rounded time

Found = tuple[str, float, str, dict[str, object]]
"""Fact, value, unit, and what differs of the draft."""
Reader = Callable[[re.Match[str]], Iterator[Found]]


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
    return number_of(number.group() if number else "1") * scale + more


def number_of(text: str) -> float:
    """The number of "three", "a" or "2.5"."""
    return _SMALL[text] if text in _SMALL else float(text)


def _lasting(name: str) -> Reader:
    """The reader of a fact that is a length of time, or a moment."""

    def read(match: re.Match[str]) -> Iterator[Found]:
        yield name, seconds_of(match["time"]), "s", {}

    return read


def _entry(match: re.Match[str]) -> Iterator[Found]:
    yield "onset", seconds_of(match["time"]), "s", {"subject": 1}


def _numbered(match: re.Match[str]) -> Iterator[Found]:
    numbers = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
    yield "onset", seconds_of(match["time"]), "s", {"subject": numbers[match["number"]]}


def _onsets(match: re.Match[str]) -> Iterator[Found]:
    for number in re.findall(r"\d+(?:\.\d+)?", match["list"]):
        yield "onset", float(number), "s", {}


def _spacing(match: re.Match[str]) -> Iterator[Found]:
    seconds = seconds_of(match["time"])
    if seconds > 0:
        yield "tempo", 60 / seconds, "BPM", {}


def _syllables(match: re.Match[str]) -> Iterator[Found]:
    yield _so_many("syllable_count", match["number"] or match["total"], match["bound"])


def _so_many(name: str, number: str, bound: str | None) -> Found:
    """A count, or a bound of one: "at least five" is more than four."""
    value = number_of(number)
    if bound is None:
        return name, value, "count", {"relation": "count"}
    return name, value - (bound == "at least") + (bound == "at most"), "count", {}


def _whole(text: str) -> int:
    """The number of "three" or "3"; of more digits than anybody counts, one that is too large."""
    return int(min(number_of(text), MOST_COUNTED + 1.0))


def _times(match: re.Match[str]) -> Iterator[Found]:
    number = 2 if match["twice"] else _whole(match["number"])
    if 0 < number <= MOST_COUNTED:
        yield _count(number)


def _ratio(_: re.Match[str]) -> Iterator[Found]:
    yield "event_interval", 12.0, "semitones", {}


def _limit(match: re.Match[str]) -> Iterator[Found]:
    """ "Nothing above 4 kHz", "very little below 200 Hz"."""
    hertz = float(match["hertz"]) * (1000 if match["unit"] == "khz" else 1)
    upper = match["side"] in ("above", "beyond", "over")
    little = "little" in match["how"] or match["how"] == "not much"
    name = ("spectral_rolloff" if little else "band_high") if upper else "band_low"
    if upper or not little:
        relation = "below" if upper else "above"
        said = f"{name} {relation} {hertz:.0f} Hz"
        yield name, hertz * (LIMIT_SLACK if upper else 1 / LIMIT_SLACK), "Hz", {"relation": relation, "claimed": said}


def _within(match: re.Match[str]) -> Iterator[Found]:
    yield "onset", seconds_of(match["time"]), "s", {"relation": "below", "subject": 1}


def _cycles(match: re.Match[str]) -> Iterator[Found]:
    yield _so_many("cycle_count", match["number"], match["bound"])


def _packed(match: re.Match[str]) -> Iterator[Found]:
    """ "Twelve beeps packed into about three seconds": a pulse not much slower than that."""
    seconds = seconds_of(match["time"])
    if seconds > 0:
        rate = 60 * number_of(match["number"]) / seconds
        yield "tempo", LEAST_PACKED * rate, "BPM", {"relation": "above"}


def _rate(match: re.Match[str]) -> Iterator[Found]:
    rate = 60 * number_of(match["number"])
    yield "tempo", rate, "BPM", {"relation": "above" if match["more"] else "is"}


def _semitones(match: re.Match[str]) -> float:
    if match["one"]:
        return _STEPS[match["one"]]
    return number_of(match["many"]) * (12.0 if match["unit"] == "octaves" else 1.0)


def _span(match: re.Match[str]) -> Iterator[Found]:
    named = match.groupdict()
    size = named.get("one2") or named.get("one3")
    yield "event_interval", _STEPS[size] if size else _semitones(match), "semitones", {}


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


def _middle_c(match: re.Match[str]) -> Iterator[Found]:
    yield "f0_median", MIDDLE_C, "Hz", {"relation": match["way"]}


def _tuning(_: re.Match[str]) -> Iterator[Found]:
    yield "f0_median", TUNING_A, "Hz", {}


def _enumerated(match: re.Match[str]) -> Iterator[Found]:
    said = re.findall(r"[a-z]+|\d+", match.group())
    numbers = [number_of(word) for word in said if word in _SMALL or word.isdigit()]
    if len(numbers) >= 3 and numbers == [float(k) for k in range(1, len(numbers) + 1)]:
        yield _count(len(numbers))


def _count(number: int) -> Found:
    return "event_count", float(number), "count", {"relation": "count", "claimed": count_said("event_count", number)}


def _ordinals(match: re.Match[str]) -> Iterator[Found]:
    named = 2 + sum(bool(match[name]) for name in ("third", "fourth", "fifth"))
    if named > 2:
        yield _count(named)


def _final(match: re.Match[str]) -> Iterator[Found]:
    yield _count({"second": 2, "third": 3, "fourth": 4, "fifth": 5}[match["last"] or match["end"]])


def _alternating(match: re.Match[str]) -> Iterator[Found]:
    number = len(re.findall(rf"\b{match['sound']}\b", match.group()))
    if match["total"]:
        yield _count(int(number_of(re.findall("[a-z]+", match["total"])[-1])))
    elif number <= MOST_COUNTED:
        words = NUMBER_WORDS[number]
        yield "event_count", number - 1.0, "count", {"relation": "above", "claimed": f"event_count at least {words}"}


def _halved(match: re.Match[str]) -> Iterator[Found]:
    sizes = {"hal": -12.0, "dou": 12.0, "tri": 19.0, "qua": 24.0}
    yield "f0_trend", sizes[(match["way"] or match["was"])[:3]], "semitones", {}


def _level(_: re.Match[str]) -> Iterator[Found]:
    yield "f0_trend", 0.0, "semitones", {}


def _silent_range(match: re.Match[str]) -> Iterator[Found]:
    seconds = float(match["until"]) - float(match["from"])
    if seconds > 0:
        yield "gap", seconds, "s", {}


def _bare_tempo(match: re.Match[str]) -> Iterator[Found]:
    yield "tempo", float(match["bpm"]), "BPM", {}


def _between(match: re.Match[str]) -> Iterator[Found]:
    """ "Sweeps between 300 and 1200 Hz": the lowest and the highest pitch."""
    for name, number, unit in (("f0_low", "low", "low_unit"), ("f0_high", "high", "high_unit")):
        scale = 1000 if (match[unit] or match["high_unit"]) == "khz" else 1
        yield name, float(match[number]) * scale, "Hz", {"relation": "is"}


def _step_db(match: re.Match[str]) -> Iterator[Found]:
    said = match["db"]
    size = _TENS[said] if said in _TENS else number_of(said)
    down = match["kind"] in ("drop", "fall", "decrease", "dip", "quieter", "softer", "weaker")
    yield "loudness_trend", -size if down else size, "dB", {}


def _one(_: re.Match[str]) -> Iterator[Found]:
    yield _count(1)


def _ratio_of(match: re.Match[str]) -> Iterator[Found]:
    sizes = {"double": 12.0, "twice": 12.0, "half": 12.0, "triple": 19.0, "three times": 19.0}
    yield "event_interval", sizes.get(match["ratio"], 24.0), "semitones", {}


def _counted(match: re.Match[str]) -> Iterator[Found]:
    number = _whole(match["number"])
    if 1 < number <= MOST_COUNTED:
        yield _count(number)


def _syllable_pace(match: re.Match[str]) -> Iterator[Found]:
    yield "syllable_rate", number_of(match["number"]), "1/s", {"relation": "above"} if match["more"] else {}


_READERS: dict[str, Reader] = {
    "onset": _lasting("onset"),
    "silence": _lasting("gap"),
    "entry": _entry,
    "numbered": _numbered,
    "onsets": _onsets,
    "pause": _lasting("longest_pause"),
    "length": _lasting("duration"),
    "spacing": _spacing,
    "syllables": _syllables,
    "cycles": _cycles,
    "times": _times,
    "ratio": _ratio,
    "limit": _limit,
    "within": _within,
    "packed": _packed,
    "rate": _rate,
    "bare_tempo": _bare_tempo,
    "between": _between,
    "step_db": _step_db,
    "silent_range": _silent_range,
    "ratio_of": _ratio_of,
    "counted": _counted,
    "syllable_pace": _syllable_pace,
    "span": _span,
    "step": _step,
    "edge": _edge,
    "band": _band,
    "fading": _lasting("decay_time"),
    "middle_c": _middle_c,
    "tuning": _tuning,
    "one": _one,
    "ordinals": _ordinals,
    "final": _final,
    "alternating": _alternating,
    "halved": _halved,
    "level": _level,
    "enumerated": _enumerated,
}


Rule = tuple[re.Pattern[str], Gate, Reader]


def _rules() -> tuple[Rule, ...]:
    slots = _FILE["slots"] | {"number": _NUMBER, "time": _TIME, "sizes": _SIZES, "interval": _INTERVAL}

    def read(rule: dict[str, str]) -> Rule:
        text = rule["pattern"]
        for name, slot in slots.items():
            text = text.replace(f"{{{name}}}", slot)
        pattern = re.compile(text)
        return pattern, gate_of(pattern), _READERS[rule["reader"]]

    return tuple(read(rule) for rule in _FILE["rule"])


RULES = _rules()
_GATES = Gates([gate for _, gate, _ in RULES])
_DENIED = re.compile(r"(?:\b(?:not|never|no|without|nor)|n't)(?: \w+)?\s*$")
_LESS = re.compile(r"\b(?:less than|fewer than|under|below|shy of|at most|within)\b")
_MORE = re.compile(r"\b(?:more than|over|above|at least|well over)\b")


def read_quantities(sentence: str, said: frozenset[str], start: int) -> list[Draft]:
    """Drafts of the quantities in a sentence, in lower case, that begins at character `start` of its text.

    `said` are the beginnings of its words.
    """
    drafts: list[Draft] = []
    for place in _GATES.open(said):
        pattern, _, read = RULES[place]
        for match in pattern.finditer(sentence):
            for name, value, unit, more in read(match):
                draft = _draft(sentence, match, start, name, value, unit) | more
                drafts.append(of_period(draft) if read is _spacing else draft)
    return drafts


def _draft(sentence: str, match: re.Match[str], offset: int, name: str, value: float, unit: str) -> Draft:
    begin, end = match.span()
    said = match.group()
    relation = "below" if _LESS.search(said) else "above" if _MORE.search(said) else "is"
    return {
        "start": offset + begin,
        "end": offset + end,
        "attribute": name,
        "relation": relation,
        "claimed": value_said(name, relation, value, unit),
        "value": value,
        "unit": unit,
        "negated": _DENIED.search(sentence[max(0, begin - 20) : begin]) is not None,
    }
