"""Things whose mere presence or absence is a claim: noise, echoes, vibrato, pauses, a voice, a pitch."""

from mgrd.grounding.reading.degrees import Degrees
from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.senses import Sense, sense_of_quality
from mgrd.grounding.reading.state import Claims

MEASURES = frozenset({"decay time", "reverberation time", "t60", "rt60", "decay", "room response"})
"""Names of a measure, whose mention says nothing of its size."""
MOVEMENT_NOUNS = frozenset({"glide", "bend", "slide", "sweep", "movement", "motion", "glissando", "portamento"})
PITCH_NOUNS = frozenset(
    {"pitch", "tone", "tonality", "pure tone", "fundamental", "fundamental frequency", "tonal component"}
)
CLEARLY = frozenset(
    {"any", "a", "clear", "definite", "discernible", "single", "real", "recognisable", "recognizable"}
    | {"identifiable", "distinct", "obvious", "stable", "fixed", "specific", "detectable", "perceivable"}
    | {"particular", "clearly", "audible"}
)
DENYING = frozenset(
    {"no", "without", "lacks", "lacking", "lack", "not", "no discernible", "no real", "not any", "devoid of", "with no"}
)
SUNG = frozenset({"singer", "singing", "singing voice", "vocal", "vocals", "this voice", "phrase", "delivery"})
NOBODY = frozenset({"nobody", "no", "neither", "none"})
TOWARDS = frozenset(
    {"into", "to", "from", "towards", "toward", "near", "nothing but", "almost", "dead", "out", "of", "behind"}
)
SIZES = frozenset({"db", "decibels", "octaves", "octave", "semitones", "hz"})
"""Units of a gap that is no silence."""
BEHIND = frozenset({"behind", "around", "beneath", "underneath", "beside"})
_PRESENCE: dict[str, Sense] = {
    "hiss": ("noise", "noisy"),
    "noise": ("noise", "noisy"),
    "reverb": ("reverberation", "reverberant"),
    "vibrato": ("vibrato", "present"),
    "pause": ("pauses", "present"),
    "phone": ("telephone", "present"),
    "distortion": ("clipping", "distorted"),
    "whisper": ("phonation", "whispered"),
}
"""Topics whose mere presence is a claim."""


def _may_deny(item: Item) -> bool:
    """A word of "is not there", "cannot be heard", and not of "doesn't come and go"."""
    if item.kind == "verb":
        return item.value == "hear" or item.word in ("be", "is", "present", "audible")
    return item.kind != "quality" or item.value == "present"


class Presence(Degrees):
    """Reads what a clause says to be there, or not."""

    def _presence(self, index: int, item: Item) -> Claims:
        """Topics whose mere presence is a claim."""
        if item.word.rpartition(" ")[2] in MOVEMENT_NOUNS and self.negated:
            yield self.draft(("contour", "flat"), item.start, item.end, negated=False)
            return
        if item.value in ("pitch", "tone") and self._denies(index):
            yield self.draft(("harmonicity", "harmonic"), item.start, item.end)
            return
        if item.value in ("voice", "speech", "speaker"):
            yield from self._voice(index, item)
            return
        if item.value == "pause" and (self._is_presupposed(index) or any(i.word in SIZES for i in self.items)):
            return
        if item.value == "treble":
            if self.negated:
                yield self.draft(("timbre", "dark"), item.start, item.end, negated=False)
            return
        sense = _PRESENCE.get(item.value)
        # "Any hiss is far underneath" says of none that it is there.
        any_of_it = index > 0 and self.items[index - 1].word == "any"
        if (item.word in MEASURES or any_of_it) and not self.negated:
            return
        if sense and self._asserted(index, item) and (item.value != "noise" or self._mass(index, item)):
            absent = self._is_denied_after(index)
            yield self.draft(sense, item.start, item.end, negated=self.negated != absent)

    def _denies(self, index: int) -> bool:
        """ "no pitch", "without any clear pitch", "no tone can be made out": there is none."""
        if not self.negated or self.items[index].word not in PITCH_NOUNS:
            return False
        back = index - 1
        while back >= 0 and self.items[back].word in CLEARLY:
            back -= 1
        if back < 0 or self.items[back].word not in DENYING:
            return False
        rest = self.items[index + 1 :]
        return not any(item.kind in ("quality", "comparative", "trend", "topic", "event", "unknown") for item in rest)

    def _voice(self, index: int, item: Item) -> Claims:
        """ "there is a voice", "someone is speaking", "no speech": that somebody speaks, or does not."""
        rest, before = self.items[index + 1 :], self.items[:index]
        if item.word in SUNG or any(i.kind in ("quality", "comparative", "topic", "event") for i in rest):
            return
        if before and before[-1].word == "the":
            return
        negated = self.negated or any(i.word in NOBODY for i in before)
        there = self.verb is not None and (self.verb.value == "hear" or (self.subject is None and negated))
        pointed = self.verb is not None and self.subject is not None and self.subject.value in ("it", "sound")
        alone = negated and self.verb is None and self.subject is None and self.clause.link != "in"
        passive = any(i.kind == "verb" and (i.value == "hear" or i.word in ("present", "audible")) for i in rest)
        moved = any(i.kind == "verb" and i.value not in ("hear", "be", "speak") for i in self.items)
        if (there or pointed or alone or passive) and not moved:
            yield self.draft(("voice", "present"), item.start, item.end, negated=negated)

    def _is_presupposed(self, index: int) -> bool:
        """ "the gaps get shorter", "each gap", "into silence", "nothing but silence": presupposed, not told."""
        item, before = self.items[index], self.items[index - 1].word if index else ""
        if item.word.startswith(("silence", "silent")):
            back = {other.word for other in self.items[max(0, index - 3) : index]}
            rest = [other.word for other in self.items[index + 1 : index + 3]]
            behind = bool(set(rest) & BEHIND)
            return bool(back & TOWARDS) or behind or ("right" in rest and "after" in [*rest, self.following])
        heard = self.verb is not None and self.verb.value == "hear"
        rest = {other.kind for other in self.items[index + 1 :]}
        said = bool(rest & {"comparative"}) or any(
            other.value in ("change", "increase", "decrease", "rise", "fall", "regular", "irregular", "even", "steady")
            or other.value in ("identical",)
            for other in self.items[index + 1 :]
        )
        return said or (before in ("the", "each", "every", "some") and not heard and item.word.endswith("s"))

    @property
    def following(self) -> str:
        """The word after this clause, where the sentence goes on."""
        at = self.clause.first + len(self.items)
        return self.sentence[at].word if at < len(self.sentence) else ""

    def _is_denied_after(self, index: int) -> bool:
        """ "vibrato is absent"; but not "hiss that never lets up"."""
        for at, item in enumerate(self.items[index + 1 :], start=index + 1):
            if item.kind == "negation":
                rest = self.items[at + 1 :]
                return all(i.kind not in ("topic", "event", "trend", "unknown") and _may_deny(i) for i in rest)
            if item.kind == "topic" or (item.kind == "verb" and item.value not in ("be", "hear")):
                return False
        return False

    def _asserted(self, index: int, item: Item) -> bool:
        """A thing is there: something happens to it, it is heard, or it comes with something."""
        rest = self.items[index + 1 :]
        if any(other.kind == "quality" and sense_of_quality(other.value, other.word, item.value) for other in rest):
            return False
        if item.word in ("echoes", "echo") and self.subject is not None and not rest:
            return True
        return any(other.kind == "verb" for other in self.items) or self.clause.link == "with" or self.negated

    def _mass(self, index: int, item: Item) -> bool:
        """Noise around the sound, and not a noise that is the sound."""
        before = self.items[index - 1].word if index else ""
        masked = any(other.kind == "verb" and other.value == "cover" for other in self.items[index + 1 :])
        return masked or "background" in item.word or "floor" in item.word or self.negated or before in ("much", "lots")
