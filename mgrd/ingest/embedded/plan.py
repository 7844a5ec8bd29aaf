"""What will be made: for each clip its family, its source, the question it is made for and the words that must hold.

Plans are drawn question first, so skills and answers are balanced by design. Sources are split
before anything is drawn: patches, voices, sentences, spectral laws and noise shapes of dev and test
are used nowhere else.
"""

from dataclasses import dataclass

import numpy as np

from mgrd.audio.words import ATTRIBUTES
from mgrd.errors import ConfigError
from mgrd.ids import seed_from
from mgrd.ingest.embedded.notes import ALL_REGISTERS, DECAYING, PATCHES, REGISTERS
from mgrd.ingest.embedded.phrases import pick
from mgrd.ingest.embedded.speech import VOICES
from mgrd.ingest.embedded.timeline import INTERVALS, RAMPS, SPAN, longest_count
from mgrd.ingest.skills import NUMBER_WORDS, SKILLS
from mgrd.settings import EmbeddedSpec

LAWS = {"train": ("sine", "power", "band"), "dev": ("odd",), "test": ("hump",)}
"""Spectral laws of tones (`mgrd.ingest.embedded.tones.partials`) by group of splits."""
SHAPES = {"train": ("flat", "slope"), "dev": ("bell",), "test": ("ripple",)}
"""Spectral shapes of noises by group of splits."""
GROUPS = {"cold": "train", "pool": "train", "dev": "dev", "test": "test"}
BLOCK = 20
"""Clips that share a seed range, which is part of the source of synthetic clips."""

COUNTS = (1, 2, 3, 4, 5)
LABELS = ("speech", "beeps", "tone", "clicks", "bursts", "noise", *PATCHES)
"""Answers to "What is heard?"."""
PITCHED = frozenset({"tones", "glide", "notes"})
SOUNDED = frozenset({"tones", "notes", "bursts", "clicks"})
"""Families of separate sounds."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "contour": ("glide", "glide", "notes", "tones"),
    "register": ("glide", "tones", "notes", "speech"),
    "tempo": ("tones", "notes", "bursts", "clicks"),
    "loudness": ("glide", "noise", "tones", "notes", "bursts"),
    "timbre": ("glide", "tones", "bursts", "noise"),
    "noise": ("glide", "tones", "notes", "bursts"),
    "reverberation": ("tones", "notes", "bursts", "clicks"),
    "speech_rate": ("speech",),
    "intonation": ("speech",),
    "pitch_order": ("tones", "notes"),
    "event_count": ("tones", "notes", "bursts", "clicks"),
}
"""Families that a skill can be asked of; those of `label` follow from the answer."""

LABEL_FAMILIES = {"speech": "speech", "beeps": "tones", "tone": "glide", "clicks": "clicks", "bursts": "bursts"}
LABEL_FAMILIES |= {"noise": "noise"} | dict.fromkeys(PATCHES, "notes")

MOTION = {"rising": "upwards", "falling": "downwards"}
HEARD_IN_QUIET = frozenset({"timbre", "reverberation", "loudness", "event_count"})
"""Skills whose clips are never noisy; neither is speech."""
NOISY_SHARE, WET_SHARE, IRREGULAR_SHARE = 0.22, 0.28, 0.15


@dataclass(frozen=True, slots=True)
class Plan:
    """A clip to be made; `words` holds per attribute the word that must be true of it."""

    index: int
    split: str
    family: str
    label: str
    source: str
    material: str
    """Patch, voice, spectral law or noise shape."""
    seed: int
    skill: str
    answer: str
    count: int
    tempo: str | None
    irregular: bool
    words: dict[str, str]

    @property
    def wet(self) -> bool:
        return self.words.get("reverberation") == "reverberant"


def skill_answers(skill: str) -> tuple[str, ...]:
    """All right answers that a skill may have."""
    attribute = SKILLS[skill].attribute
    if attribute:
        return tuple(band.word for band in ATTRIBUTES[attribute].bands)
    return LABELS if skill == "label" else tuple(NUMBER_WORDS[count] for count in COUNTS)


def plan_clips(spec: EmbeddedSpec, seed: int) -> list[Plan]:
    """All plans in their order: cold, pool, dev, test. Raises ConfigError when clips are too short."""
    if spec.seconds < SPAN:
        raise ConfigError(f"embedded.seconds is {spec.seconds}; made clips need at least {SPAN} s")
    sizes = {"cold": spec.cold_clips, "pool": spec.pool_clips, "dev": spec.dev_clips, "test": spec.test_clips}
    return [plan_clip(split, index, seed) for split, size in sizes.items() for index in range(size)]


def plan_clip(split: str, index: int, seed: int) -> Plan:
    """Clip `index` of a split: skills in turn, and within a skill its answers in turn."""
    rng = np.random.default_rng(seed_from("embedded", seed, split, index))
    skills = tuple(SKILLS)
    skill, turn = skills[index % len(skills)], index // len(skills)
    answers = skill_answers(skill)
    answer = answers[turn % len(answers)]
    family = LABEL_FAMILIES[answer] if skill == "label" else _family(skill, answer, turn // len(answers))
    instrument = _instrument(rng, skill, answer) if family == "notes" else None
    words = _words(rng, family, instrument, skill, answer)
    count, tempo, irregular = _pulse(rng, family, skill, answer, words)
    rings = instrument in DECAYING or words.get("reverberation") == "reverberant"
    if family in SOUNDED and ((count <= 2 and rings) or (count == 1 and "reverberation" in words)):
        words.pop("loudness", None)
    source, material = _source(rng, family, instrument, words, split, index)
    return Plan(
        index=index,
        split=split,
        family=family,
        label=instrument or _label(family, count),
        source=source,
        material=material,
        seed=seed_from("clip", seed, split, index),
        skill=skill,
        answer=answer,
        count=count,
        tempo=tempo,
        irregular=irregular,
        words=words,
    )


def _instrument(rng: np.random.Generator, skill: str, answer: str) -> str:
    """A family of instruments in which the question can be asked."""
    if skill == "label":
        return answer
    possible = [
        name
        for name, registers in REGISTERS.items()
        if not (skill == "register" and answer not in registers) and not (skill == "reverberation" and name in DECAYING)
    ]
    return pick(rng, possible)


def _family(skill: str, answer: str, turn: int) -> str:
    families = FAMILIES[skill]
    if (skill, answer) == ("register", "high"):
        families = tuple(family for family in families if family != "speech")
    return families[turn % len(families)]


def _label(family: str, count: int) -> str:
    if count == 1 and family in ("tones", "bursts"):
        return "tone" if family == "tones" else "noise"
    return next(label for label, made in LABEL_FAMILIES.items() if made == family)


def _words(rng: np.random.Generator, family: str, instrument: str | None, skill: str, answer: str) -> dict[str, str]:
    """A word for every attribute that the clip states; the asked one is given, the others are drawn.

    Nothing is said of what cannot be heard: loudness and room under noise, the room of a single long
    sound or of an instrument that rings by itself.
    """
    wet = rng.random() < WET_SHARE
    noisy = family != "speech" and skill not in HEARD_IN_QUIET and rng.random() < NOISY_SHARE
    words = _drawn_words(rng, family, instrument)
    words["reverberation"] = "reverberant" if wet and skill != "noise" else "dry"
    words["noise"] = "noisy" if noisy else "clean"
    if skill == "pitch_order":
        words["contour"] = next(word for word, order in MOTION.items() if order == answer)
    elif (attribute := SKILLS[skill].attribute) and attribute != "tempo":
        words[attribute] = answer
    if words.get("timbre") == "dark" and words.get("register") == "high":
        if skill == "timbre":
            words["register"] = pick(rng, ("low", "middle"))
        else:
            words["timbre"] = "bright"
    unheard = {"loudness", "reverberation"} if words["noise"] == "noisy" else set()
    if family not in SOUNDED or instrument in DECAYING:
        unheard.add("reverberation")
    words = {attribute: word for attribute, word in words.items() if attribute not in unheard}
    return _without_beats(words, family, skill)


def _drawn_words(rng: np.random.Generator, family: str, instrument: str | None) -> dict[str, str]:
    """Words of the attributes that the family's sounds have, apart from noise and room."""
    if family == "speech":
        return {
            "speech_rate": pick(rng, ("slow", "fast")),
            "intonation": pick(rng, ("falling", "rising")),
            "register": pick(rng, tuple(VOICES)),
        }
    words = {"loudness": pick(rng, tuple(RAMPS))}
    if family in PITCHED:
        words["contour"] = pick(rng, ("falling", "flat", "rising"))
        words["register"] = pick(rng, REGISTERS[instrument] if instrument else ALL_REGISTERS)
    if family in ("tones", "glide", "bursts", "noise"):
        words["timbre"] = pick(rng, ("dark", "bright"))
    return words


def _without_beats(words: dict[str, str], family: str, skill: str) -> dict[str, str]:
    """Few partials in a room beat against each other, which sounds like more sounds: dark tones stay dry."""
    if family != "tones" or words["timbre"] != "dark" or words.get("reverberation") != "reverberant":
        return words
    return words | ({"timbre": "bright"} if skill == "reverberation" else {"reverberation": "dry"})


def _pulse(
    rng: np.random.Generator, family: str, skill: str, answer: str, words: dict[str, str]
) -> tuple[int, str | None, bool]:
    """How many sounds, in which tempo, and whether unevenly; a reverberant clip is never fast."""
    if family not in SOUNDED:
        return 1, None, False
    if skill == "tempo" and answer == "fast" and "reverberation" in words:
        words["reverberation"] = "dry"
    wet = words.get("reverberation") == "reverberant"
    tempos = (answer,) if skill == "tempo" else tuple(tempo for tempo in INTERVALS if not (wet and tempo == "fast"))
    fitting = {tempo: [count for count in COUNTS if 3 <= count <= longest_count(tempo, wet)] for tempo in tempos}
    if skill == "event_count":
        count = NUMBER_WORDS.index(answer)
    elif skill == "tempo":
        count = int(rng.choice(fitting[answer]))
    else:
        least = {"contour": 3, "pitch_order": 2, "loudness": 3, "label": 2}.get(skill, 1)
        most = max(max(counts, default=2) for counts in fitting.values())
        count = int(rng.integers(least, most + 1))
    if count < 3:
        return count, None, False
    possible = tuple(tempo for tempo, counts in fitting.items() if count in counts)
    if not possible:
        words["reverberation"], possible = "dry", tuple(t for t in INTERVALS if count <= longest_count(t, False))
        wet = False
    irregular = skill != "tempo" and count >= 4 and not wet and rng.random() < IRREGULAR_SHARE
    return count, None if irregular else pick(rng, possible), irregular


def _source(
    rng: np.random.Generator,
    family: str,
    instrument: str | None,
    words: dict[str, str],
    split: str,
    index: int,
) -> tuple[str, str]:
    """The source that splits go by, and the material it names."""
    group = GROUPS[split]
    if instrument:
        program = int(rng.choice(PATCHES[instrument][group]))
        return f"TimGM6mb/{program:03d}", str(program)
    if family == "speech":
        voice = pick(rng, VOICES[words["register"]][group])
        return f"espeak-ng/{voice}", voice
    material = pick(rng, (LAWS if family in PITCHED else SHAPES)[group])
    return f"{family}/{material}/{split}-{index // BLOCK:03d}", material
