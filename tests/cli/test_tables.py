"""Tables on the screen: columns line up, numbers stand to the right, and no value speaks to the terminal."""

import pytest

from mgrd.cli.tables import CELL, print_table


def printed(capsys: pytest.CaptureFixture[str], *rows: tuple[object, ...]) -> list[str]:
    print_table(("name", "rows"), rows)
    return capsys.readouterr().out.splitlines()


def test_words_stand_to_the_left_and_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, ("traces", 12), ("claims of it", 1_000), ("none", None)) == [
        "name          rows",
        "traces          12",
        "claims of it  1000",
        "none",
    ]


def test_a_column_with_a_word_in_it_is_no_column_of_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, ("a", 12), ("b", "12 of 20"))[1] == "a     12"


def test_a_hostile_value_is_one_short_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, ("\x1b[2Jgone\n\u202eback" + "x" * 500, 1))
    assert len(lines) == 2
    assert "\x1b" not in lines[1]
    assert "\u202e" not in lines[1]
    assert len(lines[1]) <= CELL + len("  rows")
