"""Comparatives and superlatives of a clause, without "than": movements ("gets louder", "loudest at the beginning"),
orders of events ("the second is softer") and one sound beside another ("a higher one").
"""

from mgrd.grounding.reading.comparisons import EACH, order
from mgrd.grounding.reading.context import CONCLUDING
from mgrd.grounding.reading.drafts import Draft
from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.lexicon import MOTION_VERBS
from mgrd.grounding.reading.qualities import COUNTABLE, ENDS, Qualities
from mgrd.grounding.reading.senses import POLES, sense_of_move
from mgrd.grounding.reading.state import ASPECTS, Claims

GROWING = frozenset({"progressively", "increasingly", "gradually", "steadily", "ever", "continually", "successively"})
ARRIVING = frozenset({"comes", "come", "came", "arrives", "is", "appears", "occurs", "follows", "sounds"})
LATER = frozenset({"next", "following", "second", "other", "later", "each", "every", "the next", "another"})
"""What begins lower is then the next sound, and not the whole."""
MAKING = frozenset({"making", "makes", "make", "made"})


class Degrees(Qualities):
    """Reads the comparatives and superlatives of a clause."""

    def _meet_comparative(self, index: int, item: Item) -> Claims:
        """ "gets louder", "ends higher", "louder towards the end", "each one higher", "the second is softer"."""
        head = self._next_event(index)
        if head is not None:
            placed = self._placed_event(index, item)
            yield from [placed] if placed is not None else self._relative(item, head)
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
        if self.ordinal is None and self.subject is None and self.verb is None and self.clause.link not in CONCLUDING:
            self.ordinal = self.context.ordinal
        if self.ordinal is not None and not each and verb in ("be", "end", "become", None) and self._of_event(topic):
            yield from self._against_another(item)
            return
        growing = bool(back & GROWING) or " and " in item.word
        if topic is None and " and " in item.word and not self.foreign:
            topic = "sound"
        late = self.time is not None and self.time[0] > 0.3
        made = self.verb is not None and (self.verb.word in MAKING or self.verb.word in MOTION_VERBS)
        turning = made or verb in ("become", "end", "increase", "rise", "fall", "change") or growing or each or late
        if topic is None and each and self.context.counted:
            topic = "many"
        if topic is None or not (turning or verb == "begin"):
            return
        later = any(other.word in LATER for other in self.items[:index])
        value = POLES.get(item.value, item.value) if verb == "begin" and not later else item.value
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

    def _placed_event(self, index: int, item: Item) -> Draft | None:
        """ "the higher note comes last", "the first sound is the lower one", "the later one has the higher pitch"."""
        if item.value not in ("high", "low", "loud", "quiet") or not self._is_definite(index):
            return None
        number = self.ordinal
        if number is None and not self.negated:
            rest = self.items[index + 1 :]
            arrives = next((k for k, other in enumerate(rest) if other.word in ARRIVING), None)
            placed = None if arrives is None else next((o for o in rest[arrives:] if o.kind == "ordinal"), None)
            number = int(placed.value) if placed is not None else None
        elif self.verb is None or self.verb.value != "be":
            return None
        if number is None:
            return None
        sense, numbers = order(item.value, number, 1 if number != 1 else -1)
        draft = self.draft(
            sense, min(self.subject.start if self.subject else item.start, item.start), self.items[-1].end
        )
        return draft | {"subject": numbers[0], "reference": numbers[1], "relation": numbers[2]}

    def _is_definite(self, index: int) -> bool:
        """ "the higher note", "the loudest sound"."""
        return any(other.word.split()[0] == "the" for other in self.items[max(0, index - 2) : index + 1])

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
        if any(other.value == "treble" for other in self.items[index + 1 : index + 5]):
            return  # "only the lowest of the partials"
        place = self._place_of(index)
        topic = self.topic() or "sound"
        if place is not None:
            value = item.value if place == "end" else POLES[item.value]
            sense = sense_of_move(value, topic) or sense_of_move(value, "sound")
            if sense:
                draft = self.draft(sense, item.start, item.end)
                yield draft | {"time_start": None, "time_end": None, "time_unit": None}
        elif self.ordinal is None and (late := self._placed_event(index, item)) is not None:
            yield late
        elif self.ordinal is not None and item.value in ("high", "low", "loud", "quiet"):
            sense, numbers = order(item.value, self.ordinal, 1 if self.ordinal != 1 else -1)
            draft = self.draft(sense, min(self.subject.start if self.subject else item.start, item.start), item.end)
            yield draft | {"subject": numbers[0], "reference": numbers[1], "relation": numbers[2]}
