"""The settings as a page of the documentation: every key, its default, its range and its variable.

Generated from the JSON Schema of the settings, so the page cannot tell of a key that is not there.
"""

import json
from typing import Any

from mgrd.settings.loading import ENV_DELIMITER, ENV_PREFIX, Settings

OPENING = """\
# Configuration

One file, `mgrd.toml`, in the workspace. Every key has a default: write only what differs. Unknown
keys are refused by name. `spec` says what the data is and enters the identity of every stage;
`runtime` says how the work runs and never does.

An environment variable overrides the file: `{example}`; the variable of a list takes
JSON. Secrets come from the environment at the place of use and are never settings. `mgrd config schema`
prints the JSON Schema for editors.

This page is generated: `mgrd config reference > docs/configuration.md`.
"""

EXAMPLE = "MGRD_SPEC__SAMPLING__SAMPLES=4"
LIMITS = (("minimum", "≥ {}"), ("exclusiveMinimum", "> {}"), ("maximum", "≤ {}"), ("exclusiveMaximum", "< {}"))
OPENINGS = {"spec": "What defines the data.", "runtime": "How the work runs."}


def configuration_reference() -> str:
    """The Markdown of docs/configuration.md."""
    schema = Settings.model_json_schema()
    defaults = Settings.model_construct().model_dump(mode="json")
    parts = [OPENING.format(example=EXAMPLE)]
    for name in schema["properties"]:
        parts += _section(schema, _definition(schema, schema["properties"][name]), (name,), defaults[name])
    return "\n".join(parts)


def settings_schema() -> str:
    """The JSON Schema of the settings, for editors and scripts."""
    return json.dumps(Settings.model_json_schema(), indent=2)


def variable(path: tuple[str, ...]) -> str:
    """The environment variable that overrides the setting at `path`."""
    return ENV_PREFIX + ENV_DELIMITER.join(path).upper()


def _section(
    schema: dict[str, Any], section: dict[str, Any], path: tuple[str, ...], defaults: dict[str, Any]
) -> list[str]:
    """A heading and a table of the section's own keys, then the sections inside it; optional and repeated ones last."""
    inner = {name: _definition(schema, field) for name, field in section["properties"].items()}
    nested = {name: field for name, field in inner.items() if "properties" in field}
    lines = [f"## `[{'.'.join(path)}]`", *_about(section, path), *_rows(inner, nested, path, defaults)]
    parts = ["\n".join(lines) + "\n"]
    for name, field in nested.items():
        parts += _section(schema, field, (*path, name), defaults[name])
    for name, field in inner.items():
        if (optional := _optional(schema, field)) is not None:
            parts += _section(schema, optional, (*path, name), _defaults(optional))
        if (repeated := _repeated(schema, field)) is not None:
            lines = [f"## `[[{'.'.join((*path, name))}]]`", *_about(repeated, path)]
            # Items of a list have no variable of their own: the variable of the list takes all of them as JSON.
            parts.append("\n".join([*lines, *_rows(repeated["properties"], {}, None, _defaults(repeated))]) + "\n")
    return parts


def _about(section: dict[str, Any], path: tuple[str, ...]) -> list[str]:
    return ["", " ".join(section.get("description", "").split()) or OPENINGS.get(path[-1], ""), ""]


def _rows(
    fields: dict[str, Any], nested: dict[str, Any], path: tuple[str, ...] | None, defaults: dict[str, Any]
) -> list[str]:
    """The table of the fields that are no sections themselves; without a path there is no column of variables."""
    titles = ("key", "default", "range", "meaning", *(("variable",) if path is not None else ()))
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for name, field in fields.items():
        if name not in nested:
            cells = (f"`{name}`", _default(defaults, name), _range(field), field.get("description", ""))
            own = [f"`{variable((*path, name))}`"] if path is not None else []
            lines.append(f"| {' | '.join([*map(_cell, cells), *own])} |")
    return lines


def _defaults(section: dict[str, Any]) -> dict[str, Any]:
    return {key: value["default"] for key, value in section["properties"].items() if "default" in value}


def _optional(schema: dict[str, Any], field: dict[str, Any]) -> dict[str, Any] | None:
    """The section behind a key that is none unless somebody writes it."""
    options = [_definition(schema, option) for option in field.get("anyOf", [])]
    return next((option for option in options if "properties" in option), None)


def _repeated(schema: dict[str, Any], field: dict[str, Any]) -> dict[str, Any] | None:
    """The section behind a key that holds a list of sections."""
    item = _definition(schema, field.get("items", {}))
    return item if "properties" in item else None


def _definition(schema: dict[str, Any], field: dict[str, Any]) -> dict[str, Any]:
    reference = field.get("$ref") or next((part["$ref"] for part in field.get("allOf", []) if "$ref" in part), None)
    return schema["$defs"][reference.rsplit("/", 1)[1]] if reference else field


def _default(defaults: dict[str, Any], name: str) -> str:
    if name not in defaults:
        return "required"
    value = defaults[name]
    return "none" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _range(field: dict[str, Any]) -> str:
    options = [field, *(part for part in field.get("anyOf", []) if part.get("type") != "null")]
    limits = [text.format(option[key]) for option in options for key, text in LIMITS if key in option]
    choices = [f"`{choice}`" for option in options for choice in option.get("enum", [])]
    constant = [f"`{option['const']}`" for option in options if "const" in option]
    return ", ".join([*limits, *choices, *constant])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
