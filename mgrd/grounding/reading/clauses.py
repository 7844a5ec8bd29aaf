"""One clause of a chain: which topic it speaks of, and what it says of it.

Qualities stand before their noun ("a low tone") or after a verb ("the tone is low"); movements are verbs
or "gets" with a comparative. A clause without its own topic takes the one before it, unless it has a subject
that the lexicon does not know: then it speaks of something else.
"""

from collections.abc import Callable

from mgrd.grounding.reading.comparisons import EACH
from mgrd.grounding.reading.context import Clause, Context
from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.lexicon import DIRECTIONS, MOTION_VERBS
from mgrd.grounding.reading.presence import Presence
from mgrd.grounding.reading.senses import POLES, sense_of_move, sense_of_quality
from mgrd.grounding.reading.state import PREPOSED, SPEECH, Claims

GLIDES = frozenset({"glide", "slide", "sweep", "glissando", "portamento"})
"""Movements of pitch, whatever was spoken of before."""
MUSICAL_NOUNS = frozenset(
    {"crescendo", "decrescendo", "diminuendo", "fade-out", "fade-in", "fade out", "fade in", "accelerando"}
    | {"ritardando"}
)
_THINGS = frozenset({"tone", "voice", "music", "hiss", "noise"})
UNMOVED = frozenset(
    {"move", "moves", "moving", "moved", "drift", "drifts", "drifting", "glide", "glides", "bend", "bends", "slide"}
    | {"slides", "stray", "strays", "budge", "budges", "shift", "shifts", "deviate", "deviates", "wander", "wanders"}
)
"""Verbs of motion whose denial says that the line holds."""
DIFFERING = frozenset({"differ", "differs", "differing", "varied"})
NEVER_STOPPING = frozenset({"tempo", "pitch", "loudness", "timbre", "noise", "hiss", "background"})
ASIDES = frozenset({"with", "plus"})
"""Links before what is beside the sound that a sentence speaks of."""
SHAPES = {"arch": ("rise", "fall"), "valley": ("fall", "rise")}
MOST_ELLIPTIC, MOST_TELEGRAPHIC = 6, 2  # items of "and then back down again", of "pitch down"
CHANGEABLE = frozenset({"pitch", "loudness", "tempo", "timbre"})
"""Aspects of which "it changes" says that they do not hold."""


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
    topic = context.topic
    reader = _Reader(clause, sentence, context)
    yield from reader.read()
    if reader.is_aside():
        context.topic, context.beside = topic, []


def _is_stopped(clause: Clause, context: Context) -> bool:
    stops = [item for item in clause.items if item.kind == "stop"]
    if stops:
        context.stopped = True
        context.general = context.general or any(item.value == "habit" for item in stops)
        named = [item.value for item in clause.items if item.kind == "topic" and item.value != "it"]
        context.topic = named[-1] if named else context.topic
        return True
    if context.general and clause.link in ("but", "yet", "however"):
        context.general = context.stopped = False
    if context.general:
        return True
    said = next((k for k, item in enumerate(clause.items) if item.kind == "verb" and item.value == "say"), None)
    if said is not None and not any(item.value == "speech" for item in clause.items[said:]):
        context.stopped = True
        return True
    if context.stopped and not any(item.kind in ("topic", "event") and item.value != "it" for item in clause.items):
        return True
    if context.stopped and clause.link in ("or", "and", ",") and not any(i.kind == "verb" for i in clause.items):
        return True
    context.stopped = False
    return False


class _Reader(Presence):
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
        yield from self._by_verb_alone()
        self._leave()

    def is_aside(self) -> bool:
        """ "with some harmonics", "there's no noise": "it" does not go on to speak of them."""
        denied = self.negated and self.verb is not None and self.verb.value == "hear"
        return (self.clause.link in ASIDES and self.verb is None) or denied

    def _by_verb_alone(self) -> Claims:
        """ "the pitch holds", "it never stops", "the frequency does not drift", "some gaps are short, others long"."""
        verb, words = self.verb, {item.word for item in self.items}
        if self.subject is not None and self.subject.value in ("interval", "pause") and self._differ(words):
            yield self.draft(("regularity", "irregular"), self.subject.start, self.items[-1].end)
        if verb is None or self.said:
            return
        if verb.word in ("holds", "hold") and self.items[-1] is verb:
            yield from self._moved("hold", verb)
        denied = next((item.start for item in self.items if item.kind == "negation"), 0)
        moved = next((item for item in self.items if item.word in UNMOVED and item.start > denied), None)
        if moved is not None and self.negated and self.subject is not None:
            self.negated = False
            yield from self._moved("hold", moved)

    def _differ(self, words: set[str]) -> bool:
        """ "the gaps differ", "some gaps are short"."""
        told = bool(words & DIFFERING) or any(i.kind == "verb" and i.value == "change" for i in self.items)
        partly = "some" in words and any(item.word in ("others", "other") for item in self.sentence)
        return not self.negated and (partly or (told and not any(i.kind == "comparative" for i in self.items)))

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
        way = self._bare_direction()
        if way is not None:
            sense = sense_of_move(DIRECTIONS[way.word], self._named())
            if sense:
                yield self.draft(sense, self.items[0].start, self.items[-1].end)
                self.kept_moving = True
                self.consumed |= set(range(len(self.items)))
            return
        if context.moving and all(item.kind in ("function", "time", "hedge") for item in self.items):
            way = next((item for item in self.items if item.word in DIRECTIONS), None)
            sense = sense_of_move(DIRECTIONS[way.word], context.topic or "sound") if way else None
            if way and sense and len(self.items) <= MOST_ELLIPTIC:
                yield self.draft(sense, way.start, way.end)
                self.consumed |= set(range(len(self.items)))
                self.kept_moving = True

    def _bare_direction(self) -> Item | None:
        """The direction of "pitch down", "pitch direction: up", "up it goes"."""
        items = self.items
        first, last = items[0], items[-1]
        stated = len(items) == MOST_TELEGRAPHIC + 1 and items[1].word in (":", "=", "is")
        if (len(items) <= MOST_TELEGRAPHIC or stated) and last.word in DIRECTIONS and first.kind == "topic":
            return last
        if len(items) >= 3 and first.word in DIRECTIONS and items[1].kind in ("topic", "event"):
            return first if items[2].word in MOTION_VERBS else None
        return None

    def _named(self) -> str:
        named = next((item for item in self.items if item.kind in ("topic", "event")), None)
        return (self.topic_of(named) if named else self.context.topic) or "sound"

    def _moved(self, move: str, item: Item) -> Claims:
        sense = sense_of_move(move, self.topic() or "")
        if sense:
            yield self.draft(sense, min(self.subject.start if self.subject else item.start, item.start), item.end)

    def _leave(self) -> None:
        """What later clauses may need."""
        context = self.context
        if self.subject is not None or self.verb is not None or self.said or self.foreign:
            context.carried = self.said or any(item.kind == "event" or item.value in _THINGS for item in self.items)
        if self.subject is not None or (self.foreign and self.verb is not None):
            context.foreign = self.subject is None
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
        of_kind = item.word.endswith("the same") and self._is_of_kind()
        if of_kind or item.value in ("be", "become", "begin", "end", "cover", "hear", "speak", "exclude"):
            return
        target = self.named_after(index)
        noun = item.word in MUSICAL_NOUNS or item.word.startswith(("upward", "downward"))
        heard = before is not None and before.value == "hear"
        glides = self.subject is None and item.word.rpartition(" ")[2] in GLIDES
        known = "pitch" if glides else self.topic() or ("sound" if noun or heard or self.ordinal else None)
        topic = target.value if target else known
        if topic is None and item.value in ("echo", "damp", "stop", "break") and not self.foreign:
            topic = "sound"
        if topic is None:
            return
        if item.value == "stop":
            if self.negated and self.time is None and topic not in NEVER_STOPPING:
                yield self.draft(
                    ("pauses", "absent"), self.subject.start if self.subject else item.start, item.end, negated=False
                )
            return
        if item.value == "return":
            yield from self._returns(topic, item)
            return
        start = min(self.subject.start if self.subject else item.start, item.start)
        end = target.end if target else item.end
        for name in [*([] if target else self.beside), topic]:
            if item.value == "change":
                yield from self._changes(name, start, end)
                continue
            sense = sense_of_move(item.value, name)
            if sense is None and self.subject is not None and self.subject.value == "it":
                sense = sense_of_move(item.value, "sound")
            self.context.move = item.value
            if sense and sense[0] == "contour" and self._is_intonation(name, before):
                sense = ("intonation", sense[1])
            if sense and not (sense[0] == "loudness" and self._of_each(index)):
                yield self.draft(sense, start, end)

    def _of_each(self, index: int) -> bool:
        """ "each one decays": of every sound by itself, and not of the whole."""
        each = next((k for k, item in enumerate(self.items[:index]) if item.word in EACH), None)
        if self.clause.link in ("with", "after", "before"):
            return False
        return each is not None and (each == 0 or self.items[each - 1].word not in ("with", "by", "at", "after", "for"))

    def _returns(self, topic: str, item: Item) -> Claims:
        """ "it climbs and comes back again": the other way."""
        back = {"rise": "fall", "increase": "fall", "fall": "rise", "decrease": "rise"}.get(self.context.move or "")
        sense = sense_of_move(back, topic) if back else None
        if sense:
            yield self.draft(sense, item.start, item.end)

    def _changes(self, topic: str, start: int, end: int) -> Claims:
        """ "does not change" is steady; "changes" is not."""
        if self.items[0].word == "what" or any(item.word in ("else", "otherwise") for item in self.items):
            return  # "what varies is the volume", "nothing else about it changes"
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
        if item.value in SHAPES:
            for way in SHAPES[item.value]:
                if (sense := sense_of_move(way, topic)) and not self.negated:
                    yield self.draft(sense, item.start, item.end)
            return
        if item.value == "change" and not (self.negated or (self.verb is not None and self.verb.value == "hear")):
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


_MEET: dict[str, Callable[[_Reader, int, Item], Claims]] = {
    "topic": _Reader._meet_topic,
    "event": _Reader._meet_topic,
    "verb": _Reader._meet_verb,
    "trend": _Reader._meet_trend,
    "quality": _Reader._meet_quality,
    "comparative": _Reader._meet_comparative,
    "superlative": _Reader._meet_superlative,
}
