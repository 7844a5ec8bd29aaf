"""Table `decisions`: kept, rejected or unscored, with every reason."""

import pyarrow as pa

from schemas.base import Row, Table, listed, optional, required


class Decision(Row):
    trace_id: str
    round: int
    purpose: str
    question_id: str
    decision: str
    """Kept, rejected or unscored."""
    reasons: list[str]
    """What holds the chain back; empty when kept, but for the control arms."""
    warnings: list[str]
    """What was found and does not count: reasons that the policy only warns of, or that a reviewer overruled."""
    checks: list[str]
    """All that the checks found, whatever the policy makes of it."""
    decided_by: str
    """The signals at hand, joined by +: checks, judge, counterfactual; or override."""
    correct: bool | None = None
    grounded: bool
    """Claims hold, by measured evidence."""
    surrogate: bool
    """Argues from text instead of sound."""
    supported: int
    contradicted: int
    unverifiable: int
    surrogate_share: float
    """Of the chain."""
    score: float
    """Grounding score in [0, 1]: the claims that hold, lowered by surrogates."""
    truth_grounded: bool | None = None
    """Claims hold, by constructed truth."""
    truth_supported: int | None = None
    truth_contradicted: int | None = None
    policy_sha: str


DECISIONS = Table(
    name="decisions",
    row=Decision,
    key=("trace_id",),
    partition_by=(
        "round",
        "purpose",
    ),
    arrow=pa.schema(
        [
            required("trace_id", pa.string()),
            required("round", pa.int64()),
            required("purpose", pa.string()),
            required("question_id", pa.string()),
            required("decision", pa.string()),
            listed("reasons", pa.string()),
            listed("warnings", pa.string()),
            listed("checks", pa.string()),
            required("decided_by", pa.string()),
            optional("correct", pa.bool_()),
            required("grounded", pa.bool_()),
            required("surrogate", pa.bool_()),
            required("supported", pa.int64()),
            required("contradicted", pa.int64()),
            required("unverifiable", pa.int64()),
            required("surrogate_share", pa.float64()),
            required("score", pa.float64()),
            optional("truth_grounded", pa.bool_()),
            optional("truth_supported", pa.int64()),
            optional("truth_contradicted", pa.int64()),
            required("policy_sha", pa.string()),
        ]
    ),
)
