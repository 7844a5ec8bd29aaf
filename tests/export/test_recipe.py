"""The launch recipe beside an export: shell that parses, files that are there, a reward that pays what it says."""

import runpy
import subprocess
from pathlib import Path

import pytest

from mgrd.export.choices import ExportConfig
from mgrd.export.directory import export_round
from mgrd.export.formats import Format, Purpose
from mgrd.store import Workspace

RECIPES: list[tuple[Format, Purpose]] = [
    ("ms-swift", "sft"),
    ("ms-swift", "dpo"),
    ("ms-swift", "rl"),
    ("verl", "rl"),
    ("verl", "sft"),
]


@pytest.mark.parametrize(("format_", "purpose"), RECIPES)
def test_the_recipe_parses_and_names_files_of_the_export(
    made: Workspace, tmp_path: Path, format_: Format, purpose: Purpose
) -> None:
    out = tmp_path / "out"
    manifest = export_round(made, ExportConfig(round=1, format=format_, purpose=purpose), out)
    launch = out / "launch.sh"
    subprocess.run(["bash", "-n", str(launch)], check=True)
    text = launch.read_text()
    assert {"launch.sh"} <= {entry.path for entry in manifest.files}
    if (format_, purpose) != ("verl", "sft"):
        shards = [e.path for e in manifest.files if e.split and (e.config != "text" or format_ == "ms-swift")]
        assert shards
        assert not [path for path in shards if path not in text]
    assert (out / "reward.py").exists() == (purpose == "rl") == ("reward.py" in text)


def test_a_recipe_asks_for_the_model_instead_of_guessing_it(made: Workspace, tmp_path: Path) -> None:
    export_round(made, ExportConfig(round=1, format="ms-swift"), tmp_path / "out")
    ran = subprocess.run(["bash", "launch.sh"], cwd=tmp_path / "out", capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "folder or hub name of the checkpoint" in ran.stderr


def test_formats_that_are_read_by_many_have_no_recipe(made: Workspace, tmp_path: Path) -> None:
    export_round(made, ExportConfig(round=1, format="hf"), tmp_path / "out")
    assert not (tmp_path / "out" / "launch.sh").exists()


@pytest.mark.parametrize(
    ("completion", "reward"),
    [
        ("<think>\nit rises\n</think>\n\nrising", 1.0),
        ("it rises\n</think>\n\nThe answer is: Rising.", 1.0),
        ("<think>\n\n</think>\n\nrising", 0.8),
        ("it falls\n</think>\n\nfalling", 0.2),
        ("rising", 0.8),
        ("uprising", 0.0),
        ("", 0.0),
    ],
)
def test_the_reward_is_that_of_the_report(made: Workspace, tmp_path: Path, completion: str, reward: float) -> None:
    export_round(made, ExportConfig(round=1, format="verl", purpose="rl"), tmp_path / "out")
    score = runpy.run_path(str(tmp_path / "out" / "reward.py"))["compute_score"]
    assert score("mgrd/contour", completion, "rising") == pytest.approx(reward)
