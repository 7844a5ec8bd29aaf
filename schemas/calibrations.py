"""Table `calibrations`: how far a signal agrees with human labels; append-only, the newest row of a signal counts.

`positive` is a chain that people call grounded. Intervals are 95 %.
"""

import pyarrow as pa

from schemas.base import Row, Table, listed, optional, required


class CurvePoint(Row):
    """Chains with a score of at least `threshold`: how many, how pure, and the share of positives among them."""

    threshold: float
    chains: int
    precision: float
    precision_low: float
    precision_high: float
    recall: float
    recall_low: float
    recall_high: float


class Calibration(Row):
    calibration_id: str
    made_at: str
    """ISO 8601, UTC."""
    signal: str
    """Policy, checks, counterfactual, or judge and its name."""
    labels: int
    positives: int
    skipped: int
    """Labelled chains on which the signal has nothing to say, or that it leaves unscored."""
    agreement: float
    """Share of labels that the signal's verdict equals."""
    kappa: float | None = None
    """Cohen's; None when labels and verdicts are all of one kind."""
    kappa_low: float | None = None
    kappa_high: float | None = None
    precision: float | None = None
    """Of the signal's verdict as the policy stands."""
    recall: float | None = None
    wished_precision: float
    threshold: float | None = None
    """The lowest score from which the precision is at least as wished; None when no score reaches it."""
    sure_threshold: float | None = None
    """The same for the lower end of the precision's interval."""
    curve: list[CurvePoint]
    policy_sha: str


CURVE_POINT = pa.struct(
    [
        required("threshold", pa.float64()),
        required("chains", pa.int64()),
        required("precision", pa.float64()),
        required("precision_low", pa.float64()),
        required("precision_high", pa.float64()),
        required("recall", pa.float64()),
        required("recall_low", pa.float64()),
        required("recall_high", pa.float64()),
    ]
)

CALIBRATIONS = Table(
    name="calibrations",
    row=Calibration,
    key=("calibration_id",),
    arrow=pa.schema(
        [
            required("calibration_id", pa.string()),
            required("made_at", pa.string()),
            required("signal", pa.string()),
            required("labels", pa.int64()),
            required("positives", pa.int64()),
            required("skipped", pa.int64()),
            required("agreement", pa.float64()),
            optional("kappa", pa.float64()),
            optional("kappa_low", pa.float64()),
            optional("kappa_high", pa.float64()),
            optional("precision", pa.float64()),
            optional("recall", pa.float64()),
            required("wished_precision", pa.float64()),
            optional("threshold", pa.float64()),
            optional("sure_threshold", pa.float64()),
            listed("curve", CURVE_POINT),
            required("policy_sha", pa.string()),
        ]
    ),
)
