"""What a source says is heard, as choices of a question.

A label serves as a choice only when it reads like a name of a sound: up to four words of letters.
Of `snare drum: dub` the name is `snare drum`, the rest tells takes apart. Wrong choices come from
the same domain and share no word with the right one or with each other. That they are not the same
sound under another name (`cat`, `kitten`) nobody here can know: mind it when labels are that close.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mgrd.ingest.clips import read_provenance

CHOICES = 3
MAX_WORDS = 4

_NAME = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*(?: [^\W\d_]+(?:['’-][^\W\d_]+)*)*")


def sound_name(label: str | None) -> str | None:
    """The label as a choice, in lower case; None when it is no plain name."""
    if label is None:
        return None
    name = " ".join(label.split(":")[0].replace("_", " ").split()).lower()
    return name if _NAME.fullmatch(name) and len(name.split()) <= MAX_WORDS else None


def shared_words(first: str, second: str) -> bool:
    """Whether two names have a word in common, a plural `s` aside, or one begins with the other's word."""
    return any(_alike(a, b) for a in _words(first) for b in _words(second))


def _words(name: str) -> list[str]:
    return [word.removesuffix("s") for word in re.split(r"[\s'’-]+", name)]


def _alike(first: str, second: str) -> bool:
    short, long = sorted((first, second), key=len)
    return short == long or (len(short) > 3 and long.startswith(short))


@dataclass(frozen=True, slots=True)
class LabelBook:
    """The names that occur, by domain."""

    names: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, clips: Iterable[Mapping[str, object]]) -> "LabelBook":
        """The names of rows of the clips table."""
        names: dict[str, set[str]] = defaultdict(set)
        for clip in clips:
            name = _clip_name(clip)
            if name is not None:
                names[str(clip["domain"])].add(name)
        return cls({domain: tuple(sorted(found)) for domain, found in names.items()})

    def options(self, clip: Mapping[str, object], shuffler: random.Random) -> tuple[str, list[str]] | None:
        """The clip's name and CHOICES names in all; None without a name or without enough others."""
        name = _clip_name(clip)
        if name is None:
            return None
        others = list(self.names.get(str(clip["domain"]), ()))
        shuffler.shuffle(others)
        choices = [name]
        for other in others:
            if len(choices) < CHOICES and not any(shared_words(other, choice) for choice in choices):
                choices.append(other)
        return (name, choices) if len(choices) == CHOICES else None


def _clip_name(clip: Mapping[str, object]) -> str | None:
    """The name of what is heard; None for a window of a longer file, in which it may not be heard at all."""
    provenance = read_provenance(str(clip["provenance"]))
    if provenance is not None and not provenance.whole:
        return None
    label = clip["label"]
    return sound_name(label if isinstance(label, str) else None)
