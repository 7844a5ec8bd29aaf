"""Mutation testing of a group of modules: `make mutants GROUP=store` changes one place at a time and runs its tests.

cosmic-ray makes the changes and keeps the score; here is what it leaves open. A sample, drawn by a seed, stands for
the thousands of possible changes, of those kinds that ask a question (comparisons, conditions, numbers, signs). All of
it happens in a temporary checkout of the last commit: yours is never changed, whatever interrupts the run. The same
command goes on with what was interrupted, from `runs/mutants/`.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
GROUPS = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.toml"))}
ASKING = re.compile(
    r"core/(AddNot|NumberReplacer|ReplaceAndWithOr|ReplaceOrWithAnd|ReplaceTrueWithFalse|ReplaceFalseWithTrue"
    r"|ReplaceUnaryOperator_Delete_Not|ZeroIterationForLoop|ReplaceContinueWithBreak|ReplaceBreakWithContinue"
    r"|ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Lt_GtE|Gt_LtE)"
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|BitAnd_BitOr|BitOr_BitAnd))"
)
"""cosmic-ray's names of such changes; its others break a line in ways that any test of it notices."""

Place = tuple[str, str, int]
"""Module, name of the change, and which of the places in the module where it can be made."""


def sample(places: Iterable[Place], size: int, seed: int) -> list[Place]:
    """At most `size` of the changes that ask something, the same for a seed in whatever order they come."""
    asking = sorted(place for place in places if ASKING.fullmatch(place[1]))
    return random.Random(seed).sample(asking, min(size, len(asking)))


@contextmanager
def checkout(repository: Path) -> Iterator[Path]:
    """The files of the last commit, in a folder of their own while the block lasts."""
    git = ("git", "-C", str(repository), "worktree")
    subprocess.run([*git, "prune"], check=True)  # of runs that were killed
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder) / "tree"
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree)], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def run(group: str, size: int, seed: int) -> Path:
    """Try the sample on the last commit; returns cosmic-ray's session."""
    head = ["git", "-C", str(REPOSITORY), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(head, check=True, capture_output=True, text=True).stdout.strip()
    session = REPOSITORY / "runs" / "mutants" / f"{group}-{commit}-{size}-{seed}.sqlite"
    session.parent.mkdir(parents=True, exist_ok=True)
    path = f"{REPOSITORY / '.venv' / 'bin'}:{os.environ['PATH']}"
    with checkout(REPOSITORY) as tree:
        there = {"PATH": path, "PYTHONPATH": str(tree), "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}

        def cosmic_ray(*arguments: str) -> None:
            command = [sys.executable, "-m", "cosmic_ray.cli", *arguments]
            subprocess.run(command, cwd=tree, env=os.environ | there, check=True)

        config = str(GROUPS[group])
        if not session.exists():
            cosmic_ray("baseline", config)  # tests that fail without a change would notice every one
            fresh = session.with_suffix(".new")
            cosmic_ray("init", "--force", config, str(fresh))
            _thin(fresh, size, seed)
            fresh.replace(session)
        cosmic_ray("exec", config, str(session))
    return session


def _thin(session: Path, size: int, seed: int) -> None:
    from cosmic_ray.work_db import use_db  # pyright: ignore[reportMissingImports]  # of an environment of its own

    with use_db(str(session)) as work:
        items = {
            (str(change.module_path), change.operator_name, change.occurrence): item
            for item in work.work_items
            for change in item.mutations
        }
        work.clear()
        work.add_work_items(items[place] for place in sample(items, size, seed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    session = run(given.group, given.size, given.seed)
    report = ["cosmic_ray.tools.report", "--surviving-only", "--show-diff", str(session)]
    subprocess.run([sys.executable, "-m", *report], check=True)


if __name__ == "__main__":
    main()
