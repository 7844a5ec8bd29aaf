"""The settings as a page of the documentation: every key, its default, its range and its variable.

Generated from the JSON Schema of the settings, so the page cannot tell of a key that is not there.
"""

import json
from typing import Any

from mgrd.settings import Settings

OPENING = """\
# Configuration

One file, `mgrd.toml`, in the workspace. Every key has a default: write only what differs. Unknown
keys are refused by name. `spec` says what the data is and enters the identity of every stage;
`runtime` says how the work runs and never does.

An environment variable overrides the file: `{example}`. Secrets come from the environment at the
place of use and are never settings. `mgrd config schema` prints the JSON Schema for editors.

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
    return "MGRD_" + "__".join(path).upper()


def _section(
    schema: dict[str, Any], section: dict[str, Any], path: tuple[str, ...], defaults: dict[str, Any]
) -> list[str]:
    """A heading and a table of the section's own keys, then the sections inside it, optional ones last."""
    inner = {name: _definition(schema, field) for name, field in section["properties"].items()}
    nested = {name: field for name, field in inner.items() if "properties" in field}
    about = " ".join(section.get("description", "").split()) or OPENINGS.get(path[-1], "")
    lines = [f"## `[{'.'.join(path)}]`", "", about, ""]
    lines += ["| key | default | range | meaning | variable |", "|---|---|---|---|---|"]
    for name, field in inner.items():
        if name not in nested:
            cells = (f"`{name}`", _default(defaults, name), _range(field), field.get("description", ""))
            lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} | `{variable((*path, name))}` |")
    parts = ["\n".join(lines) + "\n"]
    for name, field in nested.items():
        parts += _section(schema, field, (*path, name), defaults[name])
    for name, field in inner.items():
        if (optional := _optional(schema, field)) is not None:
            keys = {key: value["default"] for key, value in optional["properties"].items() if "default" in value}
            parts += _section(schema, optional, (*path, name), keys)
    return parts


def _optional(schema: dict[str, Any], field: dict[str, Any]) -> dict[str, Any] | None:
    """The section behind a key that is none unless somebody writes it."""
    options = [_definition(schema, option) for option in field.get("anyOf", [])]
    return next((option for option in options if "properties" in option), None)


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
