"""Numbers with units, and note names, in a clause: which fact they speak of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite, log2

from mgrd.grounding.reading.context import Clause
from mgrd.grounding.reading.drafts import HEDGE_WEIGHT, Draft, of_period, value_said
from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.lexicon import word_set
from mgrd.grounding.reading.note_names import INTERVALS, NOTE_WORDS, note_at
from mgrd.grounding.reading.times import Time

UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("hz", "hertz", "cycles per second"), ("Hz", 1.0)),
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
BEATS = frozenset(
    {"beats", "pulses", "clicks", "notes", "strikes", "taps", "hits", "ticks", "events", "beeps", "click", "beat"}
    | {"beep", "pulse", "note", "tick", "tap", "strike", "sounds", "tones", "knocks", "plucks", "bursts"}
)
_ABOVE = frozenset({"above", "over", "exceeds", "exceeding", "beyond", "least", "faster", "higher", "more"})
_BELOW = frozenset({"below", "under", "less", "most", "fewer", "slower", "lower"})
_UP = frozenset({"rise", "increase", "swell", "rising", "high", "loud", "swelling"})
_UP_WORDS = frozenset({"up", "above", "upward", "upwards"})
_DOWN_WORDS = frozenset({"down", "below", "downward", "downwards"})
_DOWN = frozenset({"fall", "decrease", "fade", "falling", "low", "quiet", "fading"})
_NOT_OF_THE_SOUND = frozenset({"sampling", "sampled", "sample", "bit", "kbps", "window", "frame"})
_RANGE = frozenset({"to", "and", "-", "–", "or", "until", "->", "→", "up to", "down to"})
_PER_SECOND: dict[str, tuple[str, float]] = {
    "syllables": ("1/s", 1.0),
    "syllable": ("1/s", 1.0),
    "times": ("times/s", 1.0),
}
_EVERY = frozenset({"per", "every", "each", "a", "/"})
_INTERVAL_STARTS = frozenset(name.partition(" ")[0] for name in INTERVALS)
_WHATEVER = frozenset({"everything", "anything", "all", "nothing", "frequencies"})
_NO_ENERGY = frozenset(
    {"nothing", "hardly anything", "energy", "content", "no energy", "almost nothing", "cut", "cuts off"}
)
_ENERGY = frozenset({"energy", "content"})
_MOSTLY = frozenset({"most", "mostly", "mainly", "concentrated", "much", "largely", "centred", "centered", "strongest"})
_BEFORE_INTERVAL = frozenset(
    {"a", "an", "by", "about", "around", "roughly", "nearly", "almost", "one", "full", "exactly", "perfect"}
)
_AFTER_INTERVAL = frozenset(
    {"up", "down", "above", "below", "higher", "lower", "upward", "upwards", "downward", "downwards", "apart"}
)

LOWEST_PITCH = 18.0  # Hz: slower is a pulse or a wobble
WIDEST_RANGE = 4.0  # semitones of "between 200 and 240 Hz" that still name one pitch
_OF_SOUNDS = frozenset({"it", "tone", "sound", "pitch"})
_PLACES = frozenset({"start", "end", "beginning", "ending", "starting", "opening", "initial", "concluding", "closing"})
"""Ordinals of a line, and not of one sound among others."""
_LEAVING = frozenset(
    {"departs", "depart", "leaves", "leave", "strays", "stray", "deviates", "deviate", "moves", "move"}
)
_LEAVING |= {"drifts", "drift", "wanders", "wander", "budges", "budge"}
"""Verbs whose denial says that a value holds: "never departs from 440 Hz"."""
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
        return move_of(self.clause.items)

    def draft(self, name: str, value: float, unit: str | None = None) -> Draft:
        return draft_value(self.clause, self.first, self.last, name, value, unit or self.unit)


def move_of(items: tuple[Item, ...]) -> float:
    """1 where the items speak of rising, -1 of falling, else 0."""
    said = {item.value for item in items if item.kind in ("verb", "quality", "trend", "comparative")}
    words = {item.word for item in items}
    up, down = bool(said & _UP or words & _UP_WORDS), bool(said & _DOWN or words & _DOWN_WORDS)
    return float(up) - float(down)


def read_values(clause: Clause, topic: str | None, edge: Item | None = None) -> Iterator[Draft]:
    """Drafts of values with units and of note names in a clause.

    `topic` is what was spoken of before; `edge` the verb of a clause before ("starts high - something like 600 Hz").
    """
    items = clause.items
    if not _NOT_OF_THE_SOUND.isdisjoint([item.word for item in items]):
        return
    topics = frozenset(item.value for item in items if item.kind == "topic") or frozenset({topic or ""})
    edge = edge if not any(item.kind in ("verb", "topic") for item in items) else None
    taken = -1
    for index, item in enumerate(items):
        if index <= taken:
            continue
        note = note_at(items, index) if item.word in NOTE_WORDS else None
        if note is not None:
            taken = note[1]
            yield _placed(draft_value(clause, index, taken, "f0_median", note[0], "Hz"), clause, index, edge)
        elif (
            (item.kind == "number" or _is_one(items, index))
            and not _opens_range(items, index)
            and (value := _value(clause, index, topics))
        ):
            taken = value.last
            draft = _ASSIGN[value.unit](value)
            if draft is not None:
                yield _placed(draft, clause, value.first, edge)
        elif not clause.compared and (interval := _interval(clause, index)) is not None:
            taken = interval[1]
            yield interval[0]


def _placed(draft: Draft, clause: Clause, first: int, edge: Item | None) -> Draft:
    """A pitch of one event ("the second tone: 450 Hz"), or of the beginning or end of a line."""
    if draft["attribute"] != "f0_median":
        return draft
    ordinal = next((item for item in clause.items[:first] if item.kind == "ordinal"), None)
    aspects = [item for item in clause.items[:first] if item.kind == "topic" and item.value not in _OF_SOUNDS]
    if ordinal is not None and not aspects and ordinal.word not in _PLACES:
        return draft | {"subject": int(ordinal.value)}
    if draft["time_start"] is None and edge is not None:
        low, high, unit = (0.0, EDGE_SHARE, "share") if edge.value == "begin" else (1 - EDGE_SHARE, 1.0, "share")
        return draft | {"time_start": low, "time_end": high, "time_unit": unit}
    return draft


def _by_size(draft: Draft) -> Draft:
    """ "a drop of more than an octave": the bound is on the size, whichever way."""
    if draft["value"] >= 0 or draft["relation"] not in ("above", "below"):
        return draft
    return draft | {"relation": "below" if draft["relation"] == "above" else "above"}


def _interval(clause: Clause, index: int) -> tuple[Draft, int] | None:
    """ "a fifth up", "rises by an octave": semitones of a line or between two events, and the last item's index."""
    items = clause.items
    if items[index].word not in _INTERVAL_STARTS:
        return None
    before = {item.word for item in items[max(0, index - 2) : index]}
    for size in (2, 1):
        name = " ".join(item.word for item in items[index : index + size])
        if name not in INTERVALS or (size == 2 and index + 1 >= len(items)):
            continue
        following = {item.word for item in items[index + size : index + size + 2]}
        move = move_of(items)
        if not move or not before & _BEFORE_INTERVAL or not (following & _AFTER_INTERVAL or "by" in before or move):
            return None
        if following & {"beep", "note", "tone", "sound", "one"} or _from_a_note(items[index + size : index + size + 5]):
            return None
        last = index + size - 1
        draft = draft_value(clause, index, last, "f0_trend", move * INTERVALS[name], "semitones")
        return _by_size(draft), last
    return None


def _is_one(items: tuple[Item, ...], index: int) -> bool:
    """ "a second of silence", but not "a sixth of a second"."""
    if index > 1 and items[index - 1].word == "of" and items[index - 2].word.rstrip("s") in _FRACTIONS:
        return False
    return items[index].word in ("a", "about a") and index + 1 < len(items) and items[index + 1].kind == "unit"


def number_of(item: Item) -> float | None:
    """The number that an item writes, or None."""
    return float(item.value) if item.kind == "number" else 1.0 if item.word == "a" else None


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
    if len(words) == 3 and words[1] in _EVERY and words[2] in ("second", "s", "sec"):
        rate = ("BPM", 60.0) if words[0] in BEATS else _PER_SECOND.get(words[0])
        if rate is not None:
            return rate[0], rate[1], at + 2
    if words[:2] == ["per", "minute"]:
        return "BPM", 1.0, at + 1
    if len(words) == 3 and words[0] in BEATS and words[1] in _EVERY and words[2] == "minute":
        return "BPM", 1.0, at + 2
    if words and words[0] in UNITS:
        unit, factor = UNITS[words[0]]
        return unit, factor, at
    return None


_PARTIALS = word_set("partials")
_FRACTIONS = word_set("fractions")
_BY_STEP = word_set("by_step")
_LOWEST = word_set("lowest")


def _hertz(value: Value) -> Draft | None:
    if value.low != value.value and min(value.low, value.value) > 0:
        interval = 12 * log2(value.value / value.low)
        joined = any(
            item.word in ("to", "->", "→", "up to", "down to") for item in value.clause.items[value.first : value.last]
        )
        if value.move or "from" in value.words or (joined and abs(interval) > WIDEST_RANGE):
            return value.draft("f0_trend", interval, "semitones")
        if abs(interval) > WIDEST_RANGE:
            return None
    parts = any(item.value == "treble" for item in value.clause.items) or bool(value.words & _PARTIALS)
    if parts or (value.topics == {"timbre"} and value.words & _LOWEST):  # the lowest of the partials is the pitch
        return value.draft("f0_median", value.middle) if value.words & _LOWEST else None
    return _of_spectrum_or_pitch(value)


def _of_spectrum_or_pitch(value: Value) -> Draft | None:
    if value.words & {"centroid", "spectral centroid"} or value.topics == {"timbre"}:
        return value.draft("spectral_centroid", value.middle)
    if "vibrato" in value.topics or value.middle < LOWEST_PITCH:
        wobble = "vibrato" in value.topics
        return value.draft("vibrato_rate", value.middle) if wobble else value.draft("tempo", 60 * value.middle, "BPM")
    named = {item.value for item in value.clause.items if item.kind == "topic"}
    if named & {"timbre", "treble", "noise", "background", "room", "tempo", "hiss", "bass"} or (
        value.words & _WHATEVER and value.words & (_ABOVE | _BELOW)
    ):
        return None  # "everything below 300 Hz" is no pitch
    return value.draft("f0_median", value.middle)


def _band_edge(value: Value) -> Draft | None:
    """ "nothing above 3.4 kHz", "no energy below 300 Hz", "all the energy is under 400 Hz": where the spectrum ends."""
    items = value.clause.items
    before = items[max(0, value.first - LOOK_BACK) : value.first]
    way = next((item.word for item in reversed(before) if item.word in ("above", "below", "beyond", "under")), None)
    at = next((k for k, item in enumerate(items[: value.first]) if item.word in _NO_ENERGY), None)
    if way is None or at is None or value.topics & {"pitch"}:
        return None
    denied = items[at].word not in _ENERGY or any(item.kind == "negation" for item in items[: value.first])
    high = (way in ("above", "beyond")) == denied
    relation = "below" if high else "above"
    name = "band_high" if high else "band_low"
    if not denied and value.words & _MOSTLY:
        name = "spectral_centroid"
    claimed = f"{name} {relation} {value.middle:.0f} Hz"
    return value.draft(name, value.middle) | {"relation": relation, "claimed": claimed, "negated": False}


def _decibels(value: Value) -> Draft | None:
    if value.words & _BY_STEP:
        return None
    if value.topics & {"snr", "noise", "background"} and not value.move:
        return value.draft("snr", value.middle)
    if value.move and value.topics & {"loudness", "sound", "it", "tone"}:
        return _by_size(value.draft("loudness_trend", value.move * abs(value.middle)))
    return None


def _from_a_note(rest: tuple[Item, ...]) -> bool:
    """ "(two octaves) below A440": from a note that is not in the clip."""
    beside = bool(rest) and rest[0].word in ("above", "below", "beneath", "under", "over")
    return beside and any(
        i.word in ("middle c", "concert", "tuning", "standard") or i.kind == "number" for i in rest[1:]
    )


def _times(value: Value) -> Draft | None:
    """ "six times per second": of a vibrato or a pulse."""
    said = {item.value for item in value.clause.items if item.kind == "verb"}
    if "vibrato" in value.topics or "waver" in said:
        return value.draft("vibrato_rate", value.middle, "Hz")
    counted = any(item.kind == "event" and item.word != "times" for item in value.clause.items)
    return value.draft("tempo", 60 * value.middle, "BPM") if counted or "tempo" in value.topics else None


LASTING = word_set("lasting")
_SILENT = ("silence", "pause", "gap")


def _is_long(value: Value) -> bool:
    """ "two seconds long"."""
    rest = value.clause.items[value.last + 1 : value.last + 2]
    return bool(rest) and rest[0].word == "long"


def _seconds(value: Value) -> Draft | None:
    items = value.clause.items
    if "reverb" in value.topics:
        return value.draft("decay_time", value.middle)
    at = next((k for k in range(max(0, value.first - 3), value.first) if items[k].word == "every"), None)
    if at is not None and any(item.kind == "number" and item.word != "one" for item in items[:at]):
        return None  # "three clicks every two seconds" is a rate
    every = at is not None
    silent = any(item.value == "interval" and item.word.startswith(_SILENT) for item in items)
    if every or (not silent and ("apart" in value.words or "interval" in value.topics)):
        return of_period(value.draft("tempo", 60 / value.middle, "BPM")) if value.middle > 0 else None
    near = items[max(0, value.first - 4) : value.last + 3]
    if silent or ("pause" in value.topics and any(item.value == "pause" for item in near)):
        return value.draft("longest_pause", value.middle)
    before = value.clause.items[max(0, value.first - 3) : value.first]
    running = any(item.word == "for" for item in before) and value.words & LASTING
    if (
        running or (value.words & {"lasts", "lasted", "lasting", "duration", "length"} or _is_long(value))
    ) and value.topics & {
        "recording",
        "sound",
        "it",
        "",
    }:
        return value.draft("duration", value.middle)
    return None


_ASSIGN: dict[str, Callable[[Value], Draft | None]] = {
    "Hz": lambda value: _band_edge(value) or _hertz(value),
    "dB": _decibels,
    "s": _seconds,
    "BPM": lambda value: value.draft("tempo", value.middle),
    "1/s": lambda value: value.draft("syllable_rate", value.middle),
    "dBFS": lambda value: value.draft("rms", value.middle),
    "LUFS": lambda value: value.draft("loudness", value.middle),
    "semitones": lambda value: (
        _by_size(value.draft("f0_trend", value.move * abs(value.middle)))
        if value.move and not _from_a_note(value.clause.items[value.last + 1 : value.last + 5])
        else None
    ),
    "times/s": _times,
}


def draft_value(clause: Clause, first: int, last: int, name: str, value: float, unit: str) -> Draft:
    """The draft of a value claim; words just before it may turn it into a bound."""
    items = clause.items
    before = {item.word for item in items[max(0, first - LOOK_BACK) : first]}
    relation = "below" if before & _BELOW else "above" if before & _ABOVE else "is"
    time = next((item.time for item in items if item.kind == "time"), None) or _edge(items[:first])
    return {
        "start": items[first].start,
        "end": items[last].end,
        "attribute": name,
        "relation": relation,
        "claimed": value_said(name, relation, value, unit),
        "value": value,
        "unit": unit,
        "negated": sum(item.kind == "negation" for item in items[:first]) % 2 == 1 and not _LEAVING & before,
        "weight": HEDGE_WEIGHT ** sum(item.kind == "hedge" for item in items),
        "time_start": time[0] if time else None,
        "time_end": time[1] if time else None,
        "time_unit": time[2] if time else None,
    }


_REACHING = frozenset({"reaches", "reached", "reaching", "has reached", "tops out", "bottoms out"})
"""What a line reaches may be its turning point."""


def _edge(before: tuple[Item, ...]) -> Time | None:
    """ "begins around 200 Hz", "ends near 450 Hz": a value of an edge only."""
    said = next((item for item in reversed(before) if item.kind == "verb"), None)
    verb = said.value if said is not None and said.word not in _REACHING else None
    if "from" in [item.word for item in before[-3:]]:
        verb = "begin"
    return (0.0, EDGE_SHARE, "share") if verb == "begin" else (1 - EDGE_SHARE, 1.0, "share") if verb == "end" else None
