"""What is left of reasoning from text after rounds with and without text replay, from the same cold start.

Two campaigns of `examples/small.toml` that differ in `spec.training.text_share` alone (as set, and 0), the gate open
in both. Prints the greedy accuracy on held-out text problems of the test split, round by round.

    python benchmarks/retention.py [--rounds 3] [--seeds 0] [--workspace runs/retention]
"""

import argparse
from pathlib import Path

from arms import OPEN_GATE
from campaigns import PROJECT, branch, heldout, mgrd

WITHOUT = {"MGRD_SPEC__TRAINING__TEXT_SHARE": "0"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--settings", type=Path, default=PROJECT / "examples" / "small.toml")
    parser.add_argument("--workspace", type=Path, default=PROJECT / "runs" / "retention")
    asked = parser.parse_args()
    print("| seed | replay | " + " | ".join(f"round {round_}" for round_ in range(asked.rounds + 1)) + " |")
    print("|---" * (asked.rounds + 3) + "|")
    for seed in asked.seeds:
        base = asked.workspace / f"seed-{seed}"
        shared = {**OPEN_GATE, "MGRD_SPEC__SEED": str(seed), "MGRD_SPEC__EVALUATION__TEXT_PROBLEMS": "200"}
        if not (base / "mgrd.toml").exists():
            mgrd_toml = base / "mgrd.toml"
            base.mkdir(parents=True)
            mgrd_toml.write_text(asked.settings.read_text())
        mgrd(base, "ingest", "embedded", **shared)
        mgrd(base, "run", "--rounds", "0", **shared)
        for name, own in (("with", {}), ("without", WITHOUT)):
            workspace = asked.workspace / f"seed-{seed}-{name}"
            if not workspace.exists():
                branch(base, workspace)
            mgrd(workspace, "run", "--rounds", str(asked.rounds), **shared, **own)
            figures = [f"{round_['text_accuracy']:.3f}" for round_ in heldout(workspace)]
            print(f"| {seed} | {name} | " + " | ".join(figures) + " |", flush=True)


if __name__ == "__main__":
    main()
