"""What a clause says of the stereo channels: "only the left channel is active", "nothing comes from the right",
"the left is louder than the right", "both channels carry the same".
"""

from mgrd.grounding.reading.context import Clause
from mgrd.grounding.reading.drafts import Draft, statement
from mgrd.grounding.reading.lexer import Item

CHANNELS = frozenset(
    {"channel", "channels", "ear", "ears", "speaker", "speakers", "earcup", "headphone", "side", "sides"}
)
ONLY = frozenset({"only", "just", "solely", "exclusively", "purely", "alone", "entirely"})
EMPTY = frozenset({"silent", "empty", "mute", "muted", "dead", "off", "inactive", "blank", "quiet", "nothing", "none"})
ALIKE = frozenset({"same", "identical", "equal", "equally", "alike", "balanced", "evenly", "identically"})
OTHER = {"left": "right", "right": "left"}
REACH = 3  # items between a side and its channel, or "only" and its side


def read_sides(clause: Clause) -> list[Draft]:
    """Drafts of what a clause says of its channels; [] where the plain reading serves."""
    items = clause.items
    sides = [(index, side) for index, item in enumerate(items) if (side := _side(items, index))]
    words = [item.word for item in items]
    if not sides:
        both = next((k for k, w in enumerate(words[:-1]) if w == "both" and words[k + 1] in CHANNELS), None)
        alike = any(part in ALIKE for item in items for part in item.word.split())
        negated = any(item.kind == "negation" for item in items)
        return [_draft(items[both], items[-1], "centred", negated)] if both is not None and alike else []
    index, side = sides[0]
    if len(sides) > 1:
        if sides[1][1] == side:
            return []
        louder = next((item for item in items[index : sides[1][0]] if item.kind == "comparative"), None)
        if louder is not None and "than" in words and louder.value in ("loud", "quiet"):
            return [_draft(items[index], items[-1], side if louder.value == "loud" else OTHER[side], False)]
        return []
    before, after = words[:index], words[index + 1 :]
    found = []
    if set(before[-REACH:]) & {"nothing", "silence", "none"} or set(after) & EMPTY:
        found = [_draft(items[0], items[-1], OTHER[side], any(i.word in ("not", "never", "n't") for i in items))]
    elif ONLY & set(before) or (ONLY & set(after[:1])):
        found = [_draft(items[index], items[-1], side, False)]
    return found


def _side(items: tuple[Item, ...], index: int) -> str | None:
    """The side that an item names, where a channel, an ear or "from the right" makes it one."""
    item = items[index]
    if item.kind == "quality" and item.value in OTHER:
        return item.value
    if item.word not in OTHER:
        return None
    near = [other.word for other in items[index + 1 : index + 1 + REACH]]
    placed = index > 1 and items[index - 1].word == "the" and (not near or "than" in (items[index - 2].word, *near))
    return item.word if CHANNELS & set(near) or placed else None


def _draft(first: Item, last: Item, side: str, negated: bool) -> Draft:
    return {"start": first.start, "end": last.end, "negated": negated} | statement("stereo", side)
