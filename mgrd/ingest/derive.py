"""Derives questions from measured facts, only where the fact leaves no doubt.

A question is asked when its fact is reliable (`spec.min_reliability`), lies inside a word band clear
of the band's edges, and the clip is of a kind on which the question makes sense. A wrong answer key
is worse than no question, so every rule here errs towards silence.

**Margins.** A value must stand off an edge by a quarter of the gap to the neighbouring band
(`MARGIN`); an edge without a neighbour (0, infinity) needs none. In the unit of each fact that is:

| skill | clear below, between, above |
|---|---|
| contour | < -2.3, within 0.5, >= 2.3 semitones |
| register | < 160, 220 to 395, >= 545 Hz |
| tempo | < 86.25, 108.75 to 143.75, >= 181.25 BPM |
| loudness | < -4.625, within 0.875, >= 4.625 dB |
| timbre | < 625, >= 2275 Hz |
| noise | < 8.75, >= 28.25 dB |
| reverberation | < 0.1625, >= 0.6875 s |
| speech_rate | < 2.8, >= 5.2 syllables/s |
| intonation | < -2.25, >= 2.25 semitones |
| pitch_order | < -3, >= 3 semitones |
| event_count | the count itself, 1 to 8 |

Movements beyond PLAUSIBLE are slips of the measurement, whatever their reliability, and ask nothing.

**Kinds of clip.** intonation and speech_rate are asked of speech alone; contour, tempo, pitch_order and
event_count never of speech (its syllables are no separate sounds); noise and reverberation never of
music or environment, where rain is no defect and a gong's ring no room. See `_REQUIREMENTS`.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite

import polars as pl

from mgrd.audio.words import ATTRIBUTES, Attribute
from mgrd.ids import question_key, seed_from
from mgrd.ingest.balance import Candidate, choose_balanced
from mgrd.ingest.labels import LabelBook
from mgrd.ingest.skills import NUMBER_WORDS, SKILLS
from mgrd.settings import IngestSpec
from mgrd.store import frame_of
from schemas import QUESTIONS

MARGIN = 0.25
"""Of the gap between two bands."""
MAX_COUNT = 8
COUNT_CHOICES = 3
SPEECH, SYNTHETIC = "speech", "synthetic"
PLAUSIBLE = {"f0_trend": 24.0, "final_rise": 18.0, "order_pitch": 36.0, "loudness_trend": 40.0}
"""Largest size of a movement (semitones, dB) that is taken for a fact and not for a slip of the measurement."""
SPEECH_F0 = (60.0, 600.0)
"""Hz; outside of it a speech clip's median f0 is a slip too."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of one clip. Of facts that stand once per event only the number is kept."""

    clip: Mapping[str, object]
    values: Mapping[str, float]
    """Reliable facts by name."""
    events: int
    """Reliable pitched events."""

    @property
    def domain(self) -> str:
        return str(self.clip["domain"])

    def at_least(self, fact: str, value: float) -> bool:
        return self.values.get(fact, -inf) >= value

    @property
    def spoken(self) -> bool:
        """Speech by its domain, or by measurement where the domain was only guessed."""
        return self.domain == SPEECH or (self.domain != SYNTHETIC and self.at_least("speech", 0.5))


Requirement = Callable[[Measured], bool]

_REQUIREMENTS: dict[str, Requirement] = {
    # one sound with a pitch that carries most of it
    "contour": lambda m: not m.spoken and m.at_least("voiced_share", 0.4) and m.values.get("event_count", 0) == 1,
    "register": lambda m: (
        m.at_least("voiced_share", 0.3)
        and m.at_least("f0_median", 1.0)
        and (not m.spoken or SPEECH_F0[0] <= m.values["f0_median"] <= SPEECH_F0[1])
    ),
    # a pulse: enough events at even distances
    "tempo": lambda m: (
        not m.spoken
        and m.at_least("event_count", 4)
        and m.at_least("pulse_regularity", ATTRIBUTES["regularity"].band("regular").low)
        and m.at_least("tempo", 1.0)
    ),
    "loudness": lambda m: m.at_least("duration", 1.0),
    "timbre": lambda m: not m.spoken,
    "noise": lambda m: m.domain in (SPEECH, SYNTHETIC),
    "reverberation": lambda m: m.domain in (SPEECH, SYNTHETIC),
    # a rate needs syllables to count
    "speech_rate": lambda m: (
        m.domain == SPEECH and m.values.get("syllable_rate", 0.0) * m.values.get("duration", 0.0) >= 4
    ),
    "intonation": lambda m: m.domain == SPEECH and m.at_least("voiced_share", 0.2),
    "pitch_order": lambda m: not m.spoken and m.at_least("event_count", 2) and m.events >= 2,
    "event_count": lambda m: not m.spoken and m.at_least("duration", 0.5),
}
"""What a clip must be for a question to make sense on it; every skill with a measured fact has an entry."""


def derive_questions(clips: pl.DataFrame, evidence: pl.DataFrame, spec: IngestSpec, seed: int) -> pl.DataFrame:
    """Questions (table `questions`, origin `derived`) for rows of `clips` with their rows of `evidence`.

    Deterministic in the rows' content and the seed, whatever their order. At most
    `spec.questions_per_clip` per clip, balanced as `mgrd.ingest.balance` says. A clip without
    evidence can still be asked for its label.
    """
    facts = dict(evidence.select("clip_id", "facts").iter_rows())
    rows = sorted(clips.iter_rows(named=True), key=lambda clip: clip["clip_id"])
    labels = LabelBook.of(rows)
    candidates: list[Candidate] = []
    for clip in rows:
        measured = _measure(clip, facts.get(clip["clip_id"]) or [], spec.min_reliability)
        candidates += _candidates(measured, labels, seed)
    chosen = choose_balanced(candidates, spec.questions_per_clip, seed)
    return frame_of(QUESTIONS, [_row(candidate) for candidate in chosen])


def clear_word(attribute: Attribute, value: float) -> str | None:
    """The word whose band holds the value clear of its edges by MARGIN of the gap to the next band; else None."""
    if not isfinite(value):
        return None
    bands = attribute.bands
    for index, band in enumerate(bands):
        low = band.low + (MARGIN * (band.low - bands[index - 1].high) if index > 0 else 0.0)
        high = band.high - (MARGIN * (bands[index + 1].low - band.high) if index + 1 < len(bands) else 0.0)
        if low <= value < high:
            return band.word
    return None


def _measure(clip: Mapping[str, object], facts: Iterable[Mapping[str, object]], min_reliability: float) -> Measured:
    values: dict[str, float] = {}
    events = 0
    for fact in facts:
        value, reliability = fact["value"], fact["reliability"]
        if not (isinstance(value, float) and isfinite(value) and isinstance(reliability, float)):
            continue
        if reliability >= min_reliability:
            events += fact["name"] == "event_f0"
            values.setdefault(str(fact["name"]), value)
    return Measured(clip, values, events)


def _candidates(measured: Measured, labels: LabelBook, seed: int) -> list[Candidate]:
    found: list[Candidate] = []
    for skill in SKILLS.values():
        shuffler = random.Random(seed_from("derive", seed, measured.clip["clip_id"], skill.name))
        options = _options(skill.name, skill.attribute, measured, labels, shuffler)
        if options is None:
            continue
        answer, choices = options
        shuffler.shuffle(choices)
        found.append(Candidate(clip=measured.clip, skill=skill.name, choices=tuple(choices), answer=answer))
    return found


def _options(
    skill: str, attribute: str | None, measured: Measured, labels: LabelBook, shuffler: random.Random
) -> tuple[str, list[str]] | None:
    """The answer and all choices, or None where the question must not be asked."""
    if skill == "label":
        return labels.options(measured.clip, shuffler)
    if not _REQUIREMENTS[skill](measured):
        return None
    if attribute is None:
        return _count_options(measured.values.get("event_count"), shuffler)
    bands = ATTRIBUTES[attribute]
    value = measured.values.get(bands.fact)
    if value is None or abs(value) > PLAUSIBLE.get(bands.fact, inf):
        return None
    word = clear_word(bands, value)
    return None if word is None else (word, [band.word for band in bands.bands])


def _count_options(count: float | None, shuffler: random.Random) -> tuple[str, list[str]] | None:
    """Three neighbouring numbers; the right one is the smallest, middle or largest of them by chance."""
    if count is None or count != round(count) or not 1 <= count <= MAX_COUNT:
        return None
    number = int(count)
    first = shuffler.randint(max(1, number - COUNT_CHOICES + 1), number)
    return NUMBER_WORDS[number], [NUMBER_WORDS[first + step] for step in range(COUNT_CHOICES)]


def _row(candidate: Candidate) -> dict[str, object]:
    clip = candidate.clip
    text, choices = SKILLS[candidate.skill].text, list(candidate.choices)
    return {
        "question_id": question_key(str(clip["clip_id"]), text, choices, candidate.answer),
        "clip_id": clip["clip_id"],
        "text": text,
        "choices": choices,
        "answer": candidate.answer,
        "skill": candidate.skill,
        "split": clip["split"],
        "origin": "derived",
        "collection": clip["collection"],
    }
