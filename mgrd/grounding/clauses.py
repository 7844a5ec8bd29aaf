"""One clause of a chain: which topic it speaks of, and what it says of it.

Qualities stand before their noun ("a low tone") or after a verb ("the tone is low"); movements are verbs
or "gets" with a comparative. A clause without its own topic takes the one before it, unless it has a subject
that the lexicon does not know: then it speaks of something else.
"""

from collections.abc import Callable, Iterator

from mgrd.grounding.comparisons import read_comparison
from mgrd.grounding.context import Clause, Context, Draft
from mgrd.grounding.lexer import Item
from mgrd.grounding.lexicon import word_set
from mgrd.grounding.senses import POLES, RELATION, Sense, sense_of_move, sense_of_quality

Claims = Iterator[Draft]

HEDGE_WEIGHT = 0.5
BLOCKERS = word_set("blockers")
"""Words that an adjective does not reach across to its noun."""
DETERMINERS = word_set("determiners")
NOUNS_OF_PLACE = word_set("nouns_of_place")
SPEECH = ("speech", "speaker", "speech_rate")
MOVED = frozenset({"rising", "falling", "swelling", "fading"})
PAST_UNKNOWN = 2
MUSICAL_NOUNS = frozenset(
    {"crescendo", "decrescendo", "diminuendo", "fade-out", "fade-in", "accelerando", "ritardando"}
)
VOICED = frozenset({"intonation", "voice", "speech", "speaker", "it", "pitch"})
RELATIVELY = frozenset({"relatively", "comparatively"})
MOVING = frozenset({"rise", "fall", "increase", "decrease", "swell", "fade", "become", "brighten", "darken", "change"})
TO_FOREIGN = word_set("to_foreign")


def read_clause(clause: Clause, sentence: tuple[Item, ...], context: Context) -> Claims:
    """Drafts (keyword arguments of Claim, without text) of one clause; updates the context."""
    items = clause.items
    if _is_stopped(clause, context):
        clause.stopped = True
        context.carried = False
        return
    comparison = read_comparison(items)
    if comparison is not None:
        context.topic, context.carried = "sound", True
        yield comparison
        return
    yield from _Reader(clause, sentence, context).read()


def _is_stopped(clause: Clause, context: Context) -> bool:
    kinds = {item.kind for item in clause.items}
    if "stop" in kinds:
        context.stopped = True
        named = [item.value for item in clause.items if item.kind == "topic" and item.value != "it"]
        context.topic = named[-1] if named else context.topic
        return True
    if any(item.kind == "verb" and item.value == "say" for item in clause.items):
        context.stopped = True
        return True
    if context.stopped and not any(item.kind in ("topic", "event") and item.value != "it" for item in clause.items):
        return True
    if context.stopped and clause.link in ("or", "and", ",") and not any(i.kind == "verb" for i in clause.items):
        return True
    context.stopped = False
    return False


class _Reader:
    """Walks a clause from left to right. Kept per clause: nothing survives but the context."""

    def __init__(self, clause: Clause, sentence: tuple[Item, ...], context: Context) -> None:
        self.clause = clause
        self.items = clause.items
        self.sentence = sentence
        self.context = context
        self.subject: Item | None = None
        self.ordinal: int | None = None
        self.verb: Item | None = None
        self.before_verb: Item | None = None
        self.negated = False
        self.said = False
        self.weight = HEDGE_WEIGHT ** sum(item.kind == "hedge" for item in self.items)
        self.time = next((item.time for item in self.items if item.kind == "time"), None)
        self.foreign = False
        self.consumed: set[int] = set()
        self.speechy = context.speaking or any(
            (item.kind == "topic" and item.value in SPEECH) or (item.kind == "verb" and item.value == "speak")
            for item in self.items
        )

        if clause.link == "with" and context.ending is not None:
            self.verb = context.ending

    def read(self) -> Claims:
        if self.clause.link in ("or",) and self.context.negated:
            self.negated = True
        yield from self._passages()
        for index, item in enumerate(self.items):
            if index in self.consumed:
                continue
            meet = _MEET.get(item.kind)
            if meet is not None:
                yield from meet(self, index, item)
            else:
                self._note(item)
        self.context.carried = self.said
        self.context.negated = self.negated
        self.context.ending = self.verb if self.verb is not None and self.verb.value == "end" else None
        if self.subject is not None:
            self.context.speaking = self.speechy and self.subject.value in (*SPEECH, "voice", "it")

    def _note(self, item: Item) -> None:
        """Words that change how the rest is read."""
        if item.kind == "negation":
            self.negated = not self.negated
            if item.word.endswith("n't"):
                self.verb = Item("verb", "be", item.word, item.start, item.end)
        elif item.kind == "ordinal":
            self.ordinal = int(item.value)
        elif item.kind == "unknown" and self.subject is None and self.verb is None:
            self.foreign = True

    # -- topics ---------------------------------------------------------------------------------

    def topic(self) -> str | None:
        """The topic that a predicate here speaks of."""
        if self.subject is not None:
            return self._topic_of(self.subject)
        return None if self.foreign else self.context.topic

    def _topic_of(self, item: Item) -> str | None:
        value = item.value
        if value == "it" or (item.word in ("this", "that", "something") and self.context.topic):
            return self.context.topic or "sound"
        if value == "tempo" and self.speechy:
            return "speech_rate"
        return value

    def _meet_topic(self, index: int, item: Item) -> Claims:
        presence = _PRESENCE.get(item.value)
        described = index > 0 and self.items[index - 1].kind == "quality"
        if (
            presence
            and not described
            and self._asserted(index, item)
            and (item.value != "noise" or self._mass(index, item))
        ):
            absent = any(other.kind == "negation" for other in self.items[index + 1 :])
            yield self._draft(presence, item.start, item.end) | {"negated": self.negated != absent}
        if item.value == "speaker" and self._speaks(index):
            yield self._draft(("voice", "present"), item.start, item.end)
        if self.verb is None or self.subject is None or self.subject.value in ("it", "sound"):
            following = self.items[index + 1] if index + 1 < len(self.items) else None
            of = following is not None and following.word in ("of", "in")
            if self.subject is None or not (of or self._after_of(index)):
                self.subject = item
                topic = self._topic_of(item)
                if topic:
                    self.context.topic = topic

    def _after_of(self, index: int) -> bool:
        """ "the pitch of the sound": the topic is the pitch."""
        back = [item.word for item in self.items[max(0, index - 3) : index]]
        return "of" in back and self.subject is not None

    def _asserted(self, index: int, item: Item) -> bool:
        """A thing is there: something happens to it, it is heard, or it comes with something."""
        verbs = any(other.kind == "verb" for other in self.items)
        quality = any(other.kind == "quality" for other in self.items[index + 1 :])
        if quality and any(
            other.kind == "quality" and sense_of_quality(other.value, other.word, item.value)
            for other in self.items[index + 1 :]
        ):
            return False
        return verbs or self.clause.link == "with" or self.negated

    def _mass(self, index: int, item: Item) -> bool:
        """Noise around the sound, and not a noise that is the sound."""
        before = self.items[index - 1].word if index else ""
        masked = any(other.kind == "verb" and other.value == "cover" for other in self.items[index + 1 :])
        return masked or "background" in item.word or "floor" in item.word or self.negated or before in ("much", "lots")

    def _speaks(self, index: int) -> bool:
        rest = self.items[index + 1 :]
        return any(other.kind == "verb" and other.value == "speak" for other in rest) and not any(
            other.kind in ("quality", "comparative") for other in self.items
        )

    # -- movements ------------------------------------------------------------------------------

    def _meet_verb(self, index: int, item: Item) -> Claims:
        self.verb, before = item, self.verb
        if item.value in ("be", "become", "begin", "end", "cover", "hear", "speak", "change"):
            self.before_verb = before
            return
        target = self._in_topic(index)
        topic = target.value if target else self.topic() or ("sound" if item.word in MUSICAL_NOUNS else None)
        if topic is None:
            return
        sense = sense_of_move(item.value, topic)
        if (
            sense
            and sense[0] == "contour"
            and ((topic in ("voice", "it", "sound") and self._ends_speech(before)) or self._of_last_syllable())
        ):
            sense = ("intonation", sense[1])
        if sense:
            start = self.subject.start if self.subject else item.start
            yield self._draft(sense, min(start, item.start), target.end if target else item.end)

    def _of_last_syllable(self) -> bool:
        return any(item.kind == "topic" and item.value == "intonation" for item in self.items)

    def _in_topic(self, index: int) -> Item | None:
        """ "rises in volume", "a rise in pitch", "a fall of the pitch"."""
        rest = self.items[index + 1 : index + 5]
        if rest and rest[0].word in ("in", "of"):
            return next((item for item in rest[1:] if item.kind in ("topic", "event")), None)
        return None

    def _meet_trend(self, index: int, item: Item) -> Claims:
        """Nouns: "ends on a rise", "there is a fall in pitch"."""
        target = self._in_topic(index)
        topic = target.value if target else self.topic()
        if topic is None or (self.verb is None and target is None):
            return
        sense = sense_of_move(item.value, topic)
        if self._ends_speech(self.verb) and topic in (
            "voice",
            "speech",
            "speaker",
            "intonation",
            "it",
            "pitch",
            "sound",
        ):
            sense = ("intonation", "rising" if item.value == "rise" else "falling")
        if sense:
            start = self.subject.start if self.subject and not target else item.start
            yield self._draft(sense, min(start, item.start), max(item.end, target.end if target else 0))

    def _ends_speech(self, verb: Item | None) -> bool:
        """Something said of how a voice ends."""
        at_end = verb is not None and verb.value == "end"
        late = self.time is not None and self.time[2] == "share" and self.time[0] > 0.5
        voiced = self.topic() in ("voice", "speech", "speaker")
        return at_end or (late and voiced)

    def _meet_comparative(self, _index: int, item: Item) -> Claims:
        """ "gets louder", "ends higher", "grows brighter", "louder towards the end"."""
        topic = self.topic()
        verb = self.verb.value if self.verb else None
        turning = verb in ("become", "end", "increase", "rise", "fall", "change") or (
            self.time is not None and self.time[0] > 0.3
        )
        if topic is None or not (turning or verb == "begin"):
            return
        value = POLES.get(item.value, item.value) if verb == "begin" else item.value
        sense = sense_of_move(value, topic)
        if sense:
            start = self.subject.start if self.subject else (self.verb or item).start
            yield self._draft(sense, min(start, item.start), item.end)

    def _passages(self) -> Claims:
        """ "from low to high": a movement, whatever the verb."""
        for index, item in enumerate(self.items):
            if item.kind not in ("quality", "comparative") or item.value not in POLES:
                continue
            ahead = self.items[index + 1 : index + 7]
            to = next((k for k, other in enumerate(ahead) if other.word in ("to", "into", "towards", "toward")), None)
            if to is None or any(other.kind in ("verb", "break") for other in ahead[:to]):
                continue
            goal = next((other for other in ahead[to + 1 :] if other.kind == item.kind), None)
            if goal is None or POLES[item.value] != goal.value:
                continue
            topic = self._nearest_topic(index) or "sound"
            sense = sense_of_move(goal.value, topic) or sense_of_move(goal.value, "sound")
            if sense:
                at = next((t for t in self.items[:index] if t.kind in ("topic", "event")), item)
                yield self._draft(sense, min(at.start, item.start), goal.end)
                self.said = True
                self.consumed |= {k for k, other in enumerate(self.items) if item.start <= other.start < goal.end}

    def _nearest_topic(self, index: int) -> str | None:
        for item in reversed(self.items[:index]):
            if item.kind in ("topic", "event"):
                return self._topic_of(item)
        return self.context.topic

    # -- qualities ------------------------------------------------------------------------------

    def _meet_quality(self, index: int, item: Item) -> Claims:
        head = self._head(self.clause.first + index)
        if head is not None:
            topic = self._topic_of(head)
            if self._place(item) is not None and (item.value in POLES or self._tells_intonation(item)):
                yield from self._meet_end(item, topic if topic == "intonation" else self.topic() or topic or "sound")
                return
            sense = sense_of_quality(item.value, item.word, topic or "")
            if topic == "tempo" and self._of_speech(head):
                sense = sense_of_quality(item.value, item.word, "speech_rate")
            if sense and not (topic in ("sound", "recording") and sense[0] == "tempo"):
                subject = self.ordinal if head.kind == "event" or head.value in ("sound", "tone") else None
                draft = self._draft(sense, item.start, head.end, subject=subject)
                yield draft | {"of_event": head.kind == "event" and head.value == "one"}
            return
        topic = self.topic()
        if topic is None or not self._predicative(index) or self._is_manner(item):
            return
        if self._place(item) is not None:
            yield from self._meet_end(item, topic)
            return
        if index and self.items[index - 1].word in RELATIVELY:
            return
        sense = sense_of_quality(item.value, item.word, topic)
        if (
            self.speechy
            and item.value in ("fast", "slow", "moderate")
            and (topic in ("voice", "speech", "speaker", "it", "speech_rate", "sound") or self.context.speaking)
        ):
            sense = sense_of_quality(item.value, item.word, "speech_rate")
        elif item.value in ("fast", "slow") and topic == "voice" and not self._spoken():
            sense = None
        if sense:
            start = self.subject.start if self.subject else item.start
            subject = self.ordinal if sense[0] == "register" and topic in ("one", "many", "sound", "tone") else None
            yield self._draft(sense, min(start, item.start), item.end, subject=subject)

    def _is_manner(self, item: Item) -> bool:
        """ "rises steadily": how something moves, and not a pulse or a level."""
        return item.word.endswith("ly") and any(
            other.kind == "comparative"
            or (other.kind == "verb" and other.value in MOVING)
            or (other.kind == "quality" and other.value in MOVED)
            for other in self.items
        )

    def _of_speech(self, head: Item) -> bool:
        return self.speechy or (self.subject is not None and self.subject.value == "voice" and head is not self.subject)

    def _spoken(self) -> bool:
        return self.verb is not None and self.verb.value in ("speak", "be")

    def _tells_intonation(self, item: Item) -> bool:
        return item.value in ("rising", "falling", "questioning")

    def _place(self, item: Item) -> str | None:
        """Whether a pole ("low", "loud") is said of the beginning or the end only."""
        if self.verb is not None and self.verb.value in ("begin", "end"):
            return self.verb.value
        if item.value not in POLES or self.time is None or self.time[2] != "share":
            return None
        return "begin" if self.time[0] == 0.0 else "end" if self.time[1] == 1.0 else None

    def _meet_end(self, item: Item, topic: str) -> Claims:
        """ "starts low ... ends high": the pair is a movement, either alone is relative and claims nothing."""
        if self._place(item) == "begin":
            self.context.opening = (item.value, item, topic)
            self.said = True
            return
        opening, self.context.opening = self.context.opening, None
        if opening and POLES.get(opening[0]) == item.value:
            sense = sense_of_move(item.value, opening[2])
            if sense:
                yield self._draft(sense, opening[1].start, item.end)
        elif self._tells_intonation(item) and topic in VOICED:
            yield self._draft(("intonation", "falling" if item.value == "falling" else "rising"), item.start, item.end)

    def _head(self, index: int) -> Item | None:
        """The noun that a quality stands before, if the lexicon knows it."""
        unknown = 0
        for ahead in range(index + 1, min(len(self.sentence), index + 8)):
            item = self.sentence[ahead]
            if item.kind in ("topic", "event"):
                return None if item.value in ("it", "speaker") or item.word in ("this", "that") else item
            joined = item.word in ("and", ",") and self._quality_follows(ahead)
            if item.kind in ("quality", "ordinal") or joined:
                continue
            if item.kind == "unknown" and item.word not in TO_FOREIGN and unknown < PAST_UNKNOWN:
                unknown += 1
                continue
            if item.kind == "function" and item.word not in BLOCKERS:
                continue
            return None
        return None

    def _quality_follows(self, index: int) -> bool:
        """An adjective that stands before a noun follows, so the comma or "and" joins two of a noun's adjectives."""
        for item in self.sentence[index + 1 : index + 4]:
            if item.kind == "quality":
                return True
            if item.kind != "function" or item.word in BLOCKERS:
                return False
        return False

    def _predicative(self, index: int) -> bool:
        """The quality is said of the subject: after a verb, or continuing what was said of the last one."""
        following = self.items[index + 1] if index + 1 < len(self.items) else None
        if following is not None and following.word in TO_FOREIGN:
            return False
        back = index - 1
        while back >= 0 and self.items[back].kind in ("quality", "hedge", "negation"):
            back -= 1
        while back >= 0 and self.items[back].kind == "function" and self.items[back].word not in DETERMINERS:
            back -= 1
        determined = back >= 0 and self.items[back].word in DETERMINERS
        if determined and following is not None and following.kind in ("unknown", "verb"):
            return False
        if self.verb is not None:
            return self.subject is not None or not self.foreign
        return self.subject is None and not self.foreign and self.context.carried

    def _draft(self, sense: Sense, start: int, end: int, subject: int | None = None) -> Draft:
        attribute, word = sense
        self.said = True
        draft: Draft = {
            "start": start,
            "end": end,
            "attribute": attribute,
            "relation": RELATION.get(word, "is"),
            "claimed": f"{attribute} {word}",
            "word": word,
            "negated": self.negated,
            "weight": self.weight,
            "subject": subject,
        }
        if self.time is not None:
            draft |= {"time_start": self.time[0], "time_end": self.time[1], "time_unit": self.time[2]}
        return draft


_MEET: dict[str, Callable[[_Reader, int, Item], Claims]] = {
    "topic": _Reader._meet_topic,
    "event": _Reader._meet_topic,
    "verb": _Reader._meet_verb,
    "trend": _Reader._meet_trend,
    "quality": _Reader._meet_quality,
    "comparative": _Reader._meet_comparative,
}
_PRESENCE: dict[str, Sense] = {
    "hiss": ("noise", "noisy"),
    "noise": ("noise", "noisy"),
    "reverb": ("reverberation", "reverberant"),
    "vibrato": ("vibrato", "present"),
    "pause": ("pauses", "present"),
}
"""Topics whose mere presence is a claim."""
