"""How fast shards are written and read, beside bare pyarrow and beside `datasets`, on the same rows in one run.

Writing: from rows and clip files to shards, every clip and every shard hashed with SHA-256. Against bare pyarrow from
the same rows and files (`pa.Table.from_pylist`, `pq.write_table`, the same codec), which hashes nothing; against the
same with those hashes; and against `pq.write_table` of tables that are already in memory.
Reading: rows as Python objects from our stream, against `pq.read_table(...).to_pylist()`. Loading: decoded samples a
second, against `datasets` streaming the same shards with the same decoder, in its own environment
(`make test-peers` installs it). Rounds alternate; the best of each is shown.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
PEER = PROJECT / ".venv-peers" / "huggingface" / "bin" / "python"
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1000, help="clips of 3 s; two rows each")
    parser.add_argument("--datasets", type=Path, help="measure `datasets` on this export and print rows a second")
    asked = parser.parse_args()
    if asked.datasets:
        print(json.dumps(datasets_rate(asked.datasets)))
        return
    sys.path.insert(0, str(PROJECT))
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), asked.clips)


def compare(folder: Path, clips: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from mgrd.export.choices import ExportConfig
    from mgrd.export.directory import Writing, export_round, write_files
    from mgrd.export.rows import read_rows
    from mgrd.export.shards import CODEC, CODEC_LEVEL
    from mgrd.export.tables import Tables
    from mgrd.ids import sha256_file
    from schemas import CLIPS
    from tests.export.made_workspace import make_workspace

    workspace = make_workspace(folder / "w", clips=clips, seconds=3.0, sources=20)
    config = ExportConfig(round=1, embed_audio=True, holdout=0)
    export_round(workspace, config, folder / "x")
    shards = sorted((folder / "x" / "data").glob("train-*.parquet"))
    tables = [pq.read_table(path) for path in shards]
    rows = sum(table.num_rows for table in tables)
    size = sum(table.nbytes for table in tables) / 1e6
    plain = [name for name in tables[0].schema.names if name != "audio"]
    print(f"{rows} rows, {size:.0f} MB in {len(shards)} shards")

    found = read_rows(workspace, config, Tables(workspace.store), folder / "rows")

    options: dict[str, Any] = {"compression": CODEC, "compression_level": CODEC_LEVEL, "use_dictionary": plain}
    records = [[{**row, "audio": None} for row in table.drop_columns("audio").to_pylist()] for table in tables]
    clips_of = {row["clip_id"]: row for row in workspace.store.read(CLIPS).iter_rows(named=True)}

    def write_ours(out: Path) -> None:
        write_files(Writing(workspace, config, out, None), found)

    def write_bare(out: Path) -> None:
        for number, part in enumerate(records):
            rows = [{**row, "audio": sound(workspace.root / clips_of[row["clip_id"]]["uri"])} for row in part]
            pq.write_table(pa.Table.from_pylist(rows, tables[0].schema), out / f"{number}.parquet", **options)

    def write_hashed(out: Path) -> None:
        checked = set()
        for number, part in enumerate(records):
            rows = []
            for row in part:
                clip = clips_of[row["clip_id"]]
                rows.append({**row, "audio": (read := sound(workspace.root / clip["uri"]))})
                assert clip["clip_id"] in checked or sha256(read["bytes"]).hexdigest() == clip["sha256"]
                checked.add(clip["clip_id"])
            path = out / f"{number}.parquet"
            pq.write_table(pa.Table.from_pylist(rows, tables[0].schema), path, **options)
            sha256_file(path)

    def write_tables(out: Path) -> None:
        for number, table in enumerate(tables):
            pq.write_table(table, out / f"{number}.parquet", **options)

    ours, bare, hashed, memory = alternate(folder, write_ours, write_bare, write_hashed, write_tables)
    show("write", size, ours, "pyarrow", bare)
    show("", size, ours, "pyarrow and hashes", hashed)
    show("", size, ours, "pyarrow, tables in memory", memory)
    compare_reading(folder, shards, rows, size)
    load_rates(folder / "x", rows)


def compare_reading(folder: Path, shards: list[Path], rows: int, size: float) -> None:
    import pyarrow.parquet as pq

    import mgrd

    def read_ours(_: Path) -> None:
        assert sum(1 for _ in mgrd.load_round(folder / "x", "train", decode=False)) == rows

    def read_bare(_: Path) -> None:
        assert sum(len(pq.read_table(path).to_pylist()) for path in shards) == rows

    ours, bare = alternate(folder, read_ours, read_bare)
    show("read", size, ours, "pyarrow", bare)


def sound(path: Path) -> dict[str, Any]:
    return {"bytes": path.read_bytes(), "path": path.name}


@dataclass
class Spent:
    """Best seconds of the clock, and of the processor in all threads, which others on the machine move less."""

    clock: float = float("inf")
    processor: float = float("inf")


def show(what: str, size: float, ours: Spent, name: str, other: Spent) -> None:
    rates = f"mgrd {size / ours.clock:7.0f} MB/s   {name} {size / other.clock:7.0f} MB/s"
    clock, processor = other.clock / ours.clock, other.processor / ours.processor
    print(f"{what:<6} {rates}   ratio {clock:.2f}, by processor time {processor:.2f}")


def alternate(folder: Path, *jobs: Callable[[Path], None]) -> list[Spent]:
    """What each job takes, run in turn; what it leaves in the folder that it is given is removed."""
    best = [Spent() for _ in jobs]
    for measured in [False] + ROUNDS * [True]:
        for job, spent in zip(jobs, best, strict=True):
            with tempfile.TemporaryDirectory(dir=folder) as out:
                started, used = time.perf_counter(), time.process_time()
                job(Path(out))
                clock, processor = time.perf_counter() - started, time.process_time() - used
            if measured:
                spent.clock, spent.processor = min(spent.clock, clock), min(spent.processor, processor)
    return best


def load_rates(export: Path, rows: int) -> None:
    """Decoded samples a second of our stream and of `datasets` streaming, each round one after the other."""
    import mgrd

    ours, theirs = 0.0, 0.0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for sample in mgrd.load_round(export, "train"):
            assert len(sample["audio"]["array"])
        ours = max(ours, rows / (time.perf_counter() - started))
        if PEER.exists():
            command = [PEER, __file__, "--datasets", export]
            theirs = max(
                theirs, float(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
            )
    shown = (
        f"{theirs:7.0f} samples/s   ratio {ours / theirs:.2f}" if theirs else "not installed; `make test-peers` does"
    )
    print(f"load   mgrd {ours:7.0f} samples/s   datasets {shown}")


def datasets_rate(export: Path) -> float:
    """Samples a second of `datasets` streaming, decoded with soundfile as ours are."""
    import os

    os.environ["HF_HUB_OFFLINE"] = "1"
    import soundfile
    from datasets import Audio, load_dataset

    data = load_dataset(str(export), "distilled", split="train", streaming=True).cast_column(
        "audio", Audio(decode=False)
    )
    next(iter(data))
    count, started = 0, time.perf_counter()
    for sample in data:
        array, _ = soundfile.read(io.BytesIO(sample["audio"]["bytes"]), dtype="float32")
        count += len(array) > 0
    rate = count / (time.perf_counter() - started)
    print(json.dumps(rate), flush=True)
    os._exit(0)  # a prefetching thread of the stream aborts the interpreter's own way out


if __name__ == "__main__":
    main()
