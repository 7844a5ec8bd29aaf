"""Prompts are versioned: a template that changed under its old version number is refused."""

import json
from pathlib import Path

import pytest

from mgrd.errors import ConfigError
from prompts import FOLDER, load_prompt

GOLDEN = Path(__file__).parents[1] / "golden" / "prompts.json"


def test_every_template_is_the_one_that_its_version_names() -> None:
    """After an edit: raise `version` in the template's front matter and add its line to the golden file."""
    golden = json.loads(GOLDEN.read_text())
    for path in FOLDER.rglob("*.jinja"):
        prompt = load_prompt(path.relative_to(FOLDER).with_suffix("").as_posix())
        assert golden.get(f"{prompt.id}@{prompt.version}") == prompt.sha, f"{prompt.id} changed: raise its version"


def test_an_unknown_prompt_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="judge/grounding"):
        load_prompt("judge/none")
    with pytest.raises(ConfigError):
        load_prompt("../pyproject")
