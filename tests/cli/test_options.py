"""One way to spell an option: what several commands share is the same in each of them."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperOption

from mgrd.cli import app

SHARED = {
    "workspace": (["--workspace", "-w"], "MGRD_WORKSPACE"),
    "json_": (["--json"], None),
}


def commands(here: Any, name: str = "mgrd") -> Iterator[tuple[str, Any]]:
    """Every command and group by the words that call it."""
    yield name, here
    for word, command in getattr(here, "commands", {}).items():
        yield from commands(command, f"{name} {word}")


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("command", COMMANDS)
def test_shared_options_have_one_spelling_one_variable_and_one_name(command: str) -> None:
    for parameter in COMMANDS[command].params:
        if isinstance(parameter, TyperOption) and parameter.name is not None:
            spelt = {"--workspace", "--json"} & set(parameter.opts)
            assert not spelt or parameter.name in SHARED, parameter.opts
            if parameter.name in SHARED:
                assert (parameter.opts, parameter.envvar) == SHARED[parameter.name]


def test_the_commands_that_share_them_are_found() -> None:
    assert sum("json_" in {p.name for p in command.params} for command in COMMANDS.values()) > 15
