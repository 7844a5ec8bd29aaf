"""Table `claims`: one acoustic claim in a chain: where it stands, what it says, and what the clip says to it.

`start` and `end` are character offsets in the reasoning.
"""

import pyarrow as pa

from schemas.base import Row, Table, optional, required


class ClaimRow(Row):
    claim_id: str
    trace_id: str
    round: int
    purpose: str
    start: int
    end: int
    text: str
    attribute: str
    relation: str
    claimed: str
    """The claim in canonical words."""
    value: float | None = None
    unit: str | None = None
    time_start: float | None = None
    """Seconds."""
    time_end: float | None = None
    """Seconds."""
    negated: bool
    weight: float
    """1, less when hedged."""
    extractor: str
    """Grammar or llm."""
    verdict: str
    """Supported, contradicted or unverifiable."""
    measured: float | None = None
    tolerance: float | None = None
    """In force for a value, in its unit; for a word, the edge of its band."""
    reliability: float | None = None
    truth_verdict: str | None = None
    """The verdict by constructed truth."""
    question_id: str | None = None
    """Of the chain; missing in rows of before this column."""
    note: str | None = None
    """Why a claim is open that the measurement speaks against; missing in rows of before this column."""


CLAIMS = Table(
    name="claims",
    row=ClaimRow,
    key=("claim_id",),
    partition_by=(
        "round",
        "purpose",
    ),
    arrow=pa.schema(
        [
            required("claim_id", pa.string()),
            required("trace_id", pa.string()),
            required("round", pa.int64()),
            required("purpose", pa.string()),
            required("start", pa.int64()),
            required("end", pa.int64()),
            required("text", pa.string()),
            required("attribute", pa.string()),
            required("relation", pa.string()),
            required("claimed", pa.string()),
            optional("value", pa.float64()),
            optional("unit", pa.string()),
            optional("time_start", pa.float64()),
            optional("time_end", pa.float64()),
            required("negated", pa.bool_()),
            required("weight", pa.float64()),
            required("extractor", pa.string()),
            required("verdict", pa.string()),
            optional("measured", pa.float64()),
            optional("tolerance", pa.float64()),
            optional("reliability", pa.float64()),
            optional("truth_verdict", pa.string()),
            optional("question_id", pa.string()),
            optional("note", pa.string()),
        ]
    ),
)
