"""What preference pairs do to a model that denies hearing, beside rounds without them, from the same cold start.

The cold start of `examples/small.toml` learns to answer probes ("Can you hear this recording?") by denying in half of
the replies. Two campaigns go on from it: SFT on filtered chains, and SFT followed by DPO. Prints the share of held-out
replies (test split) that deny hearing, before and after each round.

    python benchmarks/self_cognition.py [--rounds 2] [--seeds 0] [--workspace runs/self-cognition]
"""

import argparse
from pathlib import Path

from arms import OPEN_GATE
from campaigns import PROJECT, branch, heldout, mgrd

TAUGHT = {"MGRD_SPEC__COLD_START__PROBES": "0.5", "MGRD_SPEC__EVALUATION__PROBES": "60"}
STAGES = {"sft": '["sft"]', "sft, dpo": '["sft", "dpo"]'}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--settings", type=Path, default=PROJECT / "examples" / "small.toml")
    parser.add_argument("--workspace", type=Path, default=PROJECT / "runs" / "self-cognition")
    asked = parser.parse_args()
    print("| seed | stages | " + " | ".join(f"round {round_}" for round_ in range(asked.rounds + 1)) + " |")
    print("|---" * (asked.rounds + 3) + "|")
    for seed in asked.seeds:
        base = asked.workspace / f"seed-{seed}"
        shared = {**OPEN_GATE, **TAUGHT, "MGRD_SPEC__SEED": str(seed)}
        if not (base / "mgrd.toml").exists():
            base.mkdir(parents=True)
            (base / "mgrd.toml").write_text(asked.settings.read_text())
        mgrd(base, "ingest", "embedded", **shared)
        mgrd(base, "run", "--rounds", "0", **shared)
        for name, stages in STAGES.items():
            workspace = asked.workspace / f"seed-{seed}-{name.replace(', ', '-')}"
            if not workspace.exists():
                branch(base, workspace)
            mgrd(workspace, "run", "--rounds", str(asked.rounds), **shared, MGRD_SPEC__TRAINING__STAGES=stages)
            figures = [f"{round_['self_cognition_error']:.3f}" for round_ in heldout(workspace)]
            print(f"| {seed} | {name} | " + " | ".join(figures) + " |", flush=True)


if __name__ == "__main__":
    main()
