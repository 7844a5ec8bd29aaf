"""Running campaigns as a user does, through the command line, and reading their status."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]

Figures = dict[str, float]
Environment = Mapping[str, str]

OPEN_GATE: Environment = {
    "MGRD_SPEC__GATE__MAX_ACCURACY_DROP": "1",
    "MGRD_SPEC__GATE__MAX_GROUNDED_DROP": "1",
    "MGRD_SPEC__GATE__MAX_TEXT_DROP": "1",
    "MGRD_SPEC__GATE__MAX_SELF_COGNITION_RISE": "1",
    "MGRD_SPEC__GATE__MIN_REASONING_TOKENS": "0",
}
"""Arms that are compared train equally often, whatever their figures."""


def mgrd(workspace: Path, *arguments: str, **environment: str) -> str:
    """Run a command on a workspace; its output is returned, its progress is shown."""
    command = [sys.executable, "-m", "mgrd", *arguments, "--workspace", str(workspace)]
    done = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def heldout(workspace: Path) -> list[Figures]:
    """The held-out figures of the test split, by round; `truth_grounded` is told by construction."""
    rounds = json.loads(mgrd(workspace, "status", "--json"))["rounds"]
    return [{**row["heldout"], **row.get("truth", {})} for row in rounds]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Campaigns that go on from the same cold start, seed by seed, and differ in the settings of their arm alone."""

    folder: Path
    settings: Path
    seeds: Sequence[int]
    rounds: int
    arms: Mapping[str, Environment]
    shared: Environment

    def run(self) -> Iterator[tuple[int, str, list[Figures]]]:
        """(seed, arm, held-out figures by round, the cold start's first). What has run before is not run again."""
        for seed in self.seeds:
            shared = {
                **OPEN_GATE,
                **self.shared,
                "MGRD_SPEC__SEED": str(seed),
                "MGRD_SPEC__ROUNDS": str(self.rounds),
            }
            base = self.folder / f"seed-{seed}"
            if not (base / "mgrd.toml").exists():
                base.mkdir(parents=True)
                (base / "mgrd.toml").write_text(self.settings.read_text())
            mgrd(base, "ingest", "embedded", **shared)
            mgrd(base, "run", "--rounds", "0", **shared)
            for arm, own in self.arms.items():
                workspace = self.folder / f"seed-{seed}-{arm}"
                if not workspace.exists():
                    _branch(base, workspace)
                mgrd(workspace, "run", **shared, **own)
                yield seed, arm, heldout(workspace)

    def print_by_round(self, figure: str) -> None:
        """A line of Markdown for each campaign, as it ends: one figure, round by round."""
        print("| seed | arm | " + " | ".join(f"round {round_}" for round_ in range(self.rounds + 1)) + " |")
        print("|---" * (self.rounds + 3) + "|")
        for seed, arm, rounds in self.run():
            print(f"| {seed} | {arm} | " + " | ".join(f"{row[figure]:.3f}" for row in rounds) + " |", flush=True)


def asked_comparison(
    about: str | None, *, folder: str, settings: str, seeds: Sequence[int], rounds: int,
    arms: Mapping[str, Environment], shared: Environment | None = None,
) -> Comparison:  # fmt: skip
    """The comparison with what the command line says otherwise; `about` is the script's docstring."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=seeds)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--folder", type=Path, default=PROJECT / "runs" / folder)
    parser.add_argument("--settings", type=Path, default=PROJECT / "examples" / settings)
    asked = parser.parse_args()
    return Comparison(asked.folder, asked.settings, asked.seeds, asked.rounds, arms, shared or {})


def _branch(workspace: Path, target: Path) -> None:
    """A copy of a workspace that shares its unchanging files (hard links), without Prefect's state."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(workspace, target, copy_function=os.link, ignore=shutil.ignore_patterns(".prefect", ".cache"))
