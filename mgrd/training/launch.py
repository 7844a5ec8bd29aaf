"""SFT in processes of its own, started by a launcher such as `accelerate launch` or torchrun.

The job is a folder beside the checkpoint to come: arguments as JSON, rows as Parquet, the log. Each process runs
`python -m mgrd.training.worker JOB`; the first one prints a line per step and leaves the report.
"""

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO

import polars as pl

from mgrd.errors import TrainingError
from mgrd.training.adapters import Lora
from mgrd.training.features import FeatureCache
from mgrd.training.sft import TrainReport

WORKER = "mgrd.training.worker"
JOB, ROWS, LOG, REPORT = "job.json", "rows.parquet", "log.txt", "report.json"
STEP = "mgrd steps "
"""What stands before a number of finished steps in the first process's output."""
LOG_LINES = 8


def launch_sft(
    command: Sequence[str],
    model_folder: Path,
    out_folder: Path,
    rows: pl.DataFrame,
    features: FeatureCache,
    *,
    on_step: Callable[[int], None] | None = None,
    lora: Lora | None = None,
    **options: object,
) -> TrainReport:
    """As `train_sft`, in the processes that `command` starts when `-m mgrd.training.worker JOB` is put behind it.

    The same call goes on from the last checkpoint of a killed one. Raises TrainingError with the end of
    the log when they fail; the log stays.
    """
    job = out_folder.with_name(f".{out_folder.name}.job")
    job.mkdir(parents=True, exist_ok=True)
    (job / REPORT).unlink(missing_ok=True)
    rows.write_parquet(job / ROWS)
    document = {
        "model": str(model_folder.resolve()),
        "out": str(out_folder.resolve()),
        "features": features.description(),
        "options": {**options, "lora": lora and asdict(lora)},
    }
    (job / JOB).write_text(json.dumps(document))
    started = [*command, "-m", WORKER, str(job)]
    with (job / LOG).open("w") as log:
        try:
            process = subprocess.Popen(started, stdout=subprocess.PIPE, stderr=log, text=True)
        except OSError as error:
            raise TrainingError(f"cannot start {command[0]!r} (runtime.launch): {error}") from error
        with process:
            try:
                _follow(process, log, on_step or (lambda _: None))
            except BaseException:
                process.terminate()
                raise
    if process.returncode or not (job / REPORT).is_file():
        tail = "\n".join((job / LOG).read_text(errors="replace").splitlines()[-LOG_LINES:])
        raise TrainingError(f"{shlex.join(started)} ended with {process.returncode}; {job / LOG} ends:\n{tail}")
    report = TrainReport(**json.loads((job / REPORT).read_text()))
    shutil.rmtree(job)
    return report


def _follow(process: "subprocess.Popen[str]", log: IO[str], on_step: Callable[[int], None]) -> None:
    """Read what the first process says. Should we be killed, its next line finds no reader and ends it too."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(STEP):
            on_step(int(line.removeprefix(STEP)))
        else:
            log.write(line)
            log.flush()
