"""Texts that come from outside: manifests, file names and messages about them.

They are hostile until cleaned: control characters, bidirectional overrides, bytes that are no
UTF-8, chat markup that would end a prompt, texts of any length. Nothing here may raise on any text but `parse_json`.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from math import isfinite, isnan
from typing import Any

from mgrd.errors import DataError
from mgrd.ids import content_key
from schemas.quarantine import QuarantineRow

LABEL_LIMIT = 200
"""Characters of a label, name, licence or choice."""
TEXT_LIMIT = 4000
"""Characters of a transcript or question."""
PAYLOAD_LIMIT = 2000
"""Characters of one value in a quarantine payload."""

_CHAT_MARKUP = re.compile(r"<\|[^|<>]{0,64}\|>|</?(?:think|audio|s)>|\[/?INST\]", re.IGNORECASE)


def readable(text: str) -> str:
    """The text with everything that UTF-8 cannot carry written as `\\udcXX` escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def clean_text(value: object, limit: int = LABEL_LIMIT) -> str | None:
    """One line of plain text: NFC, no control or format characters, no chat markup, at most `limit` characters.

    None for what is missing: None, NaN, an empty or blank text, bytes, a list or a mapping.
    """
    if value is None or isinstance(value, (bytes, bytearray, Mapping, list, tuple)):
        return None
    if isinstance(value, float) and isnan(value):
        return None
    text = unicodedata.normalize("NFC", readable(str(value)))
    kept = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in text)
    kept = _CHAT_MARKUP.sub(" ", kept)  # a space, so that removal joins no halves of another token
    return " ".join(kept.split())[:limit].strip() or None


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises DataError for any other text, also for one nested beyond what can be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"no JSON: {error}") from error


def holds_markup(value: object) -> bool:
    """Whether the text holds tokens of a chat template or a think block."""
    return isinstance(value, str) and _CHAT_MARKUP.search(value) is not None


def quarantine(boundary: str, message: str, payload: Mapping[str, object]) -> QuarantineRow:
    """A row for the quarantine table: stage `ingest`, round 0, keyed by what failed and on which row."""
    plain = {readable(str(key)): _shorten(value) for key, value in payload.items() if value is not None}
    text = json.dumps(plain, sort_keys=True)
    return QuarantineRow(
        row_id=content_key("quarantine", "ingest", boundary, text, readable(message)),
        stage="ingest",
        round=0,
        boundary=boundary,
        message=readable(message)[:PAYLOAD_LIMIT],
        attempts=1,
        payload=text,
    )


def _shorten(value: object) -> object:
    if isinstance(value, (bool, int)) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, (bytes, bytearray)):
        return f"{len(value)} bytes"
    return readable(str(value))[:PAYLOAD_LIMIT]
