"""The state of reading one clause: subject, verb, negation, time, hedges, and the noun that a word belongs to."""

from collections.abc import Iterator

from mgrd.grounding.reading.context import CONCLUDING, Clause, Context
from mgrd.grounding.reading.drafts import HEDGE_WEIGHT, Draft, statement
from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.lexicon import word_set
from mgrd.grounding.reading.senses import RELATION, Sense
from mgrd.grounding.reading.times import NEAR_SECONDS

Claims = Iterator[Draft]

BLOCKERS = word_set("blockers")
"""Words that an adjective does not reach across to its noun."""
DETERMINERS = word_set("determiners")
TO_FOREIGN = word_set("to_foreign")
SPEECH = ("speech", "speaker", "speech_rate")
PAST_UNKNOWN = 2
ASPECTS = frozenset(
    {"treble", "hiss", "noise", "reverb", "room", "background", "timbre", "vibrato", "pause", "snr", "tempo"}
)
"""Topics that "it is low" does not speak of: the pronoun then means the sound."""
PREPOSED = frozenset(
    {"without", "rather than", "instead of", "unlike", "as opposed to", "far from", "with no", "minus"}
)
"""Negations of one phrase before the statement: "without any pause the pitch rises"."""
HEADLESS = frozenset(
    {"very", "quite", "rather", "fairly", "extremely", "really", "clearly", "pretty", "too", "definitely"}
    | {"perfectly", "completely", "absolutely", "totally", "entirely"}
)
SPEAKING = frozenset({"speaking", "talking", "singing", "playing"})
MOST_OPENING = 7  # items of a sentence that may describe the sound without naming it
PLACED = frozenset({"left", "right", "centred", "low", "high", "middle", "regular", "irregular"})
"""Phrases that are said of the sound even without it: "Panned to the left."."""
PREPOSITIONS = frozenset({"like", "at", "in", "on", "from", "to", "through", "over"})
PLACING = frozenset({"after", "before", "following", "since", "until"})
INHERIT_TIME = frozenset({"and", ",", "", ":"})


def _is_noun(item: Item) -> bool:
    """A topic or an event by name, and not a pronoun or a person."""
    return item.kind in ("topic", "event") and not (
        item.value == "it" or item.word in ("this", "that", "everything", "something")
    )


class Reading:
    """What is known of a clause while it is walked from left to right; nothing survives but the context."""

    def __init__(self, clause: Clause, sentence: tuple[Item, ...], context: Context) -> None:
        self.clause = clause
        self.items = clause.items
        self.sentence = sentence
        self.context = context
        self.subject: Item | None = None
        self.ordinal: int | None = None
        self.verb: Item | None = None
        self.negated = False
        self.negator = ""
        self.excluded = any(item.kind == "negation" and item.value == "exclude" for item in self.items)
        self.said = False
        self.weight = HEDGE_WEIGHT ** sum(item.kind == "hedge" for item in self.items)
        self.time = next((item.time for item in self.items if item.kind == "time"), None)
        if self.time is not None and self.items[0].kind == "time":
            context.time = self.time
        elif self.time is None and clause.link in INHERIT_TIME:
            self.time = context.time
        self.foreign = context.foreign and not any(item.kind in ("topic", "event") for item in self.items)
        self.acted = False
        """An unknown word after the subject, which may be its verb."""
        self.consumed: set[int] = set()
        self.kept_moving = False
        self.beside = context.beside if clause.link in ("and", "&", ",", "as well as", "plus") else []
        self.speechy = context.speaking or any(
            (item.kind == "topic" and item.value in SPEECH) or (item.kind == "verb" and item.value == "speak")
            for item in self.items
        )
        if clause.link == "with" and context.ending is not None:
            self.verb = context.ending
        bare = not any(item.kind in ("verb", "topic", "event") for item in self.items)
        if bare and context.verb is not None and context.verb.value == "become" and clause.link in ("and", ",", "but"):
            self.verb = context.verb

    def _is_place(self, item: Item) -> bool:
        """ "after the initial strike": a time, and not what is spoken of."""
        at = next((k for k, other in enumerate(self.sentence) if other is item), 0)
        return any(other.word in PLACING for other in self.sentence[max(0, at - 2) : at])

    def note(self, item: Item) -> None:
        """Words that change how the rest is read."""
        if item.kind == "negation":
            if item.value == "exclude":
                return
            doubled = self.negated and item.word in ("without", "lacking", "free of", "lack")
            self.negated, self.negator = not doubled, item.word
            if item.word.endswith("n't"):
                self.verb = Item("verb", "be", item.word, item.start, item.end)
        elif item.kind == "ordinal":
            if not self._is_place(item):
                self.ordinal = int(item.value)
        elif item.kind == "unknown":
            if self.subject is None and self.verb is None:
                self.foreign = True
            elif self.subject is not None:
                self.acted = True

    # -- topics ---------------------------------------------------------------------------------

    def topic(self) -> str | None:
        """The topic that a predicate here speaks of."""
        if self.subject is not None:
            return self.topic_of(self.subject)
        return None if self.foreign else self.context.topic

    def topic_of(self, item: Item) -> str | None:
        """The topic that a noun names, or that a pronoun stands for."""
        value = item.value
        if value == "it" or (item.word in ("this", "that", "something", "everything") and self.context.topic):
            known = self.context.topic or "sound"
            return "many" if item.word in ("they", "them") and known in ("sound", "one") else known
        if value == "tempo" and self.speechy:
            return "speech_rate"
        return value

    def named_after(self, index: int) -> Item | None:
        """The topic of "rises in volume", "a rise in pitch", "high in pitch", "a fall of the pitch"."""
        rest = self.items[index + 1 : index + 6]
        inside = self.items[index].word.rpartition(" ")[2] in ("in", "of")
        if inside or (rest and rest[0].word in ("in", "of")):
            for item in rest if inside else rest[1:]:
                if item.kind in ("topic", "event"):
                    return item
                if item.kind not in ("function", "quality", "hedge"):
                    return None
        return None

    def head(self, index: int) -> Item | None:
        """The noun that the quality at `index` of the sentence stands before, if the lexicon knows it."""
        unknown = 0
        for ahead in range(index + 1, min(len(self.sentence), index + 8)):
            item = self.sentence[ahead]
            if item.kind in ("topic", "event"):
                return self._last_noun(ahead)
            joined = item.word in ("and", ",", "or") and self._quality_follows(ahead)
            if item.kind in ("quality", "ordinal", "comparative", "number", "unit") or joined:
                continue
            if item.kind == "unknown" and item.word not in TO_FOREIGN and unknown < PAST_UNKNOWN:
                unknown += 1
                continue
            if item.kind == "function" and item.word not in BLOCKERS:
                continue
            return None
        return None

    def _last_noun(self, index: int) -> Item | None:
        """The head of "piano notes" at `index` of the sentence, None for a pronoun."""
        item = self.sentence[index]
        for following in self.sentence[index + 1 : index + 4]:
            if not _is_noun(following) or following.word in SPEAKING:
                break
            item = following
        return item if _is_noun(item) else None

    def _quality_follows(self, index: int) -> bool:
        """An adjective that stands before a noun follows, so the comma or "and" joins two of a noun's adjectives."""
        for item in self.sentence[index + 1 : index + 4]:
            if item.kind == "quality":
                return True
            if item.kind != "function" or item.word in BLOCKERS:
                return False
        return False

    def is_predicate(self, index: int) -> bool:
        """The quality is said of the subject: after a verb, or continuing what was said of the last one."""
        following = self.items[index + 1] if index + 1 < len(self.items) else None
        if following is not None and following.word in TO_FOREIGN:
            return False
        if self._is_of_other_noun(index, following):
            return False
        if self.verb is not None:
            return self.subject is not None or not self.foreign
        if self.subject is not None:
            return self._is_told_without_verb(index, self.subject)
        if self.foreign or self.clause.link in CONCLUDING:
            return False
        return self.context.carried or self.clause.link == "as" or self._is_fragment(index)

    def _is_of_other_noun(self, index: int, following: Item | None) -> bool:
        """ "a steady job", "the same reason": it stands before a noun that the lexicon does not know."""
        if following is None:
            return False
        back = index - 1
        while back >= 0 and self.items[back].kind in ("quality", "hedge", "negation"):
            back -= 1
        while back >= 0 and self.items[back].kind == "function" and self.items[back].word not in DETERMINERS:
            back -= 1
        determined = back >= 0 and self.items[back].word in DETERMINERS
        same = self.items[index].word == "the same" and following.kind == "unknown"
        quoted = following.kind == "mark" and following.word in ('"', "“", "'", "‘")
        return same or (determined and (quoted or following.kind in ("unknown", "verb", "trend")))

    def _is_told_without_verb(self, index: int, subject: Item) -> bool:
        """ "clicks at regular intervals", "the speech is clear and the background silent", "pitch unchanged"."""
        word = self.items[index].word
        verb = self.context.verb
        gapped = verb is not None and verb.value == "be" and self.clause.link in ("and", "but", "while")
        participle = word.endswith(("ing", "ing up", "ing down", "ward", "wards"))
        return (
            subject.word in SPEAKING
            or (subject.kind == "topic" and index == len(self.items) - 1 and self.items[index - 1] is subject)
            or (gapped and self.items[0].word in ("the", "its", "his", "her"))
            or (word.partition(" ")[0] in PREPOSITIONS and " " in word)
            or (participle and (self.clause.link == "with" or subject.kind == "event"))
            or (self.acted and (word.endswith("ly") or " " in word))
        )

    def _is_fragment(self, index: int) -> bool:
        """ "Very low-pitched.", "Not bright at all.": no subject and no verb, but more than a single word."""
        if self.clause.first or self.clause.link or self.sentence[0].word in CONCLUDING:
            return False
        opening = self.sentence[:MOST_OPENING]
        described = sum(item.kind == "quality" for item in opening) >= 2 and any(item.word == "and" for item in opening)
        if described and not any(item.kind in ("topic", "event", "verb", "stop") for item in opening):
            return True
        before = [item.word for item in self.items[:index]]
        if " " in self.items[index].word and self.items[index].value in PLACED:
            return True
        return bool(HEADLESS.intersection(before)) or self.negated

    def is_of_speech(self, head: Item) -> bool:
        """The pace of what the noun names is that of speech."""
        return self.speechy or (self.subject is not None and self.subject.value == "voice" and head is not self.subject)

    def draft(
        self, sense: Sense, start: int, end: int, subject: int | None = None, negated: bool | None = None
    ) -> Draft:
        """The draft of a word claim over characters [start, end)."""
        attribute, word = sense
        self.said = True
        negation = self.negated if negated is None else negated
        draft = {"start": start, "end": end} | statement(attribute, word)
        draft |= {"negated": negation != self.excluded, "weight": self.weight, "subject": subject}
        times = [item for item in self.items if item.kind == "time"]
        if len(times) > 1:
            self.time = min(times, key=lambda item: max(item.start - end, start - item.end)).time
        moment = self.time is not None and self.time[2] == "s" and self.time[1] - self.time[0] <= 2 * NEAR_SECONDS
        if self.time is not None and not (moment and RELATION.get(word) in ("rises", "falls")):
            draft |= {"time_start": self.time[0], "time_end": self.time[1], "time_unit": self.time[2]}
        return draft
