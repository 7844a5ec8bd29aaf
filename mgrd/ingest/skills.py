"""Skills: what a perception-grounded question asks one to hear, and how it is put.

Embedded and derived questions share these texts, so a model that learned a skill on made clips is
asked in the same words on recorded ones.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Skill:
    """A question type. `attribute` names the word bands (mgrd.audio.words) whose words are the choices."""

    name: str
    text: str
    attribute: str | None


SKILLS: dict[str, Skill] = {
    skill.name: skill
    for skill in (
        Skill("contour", "How does the pitch move?", "contour"),
        Skill("register", "In which register is the pitch?", "register"),
        Skill("tempo", "How fast is the pulse?", "tempo"),
        Skill("loudness", "How does the loudness change?", "loudness"),
        Skill("timbre", "How is the timbre?", "timbre"),
        Skill("noise", "How clean is the recording?", "noise"),
        Skill("reverberation", "How is the space?", "reverberation"),
        Skill("speech_rate", "How fast is the speech?", "speech_rate"),
        Skill("intonation", "How does the intonation end?", "intonation"),
        Skill("pitch_order", "Where does the pitch go from the first sound to the last?", "pitch_order"),
        Skill("event_count", "How many sounds are there?", None),
        Skill("label", "What is heard?", None),
    )
}

NUMBER_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
