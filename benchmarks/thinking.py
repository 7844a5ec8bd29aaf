"""What reasoning is worth to a campaign's models: `mgrd evaluate` on its own held-out test questions, as MMAU's files.

Writes the questions of the campaign's test split with their clips in MMAU's format, runs `mgrd evaluate --benchmark
mmau --scaling --samples K` for the cold start and the last model, and prints for each: the scores and grounding,
thinking on and off, accuracy against the length that a chain is cut to, and against the number of chains.

    python benchmarks/thinking.py runs/demo [--samples 8] [--limit 100]

The workspace is only read. Answers stay in --out; the same command again goes on where it stopped.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
GROUNDING = ("grounded_share", "claim_precision", "surrogate_share", "silence_flip_rate", "swap_flip_rate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, help="a campaign with trained models")
    parser.add_argument("--samples", type=int, default=8, help="chains per question for majority and best-of-K")
    parser.add_argument("--limit", type=int, help="only the first questions")
    parser.add_argument("--out", type=Path, help="default: WORKSPACE with -thinking behind its name")
    asked = parser.parse_args()
    sys.path.insert(0, str(PROJECT))
    workspace = asked.workspace.resolve()
    out = asked.out or workspace.with_name(f"{workspace.name}-thinking")
    data = write_questions(workspace, out / "data")
    for name, model in models_of(workspace):
        show(name, evaluate(workspace, data, model, out / model.name, asked))


def write_questions(workspace: Path, folder: Path) -> Path:
    """MMAU's folder of the test questions that have a known answer."""
    from mgrd.store import Workspace
    from schemas import CLIPS, QUESTIONS

    opened = Workspace.open(workspace)
    uris = {row["clip_id"]: row["uri"] for row in opened.store.read(CLIPS).iter_rows(named=True)}
    audio = folder / "test-mini-audios"
    shutil.rmtree(folder, ignore_errors=True)
    audio.mkdir(parents=True)
    rows = []
    for row in opened.store.read(QUESTIONS, {"split": "test"}).sort("question_id").iter_rows(named=True):
        if row["answer"] is None or row["clip_id"] is None:
            continue
        source = opened.resolve(uris[row["clip_id"]])
        name = f"{row['clip_id']}{source.suffix}"
        if not (audio / name).exists():
            shutil.copyfile(source, audio / name)
        rows.append(
            {"id": row["question_id"], "audio_id": f"./test-mini-audios/{name}", "question": row["text"]}
            | {"choices": row["choices"], "answer": row["answer"], "task": row["skill"]}
        )
    (folder / "mmau-test-mini.json").write_text(json.dumps(rows, indent=1))
    return folder


def models_of(workspace: Path) -> list[tuple[str, Path]]:
    """The cold start, and the last model."""
    from mgrd.store import Workspace
    from mgrd.store.checkpoints import current_checkpoint
    from schemas import MODELS

    opened = Workspace.open(workspace)
    rounds = {workspace / row["uri"]: row["round"] for row in opened.store.read(MODELS).iter_rows(named=True)}
    cold = next(row["uri"] for row in opened.store.read(MODELS).to_dicts() if row["stage"] == "cold start")
    last = current_checkpoint(opened)
    return [("cold start", workspace / cold), (f"round {rounds[last]}", last)]


def evaluate(workspace: Path, data: Path, model: Path, out: Path, asked: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "mgrd", "evaluate", "--benchmark", "mmau", "--data", data, "--out", out, "--json"]
    command += ["--model", model, "-w", workspace, "--scaling", "--samples", str(asked.samples)]
    command += ["--limit", str(asked.limit)] if asked.limit else []
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def show(name: str, found: dict[str, Any]) -> None:
    score = found["score"]
    print(f"\n{name}: {score['items']} questions, official {score['official']:.3f}, strict {score['strict']:.3f}")
    for figure in GROUNDING:
        print(f"  {figure:<18} {told(found['grounding'][figure])}")
    for row in found["thinking"]:
        print(f"  thinking {row['thinking']:<9} {told(row['accuracy'])}")
    for point in found["length_curve"]:
        words = "whole chain" if point["words"] is None else f"{point['words']} words"
        print(f"  {words:<18} {told(point['accuracy'])}")
    for point in found["sample_curve"]:
        print(
            f"  K = {point['k']:<14} majority {told(point['majority'])}   best grounding {told(point['best_grounded'])}"
        )


def told(figure: dict[str, Any] | None) -> str:
    return "none" if figure is None else f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


if __name__ == "__main__":
    main()
