"""Table `verdicts`: one judge's reply on a chain. A reply that could not be read is `unscored`, never a rejection."""

import pyarrow as pa

from schemas.base import Row, Table, optional, required

CRITERIA = ("acoustic_grounding", "logical_coherence", "answer_follows", "surrogate", "self_cognition")
"""What a judge grades, from 1 (worst) to 5 (best); `surrogate` 5 is free of surrogates. Columns, and of `panels`."""


class Verdict(Row):
    verdict_id: str
    trace_id: str
    round: int
    judge: str
    """Model name."""
    prompt_id: str
    prompt_version: int
    prompt_sha: str
    scored: bool
    """All scores run from 1 (worst) to 5 (best)."""
    acoustic_grounding: float | None = None
    logical_coherence: float | None = None
    answer_follows: float | None = None
    surrogate: float | None = None
    """5: argues from the sound alone; 1: from an imagined text."""
    self_cognition: float | None = None
    reason: str | None = None
    """The judge's reasons; of an unscored verdict, a code and what went wrong: docs/judging.md lists the codes."""
    raw_reply: str
    requests: int
    """HTTP requests that were sent for it, repeats and corrections among them; 0: from the cache or a batch."""
    cached: bool
    """Read from the reply cache: its tokens were paid by another verdict."""
    prompt_tokens: int
    completion_tokens: int
    cost: float
    """In the currency of the settings' prices."""


VERDICTS = Table(
    name="verdicts",
    row=Verdict,
    key=("verdict_id",),
    partition_by=("round",),
    arrow=pa.schema(
        [
            required("verdict_id", pa.string()),
            required("trace_id", pa.string()),
            required("round", pa.int64()),
            required("judge", pa.string()),
            required("prompt_id", pa.string()),
            required("prompt_version", pa.int64()),
            required("prompt_sha", pa.string()),
            required("scored", pa.bool_()),
            optional("acoustic_grounding", pa.float64()),
            optional("logical_coherence", pa.float64()),
            optional("answer_follows", pa.float64()),
            optional("surrogate", pa.float64()),
            optional("self_cognition", pa.float64()),
            optional("reason", pa.string()),
            required("raw_reply", pa.string()),
            required("requests", pa.int64()),
            required("cached", pa.bool_()),
            required("prompt_tokens", pa.int64()),
            required("completion_tokens", pa.int64()),
            required("cost", pa.float64()),
        ]
    ),
)
