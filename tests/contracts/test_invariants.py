"""The invariants stop a stage that broke a promise, and name a row that shows it."""

import contract_frames as synthetic
import polars as pl
import pytest

from data_contracts.invariants import (
    check_counts,
    check_decontaminated,
    check_parts,
    check_references,
    check_schema,
    check_split_leakage,
    check_unique,
)
from mgrd.errors import ContractError


@pytest.mark.parametrize("table", sorted(synthetic.GOOD))
def test_good_frames_pass(table: str) -> None:
    check_parts(table, lambda: [synthetic.GOOD[table]()])


def test_a_missing_or_unknown_column_is_named() -> None:
    with pytest.raises(ContractError, match=r"columns missing \['licence'\], unknown \['license'\]"):
        check_schema("clips", synthetic.clips().rename({"licence": "license"}))


def test_a_wrong_type_is_named_even_when_all_its_values_are_null() -> None:
    with pytest.raises(ContractError, match="label is Null, not String"):
        check_schema("clips", synthetic.clips().with_columns(label=None))


def test_columns_in_another_order_are_refused() -> None:
    frame = synthetic.metrics()
    with pytest.raises(ContractError, match="order"):
        check_schema("metrics", frame.select(reversed(frame.columns)))


def test_a_null_where_none_may_be_is_named_with_its_row() -> None:
    rows = synthetic.clips().to_dicts()
    rows[2]["licence"] = None
    with pytest.raises(ContractError, match=f"1 nulls in licence.*{rows[2]['clip_id']}"):
        check_schema("clips", synthetic.frame("clips", rows))


def test_a_doubled_key_is_named() -> None:
    frame = synthetic.traces()
    doubled = pl.concat([frame, frame[3:4]])
    with pytest.raises(ContractError, match=f"1 keys stand more than once.*{frame['trace_id'][3]}"):
        check_unique("traces", doubled)


def test_keys_of_several_columns_are_compared_together() -> None:
    check_unique("metrics", synthetic.metrics())
    with pytest.raises(ContractError, match="round and split and name such as 1, dev, accuracy"):
        check_unique("metrics", pl.concat([synthetic.metrics(), synthetic.metrics()[:1]]))


def test_counts_must_add_up() -> None:
    check_counts("select", 10, {"kept": 4, "rejected": 5, "unscored": 0, "quarantined": 1})
    with pytest.raises(ContractError, match=r"10 rows in, but 4 kept \+ 5 rejected = 9 out"):
        check_counts("select", 10, {"kept": 4, "rejected": 5})


def test_a_dangling_reference_is_named_and_null_refers_to_nothing() -> None:
    claims, traces = synthetic.claims(), synthetic.traces()
    check_references("claims", claims, "trace_id", "traces", traces)
    check_references("distilled", synthetic.distilled(), "clip_id", "clips", synthetic.clips())
    with pytest.raises(ContractError, match=f"1 values of trace_id are not in traces; such as {claims['trace_id'][0]}"):
        check_references("claims", claims, "trace_id", "traces", traces[1:])


def test_training_rows_on_pool_clips_do_not_leak() -> None:
    check_split_leakage(synthetic.distilled(), synthetic.clips(), synthetic.questions())


def test_a_training_row_on_a_held_out_question_is_a_leak() -> None:
    rows = synthetic.distilled().to_dicts()
    rows[0]["question_id"] = synthetic.questions()["question_id"][3]
    with pytest.raises(ContractError, match=f"1 training rows ask held-out questions.*{rows[0]['row_id']}"):
        check_split_leakage(synthetic.frame("distilled", rows), synthetic.clips(), synthetic.questions())


@pytest.mark.parametrize("split", ["dev", "test"])
def test_another_clip_of_a_held_out_source_is_a_leak(split: str) -> None:
    clips = synthetic.clips().to_dicts()
    held = next(clip for clip in clips if clip["split"] == split)
    clips[1]["source"] = held["source"]
    with pytest.raises(ContractError, match=rf"held-out sources \(such as {held['source']}\)"):
        check_split_leakage(synthetic.distilled(), synthetic.frame("clips", clips), synthetic.questions())


def test_a_training_row_on_an_unknown_clip_cannot_pass_as_clean() -> None:
    rows = synthetic.distilled().to_dicts()
    rows[0]["clip_id"] = "ffffffffffffffff"
    with pytest.raises(ContractError, match="not in clips"):
        check_split_leakage(synthetic.frame("distilled", rows), synthetic.clips(), synthetic.questions())


def overlap(**changes: object) -> pl.DataFrame:
    question = synthetic.questions()["question_id"][1]
    row = {"question_id": question, "clip_id": synthetic.clip_id(1), "benchmark": "mmau", "other": "m1"}
    return synthetic.frame("overlaps", [row | {"reason": "audio"} | changes])


def test_a_training_row_that_a_benchmark_asks_too_is_named() -> None:
    rows = synthetic.distilled()
    told = (
        rf"table distilled: 1 rows overlap with mmau \(question of m1\); row_id such as {rows['row_id'][0]}.*mgrd run"
    )
    with pytest.raises(ContractError, match=told):
        check_decontaminated("distilled", rows, overlap(reason="question"))
    check_decontaminated("distilled", rows[1:], overlap(reason="question"))


def test_another_question_on_a_clip_that_sounds_like_a_held_out_one_is_named() -> None:
    rows = synthetic.distilled()
    other = overlap(question_id="f" * 16, benchmark="held-out", other=synthetic.clip_id(3))
    with pytest.raises(ContractError, match=f"overlap with held-out .audio of {synthetic.clip_id(3)}"):
        check_decontaminated("distilled", rows, other)
    check_decontaminated("distilled", rows, other.with_columns(reason=pl.lit("question")))
    check_decontaminated("distilled", rows[1:], other)
