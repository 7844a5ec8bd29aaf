"""What a reader of the pages follows or copies: links lead somewhere, blocks of commands are blocks."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:mgrd|make|prefect|python|pip|export) \S|\[[\w.]+\]$")


def prose(text: str) -> str:
    """The text without fenced blocks and code, in which brackets are no links and `#` opens no heading."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings have on a code host: lower case, no punctuation, hyphens for blanks."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page: Path) -> list[str]:
    dead = []
    for link in LINK.findall(prose(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    return dead


def commands_in_running_text(text: str) -> list[str]:
    """Lines that begin a block of commands or settings by mistake: not indented, though what they are asks for it."""
    return [
        line
        for line in re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL).splitlines()
        if COMMAND.match(line)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_anchors_of_a_page_lead_somewhere(page: Path) -> None:
    assert not dead_links(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_stand_in_blocks(page: Path) -> None:
    assert not commands_in_running_text(page.read_text())


def test_the_checks_see_what_is_wrong(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One, two\n[a](none.md) [b](#three) [c](#one-two) [d](page.md) `[e](no.md)`\n\nmgrd run\n    mgrd plan\n"
    )
    assert dead_links(page) == ["none.md", "#three"]
    assert commands_in_running_text(page.read_text()) == ["mgrd run"]
