"""What an export takes from the tables: kept chains, text replay, tasks and pairs; refusals are told, leaks stop it."""

from pathlib import Path

import polars as pl
import pytest

from mgrd.errors import ContractError, DataError
from mgrd.export.choices import ExportConfig
from mgrd.export.rows import RoundRows, read_rows
from mgrd.export.tables import Tables
from mgrd.store import Workspace
from schemas import CLIPS, CURRICULUM, DECISIONS, DISTILLED, PREFERENCES, QUESTIONS, TRACES
from tests.export.made_workspace import PROMPT, finish_round, make_workspace


def rows_of(workspace: Workspace, **asked: object) -> RoundRows:
    return read_rows(
        workspace, ExportConfig.model_validate({"round": 1, **asked}), Tables(workspace.store), workspace.root / "rows"
    )


def test_sft_rows_are_the_rounds_kept_chains_and_the_text_replay(made: Workspace) -> None:
    found = rows_of(made)
    kept = made.store.read(DISTILLED, {"round": 1})
    assert sorted(row["id"] for row in found.configs["distilled"]) == sorted(kept["row_id"])
    assert {row["origin"] for row in found.configs["text"]} == {"text"}
    assert not found.refused


def test_a_row_carries_what_a_loss_a_mask_and_a_filter_need(made: Workspace) -> None:
    row = next(r for r in rows_of(made).configs["distilled"] if "softer" in r["reasoning"])
    traces = made.store.read(TRACES).filter(pl.col("trace_id") == row["trace_id"])
    assert row["prompt"] == PROMPT.render(question=row["question"], choices=row["choices"])
    assert row["token_count"] == traces["prompt_tokens"][0] + traces["completion_tokens"][0]
    assert row["audio_tokens"] == 5
    assert row["weight"] == 1.0
    grounding = row["grounding"]
    assert grounding["score"] == 1.0
    assert grounding["supported"] == len(grounding["claims"]) == 3
    assert {claim["verdict"] for claim in grounding["claims"]} == {"supported"}
    for claim in grounding["claims"]:
        assert row["reasoning"][claim["start"] : claim["end"]] == claim["text"]


def test_the_score_is_the_share_of_decided_claims_that_hold_and_missing_when_none_was_decided(made: Workspace) -> None:
    pairs = rows_of(made, purpose="dpo").configs["preferences"]
    assert {row["chosen_grounding"]["score"] for row in pairs} == {1.0}
    assert {row["rejected_grounding"]["score"] for row in pairs} == {0.0}


def test_rl_tasks_are_the_questions_inside_the_window_with_their_solution(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=4)
    table = workspace.store.read(CURRICULUM, {"round": 1}).sort("question_id")
    outside = table["question_id"][0]
    shrunk = table.with_columns(inside=pl.col("question_id") != outside)
    workspace.store.replace(CURRICULUM, shrunk, {"round": 1})
    tasks = rows_of(workspace, purpose="rl").configs["curriculum"]
    assert {row["id"] for row in tasks} == set(table["question_id"]) - {outside}
    assert {row["solution"] for row in tasks} == {"rising"}
    assert {(row["samples"], row["passed"]) for row in tasks} == {(3, 2)}
    every = rows_of(workspace, purpose="rl", outside=True).configs["curriculum"]
    assert {row["id"]: row["inside"] for row in every}[outside] is False


def test_a_window_without_questions_says_how_to_widen_it(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=2)
    table = workspace.store.read(CURRICULUM, {"round": 1})
    workspace.store.replace(CURRICULUM, table.with_columns(inside=False), {"round": 1})
    with pytest.raises(DataError, match="window_low"):
        rows_of(workspace, purpose="rl")


def test_pairs_join_the_chosen_and_the_rejected_chain(made: Workspace) -> None:
    pairs = rows_of(made, purpose="dpo").configs["preferences"]
    table = made.store.read(PREFERENCES)
    assert {row["id"]: (row["chosen_trace_id"], row["rejected_trace_id"]) for row in pairs} == {
        pair_id: (chosen, rejected)
        for pair_id, chosen, rejected in table.select("pair_id", "chosen_trace_id", "rejected_trace_id").iter_rows()
    }
    assert {row["rejected_answer"] for row in pairs} == {"falling"}


def test_a_round_without_pairs_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no preference pairs"):
        rows_of(make_workspace(tmp_path / "w", clips=2), purpose="dpo")


def test_pairs_sampled_with_another_prompt_are_refused(tmp_path: Path) -> None:
    from tests.export.made_workspace import make_pairs

    workspace = make_workspace(tmp_path / "w", clips=2)
    make_pairs(workspace)
    sampled = {"round": 1, "purpose": "distill"}
    changed = workspace.store.read(TRACES, sampled).with_columns(prompt_sha=pl.lit("of old"))
    workspace.store.replace(TRACES, changed, sampled)
    with pytest.raises(DataError, match="answered version of old"):
        rows_of(workspace, purpose="dpo")


def test_an_unfinished_round_is_named_with_those_that_are_finished(made: Workspace) -> None:
    with pytest.raises(DataError, match=r"round 2 has no selected chains; finished rounds: \[1\]"):
        rows_of(made, round=2)


def test_only_the_asked_round_is_exported(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=2)
    finish_round(workspace, 2, workspace.store.read(QUESTIONS))
    ids = {n: {row["id"] for row in rows_of(workspace, round=n).configs["distilled"]} for n in (1, 2)}
    assert ids[1]
    assert ids[2]
    assert not ids[1] & ids[2]


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_row_about_a_held_out_clip_stops_the_export(tmp_path: Path, split: str) -> None:
    workspace = make_workspace(tmp_path / "w", clips=12)
    clips = workspace.store.read(CLIPS).sort("clip_id")
    leaked = clips.with_columns(
        split=pl.when(pl.col("clip_id") == clips["clip_id"][0]).then(pl.lit(split)).otherwise(pl.col("split"))
    )
    workspace.store.replace(CLIPS, leaked, {"collection": "made"})
    with pytest.raises(ContractError, match="must not be trained on"):
        rows_of(workspace)


def test_rows_that_no_trainer_could_use_are_refused_with_their_reason(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=24)
    clips = workspace.store.read(CLIPS).sort("clip_id")
    (workspace.root / clips["uri"][0]).unlink()
    rows = workspace.store.read(DISTILLED, {"round": 1}).sort("row_id")
    hostile = rows.filter(pl.col("clip_id") != clips["clip_id"][0])["row_id"][0]
    text = pl.when(pl.col("row_id") == hostile).then(pl.lit("a <audio> place")).otherwise(pl.col("reasoning"))
    workspace.store.replace(DISTILLED, rows.with_columns(reasoning=text), {"round": 1})
    found = rows_of(workspace)
    reasons = {item["id"]: item["reason"] for item in found.refused}
    assert "<audio>" in reasons.pop(hostile)
    assert len(reasons) == 2, "both chains on the clip whose file is gone"
    assert all("is missing; ingest it again" in reason for reason in reasons.values())
    assert len(found.configs["distilled"]) == rows.height - 3


def test_too_many_refusals_stop_the_export(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=4)
    for uri in workspace.store.read(CLIPS)["uri"].to_list()[:2]:
        (workspace.root / uri).unlink()
    with pytest.raises(DataError, match="fail_on_error"):
        rows_of(workspace)


def test_tables_are_read_at_the_version_that_was_first_seen(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", clips=2)
    tables = Tables(workspace.store)
    sampled = {"round": 1, "purpose": "distill"}
    before = tables.read(DECISIONS, sampled)
    workspace.store.replace(DECISIONS, before.head(0), sampled)
    assert tables.read(DECISIONS, sampled).equals(before)
    assert Tables(workspace.store).read(DECISIONS, sampled).is_empty()
