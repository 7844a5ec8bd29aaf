"""`load_round` gives every row to exactly one consumer, decodes what we wrote, and goes on where it stopped."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

import mgrd
from mgrd.errors import AudioError, ConfigError, DataError
from mgrd.export import shards
from mgrd.export.choices import ExportConfig
from mgrd.export.directory import export_round
from mgrd.export.stream import RoundStream, RoundTable
from mgrd.store import Workspace
from schemas import CLIPS, DISTILLED
from tests.export.made_workspace import make_workspace


@pytest.fixture(scope="module")
def exported(made: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("load") / "x"
    export_round(made, ExportConfig(round=1, embed_audio=True, holdout=0.2), out)
    return out


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty rows in shards of several row groups each, as large exports have them."""
    root = tmp_path_factory.mktemp("grouped")
    workspace = make_workspace(root / "w", clips=20, seconds=0.05)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "LARGEST_GROUP", 9000)
        export_round(workspace, ExportConfig(round=1, embed_audio=True, holdout=0, world_size=3), root / "x")
    return root / "x"


def stream(source: Path | Workspace, split: str = "train", **asked: Any) -> RoundStream:
    found = mgrd.load_round(source if isinstance(source, Path) else source.root, split, **asked)
    assert isinstance(found, RoundStream)
    return found


def ids(rows: Any) -> list[str]:
    return [row["id"] for row in rows]


def first(samples: list[dict[str, Any]]) -> dict[str, Any]:
    return samples[0]


def test_every_row_comes_once_with_the_sound_of_its_clip(made: Workspace, exported: Path) -> None:
    clips = {row["clip_id"]: made.root / row["uri"] for row in made.store.read(CLIPS).iter_rows(named=True)}
    rows = [row for split in ("train", "validation") for row in stream(exported, split)]
    assert sorted(ids(rows)) == sorted(made.store.read(DISTILLED, {"round": 1})["row_id"])
    for row in rows:
        samples, rate = soundfile.read(clips[row["clip_id"]], dtype="float32")
        np.testing.assert_array_equal(row["audio"]["array"], samples)
        assert row["audio"]["sampling_rate"] == rate
        assert row["messages"][1]["role"] == "assistant"


def test_audio_beside_the_shards_is_found_after_the_directory_moved(made: Workspace, tmp_path: Path) -> None:
    export_round(made, ExportConfig(round=1), tmp_path / "x")
    (tmp_path / "x").rename(tmp_path / "moved")
    row = next(iter(stream(tmp_path / "moved")))
    assert row["audio"]["array"].dtype == np.float32
    assert len(row["audio"]["array"]) == 3200


def test_text_rows_have_no_audio(exported: Path) -> None:
    rows = list(stream(exported, config="text"))
    assert len(rows) == 3
    assert {row["audio"] for row in rows} == {None}


@pytest.mark.parametrize(("world", "workers"), [(1, 0), (1, 1), (2, 2), (3, 1), (5, 2), (60, 0)])
def test_ranks_and_workers_share_the_rows_without_duplicates_or_loss(grouped: Path, world: int, workers: int) -> None:
    shares = []
    for rank in range(world):
        data = stream(grouped, rank=rank, world_size=world, decode=False)
        loader = DataLoader(data, batch_size=None, num_workers=workers)
        shares.append(ids(loader))
        assert len(shares[-1]) == len(data)
    counts = Counter(key for share in shares for key in share)
    assert len(counts) == 40
    assert set(counts.values()) == {1}
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(world=st.integers(1, 50), workers=st.integers(1, 8), epoch=st.integers(0, 3))
def test_any_division_covers_the_whole_order(grouped: Path, world: int, workers: int, epoch: int) -> None:
    whole = stream(grouped, decode=False)
    whole.set_epoch(epoch)
    spans = []
    for rank in range(world):
        data = stream(grouped, rank=rank, world_size=world, decode=False)
        data.set_epoch(epoch)
        spans += [data._span(worker, workers) for worker in range(workers)]
    assert [row for span in spans for row in range(*span)] == list(range(40))


def test_each_epoch_has_its_own_order_that_repeats(grouped: Path) -> None:
    orders = []
    for epoch in (0, 1, 0):
        data = stream(grouped, decode=False)
        data.set_epoch(epoch)
        orders.append(ids(data))
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])
    assert ids(stream(grouped, decode=False, seed=1)) != orders[0]
    assert ids(stream(grouped, decode=False, shuffle=False)) == ids(
        mgrd.load_round(grouped, streaming=False, decode=False)
    )


@pytest.mark.parametrize("stop", [0, 1, 7, 39, 40])
def test_a_stream_goes_on_after_its_state(grouped: Path, stop: int) -> None:
    whole = ids(stream(grouped, decode=False))
    data = stream(grouped, decode=False)
    rows = iter(data)
    before = [next(rows)["id"] for _ in range(stop)]
    resumed = stream(grouped, decode=False)
    resumed.load_state_dict(data.state_dict())
    assert before + ids(resumed) == whole
    assert ids(resumed) == whole, "the epoch after it is whole again"


@pytest.mark.parametrize(
    ("workers", "batches", "size"), [(0, 3, 4), (2, 0, 4), (2, 1, 4), (2, 5, 4), (3, 7, 3), (2, 11, 4)]
)
def test_a_data_loader_with_workers_goes_on_after_the_batches_it_gave(
    grouped: Path, workers: int, batches: int, size: int
) -> None:
    def batched(data: RoundStream) -> list[list[str]]:
        return list(DataLoader(data, batch_size=size, num_workers=workers, collate_fn=ids))

    whole = batched(stream(grouped, decode=False))
    resumed = stream(grouped, decode=False)
    resumed.load_state_dict(resumed.state_after(batches, size, workers))
    rest = batched(resumed)
    assert sorted(key for batch in whole[batches:] for key in batch) == sorted(key for batch in rest for key in batch)


def test_workers_report_their_own_state(grouped: Path) -> None:
    """As torchdata's StatefulDataLoader does it: state is taken and given back inside the worker."""
    data = stream(grouped, decode=False)
    rows = iter(data)
    for _ in range(3):
        next(rows)
    assert data.state_dict()["done"] == {"0": 3}


def test_a_state_of_another_stream_is_refused(grouped: Path, exported: Path) -> None:
    state = stream(grouped).state_dict()
    for other in (stream(exported), stream(grouped, seed=1), stream(grouped, rank=0, world_size=2)):
        with pytest.raises(ConfigError, match="belongs to another stream"):
            other.load_state_dict(state)
    data = stream(grouped, decode=False)
    data.load_state_dict(data.state_after(1, 4, 2))
    with pytest.raises(ConfigError, match="taken with 2 workers"):
        next(iter(data))


def test_a_table_has_a_length_and_random_access(exported: Path) -> None:
    table = mgrd.load_round(exported, "train", streaming=False)
    assert isinstance(table, RoundTable)
    rows = [table[i] for i in range(len(table))]
    assert table[-1]["id"] == rows[-1]["id"]
    assert table[3]["id"] == rows[3]["id"]
    assert len(set(ids(rows))) == len(table)
    with pytest.raises(IndexError):
        table[len(table)]


def test_a_workspace_is_exported_once_and_then_read(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=3)
    first_read = ids(stream(workspace))
    made = list((tmp_path / "w" / "exports").iterdir())
    assert len(made) == 1
    assert ids(stream(workspace)) == first_read
    assert list((tmp_path / "w" / "exports").iterdir()) == made
    assert len(ids(stream(workspace, purpose="rl"))) > 0


def test_rank_and_world_size_come_from_the_launcher(grouped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert ids(stream(grouped, decode=False)) == ids(stream(grouped, decode=False, rank=1, world_size=4))
    monkeypatch.setenv("RANK", "4")
    with pytest.raises(ConfigError, match="rank 4 of 4"):
        stream(grouped)


def test_what_is_not_there_is_named_with_what_is(made: Workspace, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no distilled/dev; there is"):
        stream(exported, "dev")
    with pytest.raises(DataError, match="is no export"):
        stream(tmp_path)
    export_round(made, ExportConfig(round=1, format="ms-swift"), tmp_path / "swift")
    with pytest.raises(DataError, match="exported for ms-swift"):
        stream(tmp_path / "swift")


def test_a_sound_that_does_not_decode_names_its_row(made: Workspace, tmp_path: Path) -> None:
    export_round(made, ExportConfig(round=1), tmp_path / "x")
    for path in (tmp_path / "x" / "audio").iterdir():
        path.chmod(0o644)
        path.write_bytes(b"RIFF nothing")
    with pytest.raises(AudioError, match=r"row [0-9a-f]{16}: .* cannot be decoded"):
        next(iter(stream(tmp_path / "x")))


def test_undecoded_audio_is_the_file_itself(exported: Path) -> None:
    row = next(iter(stream(exported, decode=False)))
    assert soundfile.info(io.BytesIO(row["audio"]["bytes"])).samplerate == 16_000


def test_importing_mgrd_loads_no_torch() -> None:
    import subprocess
    import sys

    script = (
        "import sys, mgrd; assert 'load_round' in mgrd.__all__; print('torch' in sys.modules, 'pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
