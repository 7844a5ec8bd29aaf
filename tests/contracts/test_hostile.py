"""Ten hostile inputs: each is caught, and the message names the table, the key of the row and what to do next."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import contract_frames as synthetic
import numpy as np
import polars as pl
import pytest
import soundfile
from deltalake import write_deltalake

from mgrd.engines.mock import MockEngine
from mgrd.engines.protocol import Completion, SampleRequest, Sampling
from mgrd.engines.sampling import SamplingRun, plan_traces, sample_traces
from mgrd.errors import MgrdError
from mgrd.ids import clip_key, sha256_file
from mgrd.settings import SamplingSpec
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, frame_of, init_workspace, run_stage
from prompts import load_prompt
from schemas import CLAIMS, CLIPS, DECISIONS, DISTILLED, METRICS, QUARANTINE, QUESTIONS, TABLES, TRACES, Table
from tasks.contracts import check_round
from tasks.evidence import measure
from tasks.run import Run

SAMPLED: dict[str, int | str] = {"round": 1, "purpose": "distill"}
NEXT_STEP = re.compile(r"`mgrd [a-z]+[^`]*`|run the same command again|schemas/\w+\.py")
LONG = "the pitch rises " * 65_536
"""A megabyte."""


@dataclass(frozen=True, slots=True)
class Caught:
    """What was said of a hostile input, and the key that it must have named."""

    message: str
    key: str


def refused(
    key: str, table: Table, frame: pl.DataFrame, partition: dict[str, int | str], workspace: Workspace
) -> Caught:
    """What a stage says that writes the frame; it must stay owed."""

    def work() -> Outcome:
        workspace.store.replace(table, frame, partition)
        reference = workspace.store.reference(table, partition)
        return Outcome((reference,), frame.height, {"made": frame.height, "quarantined": 0})

    with pytest.raises(MgrdError) as caught:
        run_stage(workspace, Stage("made", 1, 1, {}, {}), work)
    assert Workspace.open(workspace.root).ledger.newest(1, "made") is None, "the stage stays owed"
    return Caught(str(caught.value), key)


def discarded(key: str, frame: pl.DataFrame, workspace: Workspace) -> Caught:
    """What stands in quarantine after a stage that wrote the traces."""

    def work() -> Outcome:
        workspace.store.replace(TRACES, frame, SAMPLED)
        reference = workspace.store.reference(TRACES, SAMPLED)
        return Outcome((reference,), frame.height, {"sampled": frame.height, "quarantined": 0})

    run_stage(workspace, Stage("made", 1, 1, {}, {}), work)
    assert workspace.store.read(TRACES).filter(pl.col("trace_id") == key).is_empty()
    return Caught(workspace.store.read(QUARANTINE)["message"].item(), key)


def chains(**changes: object) -> pl.DataFrame:
    """Forty good chains of the pool; the fourth is changed."""
    rows = synthetic.traces().with_columns(purpose=pl.lit("distill"), split=pl.lit("pool")).to_dicts()
    rows[3] |= changes
    return frame_of(TRACES, rows)


def drifted_schema(workspace: Workspace) -> Caught:
    frame = chains().rename({"raw_text": "text"})
    return refused(frame["trace_id"][0], TRACES, frame, SAMPLED, workspace)


def doubled_key(workspace: Workspace) -> Caught:
    frame = pl.concat([chains(), chains()[3:4]])
    return refused(frame["trace_id"][3], TRACES, frame, SAMPLED, workspace)


def null_key(workspace: Workspace) -> Caught:
    """The key is what is missing: the row is named by its place and its other keys."""
    frame = chains()
    broken = frame.with_columns(trace_id=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("trace_id"))
    told = refused(frame["question_id"][3], TRACES, broken, SAMPLED, workspace)
    assert "row 3" in told.message
    return told


def unknown_word(workspace: Workspace) -> Caught:
    rows = synthetic.decisions().to_dicts()
    rows[5]["decision"] = "perhaps"
    return refused(rows[5]["trace_id"], DECISIONS, synthetic.frame("decisions", rows), SAMPLED, workspace)


def finished_round() -> dict[Table, pl.DataFrame]:
    """Tables of a round that agree with each other."""
    pool = synthetic.traces().filter(pl.col("purpose") == "distill")["trace_id"].implode()
    return {
        CLIPS: synthetic.clips(),
        QUESTIONS: synthetic.questions(),
        TRACES: synthetic.traces().filter(pl.col("trace_id").is_in(pool)),
        CLAIMS: synthetic.claims().filter(pl.col("trace_id").is_in(pool)),
        DECISIONS: synthetic.decisions().filter(pl.col("trace_id").is_in(pool)),
        DISTILLED: synthetic.distilled(),
    }


def round_refused(key: str, frames: dict[Table, pl.DataFrame], workspace: Workspace) -> Caught:
    """What the check between the tables of a round says."""
    for table, frame in frames.items():
        workspace.store.append(table, frame)

    def reference(table: Table, partition: dict[str, int | str]) -> DatasetRef:
        return workspace.store.reference(table, partition)

    with pytest.raises(MgrdError) as caught:
        check_round.fn(
            Run(workspace=str(workspace.root)),
            1,
            reference(TRACES, SAMPLED),
            reference(DECISIONS, SAMPLED),
            reference(DISTILLED, {"round": 1}),
        )
    assert Workspace.open(workspace.root).ledger.newest(1, "contracts") is None
    return Caught(str(caught.value), key)


def orphan_trace(workspace: Workspace) -> Caught:
    frames = finished_round()
    lost = frames[TRACES]["trace_id"][0]
    return round_refused(
        frames[CLAIMS].filter(pl.col("trace_id") == lost)["claim_id"].item(),
        frames | {TRACES: frames[TRACES].filter(pl.col("trace_id") != lost)},
        workspace,
    )


def leaked_split(workspace: Workspace) -> Caught:
    frames = finished_round()
    clips = frames[CLIPS].to_dicts()
    clips[1]["source"] = next(clip["source"] for clip in clips if clip["split"] == "test")
    key = frames[DISTILLED].filter(pl.col("clip_id") == clips[1]["clip_id"])["row_id"].item(0)
    return round_refused(key, frames | {CLIPS: frame_of(CLIPS, clips)}, workspace)


def wrong_hash(workspace: Workspace) -> Caught:
    """A clip whose file was overwritten after it was ingested."""
    workspace.audio.mkdir()
    rows = []
    for number in range(20):
        path = workspace.audio / f"{number}.wav"
        soundfile.write(path, np.full(8_000, number / 200), 16_000)
        rows.append(
            synthetic.clips(1).row(0, named=True)
            | {"sha256": (sha := sha256_file(path)), "clip_id": clip_key(sha), "uri": f"audio/{path.name}"}
            | {"split": "pool", "collection": "x"}
        )
    workspace.store.append(CLIPS, frame_of(CLIPS, rows))
    soundfile.write(workspace.audio / "7.wav", np.full(8_000, 0.5), 16_000)
    measure.fn(Run(workspace=str(workspace.root)), workspace.store.reference(CLIPS, {"collection": "x"}))
    told = workspace.store.read(QUARANTINE)["message"].item()
    return Caught(told, str(rows[7]["clip_id"]))


def future_version(workspace: Workspace) -> Caught:
    newer = synthetic.metrics().with_columns(unit=pl.lit("s"))
    write_deltalake(str(workspace.store.path(METRICS)), newer.to_arrow(), partition_by=["round"])
    with pytest.raises(MgrdError) as caught:
        workspace.store.read(METRICS)
    return Caught(str(caught.value), "1, dev, accuracy")


class HalfCharacters(MockEngine):
    """An engine one of whose chains holds half of a surrogate pair, as a JSON reply may."""

    def _chains(self, request: SampleRequest, sampling: Sampling) -> list[Completion]:
        done = super()._chains(request, sampling)
        if request.request_id == synthetic.questions()["question_id"][1]:
            object.__setattr__(done[0], "text", "<think>the pitch \ud83d rises</think> rising")
        return done


def not_utf_8(workspace: Workspace) -> Caught:
    run = SamplingRun(1, "distill", "m1", load_prompt("sample/perceive"), SamplingSpec(samples=1), 0)
    plan = plan_traces(synthetic.questions().with_columns(clip_id=pl.lit(None, pl.String)), run, (0,))
    batches = list(sample_traces(HalfCharacters(), plan, run, Path, 8))
    assert sum(traces.height for traces, _ in batches) == plan.height - 1, "its neighbours go on"
    (row,) = pl.concat([failed for _, failed in batches]).to_dicts()
    with pytest.raises(
        MgrdError, match=r"table traces: raw_text of the row with trace_id \w{16} is text that is no UTF-8"
    ):
        frame_of(TRACES, [chains().row(3, named=True) | {"raw_text": "\ud83d"}])
    assert workspace.store.version(TRACES) == -1
    return Caught(row["message"], plan["trace_id"][1])


def megabyte_chain(workspace: Workspace) -> Caught:
    frame = chains(raw_text=LONG, reasoning=LONG)
    told = discarded(frame["trace_id"][3], frame, workspace)
    assert LONG in workspace.store.read(QUARANTINE)["payload"].item(), "the chain is kept whole"
    return told


HOSTILE: dict[str, tuple[Callable[[Workspace], Caught], str]] = {
    "schema drift": (drifted_schema, "traces"),
    "duplicate key": (doubled_key, "traces"),
    "null key": (null_key, "traces"),
    "unknown enum": (unknown_word, "decisions"),
    "orphan trace": (orphan_trace, "claims"),
    "leaked split": (leaked_split, "distilled"),
    "wrong hash": (wrong_hash, "clips"),
    "future schema version": (future_version, "metrics"),
    "text that is no UTF-8": (not_utf_8, "traces"),
    "chain of a megabyte": (megabyte_chain, "traces"),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_input_is_caught_and_the_message_names_table_key_and_next_step(hostile: str, tmp_path: Path) -> None:
    init_workspace(tmp_path / "w")
    provoke, table = HOSTILE[hostile]
    told = provoke(Workspace.open(tmp_path / "w"))
    assert table in TABLES
    assert re.search(rf"\b{table}\b", told.message), told.message
    assert told.key in told.message
    assert NEXT_STEP.search(told.message), told.message
    assert len(told.message) < 1_000, "a message is read by people"
