"""One clause of a chain: which topic it speaks of, and what it says of it.

Qualities stand before their noun ("a low tone") or after a verb ("the tone is low"); movements are verbs
or "gets" with a comparative. A clause without its own topic takes the one before it, unless it has a subject
that the lexicon does not know: then it speaks of something else.
"""

from collections.abc import Callable

from mgrd.grounding.comparisons import EACH, order
from mgrd.grounding.context import Clause, Context
from mgrd.grounding.lexer import Item
from mgrd.grounding.lexicon import DIRECTIONS, MOTION_VERBS
from mgrd.grounding.reading import ASPECTS, PREPOSED, SPEECH, Claims, Reading
from mgrd.grounding.senses import POLES, Sense, sense_of_move, sense_of_quality

MOVED = frozenset({"rising", "falling", "swelling", "fading"})
MUSICAL_NOUNS = frozenset(
    {
        "crescendo",
        "decrescendo",
        "diminuendo",
        "fade-out",
        "fade-in",
        "fade out",
        "fade in",
        "accelerando",
        "ritardando",
    }
)
VOICED = frozenset({"intonation", "voice", "speech", "speaker", "it", "pitch"})
SOFT = frozenset({"soft", "gentle"})
"""Before a noun they speak of its colour as often as of its level."""
RELATIVELY = frozenset({"relatively", "comparatively"})
GROWING = frozenset({"progressively", "increasingly", "gradually", "steadily", "ever", "continually", "successively"})
MOVING = frozenset({"rise", "fall", "increase", "decrease", "swell", "fade", "become", "brighten", "darken", "change"})
MEASURES = frozenset({"decay time", "reverberation time", "t60", "rt60", "decay", "room response"})
"""Names of a measure, whose mention says nothing of its size."""
MOVEMENT_NOUNS = frozenset({"glide", "bend", "slide", "sweep", "movement", "motion", "glissando", "portamento"})
_THINGS = frozenset({"tone", "voice", "music", "hiss", "noise"})
MOST_ELLIPTIC, MOST_TELEGRAPHIC = 6, 2  # items of "and then back down again", of "pitch down"
CHANGEABLE = frozenset({"pitch", "loudness", "tempo", "timbre"})
"""Aspects of which "it changes" says that they do not hold."""
ENDS = {"start": "begin", "beginning": "begin", "opening": "begin", "onset": "begin", "outset": "begin"}
ENDS |= {"end": "end", "ending": "end", "finish": "end", "close": "end"}
COUNTABLE = ("tone", "sound", "one", "many")


def read_clause(clause: Clause, sentence: tuple[Item, ...], context: Context) -> Claims:
    """Drafts (keyword arguments of Claim, without text) of one clause; updates the context."""
    if _is_stopped(clause, context):
        clause.stopped = True
        context.carried = False
        return
    if clause.compared:
        context.carried = True
        context.counted = context.counted or any(item.kind == "event" for item in clause.items)
        context.ordinal = next((int(item.value) for item in clause.items if item.kind == "ordinal"), context.ordinal)
        return
    yield from _Reader(clause, sentence, context).read()


def pole_of(item: Item) -> str | None:
    """The pole that a quality names when it is said of the beginning or the end only."""
    return "loud" if item.value == "strong" else item.value if item.value in POLES else None


def _is_stopped(clause: Clause, context: Context) -> bool:
    stops = [item for item in clause.items if item.kind == "stop"]
    if stops:
        context.stopped = True
        context.general = context.general or any(item.value == "habit" for item in stops)
        named = [item.value for item in clause.items if item.kind == "topic" and item.value != "it"]
        context.topic = named[-1] if named else context.topic
        return True
    if context.general:
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


class _Reader(Reading):
    """Walks a clause from left to right and yields what it says."""

    def read(self) -> Claims:
        if self.clause.link in ("or", "nor") and self.context.negated:
            self.negated = True
        yield from self._passages()
        yield from self._ellipsis()
        for index, item in enumerate(self.items):
            if index in self.consumed:
                continue
            meet = _MEET.get(item.kind)
            if meet is not None:
                yield from meet(self, index, item)
            else:
                self.note(item)
        if (
            self.verb is not None
            and self.verb.word in ("holds", "hold")
            and not self.said
            and self.items[-1] is self.verb
        ):
            yield from self._moved("hold", self.verb)
        self._leave()

    def _ellipsis(self) -> Claims:
        """ "... up and then back down again", "the pitch falls and so does the loudness"."""
        context = self.context
        if self.clause.link == "so" and self.items[0].word in ("does", "do", "did", "is", "are") and context.move:
            topic = next((item for item in self.items if item.kind in ("topic", "event")), None)
            if topic is not None and len(self.items) <= MOST_ELLIPTIC:
                sense = sense_of_move(context.move, self.topic_of(topic) or "")
                if sense:
                    yield self.draft(sense, topic.start, topic.end)
            return
        if len(self.items) <= MOST_TELEGRAPHIC and self.items[-1].word in DIRECTIONS and self.items[0].kind == "topic":
            sense = sense_of_move(DIRECTIONS[self.items[-1].word], self.items[0].value)
            if sense:
                yield self.draft(sense, self.items[0].start, self.items[-1].end)
            return
        if context.moving and all(item.kind in ("function", "time", "hedge") for item in self.items):
            way = next((item for item in self.items if item.word in DIRECTIONS), None)
            sense = sense_of_move(DIRECTIONS[way.word], context.topic or "sound") if way else None
            if way and sense and len(self.items) <= MOST_ELLIPTIC:
                yield self.draft(sense, way.start, way.end)
                self.consumed |= set(range(len(self.items)))
                self.kept_moving = True

    def _moved(self, move: str, item: Item) -> Claims:
        sense = sense_of_move(move, self.topic() or "")
        if sense:
            yield self.draft(sense, min(self.subject.start if self.subject else item.start, item.start), item.end)

    def _leave(self) -> None:
        """What later clauses may need."""
        context = self.context
        if self.subject is not None or self.verb is not None or self.said or self.foreign:
            context.carried = self.said or any(item.kind == "event" or item.value in _THINGS for item in self.items)
        context.verb = self.verb
        context.ordinal = self.ordinal or context.ordinal
        context.moving = self.kept_moving or any(
            item.word in MOTION_VERBS or item.value in ("rise", "fall") for item in self.items
        )
        context.negated = self.negated
        context.ending = self.verb if self.verb is not None and self.verb.value == "end" else None
        context.edge = self.verb if self.verb is not None and self.verb.value in ("begin", "end") else None
        bare = self.verb is None and not self.said and self.subject is not None and not self.acted
        context.beside = [*self.beside, self.subject.value] if bare and self.subject is not None else []
        if self.subject is not None:
            context.speaking = self.speechy and self.subject.value in (*SPEECH, "voice", "it")
        context.counted = context.counted or any(item.kind == "event" for item in self.items)

    # -- topics ---------------------------------------------------------------------------------

    def _meet_topic(self, index: int, item: Item) -> Claims:
        if self.negated and self.negator in PREPOSED and self.said and self.verb is None:
            self.negated = False
        before = self.items[index - 1] if index else None
        described = (
            before is not None
            and before.kind == "quality"
            and (item.value != "pause" or sense_of_quality(before.value, before.word, item.value) is not None)
        )
        if not described:
            yield from self._presence(index, item)
        if item.value == "speaker" and self._speaks(index):
            yield self.draft(("voice", "present"), item.start, item.end)
        if self.verb is None or self.subject is None or self.subject.value in ("it", "sound"):
            following = self.items[index + 1] if index + 1 < len(self.items) else None
            of = self.subject is not None and (
                (following is not None and following.word in ("of", "in")) or self._in_phrase(index)
            )
            if self.subject is None or not (of or self._after_of(index)):
                self._take_subject(index, item)

    def _take_subject(self, index: int, item: Item) -> None:
        joined = self.subject is not None and self.verb is None and index and self.items[index - 1].word in ("/", "&")
        if joined and self.subject is not None:
            self.beside = [*self.beside, self.subject.value]
        self.subject = item
        topic = self.topic_of(item)
        if topic:
            self.context.topic = topic

    def _presence(self, index: int, item: Item) -> Claims:
        """Topics whose mere presence is a claim."""
        if item.word in MOVEMENT_NOUNS and self.negated:
            yield self.draft(("contour", "flat"), item.start, item.end, negated=False)
            return
        if item.value == "treble":
            if self.negated:
                yield self.draft(("timbre", "dark"), item.start, item.end, negated=False)
            return
        sense = _PRESENCE.get(item.value)
        if item.word in MEASURES and not self.negated:
            return
        if sense and self._asserted(index, item) and (item.value != "noise" or self._mass(index, item)):
            absent = any(other.kind == "negation" for other in self.items[index + 1 :])
            yield self.draft(sense, item.start, item.end, negated=self.negated != absent)

    def _in_phrase(self, index: int) -> bool:
        """ "it is played at a brisk tempo": the tempo is not the subject."""
        for item in reversed(self.items[max(0, index - 5) : index]):
            if item.word in ("at", "in", "on", "with", "by", "for"):
                return True
            if item.kind not in ("quality", "function", "hedge", "number", "unit"):
                return False
        return False

    def _after_of(self, index: int) -> bool:
        """ "the pitch of the sound": the topic is the pitch."""
        back = [item.word for item in self.items[max(0, index - 3) : index]]
        within = self.subject is not None and self.subject.word.endswith("between")
        return self.subject is not None and ("of" in back or within)

    def _asserted(self, index: int, item: Item) -> bool:
        """A thing is there: something happens to it, it is heard, or it comes with something."""
        rest = self.items[index + 1 :]
        if any(other.kind == "quality" and sense_of_quality(other.value, other.word, item.value) for other in rest):
            return False
        return any(other.kind == "verb" for other in self.items) or self.clause.link == "with" or self.negated

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
        if item.value == "increase" and any(other.kind == "comparative" for other in self.items[index + 1 : index + 4]):
            self.verb = Item("verb", "become", item.word, item.start, item.end)
            return
        if item.value in ("be", "become", "begin", "end", "cover", "hear", "speak", "exclude"):
            self.before_verb = before
            return
        target = self.named_after(index)
        noun = item.word in MUSICAL_NOUNS or item.word.startswith(("upward", "downward"))
        heard = before is not None and before.value == "hear"
        topic = target.value if target else self.topic() or ("sound" if noun or heard else None)
        if topic is None:
            return
        start = min(self.subject.start if self.subject else item.start, item.start)
        end = target.end if target else item.end
        for name in [*([] if target else self.beside), topic]:
            if item.value == "change":
                yield from self._changes(name, start, end)
                continue
            sense = sense_of_move(item.value, name)
            self.context.move = item.value
            if sense and sense[0] == "contour" and self._is_intonation(name, before):
                sense = ("intonation", sense[1])
            if sense:
                yield self.draft(sense, start, end)

    def _changes(self, topic: str, start: int, end: int) -> Claims:
        """ "does not change" is steady; "changes" is not."""
        sense = sense_of_move("hold", topic)
        if sense and (self.negated or topic in CHANGEABLE):
            yield self.draft(sense, start, end, negated=not self.negated)

    def _is_intonation(self, topic: str, verb: Item | None) -> bool:
        ends = topic in ("voice", "it", "sound") and self._ends_speech(verb)
        return ends or any(item.kind == "topic" and item.value == "intonation" for item in self.items)

    def _meet_trend(self, index: int, item: Item) -> Claims:
        """Nouns: "ends on a rise", "there is a fall in pitch", "no change in loudness"."""
        target = self.named_after(index)
        of_pitch = item.word.startswith(("pitch", "upward", "downward"))
        topic = target.value if target else self.topic() or ("pitch" if of_pitch else None)
        topic = "pitch" if item.word.startswith("pitch") else topic
        if topic is None and item.word.endswith("inflection"):
            topic = "intonation"
        listed = self.clause.link in (":", ",", "then") and not self.foreign
        if topic is None or (self.verb is None and target is None and not self.negated and not listed):
            return
        if self.subject is None and target is not None:
            self.context.topic = target.value
        start = self.subject.start if self.subject and not target else item.start
        end = max(item.end, target.end if target else 0)
        if item.value == "change" and not (self.negated or self.verb is not None and self.verb.value == "hear"):
            return
        if item.value == "change":
            yield from self._changes(topic, min(start, item.start), end)
            return
        sense = sense_of_move(item.value, topic)
        spoken = topic in ("voice", "speech", "speaker", "intonation", "it", "pitch", "sound")
        if item.value in ("rise", "fall") and self._ends_speech(self.verb) and spoken:
            sense = ("intonation", "rising" if item.value == "rise" else "falling")
        if sense:
            yield self.draft(sense, min(start, item.start), end)

    def _ends_speech(self, verb: Item | None) -> bool:
        """Something said of how a voice ends."""
        at_end = verb is not None and verb.value == "end"
        late = self.time is not None and self.time[2] == "share" and self.time[0] > 0.5
        voiced = self.topic() in ("voice", "speech", "speaker") or self.context.speaking
        return at_end or (late and voiced)

    def _meet_comparative(self, index: int, item: Item) -> Claims:
        """ "gets louder", "ends higher", "louder towards the end", "each one higher", "the second is softer"."""
        head = self._next_event(index)
        if head is not None:
            yield from self._relative(item, head)
            return
        target = self.named_after(index)
        topic = target.value if target else self.topic()
        if topic in ASPECTS and item.value in ("high", "low", "loud", "quiet") and self.subject is not None:
            topic = "sound" if self.subject.value == "it" else topic
        verb = self.verb.value if self.verb else None
        back = {other.word for other in self.items[max(0, index - 3) : index]}
        each = any(other.word in EACH for other in self.items[:index])
        place = next(
            (ENDS[other.word] for other in self.items[:index] if other.kind == "ordinal" and other.word in ENDS), None
        )
        if place is not None and verb == "be":
            yield from self._of_end(item, place, topic)
            return
        if self.ordinal is None and self.subject is None and self.verb is None:
            self.ordinal = self.context.ordinal
        if self.ordinal is not None and not each and verb in ("be", "end", "become", None) and self._of_event(topic):
            yield from self._against_another(item)
            return
        growing = bool(back & GROWING) or " and " in item.word
        if topic is None and " and " in item.word and not self.foreign:
            topic = "sound"
        late = self.time is not None and self.time[0] > 0.3
        made = self.verb is not None and self.verb.word in ("making", "makes", "make", "made")
        turning = made or verb in ("become", "end", "increase", "rise", "fall", "change") or growing or each or late
        if topic is None and each and self.context.counted:
            topic = "many"
        if topic is None or not (turning or verb == "begin"):
            return
        value = POLES.get(item.value, item.value) if verb == "begin" else item.value
        start = min(self.subject.start if self.subject else (self.verb or item).start, item.start)
        for name in [*([] if target else self.beside), topic]:
            sense = sense_of_move(value, name)
            if sense:
                yield self.draft(sense, start, target.end if target else item.end)

    def _of_end(self, item: Item, place: str, topic: str | None) -> Claims:
        """ "the end is higher"."""
        value = item.value if place == "end" else POLES.get(item.value, item.value)
        sense = sense_of_move(value, topic or "sound") or sense_of_move(value, "sound")
        if sense:
            yield self.draft(sense, item.start, item.end)

    def _next_event(self, index: int) -> Item | None:
        """ "a higher one": the event noun right after."""
        following = self.items[index + 1 : index + 3]
        if (
            following
            and following[0].kind in ("event", "topic")
            and (
                following[0].kind == "event"
                or following[0].value in ("tone", "sound")
                or following[0].word in ("pitch",)
            )
        ):
            return following[0]
        return following[0] if following and following[0].word == "one" else None

    def _relative(self, item: Item, head: Item) -> Claims:
        """A comparative before a noun: an order only together with its counterpart in the sentence."""
        attribute = {"high": "register", "low": "register", "loud": "level", "quiet": "level"}.get(item.value)
        if attribute:
            draft = self.draft((attribute, item.value), item.start, head.end)
            yield draft | {"of_event": True, "relation": "relative"}

    def _of_event(self, topic: str | None) -> bool:
        return topic in COUNTABLE or topic == "it" or topic is None or self.context.counted

    def _against_another(self, item: Item) -> Claims:
        """ "the second is softer", "the last one is higher": against the event before, or the first."""
        number = self.ordinal or 1
        reference = 1 if number == -1 else -1 if number == 1 else number - 1
        if item.value not in ("high", "low", "loud", "quiet"):
            return
        sense, numbers = order(item.value, number, reference)
        start = min(self.subject.start if self.subject else item.start, item.start)
        draft = self.draft(sense, start, item.end)
        yield draft | {"subject": numbers[0], "reference": numbers[1], "relation": numbers[2]}

    def _meet_superlative(self, index: int, item: Item) -> Claims:
        """ "loudest at the beginning", "the last note is the highest"."""
        place = self._place_of(index)
        topic = self.topic() or "sound"
        if place is not None:
            value = item.value if place == "end" else POLES[item.value]
            sense = sense_of_move(value, topic) or sense_of_move(value, "sound")
            if sense:
                draft = self.draft(sense, item.start, item.end)
                yield draft | {"time_start": None, "time_end": None, "time_unit": None}
        elif self.ordinal is not None and item.value in ("high", "low", "loud", "quiet"):
            sense, numbers = order(item.value, self.ordinal, 1 if self.ordinal != 1 else -1)
            draft = self.draft(sense, min(self.subject.start if self.subject else item.start, item.start), item.end)
            yield draft | {"subject": numbers[0], "reference": numbers[1], "relation": numbers[2]}

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
                negated = sum(other.kind == "negation" for other in self.items[:index]) % 2 == 1
                yield self.draft(sense, min(at.start, item.start), goal.end, negated=negated)
                self.consumed |= {k for k, other in enumerate(self.items) if item.start <= other.start <= goal.start}

    def _nearest_topic(self, index: int) -> str | None:
        for item in reversed(self.items[:index]):
            if item.kind in ("topic", "event"):
                return self.topic_of(item)
        return self.context.topic

    # -- qualities ------------------------------------------------------------------------------

    def _meet_quality(self, index: int, item: Item) -> Claims:
        if self._end_noun(index) is not None:
            yield from self._meet_end(index, item, self.topic() or "sound")
            return
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
        if topic in ("pitch", "tone") and self.subject is not None and self.subject.value == "intonation":
            topic = "intonation"
        if item.word in SOFT and topic != "loudness":
            return
        sense = sense_of_quality(item.value, item.word, topic or "")
        if topic == "tempo" and self.is_of_speech(head):
            sense = sense_of_quality(item.value, item.word, "speech_rate")
        if sense and not (topic in ("sound", "recording") and sense[0] == "tempo"):
            subject = self.ordinal if head.kind == "event" or head.value in ("sound", "tone") else None
            draft = self.draft(sense, item.start, head.end, subject=subject)
            yield draft | {"of_event": head.kind == "event" and head.value == "one"}

    def _end_topic(self, topic: str | None) -> str:
        return topic if topic == "intonation" else self.topic() or topic or "sound"

    def _predicate(self, index: int, item: Item, topic: str, target: Item | None) -> Claims:
        if self._place_of(index) is not None and (pole_of(item) or self._tells_intonation(item)):
            yield from self._meet_end(index, item, topic)
            return
        if index and self.items[index - 1].word in RELATIVELY:
            return
        start = min(self.subject.start if self.subject else item.start, item.start)
        for name in [*([] if target else self.beside), topic]:
            sense = self._sense(item, name)
            if sense:
                ordered = sense[0] == "register" and name in COUNTABLE
                end = target.end if target else item.end
                yield self.draft(sense, start, end, subject=self.ordinal if ordered else None)

    def _sense(self, item: Item, topic: str) -> Sense | None:
        speaking = topic in ("voice", "speech", "speaker", "it", "speech_rate", "sound") or self.context.speaking
        if self.speechy and item.value in ("fast", "slow", "moderate") and speaking:
            return sense_of_quality(item.value, item.word, "speech_rate")
        if item.value in ("fast", "slow") and topic == "voice" and not self._spoken():
            return None
        return sense_of_quality(item.value, item.word, topic)

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


_MEET: dict[str, Callable[[_Reader, int, Item], Claims]] = {
    "topic": _Reader._meet_topic,
    "event": _Reader._meet_topic,
    "verb": _Reader._meet_verb,
    "trend": _Reader._meet_trend,
    "quality": _Reader._meet_quality,
    "comparative": _Reader._meet_comparative,
    "superlative": _Reader._meet_superlative,
}
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
