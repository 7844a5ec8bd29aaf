"""Rounds on recorded audio: the cold start hears made clips, the rounds and the held-out questions are recorded.

    make real AUDIO=/path/to/folder-with-manifest

Prints the held-out figures by round of the recorded clips.
"""

import argparse
from pathlib import Path

from campaigns import PROJECT, heldout, mgrd

COLD_ONLY = {
    "MGRD_SPEC__EMBEDDED__POOL_CLIPS": "0",
    "MGRD_SPEC__EMBEDDED__DEV_CLIPS": "0",
    "MGRD_SPEC__EMBEDDED__TEST_CLIPS": "0",
}
FIGURES = ("accuracy", "accuracy_sampled", "grounded", "claim_precision", "surrogate", "mean_reasoning_tokens", "n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("audio", type=Path)
    parser.add_argument("--workspace", type=Path, default=PROJECT / "runs" / "real")
    parser.add_argument("--settings", type=Path, default=PROJECT / "examples" / "demo.toml")
    given = parser.parse_args()
    if not (given.workspace / "mgrd.toml").exists():
        given.workspace.mkdir(parents=True, exist_ok=True)
        (given.workspace / "mgrd.toml").write_text(given.settings.read_text())
    mgrd(given.workspace, "ingest", "embedded", **COLD_ONLY)
    mgrd(given.workspace, "ingest", str(given.audio.resolve()), **COLD_ONLY)
    mgrd(given.workspace, "run", **COLD_ONLY)
    print("| round | " + " | ".join(FIGURES) + " |")
    print("|---" * (len(FIGURES) + 1) + "|")
    for round_, row in enumerate(heldout(given.workspace)):
        cells = " | ".join(f"{row[name]:.3f}" if name != "n" else f"{row[name]:.0f}" for name in FIGURES)
        print(f"| {round_} | {cells} |")


if __name__ == "__main__":
    main()
