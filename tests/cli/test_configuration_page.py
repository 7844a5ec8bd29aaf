"""docs/configuration.md tells of every setting as it is, and of nothing else."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from mgrd.cli.config import app
from mgrd.settings import JudgeSpec, PanelSpec, Settings, load_settings
from mgrd.settings.reference import EXAMPLE, configuration_reference, variable

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def leaves(model: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object, str | None]]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value, field.description


@pytest.fixture(autouse=True)
def no_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MGRD_")]:
        monkeypatch.delenv(name)


def test_the_page_is_the_generated_one() -> None:
    assert PAGE.read_text() == configuration_reference(), "run `mgrd config reference > docs/configuration.md`"


def test_every_setting_stands_on_the_page_with_its_meaning() -> None:
    lines = configuration_reference().splitlines()
    settings = list(leaves(Settings()))
    rows = [
        line for line in lines if line.startswith("| `") and line.endswith("` |") and "`MGRD_SPEC__PANEL__" not in line
    ]
    rows = [line for line in rows if "`MGRD_" in line and "`MGRD_RUNTIME__SERVER__" not in line]
    assert len(rows) == len(settings)
    for path, value, description in settings:
        row = next(line for line in rows if line.endswith(f"| `{variable(path)}` |"))
        assert description, f"{'.'.join(path)} has no description"
        assert description in row
        assert "none" in row if value is None else f"`{json.dumps(value)}`" in row


def test_an_optional_section_stands_on_the_page_with_its_required_keys() -> None:
    page = configuration_reference()
    for name, field in PanelSpec.model_fields.items():
        row = next(line for line in page.splitlines() if line.endswith(f"| `{variable(('spec', 'panel', name))}` |"))
        assert field.description
        assert field.description in row
        assert ("| required |" in row) == field.is_required()


def test_a_repeated_section_stands_on_the_page_under_its_double_brackets() -> None:
    section = configuration_reference().split("## `[[spec.panel.judges]]`\n")[1].split("\n## ")[0]
    for name, field in JudgeSpec.model_fields.items():
        row = next(line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
        assert field.description
        assert field.description in row
        assert ("| required |" in row) == field.is_required()


def test_ranges_and_choices_are_told() -> None:
    page = configuration_reference()
    assert re.search(r"\| `seconds` \| `3.0` \| > 0.5, ≤ 30 \|", page)
    assert "`filtered`, `correct-only`, `unfiltered`" in page


def test_the_variables_on_the_page_override_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, value, _ in leaves(Settings()):
        if isinstance(value, int) and not isinstance(value, bool):
            monkeypatch.setenv(variable(path), str(value + 1))
    changed = {path: value for path, value, _ in leaves(load_settings(tmp_path))}
    for path, value, _ in leaves(Settings.model_construct()):
        if isinstance(value, int) and not isinstance(value, bool):
            assert changed[path] == value + 1, path


def test_the_example_of_the_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, value = EXAMPLE.split("=")
    monkeypatch.setenv(name, value)
    assert load_settings(tmp_path).spec.sampling.samples == int(value)


def test_the_schema_is_json_and_refuses_unknown_keys() -> None:
    printed = CliRunner().invoke(app, ["schema"])
    assert printed.exit_code == 0
    schema = json.loads(printed.output)
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {"spec", "runtime", "store"}
