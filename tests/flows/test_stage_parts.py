"""The stages give the same tables, and the export the same files, however few rows they hold in memory at once."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mgrd.audio.facts import fact
from mgrd.audio.lookup import write_facts
from mgrd.export import rowset
from mgrd.export.choices import ExportConfig
from mgrd.export.directory import export_round
from mgrd.store import Ledger, Workspace, delta, frame_of
from schemas import CLAIMS, CLIPS, CURRICULUM, DECISIONS, DISTILLED, EVIDENCE, TRACES
from tasks.contracts import check_round
from tasks.decide import decide
from tasks.ground import ground_partition
from tasks.run import Run
from tasks.select import select
from tests.export.made_workspace import FACTS, make_workspace

PARTITION: dict[str, int | str] = {"round": 1, "purpose": "distill"}
WRITTEN = (CLAIMS, DECISIONS, DISTILLED, CURRICULUM)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr("tasks.select.publish_funnel", lambda *_: None)
    made = make_workspace(tmp_path / "w", clips=14)
    known = {"version": "1", "facts": [one.row() for one in FACTS], "seconds": 0.1}
    rows = [{**known, "clip_id": clip} for clip in made.store.read(CLIPS)["clip_id"]]
    made.store.append(EVIDENCE, frame_of(EVIDENCE, rows))
    return made


def run_stages(workspace: Workspace, out: Path) -> tuple[list[pl.DataFrame], dict[str, str]]:
    """Ground, decide, select, check and export; the tables by key, and the files' hashes."""
    run = Run(workspace=str(workspace.root), overrides={"runtime.workers": 1})
    traces = workspace.store.reference(TRACES, PARTITION)
    checked = ground_partition(run.open(), 1, traces, "distill", "filtered")
    decisions = decide.fn(run, 1, traces, checked)
    distilled = select.fn(run, 1, traces, decisions)
    check_round.fn(run, 1, traces, decisions, distilled)
    manifest = export_round(run.open(), ExportConfig(round=1, audio_root="/audio"), out)
    tables = [workspace.store.read(table).sort(table.key) for table in WRITTEN]
    return tables, {entry.path: entry.sha256 for entry in manifest.files if entry.path != "README.md"}


def test_parts_of_five_rows_give_what_one_part_gives(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, files = run_stages(workspace, tmp_path / "whole")
    monkeypatch.setattr(delta, "PART_ROWS", 5)
    monkeypatch.setattr(rowset, "IN_MEMORY", 3)
    monkeypatch.setattr(Ledger, "finished", lambda *_: None)  # all stages do their work again
    parted, parted_files = run_stages(workspace, tmp_path / "parted")
    assert whole[2].height > 5
    for one, other in zip(whole, parted, strict=True):
        assert_frame_equal(one, other)
    assert files == parted_files


def test_facts_are_found_by_clip_in_a_file_of_many_batches(tmp_path: Path) -> None:
    two = [fact("rms", -3.0, end=1.0), fact("duration", 1.0, end=1.0)]
    clips = {f"{number:016x}": [*two, fact("f0_median", number, end=1.0)][: number % 4] for number in range(40)}
    rows = [
        {"clip_id": clip, "version": "1", "facts": [one.row() for one in facts], "seconds": 0.0}
        for clip, facts in clips.items()
    ]
    frame = frame_of(EVIDENCE, rows).sample(fraction=1.0, shuffle=True, seed=1)
    known = write_facts(tmp_path / "facts.arrow", frame.iter_slices(7), "facts")
    assert {clip: known[clip] for clip in clips} == clips
    assert len(known) == 40
    assert known.get("no such clip") is None
