"""Numbers with units, and note names, in a clause: which fact they speak of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite, log2

from mgrd.grounding.context import Clause, Draft
from mgrd.grounding.lexer import Item
from mgrd.grounding.times import Time

_UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("hz", "hertz"), ("Hz", 1.0)),
    **dict.fromkeys(("khz", "kilohertz"), ("Hz", 1000.0)),
    **dict.fromkeys(("bpm", "beats per minute"), ("BPM", 1.0)),
    **dict.fromkeys(("db", "decibel", "decibels"), ("dB", 1.0)),
    "dbfs": ("dBFS", 1.0),
    "lufs": ("LUFS", 1.0),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("s", 1.0)),
    **dict.fromkeys(("ms", "milliseconds"), ("s", 0.001)),
    **dict.fromkeys(("semitone", "semitones"), ("semitones", 1.0)),
    **dict.fromkeys(("octave", "octaves"), ("semitones", 12.0)),
}
_BEATS = frozenset({"beats", "pulses", "clicks", "notes", "strikes", "taps", "hits", "ticks", "events", "beeps"})
_ABOVE = frozenset({"above", "over", "exceeds", "exceeding", "beyond", "least", "faster", "higher", "more"})
_BELOW = frozenset({"below", "under", "less", "most", "fewer", "slower", "lower"})
_UP = frozenset({"rise", "increase", "swell", "rising", "high", "loud", "swelling"})
_DOWN = frozenset({"fall", "decrease", "fade", "falling", "low", "quiet", "fading"})
_NOT_OF_THE_SOUND = frozenset({"sampling", "sampled", "sample", "bit", "kbps", "window", "frame"})
_RANGE = frozenset({"to", "and", "-", "–", "or", "until"})
_SEMITONE = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
WIDEST_RANGE = 4.0  # semitones of "between 200 and 240 Hz" that still name one pitch
EDGE_SHARE = 0.15  # of the clip that "begins at" and "ends at" speak of
LOOK_BACK = 3  # words before a value that may say above or below


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its unit at items [first, last]; `low` differs from `value` for a range."""

    clause: Clause
    first: int
    last: int
    low: float
    value: float
    unit: str
    topics: frozenset[str]

    @property
    def middle(self) -> float:
        return (self.low + self.value) / 2

    @property
    def words(self) -> set[str]:
        return {item.word for item in self.clause.items}

    @property
    def move(self) -> float:
        """1 where the clause speaks of rising, -1 of falling, else 0."""
        said = {item.value for item in self.clause.items if item.kind in ("verb", "quality", "trend")}
        return 1.0 if said & _UP else -1.0 if said & _DOWN else 0.0

    def draft(self, name: str, value: float, unit: str | None = None) -> Draft:
        return draft_value(self.clause, self.first, self.last, name, value, unit or self.unit)


def read_values(clause: Clause, topic: str | None) -> Iterator[Draft]:
    """Drafts of values with units and of note names in a clause; `topic` is what was spoken of before."""
    items = clause.items
    if any(item.word in _NOT_OF_THE_SOUND for item in items):
        return
    topics = frozenset(item.value for item in items if item.kind == "topic") or frozenset({topic or ""})
    taken = -1
    for index, item in enumerate(items):
        if index <= taken:
            continue
        note = _note(items, index)
        if note is not None:
            taken = note[1]
            yield draft_value(clause, index, taken, "f0_median", note[0], "Hz")
        elif item.kind == "number" and not _opens_range(items, index) and (value := _value(clause, index, topics)):
            taken = value.last
            draft = _ASSIGN[value.unit](value)
            if draft is not None:
                yield draft


def number_of(item: Item) -> float | None:
    """The number that an item writes, or None."""
    return float(item.value) if item.kind == "number" else None


def _value(clause: Clause, index: int, topics: frozenset[str]) -> Value | None:
    """The value that begins at a number, or None when no unit follows it."""
    items = clause.items
    number = number_of(items[index])
    unit = _unit(items, index + 1)
    if number is None or unit is None or not isfinite(number):
        return None
    name, factor, last = unit
    sign = -1.0 if index and items[index - 1].word in ("-", "−", "minus") and name in ("dBFS", "LUFS", "dB") else 1.0
    value = sign * number * factor
    low, first = value, index
    if index >= 2 and items[index - 1].word in _RANGE and sign > 0:
        before = number_of(items[index - 2])
        if before is not None and isfinite(before):
            low, first = before * factor, index - 2
    if index >= 3 and items[index - 1].word in _RANGE and low == value and (unit := _unit(items, index - 2)):
        before = number_of(items[index - 3])
        if before is not None and isfinite(before) and unit[0] == name:
            low, first = before * unit[1], index - 3
    return Value(clause, first, last, low, value, name, topics)


def _opens_range(items: tuple[Item, ...], index: int) -> bool:
    """ "200 Hz" of "200 Hz to 450 Hz": the second number speaks for both."""
    unit = _unit(items, index + 1)
    if unit is None or unit[2] + 2 >= len(items) or items[unit[2] + 1].word not in _RANGE:
        return False
    other = _unit(items, unit[2] + 3)
    return items[unit[2] + 2].kind == "number" and other is not None and other[0] == unit[0]


def _unit(items: tuple[Item, ...], at: int) -> tuple[str, float, int] | None:
    """(unit, factor, index of its last item)."""
    words = [item.word for item in items[at : at + 3]]
    if len(words) == 3 and words[1] == "per" and words[2] in ("second", "s"):
        if words[0] in _BEATS:
            return "BPM", 60.0, at + 2
        if words[0] == "syllables":
            return "1/s", 1.0, at + 2
    if words and words[0] in _UNITS:
        unit, factor = _UNITS[words[0]]
        return unit, factor, at
    return None


def _hertz(value: Value) -> Draft | None:
    if value.low != value.value and min(value.low, value.value) > 0:
        interval = 12 * log2(value.value / value.low)
        if value.move or "from" in value.words:
            return value.draft("f0_trend", interval, "semitones")
        if abs(interval) > WIDEST_RANGE:
            return None
    if value.words & {"centroid", "spectral centroid"}:
        return value.draft("spectral_centroid", value.middle)
    if "vibrato" in value.topics:
        return value.draft("vibrato_rate", value.middle)
    if value.topics & {"timbre", "treble", "recording", "noise", "background", "room", "tempo", "hiss"}:
        return None
    return value.draft("f0_median", value.middle)


def _decibels(value: Value) -> Draft | None:
    if value.topics & {"snr", "noise", "background"} and not value.move:
        return value.draft("snr", value.middle)
    if value.move and value.topics & {"loudness", "sound", "it"}:
        return value.draft("loudness_trend", value.move * abs(value.middle))
    return None


def _seconds(value: Value) -> Draft | None:
    if "reverb" in value.topics:
        return value.draft("decay_time", value.middle)
    near = value.clause.items[max(0, value.first - 4) : value.last + 3]
    if "pause" in value.topics and any(item.value == "pause" for item in near):
        return value.draft("longest_pause", value.middle)
    if value.words & {"lasts", "duration", "long", "length"} and value.topics & {"recording", "sound", "it", ""}:
        return value.draft("duration", value.middle)
    return None


_ASSIGN: dict[str, Callable[[Value], Draft | None]] = {
    "Hz": _hertz,
    "dB": _decibels,
    "s": _seconds,
    "BPM": lambda value: value.draft("tempo", value.middle),
    "1/s": lambda value: value.draft("syllable_rate", value.middle),
    "dBFS": lambda value: value.draft("rms", value.middle),
    "LUFS": lambda value: value.draft("loudness", value.middle),
    "semitones": lambda value: value.draft("f0_trend", value.move * abs(value.middle)) if value.move else None,
}


def _note(items: tuple[Item, ...], index: int) -> tuple[float, int] | None:
    """Frequency (Hz, A4 = 440) of a note name such as "A4" or "C#5", and the index of its last item."""
    semitone = _SEMITONE.get(items[index].word)
    if semitone is None or index + 1 >= len(items):
        return None
    at = index + 1
    if items[at].word in ("#", "♯", "♭"):
        semitone, at = semitone + (-1 if items[at].word == "♭" else 1), at + 1
    octave = items[at] if at < len(items) else None
    if (
        octave is None
        or octave.start != items[at - 1].end
        or octave.word not in ("1", "2", "3", "4", "5", "6", "7", "8")
    ):
        return None
    return 440.0 * 2 ** ((12 * (int(octave.word) + 1) + semitone - 69) / 12), at


def draft_value(clause: Clause, first: int, last: int, name: str, value: float, unit: str) -> Draft:
    """The draft of a value claim; words just before it may turn it into a bound."""
    items = clause.items
    before = {item.word for item in items[max(0, first - LOOK_BACK) : first]}
    relation = "below" if before & _BELOW else "above" if before & _ABOVE else "is"
    time = next((item.time for item in items if item.kind == "time"), None) or _edge(items[:first])
    shown = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
    bound = "" if relation == "is" else f"{relation} "
    return {
        "start": items[first].start,
        "end": items[last].end,
        "attribute": name,
        "relation": relation,
        "claimed": f"{name} {bound}{shown} {unit}",
        "value": value,
        "unit": unit,
        "negated": sum(item.kind == "negation" for item in items[:first]) % 2 == 1,
        "weight": 0.5 ** sum(item.kind == "hedge" for item in items),
        "time_start": time[0] if time else None,
        "time_end": time[1] if time else None,
        "time_unit": time[2] if time else None,
    }


def _edge(before: tuple[Item, ...]) -> Time | None:
    """ "begins around 200 Hz", "ends near 450 Hz": a value of an edge only."""
    verb = next((item.value for item in reversed(before) if item.kind == "verb"), None)
    return (0.0, EDGE_SHARE, "share") if verb == "begin" else (1 - EDGE_SHARE, 1.0, "share") if verb == "end" else None
