"""The filter against its controls: from the same cold start, equal steps, several seeds.

Prints, per arm, the mean over seeds of the last round's held-out figures (test split) with their
range, beside the cold start's. The promotion gate is opened for all arms, so that each trains the
same number of steps; nothing else differs but which chains are kept.

    make arms                        three seeds, about an hour on two cores
    python benchmarks/arms.py --seeds 0 --rounds 1
"""

import numpy as np
from campaigns import Figures, asked_comparison

ARMS = {arm: {"MGRD_SPEC__SELECTION__ARM": arm} for arm in ("filtered", "correct-only", "unfiltered")}
COLD_START = "cold start"
FIGURES = ("accuracy", "accuracy_sampled", "grounded", "truth_grounded", "claim_precision", "surrogate")


def table(results: dict[str, list[Figures]]) -> str:
    """A Markdown table: mean over seeds, and the range where there is more than one."""
    lines = ["| arm | " + " | ".join(FIGURES) + " |", "|---" * (len(FIGURES) + 1) + "|"]
    for arm, seeds in results.items():
        cells = []
        for name in FIGURES:
            values = np.array([figures[name] for figures in seeds])
            spread = f" ({values.min():.2f} to {values.max():.2f})" if len(values) > 1 else ""
            cells.append(f"{values.mean():.3f}{spread}")
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    comparison = asked_comparison(__doc__, folder="arms", settings="demo.toml", seeds=[0, 1, 2], rounds=3, arms=ARMS)
    results: dict[str, list[Figures]] = {COLD_START: []}
    for seed, arm, rounds in comparison.run():
        results.setdefault(arm, []).append(rounds[-1])
        if arm == next(iter(ARMS)):
            results[COLD_START].append(rounds[0])
        if arm == list(ARMS)[-1]:
            print(f"\nafter seed {seed} ({comparison.rounds} rounds):\n{table(results)}", flush=True)


if __name__ == "__main__":
    main()
