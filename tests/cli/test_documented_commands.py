"""Every `mgrd` command that a document names exists, with the options that it is given there."""

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from mgrd.cli import app

REPOSITORY = Path(__file__).parents[2]
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").glob("*.md"))]
COMMAND = re.compile(r"^ {4}(?:\w+=\S+ )*(mgrd .+?)(?: {2,}#.*| [#>|].*)?$|`(mgrd [^`]+)`", re.MULTILINE)
ROOT = typer.main.get_command(app)


def documented(page: Path) -> list[str]:
    """Commands of the page's blocks and of its running text; alternatives (`a|b`) as they stand."""
    text = page.read_text().replace("\\\n", " ")
    return [block or inline for block, inline in COMMAND.findall(text)]


def unknown(command: str) -> str | None:
    """What of a command does not exist, or None. Words after the last subcommand are values."""
    here = ROOT
    for word in command.split()[1:]:
        if isinstance(here, TyperGroup) and re.fullmatch(r"[a-z][a-z-]*", word):
            found = here.commands.get(word)
            if found is None:
                return f"no command {word!r}"
            here = found
        elif word.startswith("-") and word not in ("-", "--"):
            options = {name for parameter in here.params for name in (*parameter.opts, *parameter.secondary_opts)}
            option = word.partition("=")[0].rstrip(",.;:)]")
            if option not in {*options, "--help", "--version", "--install-completion"}:
                return f"no option {option!r}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_documented_commands_exist(page: Path) -> None:
    faults = {command: fault for command in documented(page) if (fault := unknown(command))}
    assert not faults


def test_the_check_sees_what_does_not_exist() -> None:
    assert unknown("mgrd runn --workspace x") == "no command 'runn'"
    assert unknown("mgrd run --workspac x") == "no option '--workspac'"
    assert unknown("mgrd data show traces --round 1") is None
    assert len(documented(REPOSITORY / "README.md")) > 10
