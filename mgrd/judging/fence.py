"""Fences: text by others stands in a prompt as data that it cannot leave.

Three walls, since a grader must not be talked to by what it grades. The mark on the fence is derived
from the text and proven not to occur in it, so no text can write the closing line. Signs that a
server's chat template would read as the end of a turn are replaced, so no text can open a new one.
Signs that nobody sees are dropped, so nothing hides between letters. Nothing here judges a text.
"""

import re
import unicodedata
from collections.abc import Iterable

from mgrd.ids import content_key

_LOOK_ALIKE = str.maketrans({"<": "‹", ">": "›", "\r": "\n", "\u2028": "\n", "\u2029": "\n", "\x85": "\n"})
_BRACKETED_CONTROL = re.compile(r"\[(\s*/?\s*[A-Z][A-Z_]{2,}\s*)\]")
"""Turn marks such as [INST] and [/INST]."""
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def mark_for(texts: Iterable[str]) -> str:
    """A mark of 16 hexadecimal digits that occurs in none of the texts; the same texts give the same mark."""
    joined = "\n".join(texts)
    folded = joined.lower()
    attempt = 0
    while (mark := content_key("fence", attempt, joined)) in folded:
        attempt += 1
    return mark


def as_data(text: str) -> str:
    """The text without anything that a chat template or an eye could take for the frame around it.

    Angle brackets become single guillemets, which turns `<|im_end|>`, `</s>` and `<think>` into plain
    words; control, format and unassigned characters go, line breaks stay.
    """
    seen = unicodedata.normalize("NFC", text).translate(_LOOK_ALIKE)
    if not seen.replace("\n", "").replace("\t", "").isprintable():
        seen = "".join(sign for sign in seen if sign in "\n\t" or unicodedata.category(sign) not in _INVISIBLE)
    return _BRACKETED_CONTROL.sub(r"(\1)", seen).strip()
