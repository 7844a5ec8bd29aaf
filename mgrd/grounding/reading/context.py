"""Clauses of a sentence, and what earlier clauses leave for later ones."""

from dataclasses import dataclass, field

from mgrd.grounding.reading.lexer import Item
from mgrd.grounding.reading.times import Time

MOST_ITEMS = 60
"""Items of a clause; a longer run without any punctuation is parted, so that no text takes more than linear time."""
CONCLUDING = frozenset(
    {"so", "therefore", "thus", "hence", "meaning", "indicating", "suggesting", "this means", "that means"}
    | {"which means"}
)
"""Links before an answer: a bare word after them states it, and claims nothing."""


@dataclass(slots=True)
class Clause:
    """A clause of a sentence: its items, and what is known of it as a whole."""

    items: tuple[Item, ...]
    first: int
    """Index of the first item in the sentence."""
    link: str
    """The conjunction or mark before the clause."""
    stopped: bool = False
    """It states the answer, a condition or what someone said: it claims nothing."""
    compared: bool = False
    """A comparison that was read over several clauses covers it."""

    @property
    def start(self) -> int:
        """The character with which it begins."""
        return self.items[0].start if self.items else 0

    @property
    def end(self) -> int:
        """The character after its last."""
        return self.items[-1].end if self.items else 0


@dataclass(slots=True)
class Context:
    """What earlier clauses leave for later ones."""

    topic: str | None = None
    carried: bool = False
    """The last clause ended with something said of its topic, so a bare quality continues it."""
    stopped: bool = False
    general: bool = False
    """The sentence says what is so in general."""
    opening: tuple[str, Item, str] | None = None
    """Quality, item and topic of "starts low", waiting for "ends high"."""
    ending: Item | None = None
    """The verb of "ends", whose "with ..." is a clause of its own."""
    edge: Item | None = None
    """The verb of "starts high", for a value in the next clause."""
    speaking: bool = False
    negated: bool = False
    move: str | None = None
    """The last movement, for "and so does the loudness" and "and then back down"."""
    moving: bool = False
    """The last clause had a verb of motion."""
    verb: Item | None = None
    """The last clause's verb."""
    ordinal: int | None = None
    """The event that the last comparison was about."""
    foreign: bool = False
    """The last clause had a subject that the lexicon does not know, which an elliptic clause goes on to speak of."""
    counted: bool = False
    """Sounds that can be counted were spoken of, so "five of them" counts."""
    time: Time | None = None
    """A time phrase at the head of the sentence."""
    beside: list[str] = field(default_factory=list)
    """Topics of "the pitch and ...", waiting for what is said of both."""

    def new_sentence(self) -> None:
        """Forgets what only clauses of one sentence leave each other; a topic, and what waits for its end, stay."""
        self.carried = False
        self.stopped = False
        self.general = False
        self.ending = None
        self.edge = None
        self.speaking = False
        self.negated = False
        self.time = None
        self.beside = []
        self.move = None
        self.moving = False
        self.verb = None
        self.ordinal = None
        self.foreign = False


def split_clauses(items: tuple[Item, ...]) -> list[Clause]:
    """Clauses between conjunctions, commas and the like."""
    clauses: list[Clause] = []
    start, link = 0, ""
    for index, item in enumerate(items):
        if index - start >= MOST_ITEMS:
            clauses.append(Clause(items[start:index], start, link))
            start, link = index, ","
        if item.kind in ("conjunction", "break") and not _joins_numbers(items, index):
            if index > start:
                clauses.append(Clause(items[start:index], start, link))
                link = item.word
            else:
                link = item.word if item.kind == "conjunction" or not link else link
            start = index + 1
    if start < len(items):
        clauses.append(Clause(items[start:], start, link))
    return clauses


def _joins_numbers(items: tuple[Item, ...], index: int) -> bool:
    """ "between 80 and 90 bpm" is one clause."""
    around = items[index - 1 : index] + items[index + 1 : index + 2]
    return len(around) == 2 and items[index].word in ("and", "or") and all(item.kind == "number" for item in around)
