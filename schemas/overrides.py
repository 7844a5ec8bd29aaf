"""Table `overrides`: a reviewer's decision on a chain; append-only.

Of each reviewer the newest row on a chain stands; `withdrawn` takes the earlier ones back. Undoing is a new row too:
it names the row that it undoes and repeats what stood before.
"""

import pyarrow as pa

from schemas.base import Row, Table, listed, optional, required


class ClaimVote(Row):
    """What a reviewer says of one claim."""

    claim_id: str
    verdict: str
    """Supported, contradicted or unverifiable."""


class Override(Row):
    override_id: str
    trace_id: str
    reviewer: str
    verdict: str
    """Grounded, not_grounded, unsure or withdrawn."""
    correct: bool | None = None
    """Whether the answer is right, where the reviewer says so."""
    reason: str | None = None
    """A code, or free words from a labels file."""
    claims: list[ClaimVote] | None = None
    """Of the claims that the reviewer spoke of."""
    undoes: str | None = None
    """`override_id` of the row that this one takes back."""
    seconds: float
    """Spent on the chain before the verdict."""
    made_at: str
    """ISO 8601, UTC."""


CLAIM_VOTE = pa.struct([required("claim_id", pa.string()), required("verdict", pa.string())])


OVERRIDES = Table(
    name="overrides",
    row=Override,
    key=("override_id",),
    arrow=pa.schema(
        [
            required("override_id", pa.string()),
            required("trace_id", pa.string()),
            required("reviewer", pa.string()),
            required("verdict", pa.string()),
            optional("correct", pa.bool_()),
            optional("reason", pa.string()),
            listed("claims", CLAIM_VOTE, nullable=True),
            optional("undoes", pa.string()),
            required("seconds", pa.float64()),
            required("made_at", pa.string()),
        ]
    ),
)
