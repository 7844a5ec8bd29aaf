"""Qualities of a clause: adjectives and adverbs before their noun ("a low tone") or after a verb ("the tone is low").

A pole that is said of the beginning or the end only ("starts low") waits for its counterpart and is a movement then.
"""

from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.senses import POLES, Sense, sense_of_move, sense_of_quality
from mgrd.grounding.reading.state import ASPECTS, Claims, Reading

MOVED = frozenset({"rising", "falling", "swelling", "fading"})
VOICED = frozenset({"intonation", "voice", "speech", "speaker", "it", "pitch"})
RELATIVELY = frozenset({"relatively", "comparatively"})
MOVING = frozenset({"rise", "fall", "increase", "decrease", "swell", "fade", "become", "brighten", "darken", "change"})
ENDS = {"start": "begin", "beginning": "begin", "opening": "begin", "onset": "begin", "outset": "begin"}
ENDS |= {"end": "end", "ending": "end", "finish": "end", "close": "end"}
BEATEN = frozenset(
    {"beating", "pulsing", "pulsating", "pulsation", "throbbing", "throb", "ticking", "clicking", "beeping"}
)
BEATEN |= {"tapping", "knocking", "drumming"}
WAVING = frozenset({"beating", "pulsing", "pulsating", "pulsation", "throbbing", "throb"})
NOTE_NAMES = frozenset("abcdefg")
SOFT = frozenset({"soft", "gentle"})
"""Before a noun they speak of its colour as often as of its level."""
COUNTABLE = ("tone", "sound", "one", "many")


KINDS = frozenset({"type", "kind", "sort", "source", "type of", "kind of", "sort of"})
CONCESSIVE = frozenset({"if", "though", "when", "then", "so"})
"""Words after an "even" that says nothing of how even something is."""


def pole_of(item: Item) -> str | None:
    """The pole that a quality names when it is said of the beginning or the end only."""
    return "loud" if item.value == "strong" else item.value if item.value in POLES else None


class Qualities(Reading):
    """Reads the qualities of a clause."""

    def _meet_quality(self, index: int, item: Item) -> Claims:
        if self._end_noun(index) is not None:
            yield from self._meet_end(index, item, self.topic() or "sound")
            return
        following = self.items[index + 1] if index + 1 < len(self.items) else None
        note = self._is_no_quality(index)
        if note or (item.word == "pitched" and following is not None and following.kind in ("comparative", "quality")):
            return
        if following is not None and following.word in NOTE_NAMES and following.end - following.start == 1:
            return  # "a steady A5": of a note, whatever was spoken of before
        target = self.named_after(index)
        if target is None and item.value in POLES and self._is_complemented(index):
            return
        head = None if target else self.head(self.clause.first + index)
        if head is not None:
            yield from self._before_noun(index, item, head)
            return
        topic = self.topic() if target is None else self.topic_of(target)
        if item.value in POLES and topic in ASPECTS and self.subject is not None and self.subject.value == "it":
            topic = (
                topic if sense_of_quality(item.value, item.word, topic) and item.value in ("fast", "slow") else "sound"
            )
        if topic is None and self._fragment_allowed(index):
            topic = self.context.topic = "sound"
        if self.excluded and topic is None:
            topic = self.context.topic
        if topic is None or not (target or self.excluded or self.is_predicate(index)) or self._is_manner(item):
            return
        yield from self._predicate(index, item, topic, target)

    def _is_no_quality(self, index: int) -> bool:
        """ "E flat", "more than one pitch", "deep even for a man"."""
        item, before = self.items[index], self.items[index - 1].word if index else ""
        if (item.word == "flat" and before in NOTE_NAMES) or (item.value == "same_pitch" and before == "than"):
            return True
        after = [other.word for other in self.items[index + 1 : index + 3]]
        concedes = bool(CONCESSIVE.intersection(after[:1])) or after in (["for", "a"], ["for", "an"])
        return item.word == "even" and concedes

    def _is_complemented(self, index: int) -> bool:
        """ "low in variation", "rich in information": said of something that the lexicon does not know."""
        rest = self.items[index + 1 : index + 3]
        return len(rest) == 2 and rest[0].word == "in" and rest[1].kind in ("trend", "unknown")

    def _fragment_allowed(self, index: int) -> bool:
        return self.subject is None and not self.foreign and self.context.topic is None and self.is_predicate(index)

    def _before_noun(self, index: int, item: Item, head: Item) -> Claims:
        topic = self.topic_of(head)
        if self._place_of(index) is not None and (item.value in POLES or self._tells_intonation(item)):
            yield from self._meet_end(index, item, self._end_topic(topic))
            return
        if self._is_another_sense(index, item, head):
            return
        if topic == "tempo" and head.word in BEATEN and item.value in ("high", "low", "middle"):
            topic = "many"
        if topic in ("pitch", "tone") and self.subject is not None and self.subject.value == "intonation":
            topic = "intonation"
        if item.word in SOFT and topic != "loudness":
            return
        if head.word == "pitches" and sense_of_quality(item.value, item.word, "pitch") == ("contour", "flat"):
            return  # "between two fixed pitches"
        if item.word in ("the same", "same") and topic in ("voice", "sound", "music", "speaker"):
            return  # the same voice may speak at another pitch
        sense = sense_of_quality(item.value, item.word, topic or "")
        if item.value in ("definite", "clear") and topic == "pitch" and head.word not in ("pitch", "pitches"):
            return
        if topic == "tempo" and self.is_of_speech(head):
            sense = sense_of_quality(item.value, item.word, "speech_rate")
        if sense and not (topic in ("sound", "recording") and sense[0] == "tempo"):
            subject = self.ordinal if head.kind == "event" or head.value in ("sound", "tone") else None
            draft = self.draft(sense, item.start, head.end, subject=subject)
            yield draft | {"of_event": head.kind == "event" and head.value == "one"}

    def _is_another_sense(self, index: int, item: Item, head: Item) -> bool:
        """ "A low, muffled noise" is low in pitch or colour; a slow throb or wobble is no slow pulse."""
        apart = self.items[index + 1 : index + 2] != (head,)
        noise = head.value in ("noise", "hiss") and item.value in ("low", "high") and apart
        return noise or (head.word in WAVING and item.value in ("slow", "fast", "moderate"))

    def _end_topic(self, topic: str | None) -> str:
        return topic if topic == "intonation" else self.topic() or topic or "sound"

    def _predicate(self, index: int, item: Item, topic: str, target: Item | None) -> Claims:
        if self._place_of(index) is not None and (pole_of(item) or self._tells_intonation(item)):
            yield from self._meet_end(index, item, topic)
            return
        if index and self.items[index - 1].word in RELATIVELY:
            return
        if item.value == "steady" and self.negated and topic in ("sound", "it"):
            return  # of pitch, level or pulse: nobody knows
        if item.word == "the same" and (self._differs_after() or self._is_of_kind()):
            return
        start = min(self.subject.start if self.subject else item.start, item.start)
        if self.verb is not None and self.verb.value == "become" and item.value in POLES:
            yield from self._becomes(item, topic, start)
            return
        for name in [*([] if target else self.beside), topic]:
            sense = self._sense(item, name)
            if sense and not (item.word == "the same" and sense[0] == "regularity" and name in COUNTABLE):
                ordered = sense[0] == "register" and name in COUNTABLE
                end = target.end if target else item.end
                yield self.draft(sense, start, end, subject=self.ordinal if ordered else None)

    def _differs_after(self) -> bool:
        """ "sounds the same but deeper"."""
        rest = [item for item in self.sentence if item.start > self.clause.end]
        return bool(rest) and rest[0].word in ("but", "except", "only", "yet", "as")

    def _is_of_kind(self) -> bool:
        """ "the type of sound stays the same": at any loudness and pitch."""
        before = [item.word for item in self.sentence if self.subject is not None and item.start < self.subject.start]
        return bool(KINDS.intersection(before[-3:]))

    def _becomes(self, item: Item, topic: str, start: int) -> Claims:
        """ "it becomes loud": a movement towards the pole, of the whole sound unless a time within it is named."""
        opening, self.context.opening = self.context.opening, None
        name = opening[2] if opening and POLES.get(opening[0]) == item.value else topic
        sense = sense_of_move(item.value, name) or sense_of_move(item.value, "sound")
        late = self.time is None or (self.time[1] == 1.0 and self.time[2] == "share")
        if sense and late:
            draft = self.draft(sense, start, item.end)
            yield draft | {"time_start": None, "time_end": None, "time_unit": None}

    def _sense(self, item: Item, topic: str) -> Sense | None:
        speaking = topic in ("voice", "speech", "speaker", "it", "speech_rate", "sound") or self.context.speaking
        if self.speechy and item.value in ("fast", "slow", "moderate") and speaking:
            return sense_of_quality(item.value, item.word, "speech_rate")
        if item.value in ("fast", "slow") and topic == "voice" and not self._spoken():
            return None
        sense = sense_of_quality(item.value, item.word, topic)
        unknown = topic == "sound" and self.subject is not None and self.subject.value == "it"
        return sense_of_quality(item.value, item.word, "it") if sense is None and unknown else sense

    def _is_manner(self, item: Item) -> bool:
        """ "rises steadily": how something moves, and not a pulse or a level."""
        return item.word.endswith("ly") and any(
            other.kind == "comparative"
            or (other.kind == "verb" and other.value in MOVING)
            or (other.kind == "quality" and other.value in MOVED)
            for other in self.items
        )

    def _spoken(self) -> bool:
        return self.verb is not None and self.verb.value in ("speak", "be")

    def _tells_intonation(self, item: Item) -> bool:
        return item.value in ("rising", "falling", "questioning")

    def _end_noun(self, index: int) -> str | None:
        """ "quiet start, loud finish"."""
        following = self.items[index + 1] if index + 1 < len(self.items) else None
        if following is None or self.items[index].value not in POLES:
            return None
        last = index + 2 >= len(self.items) or self.items[index + 2].kind in ("break", "function")
        return ENDS.get(following.word) if last else None

    def _place_of(self, index: int) -> str | None:
        """Whether a pole ("low", "loud") is said of the beginning or the end only."""
        if noun := self._end_noun(index):
            return noun
        if self.verb is not None and self.verb.value in ("begin", "end"):
            return self.verb.value
        named = next((other.word for other in self.items[:index] if other.kind == "ordinal"), "")
        if self.subject is None and named in ENDS:
            return ENDS[named]
        item = self.items[index]
        if pole_of(item) is None or self.time is None:
            return None
        late = self.time[1] == 1.0 if self.time[2] == "share" else self.time[0] < 0
        return "begin" if self.time[0] == 0.0 else "end" if late else None

    def _meet_end(self, index: int, item: Item, topic: str) -> Claims:
        """ "starts low ... ends high": the pair is a movement, either alone is relative and claims nothing."""
        if self._place_of(index) == "begin":
            self.context.opening = (pole_of(item) or item.value, item, topic)
            self.said = True
            return
        opening, self.context.opening = self.context.opening, None
        pole = pole_of(item) or item.value
        if opening and POLES.get(opening[0]) == pole:
            sense = sense_of_move(pole, opening[2]) or sense_of_move(pole, "sound")
            if sense:
                draft = self.draft(sense, opening[1].start, item.end)
                yield draft | {"time_start": None, "time_end": None, "time_unit": None}
        elif self._tells_intonation(item):
            if topic in VOICED or self.speechy:
                word = "falling" if item.value == "falling" else "rising"
                yield self.draft(("intonation", word), item.start, item.end)
            elif sense := sense_of_quality(item.value, item.word, topic):
                yield self.draft(sense, item.start, item.end)
