"""Numbers in a clause: values with units, note names and counts of events."""

import re
from collections.abc import Iterator

from mgrd.grounding.context import Clause
from mgrd.grounding.lexer import Item
from mgrd.grounding.lexicon import NUMBER_WORDS

Draft = dict[str, object]

_UNITS: dict[str, tuple[str, float]] = {
    "hz": ("Hz", 1.0),
    "hertz": ("Hz", 1.0),
    "khz": ("Hz", 1000.0),
    "kilohertz": ("Hz", 1000.0),
    "bpm": ("BPM", 1.0),
    "beats per minute": ("BPM", 1.0),
    "db": ("dB", 1.0),
    "decibel": ("dB", 1.0),
    "decibels": ("dB", 1.0),
    "dbfs": ("dBFS", 1.0),
    "lufs": ("LUFS", 1.0),
    "s": ("s", 1.0),
    "sec": ("s", 1.0),
    "secs": ("s", 1.0),
    "second": ("s", 1.0),
    "seconds": ("s", 1.0),
    "ms": ("s", 0.001),
    "milliseconds": ("s", 0.001),
    "semitone": ("semitones", 1.0),
    "semitones": ("semitones", 1.0),
    "octave": ("semitones", 12.0),
    "octaves": ("semitones", 12.0),
}
_RATES = {"syllables": ("syllable_rate", 1.0, "1/s"), "beats": ("tempo", 60.0, "BPM"), "pulses": ("tempo", 60.0, "BPM")}
_RATES |= dict.fromkeys(("clicks", "notes", "strikes", "taps", "hits", "ticks", "events"), ("tempo", 60.0, "BPM"))
_INTERVALS = {"octave": 12.0, "fifth": 7.0, "fourth": 5.0, "third": 4.0, "sixth": 9.0, "semitone": 1.0, "tone": 2.0}
_ABOVE = frozenset("above over exceeds exceeding beyond least".split())
_BELOW = frozenset("below under less most fewer".split())
_UP = frozenset({"rise", "increase", "swell", "rising", "high", "loud", "swelling"})
_DOWN = frozenset({"fall", "decrease", "fade", "falling", "low", "quiet", "fading"})
_NOTE = re.compile(r"[a-g]")
_SEMITONE = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
PAST = 3
PARTIAL = frozenset({"low", "high", "loud", "quiet", "middle"})


def read_values(clause: Clause, topic: str | None) -> Iterator[Draft]:
    """Drafts of values with units and of note names in a clause."""
    items = clause.items
    if any(item.word in ("sampling", "sampled", "sample", "bit", "kbps") for item in items):
        return
    taken = -1
    for index, item in enumerate(items):
        if index <= taken:
            continue
        note = _note(items, index)
        if note is not None:
            yield _draft(clause, index, note[1], "f0_median", note[0], "Hz")
            taken = note[1]
            continue
        if item.kind != "number":
            continue
        found = _measure(items, index)
        if found is None:
            continue
        value, unit, last, factor = found
        low = value
        back = index - 1
        if back >= 1 and items[back].word in ("to", "and", "-", "–", "or") and items[back - 1].kind == "number":
            low = float(_number(items[back - 1]) or value) * factor
        taken = last
        yield from _assign(clause, index, last, low, value, unit, topic)


def _measure(items: tuple[Item, ...], index: int) -> tuple[float, str, int, float] | None:
    """(value, unit, index of the unit's last item, factor) when a unit follows the number."""
    number = _number(items[index])
    if number is None:
        return None
    after = items[index + 1 : index + 4]
    if not after:
        return None
    sign = -1.0 if index and items[index - 1].word in ("-", "−", "minus") else 1.0
    if len(after) >= 3 and after[1].word == "per" and after[0].word in _RATES and after[2].word in ("second", "s"):
        name, factor, unit = _RATES[after[0].word]
        return number * factor, f"{name}|{unit}", index + 3, factor
    if after[0].word == "syllables" and len(after) >= 3 and after[2].word == "second":
        return number, "syllable_rate|1/s", index + 3, 1.0
    for size in (3, 1):
        words = " ".join(item.word for item in after[:size])
        if len(after) >= size and words in _UNITS:
            unit, factor = _UNITS[words]
            return sign * number * factor, unit, index + size, factor
    return None


def _number(item: Item) -> float | None:
    if item.kind != "number":
        return None
    return float(item.value)


def _assign(
    clause: Clause, index: int, last: int, low: float, value: float, unit: str, topic: str | None
) -> Iterator[Draft]:
    """Which fact a value with a unit speaks of."""
    items = clause.items
    words = {item.word for item in items}
    values = {item.value for item in items if item.kind in ("verb", "quality", "trend")}
    middle = (low + value) / 2
    move = 1.0 if values & _UP else -1.0 if values & _DOWN else 0.0
    topics = {item.value for item in items if item.kind == "topic"} or {topic or ""}
    if "|" in unit:
        name, unit = unit.split("|")
        yield _draft(clause, index, last, name, middle, unit)
    elif unit == "BPM":
        yield _draft(clause, index, last, "tempo", middle, unit)
    elif unit == "Hz":
        if low != value and "from" in words and move and low > 0 and value > 0:
            from math import log2

            yield _draft(clause, index - 2, last, "f0_trend", 12 * log2(value / low), "semitones")
        elif words & {"centroid", "spectral centroid"}:
            yield _draft(clause, index, last, "spectral_centroid", middle, unit)
        elif "vibrato" in topics:
            yield _draft(clause, index, last, "vibrato_rate", middle, unit)
        elif topics & {"timbre", "treble", "recording", "noise", "background", "room", "tempo"}:
            return
        else:
            yield _draft(clause, index, last, "f0_median", middle, unit)
    elif unit in ("dBFS", "LUFS"):
        yield _draft(clause, index, last, "rms" if unit == "dBFS" else "loudness", middle, unit)
    elif unit == "dB":
        if topics & {"snr", "noise", "background"} and not move:
            yield _draft(clause, index, last, "snr", middle, unit)
        elif move and topics & {"loudness", "sound", "it"}:
            yield _draft(clause, index, last, "loudness_trend", move * abs(middle), unit)
    elif unit == "semitones":
        if move:
            yield _draft(clause, index, last, "f0_trend", move * abs(middle), unit)
    elif unit == "s":
        yield from _seconds(clause, index, last, middle, topics, words)


def _seconds(clause: Clause, index: int, last: int, value: float, topics: set[str], words: set[str]) -> Iterator[Draft]:
    if "reverb" in topics or words & {"t60", "rt60"}:
        yield _draft(clause, index, last, "decay_time", value, "s")
    elif "pause" in topics:
        yield _draft(clause, index, last, "longest_pause", value, "s")
    elif words & {"lasts", "duration", "long", "length"} and topics & {"recording", "sound", "it", ""}:
        yield _draft(clause, index, last, "duration", value, "s")


def _note(items: tuple[Item, ...], index: int) -> tuple[float, int] | None:
    """Frequency of a note name such as "A4" or "C#5", and the index of its last item."""
    word = items[index].word
    if len(word) != 1 or not _NOTE.fullmatch(word) or index + 1 >= len(items):
        return None
    shift, at = 0, index + 1
    if items[at].word in ("#", "♯", "♭"):
        shift, at = (-1 if items[at].word == "♭" else 1), at + 1
    if at >= len(items) or items[at].kind != "number" or not items[at].word.isdigit() or len(items[at].word) != 1:
        return None
    if items[at].start != items[at - 1].end:
        return None
    midi = 12 * (int(items[at].word) + 1) + _SEMITONE[word] + shift
    return 440.0 * 2 ** ((midi - 69) / 12), at


def _draft(clause: Clause, index: int, last: int, name: str, value: float, unit: str) -> Draft:
    items = clause.items
    back = {item.word for item in items[max(0, index - 3) : index]}
    relation = "above" if back & _ABOVE or {"more", "than"} <= back or "faster" in back or "higher" in back else "is"
    if back & _BELOW or "slower" in back or "lower" in back:
        relation = "below"
    shown = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
    return {
        "start": items[max(0, index)].start,
        "end": items[last].end,
        "attribute": name,
        "relation": relation,
        "claimed": f"{name} {'' if relation == 'is' else relation + ' '}{shown} {unit}".rstrip(),
        "value": value,
        "unit": unit,
        "negated": any(item.kind == "negation" for item in items[:index]),
        "weight": 0.5 ** sum(item.kind == "hedge" for item in items),
    }


def read_counts(clauses: list[Clause]) -> list[Draft]:
    """The number of events (or pauses) that a sentence claims; several partial counts are summed."""
    counts: list[Draft] = []
    for clause in clauses:
        if clause.stopped:
            continue
        for index, item in enumerate(clause.items):
            if item.kind == "number" and (draft := _count(clause, index)):
                counts.append(draft)
    events = [count for count in counts if count["attribute"] == "event_count"]
    if len(events) < 2:
        return counts
    total = sum(float(str(count["value"])) for count in events)
    rest = [count for count in counts if count["attribute"] != "event_count"]
    if len({count["claimed"] for count in events}) == 1:
        return [events[0], *rest]
    return [*rest, events[0] | {"end": events[-1]["end"], "value": total, "claimed": _counted("event_count", total)}]


def _count(clause: Clause, index: int) -> Draft | None:
    items = clause.items
    value = _number(items[index])
    if value is None or value != int(value) or value > 60:
        return None
    before = items[index - 1] if index else None
    if before is not None and (before.kind == "ordinal" or before.word in ("channel", "number", "level", "per")):
        return None
    for at in range(index + 1, min(len(items), index + 2 + PAST)):
        item = items[at]
        if item.kind == "event" or (item.kind == "topic" and item.value == "pause") or item.word in ("tone", "sound"):
            return _counted_draft(clause, index, at, value)
        if item.kind in ("quality", "unknown") or (item.kind == "function" and item.word in _ADVERBS):
            continue
        return None
    return None


_ADVERBS = frozenset("very clearly separate distinct individual different clear-cut same".split())


def _counted_draft(clause: Clause, index: int, at: int, value: float) -> Draft | None:
    items = clause.items
    following = items[at + 1].word if at + 1 < len(items) else ""
    if following in ("per", "a") or (value == 1 and following in ("after", "at", "by", "of")):
        return None
    if value == 1 and items[index].word == "one" and index and items[index - 1].word in ("the", "this", "that", "each"):
        return None
    name = "pause_count" if items[at].value == "pause" else "event_count"
    draft = _draft(clause, index, at, name, value, "count")
    relation = str(draft["relation"])
    if any(item.word in ("least",) for item in items[max(0, index - 2) : index]):
        draft["value"], draft["relation"] = value - 1, "above"
    elif any(item.word in ("most",) for item in items[max(0, index - 2) : index]):
        draft["value"], draft["relation"] = value + 1, "below"
    elif relation == "is":
        draft["relation"] = "count"
    draft["claimed"] = _counted(name, value)
    return draft


def _counted(name: str, value: float) -> str:
    number = int(value)
    return f"{name} {NUMBER_WORDS[number] if number < len(NUMBER_WORDS) else number}"
