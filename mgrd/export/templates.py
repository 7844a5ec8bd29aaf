"""Files that are filled from a template: the card and the recipes; and what makes a value harmless in them.

Values come from chains, file names and judges. The templates are no HTML, so each place names the filter that it needs.
"""

import json
import re
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+")
"""Line breaks of any kind, and what YAML does not take."""


def filled(template: str, values: Mapping[str, object]) -> str:
    """The text of a template of this folder; a value that is missing is an error, never a gap."""
    return _environment().get_template(template).render(values)


def cell(value: object) -> str:
    """A value as one line of Markdown text: no control characters, table borders, links, tags or code."""
    text = _UNSAFE.sub(" ", str(value))
    return re.sub(r"([\\`|<>\[\]*_#!])", r"\\\1", text).replace("---", "\\-\\-\\-")


def code(value: object) -> str:
    """A value as a code span, in which nothing but the border of a table cell can be escaped."""
    text = _UNSAFE.sub(" ", str(value)).replace("`", "'").replace("|", "\\|")
    return f"`{text}`"


def quoted(value: object) -> str:
    """A value as a YAML string; JSON strings are YAML."""
    return json.dumps(_UNSAFE.sub(" ", str(value)), ensure_ascii=False)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mgrd.export", "."), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=False, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"cell": cell, "code": code, "quoted": quoted}
    return environment
