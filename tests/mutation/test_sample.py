"""What `make mutants` will try: a sample that a seed repeats, of modules and tests that exist."""

import shlex
import subprocess
import tomllib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mutation.mutants import GROUPS, REPOSITORY, checkout, sample

ASKING = ("core/AddNot", "core/ReplaceComparisonOperator_Lt_LtE")
CRUDE = ("core/ReplaceBinaryOperator_Add_Pow", "core/RemoveDecorator")
places = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(ASKING + CRUDE), st.integers(0, 9)), unique=True)


@given(places, st.integers(0, 12), st.integers(0, 3), st.randoms())
def test_a_sample_is_the_same_for_a_seed_and_holds_changes_that_ask_something(
    found: list[tuple[str, str, int]], size: int, seed: int, order: Random
) -> None:
    drawn = sample(found, size, seed)
    order.shuffle(found)
    assert sample(found, size, seed) == drawn
    assert len(set(drawn)) == len(drawn) == min(size, sum(name in ASKING for _, name, _ in found))
    assert {name for _, name, _ in drawn} <= set(ASKING)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_names_modules_and_tests_that_exist(group: str) -> None:
    told = tomllib.loads(GROUPS[group].read_text())["cosmic-ray"]
    command = shlex.split(told["test-command"])
    tests = [word for word in command if word.startswith("tests/")]
    assert told["module-path"]
    assert tests
    assert [name for name in (*told["module-path"], *tests) if not (REPOSITORY / name).is_file()] == []


def test_mutants_live_in_a_checkout_of_their_own_that_goes_when_the_run_is_interrupted(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        name = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        return subprocess.run(["git", "-C", tmp_path, *name, *words], check=True, capture_output=True, text=True).stdout

    git("init")
    line = tmp_path / "line.py"
    line.write_text("committed = True\n")
    git("add", "line.py")
    git("commit", "-m", "a line")
    line.write_text("committed = False\n")

    def change_a_line() -> None:
        with checkout(tmp_path) as tree:
            assert (tree / "line.py").read_text() == "committed = True\n"
            (tree / "line.py").write_text("")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        change_a_line()
    assert line.read_text() == "committed = False\n"
    assert len(git("worktree", "list").splitlines()) == 1
