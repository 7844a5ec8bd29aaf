"""Calibration rows, and the gate that stops a round on them."""

import json

import polars as pl
import pytest

from mgrd.errors import CalibrationError
from mgrd.evaluation.calibration import calibrate_signals, check_agreement, newest_calibrations
from mgrd.judging import PanelResult
from mgrd.selection.decisions import decide_traces
from mgrd.selection.labels import read_labels
from mgrd.selection.overrides import votes_of
from mgrd.selection.policy import Counterfact
from mgrd.selection.signals import judge_frames, signal_frames
from mgrd.settings import GateSpec, PolicySpec
from mgrd.store import frame_of
from schemas import CALIBRATIONS, DECISIONS, VERDICTS

SIGNAL = {"trace_id": pl.String, "verdict": pl.Boolean, "score": pl.Float64}
LABELS = pl.DataFrame(
    {"trace_id": [f"t{i}" for i in range(8)], "grounded": [True] * 4 + [False] * 4, "cluster": list("abcdefgh")}
)


def signal(*rows: tuple[int, bool | None, float | None]) -> pl.DataFrame:
    return pl.DataFrame([(f"t{i}", verdict, score) for i, verdict, score in rows], schema=SIGNAL, orient="row")


def calibrated(made_at: str = "2026-01-01", sha: str = "s", **signals: pl.DataFrame) -> pl.DataFrame:
    return calibrate_signals(LABELS, signals, precision=0.9, made_at=made_at, policy_sha=sha, resamples=200, seed=0)


AGREES = signal(*[(i, i < 4, 1 - i / 10) for i in range(8)])
OPPOSES = signal(*[(i, i >= 4, i / 10) for i in range(8)])


def test_a_row_tells_agreement_threshold_and_what_was_skipped() -> None:
    row = calibrated(policy=AGREES.vstack(signal((99, True, 1.0)))).row(0, named=True)
    assert (row["labels"], row["positives"], row["skipped"], row["kappa"]) == (8, 4, 0, 1.0)
    assert row["threshold"] == pytest.approx(0.7)
    assert row["sure_threshold"] is None
    assert row["wished_precision"] == 0.9
    some = signal((0, True, None), (1, None, None), (5, False, 0.2))
    partial = calibrated(judge=some).row(0, named=True)
    assert (partial["labels"], partial["skipped"]) == (2, 6)
    assert partial["curve"] == [], "no positive has a score"


def test_a_signal_without_labels_has_no_row() -> None:
    assert calibrated(judge=signal((99, True, 1.0))).is_empty()


def test_the_gate_reads_the_newest_calibration_of_the_policy() -> None:
    gate = GateSpec(min_kappa=0.6)
    rows = pl.concat([calibrated("2026-01-01", policy=OPPOSES), calibrated("2026-01-02", policy=AGREES)])
    check_agreement(rows, gate, "s")
    assert newest_calibrations(rows)["kappa"].to_list() == [1.0]
    worse = pl.concat([rows, calibrated("2026-01-03", policy=OPPOSES, checks=AGREES)])
    with pytest.raises(CalibrationError, match=r"kappa is -1\.000; .* `mgrd explain`"):
        check_agreement(worse, gate, "s")
    check_agreement(worse, GateSpec(), "s")


@pytest.mark.parametrize(
    ("rows", "sha", "message"),
    [
        (frame_of(CALIBRATIONS, []), "s", "there is none; label chains"),
        (calibrated(checks=AGREES), "s", "there is none; label chains"),
        (calibrated(policy=AGREES), "other", "of another policy or judge; run `mgrd calibrate`"),
        (calibrated(policy=signal((0, True, 1.0), (1, True, 1.0))), "s", "labels are of one kind"),
    ],
)
def test_without_a_figure_that_speaks_of_this_policy_the_gate_stays_shut(
    rows: pl.DataFrame, sha: str, message: str
) -> None:
    with pytest.raises(CalibrationError, match=message):
        check_agreement(rows, GateSpec(min_kappa=0.0), sha)


def test_labels_of_a_file_are_votes_and_bad_lines_are_told() -> None:
    rows = [
        {"trace_id": "a", "verdict": "grounded"},
        {"trace_id": "a", "verdict": "not_grounded"},
        {"trace_id": "b", "verdict": "kept", "correct": True},
        {"trace_id": "c", "verdict": "rejected", "reviewer": "ann"},
        {"trace_id": "c", "verdict": "grounded", "reviewer": "bob"},
        {"trace_id": "d", "verdict": "fine"},
        {"trace_id": 4, "verdict": "grounded"},
        {"trace_id": "e", "verdict": ["grounded"]},
        {"trace_id": "e", "verdict": "grounded", "correct": "yes"},
    ]
    labels, bad = read_labels([*map(json.dumps, rows), "", "{torn", "[1]"])
    votes = votes_of(labels)
    assert {key: (vote.grounded, vote.correct) for key, vote in votes.items()} == {
        "a": (False, None),
        "b": (True, True),
    }
    assert [message.split(":")[0] for message in bad] == [f"line {n}" for n in (6, 7, 8, 9, 11, 12)]


def decisions() -> pl.DataFrame:
    base = {"round": 1, "purpose": "distill", "question_id": "q", "policy_sha": "s", "decided_by": "checks"}
    base |= {"decision": "kept", "reasons": [], "warnings": [], "grounded": True, "surrogate": False}
    base |= {"supported": 1, "contradicted": 0, "unverifiable": 0, "surrogate_share": 0.0}
    chains = {
        "good": ([], True, 0.5),
        "wrong": ([], False, 0.7),
        "refuted": (["contradicted_claim"], True, 0.3),
        "unmeasured": (["no_evidence"], True, 0.0),
    }
    rows = [
        {**base, "trace_id": key, "checks": checks, "correct": correct, "score": score}
        for key, (checks, correct, score) in chains.items()
    ]
    return frame_of(DECISIONS, rows)


def test_signals_speak_of_the_grounding_alone_and_never_of_a_reviewers_vote() -> None:
    policy = PolicySpec()
    voted = decide_traces(
        decisions(), policy=policy, arm="filtered", votes=votes_of(read_labels(
            ['{"trace_id": "refuted", "verdict": "grounded"}', '{"trace_id": "good", "verdict": "rejected"}']
        )[0]), sha="s",
    )  # fmt: skip
    assert voted["decided_by"].to_list().count("override") == 2
    frames = signal_frames(voted, policy, None, {"good": Counterfact(0.4, None, moved=None)})
    assert frames["policy"].rows() == [
        ("good", True, 0.5),
        ("wrong", True, 0.7),
        ("refuted", False, 0.0),
        ("unmeasured", None, 0.0),
    ]
    assert frames["checks"]["score"].to_list() == [0.5, 0.7, 0.3, 0.0]
    assert frames["counterfactual"].rows() == [("good", True, 0.4)]
    assert "judge" not in frames
    assert signal_frames(voted, policy, {}, {})["policy"]["verdict"].to_list() == [None, None, False, None]


def test_the_policys_word_on_a_chain_waits_for_the_judge_that_is_set() -> None:
    def said(grounding: float) -> PanelResult:
        scores = {"acoustic_grounding": grounding, "logical_coherence": 5.0}
        return PanelResult("t", 1, 1, scores=scores, lowest=scores, highest=scores)

    good = decisions().filter(pl.col("trace_id") == "good")
    passed = [good.with_columns(trace_id=pl.lit(name)) for name in ("borne out", "doubted", "unread")]
    frame = pl.concat([*passed, decisions().filter(pl.col("trace_id") != "good")])
    frames = signal_frames(frame, PolicySpec(), {"borne out": said(3.0), "doubted": said(2.5)}, {})
    assert frames["judge"].rows() == [("borne out", True, 3.0), ("doubted", False, 2.5), ("unread", None, None)]
    assert dict(frames["policy"].select("trace_id", "verdict").iter_rows()) == {
        "borne out": True,
        "doubted": False,
        "unread": None,
        "wrong": None,
        "refuted": False,
        "unmeasured": None,
    }, "a wrong answer is not asked about; what the checks refuse needs no judge"
    assert frames["policy"]["score"].to_list() == [0.5, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_each_judge_is_a_signal_of_its_own() -> None:
    row = {"round": 1, "prompt_id": "p", "prompt_version": 1, "prompt_sha": "s", "raw_reply": "r", "requests": 1}
    row |= {"cached": False, "prompt_tokens": 1, "completion_tokens": 1, "cost": 0.0}
    said = [("a", "m", 4.0), ("b", "m", 2.0), ("c", "m", 3.0), ("a", "n", 1.0), ("b", "n", None)]
    rows = [
        row | {"verdict_id": f"{t}{j}", "trace_id": t, "judge": j, "scored": s is not None, "acoustic_grounding": s}
        for t, j, s in said
    ]
    frames = judge_frames(frame_of(VERDICTS, rows), PolicySpec())
    assert frames["judge m"].rows() == [("a", True, 4.0), ("b", False, 2.0), ("c", True, 3.0)], "3 is enough"
    assert frames["judge n"].rows() == [("a", False, 1.0), ("b", None, None)]
