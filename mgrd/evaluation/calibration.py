"""Calibration: every signal held against human labels, as rows of `calibrations`; and the gate that reads them."""

from collections.abc import Mapping
from dataclasses import asdict

import polars as pl

from mgrd.errors import CalibrationError
from mgrd.evaluation.agreement import Agreement, Point, agreement, precision_curve, threshold_for
from mgrd.ids import content_key
from mgrd.settings import GateSpec
from mgrd.store import frame_of
from schemas import CALIBRATIONS

POLICY = "policy"
"""The signal that the gate reads: the whole policy's verdict."""


def calibrate_signals(
    labels: pl.DataFrame,
    signals: Mapping[str, pl.DataFrame],
    *,
    precision: float,
    made_at: str,
    policy_sha: str,
    resamples: int,
    seed: int,
) -> pl.DataFrame:
    """CALIBRATIONS rows, one per signal that speaks of at least one labelled chain.

    `labels` has `trace_id`, `grounded` and `cluster` (the clip's source, which is resampled as a whole); `signals`
    maps a name to a frame of `trace_id`, `verdict` (None: unscored) and `score` (None: it has none). Chains that a
    signal leaves unscored are skipped and counted.
    """
    rows: list[dict[str, object]] = []
    for name, frame in signals.items():
        paired = labels.join(frame.drop_nulls("verdict"), on="trace_id", how="inner").sort("trace_id")
        if paired.is_empty():
            continue
        grounded = paired["grounded"].to_numpy()
        found = agreement(
            grounded, paired["verdict"].to_numpy(), paired["cluster"].to_numpy(), resamples=resamples, seed=seed
        )
        scored = paired.drop_nulls("score")
        curve = precision_curve(scored["grounded"].to_numpy(), scored["score"].to_numpy())
        rows.append(
            {
                "calibration_id": content_key("calibration", name, made_at, policy_sha),
                "made_at": made_at,
                "signal": name,
                "skipped": labels.height - paired.height,
                **_figures(found),
                **_thresholds(curve, precision),
                "policy_sha": policy_sha,
            }
        )
    return frame_of(CALIBRATIONS, rows)


def newest_calibrations(calibrations: pl.DataFrame) -> pl.DataFrame:
    """The newest row of each signal, in the order of the names."""
    return calibrations.sort("made_at").unique("signal", keep="last", maintain_order=True).sort("signal")


def policy_threshold(calibrations: pl.DataFrame) -> float | None:
    """The score that the newest calibration of the policy names for its wished precision; None where none does."""
    found = newest_calibrations(calibrations).filter(pl.col("signal") == POLICY)["threshold"].to_list()
    return found[0] if found else None


def check_agreement(calibrations: pl.DataFrame, gate: GateSpec, policy_sha: str) -> None:
    """Raises CalibrationError when the newest kappa is under `gate.min_kappa`, missing, or of another policy."""
    if gate.min_kappa is None:
        return
    wanted = f"spec.gate.min_kappa = {gate.min_kappa:g}"
    rows = newest_calibrations(calibrations).filter(pl.col("signal") == POLICY).to_dicts()
    if not rows:
        raise CalibrationError(
            f"{wanted} asks for a calibration and there is none; label chains (`mgrd review`, or a file for "
            "`mgrd calibrate --labels`), run `mgrd calibrate`, then run again"
        )
    newest = rows[0]
    if newest["policy_sha"] != policy_sha:
        raise CalibrationError(
            f"{wanted}, but the newest calibration ({newest['made_at']}) is of another policy or judge; run "
            "`mgrd calibrate`, then run again"
        )
    if newest["kappa"] is None or newest["kappa"] < gate.min_kappa:
        kappa = "cannot be told: all labels are of one kind" if newest["kappa"] is None else f"is {newest['kappa']:.3f}"
        raise CalibrationError(
            f"{wanted}, but on {newest['labels']} labelled chains the policy's kappa {kappa}; no model is trained on "
            "its decisions. Look at the disagreements with `mgrd explain`, change [spec.policy] or label more chains, "
            "then `mgrd rejudge`, `mgrd calibrate`, and run again"
        )


def _figures(found: Agreement) -> dict[str, object]:
    figures = asdict(found)
    return {"labels": figures.pop("count"), **figures}


def _thresholds(curve: list[Point], precision: float) -> dict[str, object]:
    return {
        "wished_precision": precision,
        "threshold": threshold_for(curve, precision),
        "sure_threshold": threshold_for(curve, precision, sure=True),
        "curve": [asdict(point) for point in curve],
    }
