"""The recipes of docs/engines.md: their settings load, and give the very requests that stand below them."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mgrd.engines.asking import Asking
from mgrd.engines.protocol import Sampling
from mgrd.settings import SamplingSpec
from mgrd.settings.runtime import ServerRuntime

PAGE = (Path(__file__).parents[2] / "docs" / "engines.md").read_text()
RECIPES = ("Qwen2-Audio", "Step-Audio-R1", "Qwen3-Omni")


def section(title: str) -> str:
    found = re.search(rf"^### {re.escape(title)}$(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the page has no recipe for {title}"
    return found[1]


def block(title: str, language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", section(title), re.DOTALL)
    return found


def agrees(told: Any, sent: Any) -> bool:
    """Whether what is sent is what the page tells; `...` stands for what is left out of the telling."""
    if isinstance(told, dict):
        open_end = told.get("...") == "..."
        named = {name: value for name, value in told.items() if name != "..."}
        whole = open_end or set(named) == set(sent)
        return whole and all(name in sent and agrees(value, sent[name]) for name, value in named.items())
    if isinstance(told, list):
        return len(told) == len(sent) and all(map(agrees, told, sent))
    if isinstance(told, str) and "..." in told:
        return str(sent).startswith(told.partition("...")[0])
    return told == sent


@pytest.mark.parametrize("title", RECIPES)
def test_the_settings_of_a_recipe_send_the_request_below_them(title: str) -> None:
    settings = tomllib.loads(block(title, "toml"))
    runtime = ServerRuntime.model_validate(settings["runtime"]["server"])
    told = json.loads(block(title, "json"))
    spec = SamplingSpec.model_validate(settings["spec"]["sampling"])
    sampling = Sampling(spec.temperature, spec.top_p, spec.max_new_tokens)
    name = runtime.model.format(model_id="an-id", folder="a-folder", host="a-host", port=0)
    asking = Asking(runtime, name, {}, runtime.audio)
    sent = asking.sampling("How does the pitch move? Choices: up, down.", "UklGRiQAAAA=", sampling, told["seed"], 1)
    assert agrees(told, json.loads(json.dumps(sent))), json.dumps(sent, indent=1)


@pytest.mark.parametrize(
    ("told", "sent", "same"),
    [
        ({"a": "x..."}, {"a": "xyz"}, True),
        ({"a": "x..."}, {"a": "y"}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1, "...": "..."}, {"a": 1, "b": 2}, True),
        ([1, 2], [1], False),
    ],
)
def test_left_out_is_only_what_is_marked_as_left_out(told: object, sent: object, same: bool) -> None:
    assert agrees(told, sent) is same
