"""The filter against its controls: from the same cold start, equal steps, several seeds.

Prints, per arm, the mean over seeds of the last round's held-out figures (test split) with their
range, beside the cold start's. The promotion gate is opened for all arms, so that each trains the
same number of steps; nothing else differs but which chains are kept.

    make arms                        three seeds, about an hour on two cores
    python benchmarks/arms.py --seeds 0 --rounds 1
"""

import argparse
from pathlib import Path

import numpy as np
from campaigns import PROJECT, Figures, branch, heldout, mgrd

ARMS = ("filtered", "correct-only", "unfiltered")
FIGURES = ("accuracy", "accuracy_sampled", "grounded", "truth_grounded", "claim_precision", "surrogate")
OPEN_GATE = {
    "MGRD_SPEC__GATE__MAX_ACCURACY_DROP": "1",
    "MGRD_SPEC__GATE__MAX_GROUNDED_DROP": "1",
    "MGRD_SPEC__GATE__MAX_TEXT_DROP": "1",
    "MGRD_SPEC__GATE__MAX_SELF_COGNITION_RISE": "1",
    "MGRD_SPEC__GATE__MIN_REASONING_TOKENS": "0",
}


def run_seed(folder: Path, seed: int, rounds: int, settings: Path) -> dict[str, Figures]:
    """All arms of one seed; returns the figures of the cold start and of each arm's last round."""
    base = folder / f"seed-{seed}"
    environment = {**OPEN_GATE, "MGRD_SPEC__SEED": str(seed), "MGRD_SPEC__ROUNDS": str(rounds)}
    if not (base / "mgrd.toml").exists():
        base.mkdir(parents=True)
        (base / "mgrd.toml").write_text(settings.read_text())
    mgrd(base, "ingest", "embedded", **environment)
    mgrd(base, "run", "--rounds", "0", **environment)
    figures = {"cold start": heldout(base)[0]}
    for arm in ARMS:
        workspace = folder / f"seed-{seed}-{arm}"
        if not workspace.exists():
            branch(base, workspace)
        mgrd(workspace, "run", "--arm", arm, **environment)
        figures[arm] = heldout(workspace)[-1]
    return figures


def table(results: list[dict[str, Figures]]) -> str:
    """A Markdown table: mean over seeds, and the range where there is more than one."""
    lines = ["| arm | " + " | ".join(FIGURES) + " |", "|---" * (len(FIGURES) + 1) + "|"]
    for arm in ("cold start", *ARMS):
        cells = []
        for name in FIGURES:
            values = np.array([result[arm][name] for result in results])
            spread = f" ({values.min():.2f} to {values.max():.2f})" if len(values) > 1 else ""
            cells.append(f"{values.mean():.3f}{spread}")
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=PROJECT / "runs" / "arms")
    parser.add_argument("--settings", type=Path, default=PROJECT / "examples" / "demo.toml")
    given = parser.parse_args()
    results = []
    for seed in given.seeds:
        results.append(run_seed(given.folder, seed, given.rounds, given.settings))
        print(f"\nafter seed {seed} ({given.rounds} rounds):\n{table(results)}", flush=True)


if __name__ == "__main__":
    main()
