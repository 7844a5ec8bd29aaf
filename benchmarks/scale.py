"""A million chains through claims and verification, decision, selection and dedup, contracts and export.

The stages are the pipeline's own, in a Prefect flow, on a workspace that `benchmarks/scale_rows.py` makes first, in a
process of its own. For each stage: rows a second, processor seconds, and the peak memory of this process with its
workers (proportional set size, so that shared pages count once). Time and memory of each quarter of the rows show
whether cost per row stays the same.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
ROWS = 1_000_000
LOOK_SECONDS = 0.5
MOST_MB = 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="chains; clips and questions grow with them")
    parser.add_argument("--workspace", type=Path, help="a folder to keep; one that is there is measured again")
    parser.add_argument("--executor", choices=("local", "ray"), default="local")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = asked.workspace or Path(folder) / "w"
        if not workspace.exists():
            make = [sys.executable, PROJECT / "benchmarks" / "scale_rows.py", workspace, "--rows", str(asked.rows)]
            subprocess.run(make, check=True)
        measure(workspace, asked.executor)


@dataclass
class Measured:
    """One stage: when rows were done, and what it took."""

    name: str
    begun: float
    cpu: float
    done: list[tuple[float, int]] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    ended: float = 0.0

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.done)

    def quarters(self) -> tuple[list[float], list[float]]:
        """Seconds and peak MB of each quarter of the rows; what follows the last row belongs to no quarter."""
        edges, count, quarter = [self.begun], 0, 1
        for at, rows in self.done:
            count += rows
            while quarter <= 4 and count >= self.rows * quarter / 4:
                edges.append(at)
                quarter += 1
        spans = list(pairwise(edges))
        peaks = [max((mb for at, mb in self.memory if start <= at <= end), default=0.0) for start, end in spans]
        return [end - start for start, end in spans], peaks


class Clock:
    """Looks at memory all the time, and is told of rows by the stages' progress bars."""

    def __init__(self) -> None:
        self.stages: list[Measured] = []
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)
        self._looking.start()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.stages.append(Measured(name, time.perf_counter(), _cpu_seconds()))
        yield
        stage = self.stages[-1]
        stage.ended, stage.cpu = time.perf_counter(), _cpu_seconds() - stage.cpu

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """In place of `tasks.progress.progress`."""
        del label, total
        yield lambda rows: self.stages[-1].done.append((time.perf_counter(), rows))

    def stop(self) -> None:
        self._over.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            if self.stages:
                self.stages[-1].memory.append((time.perf_counter(), _memory_mb()))


def measure(folder: Path, executor: str) -> None:
    from mgrd.cli.environment import prepare

    prepare(folder)
    from prefect import flow

    import tasks.decide
    import tasks.ground
    import tasks.publish
    import tasks.select
    from mgrd.export.choices import ExportConfig
    from mgrd.store import Workspace
    from schemas import LEDGER, TRACES
    from tasks.contracts import check_round
    from tasks.run import Run

    workspace = Workspace.open(folder)
    ledger = workspace.store.open(LEDGER)
    assert ledger is not None
    ledger.delete("stage <> 'sample-distill'")  # of an earlier measurement
    traces = workspace.store.reference(TRACES, {"round": 1, "purpose": "distill"})
    clock = Clock()
    for module in (tasks.decide, tasks.ground, tasks.publish, tasks.select):
        module.progress = clock.progress
    run = Run(workspace=str(folder), overrides={"runtime.executor": executor, "runtime.workers": 2})
    out = Path(tempfile.mkdtemp(dir=folder)) / "export"

    @flow(name="scale")
    def scale() -> None:
        with clock.stage("claims and verification"):
            checked = tasks.ground.ground(run, 1, traces)
        with clock.stage("decision"):
            decisions = tasks.decide.decide(run, 1, traces, checked)
        with clock.stage("selection and dedup"):
            distilled = tasks.select.select(run, 1, traces, decisions)
        with clock.stage("contracts between tables"):
            check_round(run, 1, traces, decisions, distilled)
        with clock.stage("export"):
            tasks.publish.export(run, ExportConfig(round=1), str(out))

    scale()
    clock.stop()
    show(workspace, clock, traces.rows, out)


def show(workspace: Any, clock: Clock, rows: int, out: Path) -> None:
    from schemas import CLAIMS, CLIPS, DECISIONS, DISTILLED, QUESTIONS, TRACES

    counts = {table.name: workspace.store.digest(table).rows for table in (CLIPS, QUESTIONS, TRACES, CLAIMS, DISTILLED)}
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    print(f"{'stage':<26}{'rows':>10}{'s':>8}{'rows/s':>8}{'cpu s':>8}{'peak MB':>9}   quarters: s, peak MB")
    for stage in clock.stages:
        seconds = stage.ended - stage.begun
        peak = max((mb for _, mb in stage.memory), default=0.0)
        times, peaks = stage.quarters() if stage.done else ([], [])
        shown = "  ".join(f"{took:.0f}, {mb:.0f}" for took, mb in zip(times, peaks, strict=True))
        done = stage.rows or rows
        print(
            f"{stage.name:<26}{done:>10,}{seconds:>8.0f}{done / seconds:>8.0f}{stage.cpu:>8.0f}{peak:>9.0f}   {shown}"
        )
    total = sum(stage.ended - stage.begun for stage in clock.stages)
    cpu = sum(stage.cpu for stage in clock.stages)
    peak = max(mb for stage in clock.stages for _, mb in stage.memory)
    print(f"{'all':<26}{rows:>10,}{total:>8.0f}{rows / total:>8.0f}{cpu:>8.0f}{peak:>9.0f}")
    sizes = {table.name: _folder_mb(workspace.store.path(table)) for table in (TRACES, CLAIMS, DECISIONS, DISTILLED)}
    print(
        "on disk, MB: " + ", ".join(f"{name} {size:.0f}" for name, size in {**sizes, "export": _folder_mb(out)}.items())
    )
    print(f"peak memory {peak:.0f} MB, {'below' if peak < MOST_MB else 'ABOVE'} {MOST_MB} MB; "
          f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[1]:.1f}")  # fmt: skip
    manifest = json.loads((out / "manifest.json").read_text())
    print(f"export {manifest['fingerprint']}, splits {manifest['splits']}")


def _processes() -> Iterator[int]:
    """This process and all below it."""
    waiting = [os.getpid()]
    while waiting:
        pid = waiting.pop()
        yield pid
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                waiting += map(int, task.read_text().split())
            except OSError:
                continue


def _memory_mb() -> float:
    total = 0
    for pid in _processes():
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def _cpu_seconds() -> float:
    """Of this process, its children that live and those that ended."""
    used = sum(os.times()[:4])
    for pid in _processes():
        if pid == os.getpid():
            continue
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def _folder_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
