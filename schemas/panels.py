"""Table `panels`: what a panel of judges makes of a chain, and how far its judges were apart."""

import pyarrow as pa

from schemas.base import Row, Table, optional, required


class Panel(Row):
    trace_id: str
    round: int
    panel_sha: str
    """Judges, prompts, parameters and reducer."""
    reducer: str
    judges: int
    """Judges of the panel."""
    scored: int
    """Judges that gave scores."""
    acoustic_grounding: float | None = None
    """Reduced scores from 1 (worst) to 5 (best)."""
    logical_coherence: float | None = None
    answer_follows: float | None = None
    surrogate: float | None = None
    self_cognition: float | None = None
    acoustic_grounding_spread: float | None = None
    """Highest minus lowest score among the judges, in points."""
    logical_coherence_spread: float | None = None
    answer_follows_spread: float | None = None
    surrogate_spread: float | None = None
    self_cognition_spread: float | None = None
    disagreement: float | None = None
    """The widest spread of any criterion."""
    reason: str | None = None
    """Why judges gave no scores."""


PANELS = Table(
    name="panels",
    row=Panel,
    key=("trace_id",),
    partition_by=("round",),
    arrow=pa.schema(
        [
            required("trace_id", pa.string()),
            required("round", pa.int64()),
            required("panel_sha", pa.string()),
            required("reducer", pa.string()),
            required("judges", pa.int64()),
            required("scored", pa.int64()),
            optional("acoustic_grounding", pa.float64()),
            optional("logical_coherence", pa.float64()),
            optional("answer_follows", pa.float64()),
            optional("surrogate", pa.float64()),
            optional("self_cognition", pa.float64()),
            optional("acoustic_grounding_spread", pa.float64()),
            optional("logical_coherence_spread", pa.float64()),
            optional("answer_follows_spread", pa.float64()),
            optional("surrogate_spread", pa.float64()),
            optional("self_cognition_spread", pa.float64()),
            optional("disagreement", pa.float64()),
            optional("reason", pa.string()),
        ]
    ),
)
