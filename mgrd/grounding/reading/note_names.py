"""Names of notes and of intervals: "A4", "C#5", "middle C", "the A above middle C", "a minor third"."""

from mgrd.grounding.reading.lexer import Item

_SEMITONE = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
NOTE_WORDS = frozenset({*_SEMITONE, "middle c"})
"""Words with which a note name may begin."""
MIDDLE_C, TUNING_A = 261.63, 440.0  # Hz
INTERVALS = {
    "semitone": 1.0,
    "half step": 1.0,
    "whole tone": 2.0,
    "whole step": 2.0,
    "minor second": 1.0,
    "major second": 2.0,
    "minor third": 3.0,
    "major third": 4.0,
    "third": 3.5,
    "fourth": 5.0,
    "perfect fourth": 5.0,
    "tritone": 6.0,
    "fifth": 7.0,
    "perfect fifth": 7.0,
    "sixth": 8.5,
    "minor sixth": 8.0,
    "major sixth": 9.0,
    "seventh": 10.5,
    "minor seventh": 10.0,
    "major seventh": 11.0,
    "octave": 12.0,
}
"""Semitones of interval names; "third" and the like are between minor and major."""


def note_at(items: tuple[Item, ...], index: int) -> tuple[float, int] | None:
    """Frequency (Hz, A4 = 440) of a note name such as "A4" or "C#5", and the index of its last item."""
    if items[index].word == "middle c":
        way = items[index - 1].word if index else ""
        return None if way in ("above", "below", "from", "under", "over") else (MIDDLE_C, index)
    if (named := _beside_middle_c(items, index)) is not None:
        return named, index + 2
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
    return TUNING_A * 2 ** ((12 * (int(octave.word) + 1) + semitone - 69) / 12), at


def _beside_middle_c(items: tuple[Item, ...], index: int) -> float | None:
    """ "the A above middle C"."""
    semitone = _SEMITONE.get(items[index].word)
    if semitone is None or index + 2 >= len(items) or items[index + 2].word != "middle c":
        return None
    way = {"above": 0, "below": -12}.get(items[index + 1].word)
    return None if way is None else MIDDLE_C * 2 ** ((semitone + way) / 12)
