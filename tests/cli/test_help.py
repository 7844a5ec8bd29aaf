"""What a newcomer reads first: the lists of commands are whole sentences, and options of one name say one thing."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from mgrd.cli import app

RUNNER = CliRunner()
ROOT = typer.main.get_command(app)


def commands(here: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, here
    if isinstance(here, TyperGroup):
        for name, below in here.commands.items():
            yield from commands(below, (*path, name))


def test_no_line_in_a_list_of_commands_is_cut_off() -> None:
    groups = [path for path, command in commands(ROOT) if isinstance(command, TyperGroup)]
    cut = {
        line.strip()
        for path in groups
        for line in RUNNER.invoke(app, [*path, "--help"]).output.splitlines()
        if line.rstrip().endswith("...") and "Usage" not in line
    }
    assert len(groups) == 4
    assert not cut


def test_every_argument_and_option_is_explained() -> None:
    silent = [
        (*path, parameter.name)
        for path, command in commands(ROOT)
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]
    assert not silent


def test_workspace_and_json_are_the_same_option_in_every_command() -> None:
    said: dict[str, set[object]] = defaultdict(set)
    for _, command in commands(ROOT):
        for parameter in command.params:
            if parameter.opts[0] in ("--workspace", "--json"):
                said[parameter.opts[0]].add((*parameter.opts, parameter.envvar, getattr(parameter, "help", None)))
    assert {name: len(forms) for name, forms in said.items()} == {"--workspace": 1, "--json": 1}
