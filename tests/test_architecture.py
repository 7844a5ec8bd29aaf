"""The house keeps its rules: imports point one way, the command line starts without heavy libraries."""

import re
import subprocess
import sys
from pathlib import Path

from tests.rooms import imports_between_rooms, without_detours

REPOSITORY = Path(__file__).parents[1]
PICTURE = REPOSITORY / "docs" / "architecture.md"
HEAVY = {
    "torch",
    "transformers",
    "librosa",
    "parselmouth",
    "prefect",
    "pandas",
    "polars",
    "deltalake",
    "scipy",
    "numpy",
}


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom mgrd.cli import app\nfrom typer.testing import CliRunner\n"
        "result = CliRunner().invoke(app, ['--help'])\n"
        "assert result.exit_code == 0, result.output\n"
        "print('\\n'.join(sorted(name for name in sys.modules if '.' not in name)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_no_file_holds_more_than_one_idea_can_fill() -> None:
    rooms = ("mgrd", "flows", "tasks", "prompts", "schemas", "data_contracts")
    long = {
        path.relative_to(REPOSITORY).as_posix(): lines
        for room in rooms
        for path in (REPOSITORY / room).rglob("*.py")
        if (lines := path.read_text().count("\n")) > 450
    }
    assert not long


def test_nothing_is_pickled_but_work_for_processes_of_a_cluster() -> None:
    rooms = ("mgrd", "flows", "tasks", "prompts", "schemas", "data_contracts")
    pickling = {
        path.relative_to(REPOSITORY).as_posix()
        for room in rooms
        for path in (REPOSITORY / room).rglob("*.py")
        if re.search(
            r"^\s*(import|from) (pickle|cloudpickle|dill|joblib|shelve|marshal)\b", path.read_text(), re.MULTILINE
        )
    }
    assert pickling <= {"mgrd/executors/ray.py"}


def test_the_picture_of_the_architecture_shows_the_imports() -> None:
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)$", PICTURE.read_text(), re.MULTILINE))
    found = without_detours(imports_between_rooms())
    assert drawn == found, f"to draw: {sorted(found - drawn)}; to take out: {sorted(drawn - found)}"


def test_a_detour_replaces_an_edge_and_nothing_else_does() -> None:
    edges = {("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}
    assert without_detours(edges) == {("a", "b"), ("b", "c"), ("a", "d")}


def test_every_room_is_on_the_map() -> None:
    told = (REPOSITORY / "CONTRIBUTING.md").read_text()
    folders = {path.parent.name for path in (REPOSITORY / "mgrd").glob("*/__init__.py")}
    assert not {name for name in folders if f"`mgrd/{name}/`" not in told}
