"""Contracts after a stage: hostile tables are caught before the ledger calls the stage finished."""

import contract_frames as synthetic
import polars as pl
import pytest
from deltalake import write_deltalake

from data_contracts.invariants import check_references, check_split_leakage, check_unique
from mgrd.errors import ContractError, DataError, MgrdError, StoreError
from mgrd.store import Ledger, Outcome, Stage, Workspace, frame_of, init_workspace, run_stage
from mgrd.store.history import read_version
from schemas import CLIPS, DECISIONS, METRICS, QUARANTINE, TRACES, Table

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
    assert (row["stage"], row["boundary"]) == ("sample-distill", "contract of table traces")
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


def test_every_finding_is_on_a_page_of_the_data_docs(workspace: Workspace) -> None:
    sampled(workspace, traces(finish_reason="weird"))
    page = (workspace.data_docs / "round-01-sample-distill-traces.html").read_text()
    assert "finish_reason" in page
    assert "weird" in page


def test_hostile_a_column_that_drifted_is_named(workspace: Workspace) -> None:
    with pytest.raises(DataError, match=r"table traces: missing columns \['raw_text'\], unknown columns \['text'\]"):
        sampled(workspace, traces().rename({"raw_text": "text"}))


def test_hostile_a_doubled_key_is_named(workspace: Workspace) -> None:
    frame = pl.concat([traces(), traces()[3:4]])
    with pytest.raises(
        ContractError, match=f"table traces: 1 keys stand more than once; trace_id such as {frame['trace_id'][3]}"
    ):
        sampled(workspace, frame)
    with pytest.raises(ContractError, match="table traces"):
        check_unique("traces", frame)


def test_hostile_a_null_key_is_named(workspace: Workspace) -> None:
    frame = traces().with_columns(trace_id=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("trace_id"))
    with pytest.raises(DataError, match=r"table traces: nulls in required columns \['trace_id'\]"):
        sampled(workspace, frame)


def test_hostile_an_unknown_word_stops_the_stage_with_its_key_and_the_next_step(workspace: Workspace) -> None:
    rows = synthetic.decisions().to_dicts()
    rows[5]["decision"] = "perhaps"
    with pytest.raises(
        ContractError,
        match=rf"decisions\.decision: the decisions.*'perhaps'.*keys {rows[5]['trace_id']}.*mgrd data show decisions",
    ):
        wrote(workspace, DECISIONS, synthetic.frame("decisions", rows), SAMPLED)
    assert Ledger(workspace.store).newest(1, "made") is None, "the stage stays owed"


def test_hostile_a_claim_on_a_chain_that_is_not_there_is_named() -> None:
    with pytest.raises(ContractError, match=r"table claims: .*trace_id are not in traces; such as"):
        check_references("claims", synthetic.claims(), "trace_id", "traces", synthetic.traces()[1:])


def test_hostile_a_training_row_of_a_held_out_source_is_named() -> None:
    clips = synthetic.clips().to_dicts()
    clips[1]["source"] = next(clip["source"] for clip in clips if clip["split"] == "test")
    with pytest.raises(ContractError, match=r"training rows come from held-out sources.*row_id such as"):
        check_split_leakage(synthetic.distilled(), synthetic.frame("clips", clips), synthetic.questions())


def test_hostile_a_clip_whose_hash_is_none_stops_the_ingest(workspace: Workspace) -> None:
    rows = synthetic.clips().with_columns(collection=pl.lit("x")).to_dicts()
    rows[7]["sha256"] = "not a hash"
    with pytest.raises(ContractError, match=rf"clips\.sha256: the audio's SHA-256.*keys {rows[7]['clip_id']}"):
        wrote(workspace, CLIPS, synthetic.frame("clips", rows), {"collection": "x"})


def test_hostile_a_table_of_a_future_version_is_left_alone(workspace: Workspace) -> None:
    newer = synthetic.metrics().with_columns(unit=pl.lit("s"))
    write_deltalake(str(workspace.store.path(METRICS)), newer.to_arrow(), partition_by=["round"])
    with pytest.raises(
        StoreError, match=r"table metrics has columns \['unit'\] of a newer mgrd.*mgrd data history metrics"
    ):
        workspace.store.read(METRICS)
    with pytest.raises(MgrdError, match="metrics"):
        read_version(workspace.store, METRICS, 0)


def test_hostile_text_that_is_no_utf_8_is_refused_with_the_table(workspace: Workspace) -> None:
    with pytest.raises(DataError, match="building rows of table traces"):
        frame_of(
            TRACES, [{**traces().row(0, named=True), "raw_text": b"\xff\xfe\x00".decode("utf-8", "surrogateescape")}]
        )
    assert workspace.store.version(TRACES) == -1


def test_hostile_a_chain_of_a_megabyte_is_kept_whole_and_told_in_few_words(workspace: Workspace) -> None:
    long = "the pitch rises " * 65_536
    frame = traces(raw_text=long, reasoning=long, completion_tokens=65)
    sampled(workspace, frame)
    row = workspace.store.read(QUARANTINE).row(0, named=True)
    assert "no completion is longer than its limit" in row["message"]
    assert len(row["message"]) < 500
    assert long in row["payload"]
