"""Calibrate: how far the policy and its signals agree with people; and the gate that stops a round on it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from mgrd.errors import CalibrationError, DataError
from mgrd.evaluation.calibration import calibrate_signals, check_agreement
from mgrd.judging import panel_identity
from mgrd.selection.decisions import counterfacts_of
from mgrd.selection.labels import read_labels
from mgrd.selection.overrides import split_votes, votes_of
from mgrd.selection.policy import policy_sha
from mgrd.selection.signals import judge_frames, signal_frames
from mgrd.settings import Spec
from mgrd.store import Workspace
from schemas import CALIBRATIONS, CLIPS, COUNTERFACTUALS, DECISIONS, OVERRIDES, TRACES, VERDICTS
from tasks.judge import panel_says
from tasks.run import Run
from tasks.stage_task import stage_task

PRECISION = 0.97


@stage_task("calibrate")
def calibrate(run: Run, labels: str | None = None, precision: float = PRECISION) -> dict[str, object]:
    """Hold every signal against the labels of `overrides` and of a file; store and return what was found.

    The document has the CALIBRATIONS rows as `signals`, the number of `labels`, of chains on which reviewers are
    `split`, of labels of `unknown` chains, and the messages of `bad` lines. Raises CalibrationError without labels.
    """
    workspace = run.open()
    given, bad = _labels_of_file(labels)
    overrides = pl.concat([workspace.store.read(OVERRIDES), given])
    votes = votes_of(overrides)
    decisions = workspace.store.read(DECISIONS).filter(pl.col("trace_id").is_in(pl.Series(list(votes)).implode()))
    if decisions.is_empty():
        raise CalibrationError(
            f"no chain of this workspace has a label ({len(votes)} labels of unknown chains, {len(bad)} bad lines"
            f"{': ' + bad[0] if bad else ''}); label chains with `mgrd review`, or pass --labels FILE.jsonl with "
            "trace_id and verdict"
        )
    spec = workspace.settings.spec
    rows = calibrate_signals(
        _with_sources(workspace, {key: votes[key].grounded for key in decisions["trace_id"]}),
        _signals(workspace, decisions),
        precision=precision,
        made_at=datetime.now(UTC).isoformat(),
        policy_sha=calibrated_sha(spec),
        resamples=spec.evaluation.bootstrap,
        seed=spec.seed,
    )
    workspace.store.append(CALIBRATIONS, rows)
    return {
        "signals": rows.to_dicts(),
        "labels": decisions.height,
        "split": len(split_votes(overrides)),
        "unknown": len(votes) - decisions.height,
        "bad": bad,
    }


@stage_task("check calibration")
def check_calibration(run: Run) -> None:
    """Stops the round before training when `spec.gate.min_kappa` is set and not reached."""
    workspace = run.open()
    spec = workspace.settings.spec
    check_agreement(workspace.store.read(CALIBRATIONS), spec.gate, calibrated_sha(spec))


def calibrated_sha(spec: Spec) -> str:
    """What a calibration speaks of: the policy and its judge, whatever the arm of the campaign."""
    return policy_sha("filtered", spec.policy, spec.panel and panel_identity(spec.panel))


def _labels_of_file(path: str | None) -> tuple[pl.DataFrame, list[str]]:
    if path is None:
        return read_labels(())
    if not Path(path).is_file():
        raise DataError(f"{path}: no such file; give JSON lines with trace_id and verdict")
    with Path(path).open(encoding="utf-8", errors="replace") as lines:
        return read_labels(lines)


def _with_sources(workspace: Workspace, grounded: Mapping[str, bool]) -> pl.DataFrame:
    """`trace_id`, `grounded` and the clip's source as `cluster`; a chain without a clip is a cluster of its own."""
    labels = pl.DataFrame({"trace_id": list(grounded), "grounded": list(grounded.values())})
    traces = workspace.store.read(TRACES, columns=["trace_id", "clip_id"])
    clips = workspace.store.read(CLIPS, columns=["clip_id", "source"])
    return (
        labels.join(traces, on="trace_id", how="left")
        .join(clips, on="clip_id", how="left")
        .select("trace_id", "grounded", cluster=pl.coalesce("source", "trace_id"))
    )


def _signals(workspace: Workspace, decisions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    policy = workspace.settings.spec.policy
    chosen = pl.col("trace_id").is_in(decisions["trace_id"].implode())
    counterfacts = counterfacts_of(workspace.store.read(COUNTERFACTUALS).filter(chosen))
    chains = workspace.store.read(TRACES).filter(chosen)
    judged = None if workspace.settings.spec.panel is None else panel_says(workspace, chains, decisions)
    verdicts = workspace.store.read(VERDICTS).filter(chosen)
    return {**signal_frames(decisions, policy, judged, counterfacts), **judge_frames(verdicts, policy)}
