"""A claim: one thing that a chain says of the sound, at its place in the text. Its readers and checkers share it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim at characters [start, end) of the text.

    `attribute` is a name of mgrd.grounding.tolerances.ALL_ATTRIBUTES, one of mgrd.grounding.reading.kinds or a fact;
    `time_start` and `time_end` are in `time_unit` ("s", or "share" of the clip; negative seconds count from the
    end). `subject` and `reference` name events (1 is the first, -1 the last) where the claim is about single events.
    """

    start: int
    end: int
    text: str
    attribute: str
    relation: str
    claimed: str
    value: float | None = None
    unit: str | None = None
    time_start: float | None = None
    time_end: float | None = None
    time_unit: str | None = None
    negated: bool = False
    weight: float = 1.0
    word: str | None = None
    subject: int | None = None
    reference: int | None = None
    of_event: bool = False
    """It describes one sound among others ("a high note"), so it may be relative."""
    sequence: tuple[str, ...] = ()
    """The movements that its sentence names in a row ("rises and then falls"), of which this is number `part`."""
    part: int = 0
    unread: str | None = None
    """The unknown word that follows in its clause (mgrd.grounding.reading.coverage): such a claim is never refuted."""

    @property
    def said(self) -> str:
        """What is claimed, after a "not" where it is denied."""
        return f"not {self.claimed}" if self.negated else self.claimed

    def overlaps(self, start: int, end: int) -> bool:
        """It shares a character with [start, end)."""
        return self.start < end and start < self.end
