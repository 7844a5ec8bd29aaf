"""The locks hold what `make install` may take: exact versions and hashes, in step with what the project asks for."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
LOCKS = sorted(path.name for path in REPOSITORY.glob("requirements*.lock"))
ENTRY = re.compile(r"([a-z0-9][a-z0-9-]*)(?:\[[a-z,-]+\])?==([\w.+!]+)((?: \\\n {4}--hash=sha256:[0-9a-f]{64})+)")


def locked(name: str) -> dict[str, str]:
    """Package -> version of a lock, which must hold nothing but such entries and comments."""
    text = re.sub(r"^ *#.*\n", "", (REPOSITORY / name).read_text(), flags=re.MULTILINE)
    assert not ENTRY.sub("", text).strip(), f"{name} holds more than names, versions and hashes"
    return {package: version for package, version, _ in ENTRY.findall(text)}


def asked() -> dict[str, str]:
    """Package -> exact version that pyproject.toml asks for, extras among them."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    pins = (re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?==([\w.+!]+)", line) for line in lines)
    return {re.sub(r"[-_.]+", "-", pin[1]).lower(): pin[2] for pin in pins if pin}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_exact_versions_with_hashes_and_says_not_where_they_come_from(name: str) -> None:
    assert locked(name)


def test_the_locks_hold_the_versions_that_the_project_asks_for() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    torch = re.search(r"^TORCH_VERSION := (.+)$", makefile, re.MULTILINE)
    assert torch is not None
    held = {**locked("requirements-ray.lock"), **locked("requirements.lock"), "torch": torch[1]}
    assert asked().items() <= held.items()


def test_what_is_locked_is_installed_by_its_hashes() -> None:
    installs = re.findall(r"^.*-r requirements.*\.lock$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert len(installs) == len(LOCKS)
    assert all("--require-hashes" in line for line in installs)
