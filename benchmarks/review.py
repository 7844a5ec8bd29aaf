"""Time to open a chain in review, with its neighbours in a queue, among many traces: `review.py [TRACES]`."""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "review"))

import polars as pl
from review_workspace import CHAINS, make_workspace, trace_row

from mgrd.ids import content_key
from mgrd.review.filters import QUEUES, View
from mgrd.review.item import open_item
from mgrd.review.items import refresh_items
from mgrd.review.mirror import Mirror
from mgrd.review.queues import find_neighbours, list_items
from mgrd.store import Workspace, frame_of
from schemas import CLAIMS, DECISIONS, QUESTIONS, TRACES

BLOCK = 50_000
OPENED = 200


def fill(workspace: Workspace, count: int) -> None:
    """Rows copied with new ids: what is measured is the number of them."""
    store = workspace.store
    question = store.read(QUESTIONS).to_dicts()[0]
    decision = store.read(DECISIONS).to_dicts()[0]
    claim = store.read(CLAIMS).to_dicts()[0]
    for first in range(0, count, BLOCK):
        size = min(BLOCK, count - first)
        keys = [content_key("bench", first + n) for n in range(size)]
        numbers = pl.int_range(first, first + size, dtype=pl.Int64, eager=True)
        trace = frame_of(TRACES, [trace_row(question, 3, 0, CHAINS[0])] * size)
        ids = pl.Series("trace_id", keys)
        store.append(TRACES, trace.with_columns(ids, sample_index=numbers))
        for table, row in ((DECISIONS, decision), (CLAIMS, claim)):
            frame = frame_of(table, [{**row, "round": 3}] * size).with_columns(ids)
            if table is CLAIMS:
                frame = frame.with_columns(claim_id=pl.Series(keys))
            store.append(table, frame)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        workspace = make_workspace(Path(folder) / "w")
        fill(workspace, count)
        mirror = Mirror(workspace)
        started = time.perf_counter()
        refresh_items(mirror)
        size = mirror.path.stat().st_size / 1e9
        print(f"{count:,} traces: index built in {time.perf_counter() - started:.0f} s, {size:.2f} GB")
        keys = [
            row[0]
            for row in mirror.reader.execute("SELECT trace_id FROM items WHERE no % ? = 0", (max(1, count // OPENED),))
        ]
        views = [
            *(View(queue=queue) for queue in QUEUES),
            View(queue="all", decision="rejected", skill="contour", round="1"),
        ]
        for view in views:
            seconds = []
            for key in keys:
                started = time.perf_counter()
                open_item(mirror, key)
                find_neighbours(mirror, view, "me", key)
                seconds.append(time.perf_counter() - started)
            started = time.perf_counter()
            list_items(mirror, view, "me")
            page = time.perf_counter() - started
            print(
                f"  {view.query():<60} item median {1000 * statistics.median(seconds):6.1f} ms, "
                f"slowest {1000 * max(seconds):6.1f} ms; list {1000 * page:6.1f} ms"
            )


if __name__ == "__main__":
    main()
