"""Contracts after a stage: hostile tables are caught before the ledger calls the stage finished."""

import re

import contract_frames as synthetic
import polars as pl
import pytest

from mgrd.errors import ContractError
from mgrd.store import Outcome, Stage, Workspace, frame_of, init_workspace, run_stage
from schemas import CLIPS, QUARANTINE, TRACES, Table

SAMPLED: dict[str, int | str] = {"round": 1, "purpose": "distill"}


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    init_workspace(tmp_path / "w")
    return Workspace.open(tmp_path / "w")


def traces(**changes: object) -> pl.DataFrame:
    """Forty good chains of the pool; the first is changed."""
    rows = synthetic.traces().with_columns(purpose=pl.lit("distill"), split=pl.lit("pool")).to_dicts()
    rows[0] |= changes
    return frame_of(TRACES, rows)


def sampled(workspace: Workspace, frame: pl.DataFrame) -> None:
    """Run a sampling stage that writes the frame."""

    def work() -> Outcome:
        workspace.store.replace(TRACES, frame, SAMPLED)
        reference = workspace.store.reference(TRACES, SAMPLED)
        return Outcome((reference,), frame.height, {"sampled": frame.height, "quarantined": 0})

    run_stage(workspace, Stage("sample-distill", 1, 1, {}, {}), work)


def wrote(workspace: Workspace, table: Table, frame: pl.DataFrame, partition: dict[str, int | str]) -> None:
    def work() -> Outcome:
        workspace.store.replace(table, frame, partition)
        return Outcome((workspace.store.reference(table, partition),), frame.height, {"made": frame.height})

    run_stage(workspace, Stage("made", 1, 1, {}, {}), work)


def test_a_row_that_breaks_a_discarding_expectation_goes_to_quarantine_and_the_stage_goes_on(
    workspace: Workspace,
) -> None:
    bad = traces(finish_reason="weird")
    sampled(workspace, bad)
    entry = workspace.ledger.newest(1, "sample-distill")
    assert entry is not None
    assert (entry.counts["sampled"], entry.counts["quarantined"]) == (39, 1)
    assert entry.output("traces").rows == workspace.store.read(TRACES).height == 39
    row = workspace.store.read(QUARANTINE).row(0, named=True)
    assert (row["stage"], row["boundary"], row["attempts"]) == ("sample-distill", "contract of table traces", 1)
    assert "traces.finish_reason: a completion stops or is cut" in row["message"]
    assert bad["trace_id"][0] in row["payload"]
    assert "finish_reason" in str(entry.counts["findings"])


def test_a_stage_most_of_whose_rows_would_be_discarded_stops_instead(workspace: Workspace) -> None:
    frame = traces().with_columns(audio_tokens=pl.lit(0, dtype=pl.Int64))
    with pytest.raises(
        ContractError, match=r"traces\.audio_tokens: the model saw the audio.*40 of 40 rows are more than"
    ):
        sampled(workspace, frame)
    assert workspace.ledger.newest(1, "sample-distill") is None
    assert workspace.store.read(TRACES).height == 40
    assert workspace.store.read(QUARANTINE).is_empty()


@pytest.mark.parametrize(("split", "more"), [("pool", []), ("dev", ["1"])])
def test_a_stopped_stage_says_the_first_finding_and_how_many_more_there_are(
    workspace: Workspace, split: str, more: list[str]
) -> None:
    with pytest.raises(ContractError, match=r"stage sample-distill of round 1: traces\.\w+: .*, keys ") as stopped:
        sampled(workspace, traces(split=split, temperature=-1.0))
    assert re.findall(r"; findings beside it: (\d+)\. ", str(stopped.value)) == more


def test_every_finding_is_on_a_page_of_the_data_docs(workspace: Workspace) -> None:
    sampled(workspace, traces(finish_reason="weird"))
    page = (workspace.data_docs / "round-01-sample-distill-traces.html").read_text()
    assert "finish_reason" in page
    assert "weird" in page


def test_a_page_of_a_collection_with_the_longest_of_names_is_a_file(workspace: Workspace) -> None:
    frame = synthetic.clips().with_columns(collection=pl.lit("x"))
    for name in ("ä" * 120, "ä" * 119 + "b"):
        stage = Stage(f"ingest {name}", 0, 1, {}, {})

        def work() -> Outcome:
            workspace.store.replace(CLIPS, frame, {"collection": "x"})
            reference = workspace.store.reference(CLIPS, {"collection": "x"})
            return Outcome((reference,), frame.height, {"clips": frame.height})

        run_stage(workspace, stage, work)
    assert len(list(workspace.data_docs.glob("round-00-ingest-*-clips.html"))) == 2


def test_a_clip_whose_hash_is_none_stops_the_ingest(workspace: Workspace) -> None:
    rows = synthetic.clips().with_columns(collection=pl.lit("x")).to_dicts()
    rows[7]["sha256"] = "not a hash"
    with pytest.raises(ContractError, match=rf"clips\.sha256: the audio's SHA-256.*keys {rows[7]['clip_id']}"):
        wrote(workspace, CLIPS, synthetic.frame("clips", rows), {"collection": "x"})
