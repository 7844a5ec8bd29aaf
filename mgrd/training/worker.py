"""One of the processes of a launched SFT run (mgrd/training/launch.py): `python -m mgrd.training.worker JOB`."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import polars as pl

from mgrd.files import whole_file
from mgrd.training.adapters import Lora
from mgrd.training.features import FeatureCache
from mgrd.training.launch import JOB, REPORT, ROWS, STEP
from mgrd.training.sft import train_sft


def main(job: Path) -> None:
    """Train as the job's folder says; the first process tells of its steps and leaves the report there."""
    document = json.loads((job / JOB).read_text())
    options = document["options"]
    lora = Lora(**options.pop("lora")) if options["lora"] else options.pop("lora")
    first = os.environ.get("RANK", "0") == "0"

    def on_step(count: int) -> None:
        if first:
            sys.stdout.write(f"{STEP}{count}\n")
            sys.stdout.flush()

    report = train_sft(
        Path(document["model"]),
        Path(document["out"]),
        pl.read_parquet(job / ROWS),
        FeatureCache.of(document["features"]),
        lora=lora,
        on_step=on_step,
        **options,
    )
    if first:
        with whole_file(job / REPORT) as draft:
            draft.write_text(json.dumps(asdict(report)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
