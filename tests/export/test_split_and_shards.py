"""Held-out sources, row order, shard counts and row groups hold for any data."""

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgrd.export import rowset
from mgrd.export.rowset import RowSet
from mgrd.export.shards import (
    LARGEST_GROUP,
    MIB,
    SHARD_BYTES,
    SMALLEST_GROUP,
    HashingFile,
    ParquetShards,
    Part,
    even_spans,
    group_spans,
    shard_count,
)
from mgrd.export.split import Sources
from mgrd.ids import sha256_file

FOLDER = tempfile.TemporaryDirectory()  # hypothesis asks for many sets, pytest gives one folder per test
ROW = st.builds(
    lambda n, source, clip, skill: {
        "id": f"{n}",
        "clip_id": f"{source}/{clip}",
        "source": f"s{source}",
        "domain": ("speech", "music")[source % 2],
        "skill": skill,
    },
    st.integers(0, 10**9),
    st.integers(0, 30),
    st.integers(0, 3),
    st.sampled_from(["contour", "tempo", "timbre"]),
)
ROWS = st.lists(ROW, min_size=1, max_size=120, unique_by=lambda row: row["id"])


def row_set(rows: Sequence[Mapping[str, object]], seed: int, at_once: int = 10_000) -> RowSet:
    """The rows in a set that puts them into files whenever `at_once` of them wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rowset, "IN_MEMORY", at_once)
        found = RowSet(Path(tempfile.mkdtemp(dir=FOLDER.name)), seed)
        for row in rows:
            found.add(dict(row))
        return found


def sides_of(rows: list[dict[str, str]], share: float, seed: int, at_once: int = 10_000) -> dict[str, list[str]]:
    return {side.split: [row["id"] for row in side] for side in row_set(rows, seed, at_once).sides(share)}


def held_out(rows: list[dict[str, str]], share: float, seed: int) -> set[str]:
    sources = Sources()
    for row in rows:
        sources.add(row)
    return {sources.names[number] for number in sources.held_out(share, seed)}


@given(ROWS, st.sampled_from([0.0, 0.05, 0.2, 0.5]), st.integers(0, 5))
def test_no_source_is_on_both_sides_and_no_row_is_lost(rows: list[dict[str, str]], share: float, seed: int) -> None:
    sides = {side.split: list(side) for side in row_set(rows, seed).sides(share)}
    sources = {name: {row["source"] for row in side} for name, side in sides.items()}
    assert not sources.get("train", set()) & sources.get("validation", set())
    assert sorted(row["id"] for side in sides.values() for row in side) == sorted(row["id"] for row in rows)
    assert sides["train"], "something is always left to train on"


@given(ROWS, st.integers(0, 5), st.integers(1, 40), st.randoms(use_true_random=False))
def test_split_and_order_depend_neither_on_the_order_of_the_rows_nor_on_what_waits_in_files(
    rows: list[dict[str, str]], seed: int, at_once: int, random
) -> None:
    mixed = list(rows)
    random.shuffle(mixed)
    assert sides_of(mixed, 0.2, seed, at_once) == sides_of(rows, 0.2, seed)


def test_what_the_shards_are_planned_by_stands_in_the_order_of_the_rows() -> None:
    rows = [
        {"id": f"{i}", "clip_id": f"{i}", "source": f"{i % 7}", "domain": "d", "skill": "s", "bytes": i}
        for i in range(50)
    ]
    for side in row_set(rows, 3, at_once=8).sides(0.3):
        assert [row["bytes"] for row in side] == side.audio_bytes.tolist()
        assert len(side) == len(list(side))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(VALUES, min_size=1, max_size=8))
def test_rows_come_back_from_files_as_they_were_added(values: list[object]) -> None:
    rows = [
        {"id": f"{i}", "clip_id": None, "source": None, "domain": None, "skill": "s", "claims": value}
        for i, value in enumerate(values)
    ]
    assert list(row_set(rows, 0, at_once=1)) == list(row_set(rows, 0))


def test_the_share_holds_in_every_stratum() -> None:
    rows = [
        {"id": f"{d}{s}{i}", "clip_id": f"{d}{s}{i}", "source": f"{d}{s}{i}", "domain": d, "skill": s}
        for d in ("speech", "music")
        for s in ("contour", "tempo")
        for i in range(40)
    ]
    counts: dict[str, int] = defaultdict(int)
    for source in held_out(rows, 0.1, 0):
        counts[source.rstrip("0123456789")] += 1
    assert list(counts.values()) == [4, 4, 4, 4]


def test_another_seed_holds_out_other_sources_and_gives_another_order() -> None:
    rows = [{"id": f"{i}", "clip_id": f"{i}", "source": f"{i}", "domain": "d", "skill": "s"} for i in range(60)]
    assert held_out(rows, 0.2, 0) != held_out(rows, 0.2, 1)
    orders = [[row["id"] for row in row_set(rows, seed)] for seed in (0, 1)]
    assert orders[0] != orders[1] != [row["id"] for row in rows]


def test_few_clips_still_hold_one_source_out() -> None:
    rows = [{"id": f"{i}", "clip_id": f"{i}", "source": f"{i}", "domain": "d", "skill": f"{i}"} for i in range(4)]
    assert len(held_out(rows, 0.05, 0)) == 1
    assert not held_out(rows, 0.0, 0)
    assert not held_out(rows[:1], 0.5, 0)


@given(st.integers(1, 10**7), st.integers(0, 2**42), st.integers(1, 64))
def test_shards_divide_evenly_among_ranks_and_stay_small(rows: int, size: int, world: int) -> None:
    count = shard_count(rows, size, world)
    assert 1 <= count <= rows
    if rows >= world:
        assert count % world == 0
        assert size / count <= SHARD_BYTES or count + world > rows
    else:
        assert count & (count - 1) == 0


@given(st.integers(0, 500), st.integers(1, 40))
def test_spans_are_even_and_cover_everything(rows: int, parts: int) -> None:
    spans = even_spans(rows, parts)
    assert [at for span in spans for at in range(*span)] == list(range(rows))
    lengths = [last - first for first, last in spans]
    assert max(lengths) - min(lengths) <= 1


@settings(max_examples=60)
@given(st.lists(st.integers(1, 3 * MIB), min_size=0, max_size=600), st.sampled_from([1, 5, 60]))
def test_row_groups_hold_64_to_128_mib(sizes: list[int], factor: int) -> None:
    sizes = [size * factor for size in sizes]
    spans = group_spans(sizes)
    assert [row for span in spans for row in range(*span)] == list(range(len(sizes)))
    largest = max(sizes, default=0)
    for first, last in spans:
        held = sum(sizes[first:last])
        assert held <= LARGEST_GROUP or last - first == 1
        if (first, last) != spans[-1] and largest < LARGEST_GROUP - SMALLEST_GROUP:
            assert held + largest >= SMALLEST_GROUP


def test_a_written_group_is_as_large_as_planned(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.string()), ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))])
    noise = [bytes([i]) * MIB for i in range(150)]
    spans = group_spans([MIB] * 150)
    assert len(spans) == 2
    path = tmp_path / "x.parquet"
    with ParquetShards() as parquet:
        written = parquet.write(
            path,
            schema,
            spans,
            lambda first, last: Part(
                [{"id": str(i), "audio": {"bytes": noise[i], "path": "x"}} for i in range(first, last)]
            ),
        ).result()
    meta = pq.read_metadata(path)
    assert meta.num_row_groups == 2
    for number in range(2):
        assert SMALLEST_GROUP <= meta.row_group(number).total_byte_size <= LARGEST_GROUP
        assert meta.row_group(number).column(0).compression == "ZSTD"
    assert (written.rows, written.bytes, written.sha256) == (150, path.stat().st_size, sha256_file(path))


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_a_hashing_file_tells_size_and_hash_of_what_is_on_disk(tmp_path_factory, chunks: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("h") / "f"
    with HashingFile(path) as file:
        for chunk in chunks:
            file.write(chunk)
        written = file.written(0)
    assert path.read_bytes() == b"".join(chunks)
    assert (written.bytes, written.sha256) == (path.stat().st_size, sha256_file(path))
