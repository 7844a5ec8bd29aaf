"""What flow, store, contracts and ledger cost on a round with the mock engine, beyond the work itself.

A round is run at several sizes, each in a process of its own. From the time that the flow takes, the time is taken
that the work takes wherever it is done: writing chains, grounding, deciding, selecting, training, scoring, the report.
What remains is overhead: a fixed part (the orchestrator's server, imports, one transaction per stage), and a part that
grows with the chains. Then the finished round is run again by the command line.

    python benchmarks/overhead.py [--chains 2000 20000] [--profile FILE]

On a machine whose load is above its number of cores, the processor time of the flow's process is judged, not the clock.
Exits with 1 when the overhead passes 20 s + 60 ms per 1,000 chains, or the finished round takes 5 s or loads a model.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
TINY = PROJECT / "examples" / "tiny.toml"
FIXED_SECONDS = 20.0
MILLISECONDS_PER_THOUSAND = 60.0
AGAIN_SECONDS = 5.0
SAMPLES = 8
"""Chains per question."""
WORK = {
    "tasks.sample": "sample_traces",
    "tasks.ground": "GroundChains.__call__",
    "tasks.decide": "decide_traces",
    "tasks.select": "select_traces",
    "tasks.train": "train_stage",
    "tasks.evaluate": "heldout_metrics",
    "tasks.report": "write_report",
}
"""The functions that do a stage's work, by the module that calls them."""
NO_MODEL = """
import sys
sys.argv = ["mgrd", "run", "--workspace", sys.argv[1]]
from mgrd.cli import main
try:
    main()
finally:
    print("loaded:", *sorted({"torch", "transformers", "prefect", "great_expectations"} & set(sys.modules)))
"""
"""`mgrd run`, and which of the heavy libraries it has imported."""


class Clock:
    """Seconds and processor seconds that were spent in the work."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.processor = 0.0
        self._inside = False

    def watch(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed; a generator is timed while it makes its next item. Work inside work counts once."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            result = self._measured(name, lambda: function(*args, **kwargs))
            return self._steps(name, result) if isinstance(result, Iterator) else result

        return timed

    def _steps(self, name: str, items: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while (item := self._measured(name, lambda: next(items, end))) is not end:
            yield item

    def _measured(self, name: str, do: Callable[[], Any]) -> Any:
        if self._inside:
            return do()
        self._inside = True
        wall, processor = time.perf_counter(), time.process_time()
        try:
            return do()
        finally:
            self._inside = False
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - wall
            self.processor += time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chains", type=int, nargs=2, default=[2_000, 20_000])
    parser.add_argument("--profile", type=Path, help="write the larger round's profile (pstats) here")
    parser.add_argument("--round", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.round is not None:
        print(json.dumps(run_round(given.round, given.profile)))
        return
    with tempfile.TemporaryDirectory() as folder:
        measured = [measure(Path(folder) / str(chains), chains, given.profile) for chains in given.chains]
        again, loaded = run_again(Path(folder) / str(given.chains[0]))
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    what = "overhead_processor" if busy else "overhead"
    (few, small), (many, large) = ((row["chains"], row[what]) for row in measured)
    print(f"\njudged by {'processor time: others use this machine' if busy else 'the clock'}")
    growth = (large - small) / (many - few) * 1e6
    fixed = small - growth * few / 1e6
    print(f"fixed {fixed:.1f} s (bound {FIXED_SECONDS:.0f}), "
          f"per 1,000 chains {growth:.0f} ms (bound {MILLISECONDS_PER_THOUSAND:.0f})")  # fmt: skip
    print(f"the finished round again: {again:.1f} s (bound {AGAIN_SECONDS:.0f}), {loaded}")
    bound = FIXED_SECONDS + MILLISECONDS_PER_THOUSAND * many / 1e6
    sys.exit(int(large > bound or fixed > FIXED_SECONDS or growth > MILLISECONDS_PER_THOUSAND
                 or again > AGAIN_SECONDS or loaded != "loaded:"))  # fmt: skip


def measure(root: Path, chains: int, profile: Path | None) -> dict[str, Any]:
    """Make a workspace that stands before a round of so many chains, run the round, and print what it took."""
    environment = environment_of(root) | {"OMP_NUM_THREADS": "1"}
    for command in (["init", str(root), "--settings", str(TINY)], ["ingest", "embedded", "-w", str(root)],
                    ["run", "-w", str(root), "--rounds", "0"]):  # fmt: skip
        subprocess.run([sys.executable, "-m", "mgrd", *command], cwd=PROJECT, env=environment, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    ask(root, chains // SAMPLES)
    command = [sys.executable, __file__, "--round", str(root), *(["--profile", str(profile)] if profile else [])]
    environment |= {"MGRD_SPEC__SAMPLING__SAMPLES": str(SAMPLES), "MGRD_RUNTIME__BATCH_REQUESTS": "32"}
    done = subprocess.run(command, cwd=PROJECT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    row = json.loads(done.stdout.splitlines()[-1])
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in row["work"].items())
    print(f"{row['chains']:>7,} chains: {row['seconds']:6.1f} s, work {sum(row['work'].values()):6.1f} s ({parts}), "
          f"overhead {row['overhead']:5.1f} s (processor {row['overhead_processor']:.1f} s)")  # fmt: skip
    return row


def environment_of(root: Path) -> dict[str, str]:
    """As on a machine where the pipeline has run before: with the bytecode of what it imports."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    bytecode = root.parent / "bytecode"
    return environment | {
        "PYTHONPATH": str(PROJECT), "PYTHONPYCACHEPREFIX": str(bytecode), "MGRD_RUNTIME__ENGINE": "mock"
    }  # fmt: skip


def ask(root: Path, count: int) -> None:
    """Questions on the pool's clips until there are `count`: what is measured is the number of rows."""
    from mgrd.ids import content_key
    from mgrd.store import Store, frame_of
    from schemas import QUESTIONS

    store = Store(root)
    asked = store.read(QUESTIONS)
    pool = [row for row in asked.iter_rows(named=True) if row["split"] == "pool"]
    more = [
        pool[number % len(pool)] | {"question_id": content_key("overhead", number)}
        for number in range(count - len(pool))
    ]
    store.append(QUESTIONS, frame_of(QUESTIONS, more))


def run_round(root: Path, profile: Path | None) -> dict[str, Any]:
    """Run the round in this process; what it took, and how much of it was work."""
    started, processor = time.perf_counter(), time.process_time()
    from mgrd.cli.environment import prepare

    prepare(root)
    import importlib

    clock = Clock()
    for module, path in WORK.items():
        owner: Any = importlib.import_module(module)
        *classes, name = path.split(".")
        for one in classes:
            owner = getattr(owner, one)
        setattr(owner, name, clock.watch(path, getattr(owner, name)))
    from flows.distill import distill
    from mgrd.store import Store
    from schemas import TRACES

    if profile is not None:
        import cProfile

        with cProfile.Profile() as profiler:
            distill(str(root))
        profiler.dump_stats(profile)
    else:
        distill(str(root))
    seconds, used = time.perf_counter() - started, time.process_time() - processor
    chains = Store(root).read(TRACES, {"round": 1, "purpose": "distill"}, columns=["trace_id"]).height
    return {
        "chains": chains,
        "seconds": seconds,
        "work": clock.seconds,
        "overhead": seconds - sum(clock.seconds.values()),
        "overhead_processor": used - clock.processor,
    }


def run_again(root: Path) -> tuple[float, str]:
    """Seconds of `mgrd run` on the finished round, and what it loaded. The first time closes the request."""
    environment = environment_of(root) | {"MGRD_SPEC__SAMPLING__SAMPLES": str(SAMPLES)}
    for _ in range(2):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", NO_MODEL, str(root)], cwd=PROJECT, env=environment, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
        seconds = time.perf_counter() - started
    assert "nothing to do" in done.stdout, done.stdout
    return seconds, done.stdout.splitlines()[-1]


if __name__ == "__main__":
    main()
