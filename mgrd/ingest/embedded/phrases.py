"""How facts are said: several plain-English clauses per attribute and word, all of them readable by the claim grammar.

A clause states one fact and nothing else. The vocabulary is kept small, so that a small tokenizer
covers it.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from mgrd.audio.words import ATTRIBUTES
from mgrd.ingest.skills import NUMBER_WORDS

T = TypeVar("T")

CLAUSES: dict[tuple[str, str], tuple[str, ...]] = {
    ("contour", "rising"): ("the pitch climbs from low to high", "the pitch rises", "the pitch keeps rising"),
    ("contour", "falling"): ("the pitch drops from high to low", "the pitch falls", "the pitch keeps falling"),
    ("contour", "flat"): ("the pitch stays flat", "the pitch stays level", "the pitch is flat"),
    ("register", "low"): ("the pitch is low", "the register is low", "the pitch sits in the low register"),
    ("register", "middle"): (
        "the pitch is in the middle register",
        "the register is in the middle",
        "the pitch sits in the middle register",
    ),
    ("register", "high"): ("the pitch is high", "the register is high", "the pitch sits in the high register"),
    ("tempo", "slow"): ("the pulse is slow", "the tempo is slow", "the beat is slow"),
    ("tempo", "moderate"): ("the pulse is moderate", "the tempo is moderate", "the beat is moderate"),
    ("tempo", "fast"): ("the pulse is fast", "the tempo is fast", "the beat is fast"),
    ("loudness", "softer"): (
        "the sound fades towards the end",
        "the sound gets softer",
        "the loudness drops towards the end",
    ),
    ("loudness", "steady"): ("the loudness stays steady", "the level stays steady", "the loudness is steady"),
    ("loudness", "louder"): (
        "the sound gets louder",
        "the loudness grows towards the end",
        "the sound swells towards the end",
    ),
    ("timbre", "dark"): ("the tone is dark", "the timbre is dark", "the sound is dark"),
    ("timbre", "bright"): ("the tone is bright", "the timbre is bright", "the sound is bright"),
    ("noise", "noisy"): ("hiss covers the recording", "the recording is noisy", "the background is noisy"),
    ("noise", "clean"): ("the recording is clean", "the background is clean", "the background is quiet"),
    ("reverberation", "dry"): ("the space is dry", "the sound is dry", "the room is dry"),
    ("reverberation", "reverberant"): (
        "the space is reverberant",
        "the room is reverberant",
        "a long reverberation follows the sound",
    ),
    ("speech_rate", "slow"): ("the speech is slow", "the speaker talks slowly", "the voice speaks slowly"),
    ("speech_rate", "fast"): ("the speech is fast", "the speaker talks fast", "the voice speaks fast"),
    ("intonation", "falling"): ("the voice ends on a fall", "the intonation falls at the end"),
    ("intonation", "rising"): ("the voice ends on a rise", "the intonation rises at the end"),
    ("pitch_order", "upwards"): ("the last sound is higher than the first", "the first sound is lower than the last"),
    ("pitch_order", "downwards"): ("the last sound is lower than the first", "the first sound is higher than the last"),
    ("loudness_order", "first louder"): ("the first sound is louder than the last",),
    ("loudness_order", "last louder"): ("the last sound is louder than the first",),
    ("regularity", "irregular"): ("the pulse is irregular", "the beat is uneven"),
    ("regularity", "regular"): ("the pulse is regular", "the beat is even"),
}
"""Clauses per (attribute, word) of `mgrd.audio.words.ATTRIBUTES`."""

EVENT_NOUNS = {"beeps": "beep", "tone": "tone", "clicks": "click", "bursts": "burst", "noise": "burst"}
"""What the sounds of a clip are called when they are counted; instruments play notes."""
COUNT_CLAUSES = ("i hear {number} {noun}", "i count {number} {noun}", "there are {number} {noun}")

LABEL_CLAUSES: dict[str, tuple[str, ...]] = {
    "speech": ("a person speaks", "i hear speech"),
    "beeps": ("i hear beeps", "it sounds like beeps"),
    "tone": ("i hear a tone", "it sounds like a tone"),
    "clicks": ("i hear clicks", "it sounds like clicks"),
    "bursts": ("i hear bursts of noise", "it sounds like bursts"),
    "noise": ("i hear a noise", "it sounds like noise"),
    "piano": ("a piano plays", "it sounds like a piano"),
    "guitar": ("a guitar plays", "it sounds like a guitar"),
    "accordion": ("an accordion plays", "it sounds like an accordion"),
    "strings": ("strings play", "it sounds like strings"),
    "brass": ("brass plays", "it sounds like brass"),
    "flute": ("a flute plays", "it sounds like a flute"),
    "mallets": ("mallets play", "it sounds like mallets"),
}
"""What is heard, by label."""


def pick(rng: np.random.Generator, texts: Sequence[T]) -> T:
    """One of several ways to say it, or of several words, each as likely."""
    return texts[int(rng.integers(len(texts)))]


def known_words(facts: dict[str, float]) -> dict[str, str]:
    """Per attribute the word that its fact decides, and `event_count` as a number word."""
    words = {
        attribute.name: word
        for attribute in ATTRIBUTES.values()
        if attribute.fact in facts and (word := attribute.word(facts[attribute.fact]))
    }
    if "event_count" in facts:
        words["event_count"] = NUMBER_WORDS[round(facts["event_count"])]
    return words


def say(rng: np.random.Generator, attribute: str, word: str, label: str | None) -> str:
    """A clause that states the word of an attribute (or the count, or the label) of a clip."""
    if attribute == "label":
        return pick(rng, LABEL_CLAUSES[word])
    if attribute != "event_count":
        return pick(rng, CLAUSES[attribute, word])
    noun = pick(rng, ("sound", EVENT_NOUNS.get(label or "", "note")))
    if word == "one":
        return f"i hear one {noun}"
    return pick(rng, COUNT_CLAUSES).format(number=word, noun=f"{noun}s")
