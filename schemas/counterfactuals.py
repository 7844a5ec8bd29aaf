"""Table `counterfactuals`: a chain scored again with silence, and with another clip, in place of its own.

Gains are log p(token | own clip) - log p(token | other sound), natural log: positive where the own clip
makes the token likelier. The scores are of the model that wrote the chain.
"""

import pyarrow as pa

from schemas.base import Row, Table, listed, optional, required


class ClaimGain(Row):
    """A claim's tokens in the completion, and their mean gains."""

    claim_id: str
    first_token: int
    tokens: int
    """None of them (0) when the claim cannot be placed in the raw text."""
    silence: float | None = None
    swap: float | None = None


class Counterfactual(Row):
    trace_id: str
    round: int
    purpose: str
    model_id: str
    swap_clip_id: str | None = None
    """The other clip; None when the split has none to offer."""
    tokens: int
    """Completion tokens."""
    token_starts: list[int]
    """The characters of the raw text that each token stands for; empty where the engine cannot tell."""
    token_ends: list[int]
    silence_gains: list[float]
    """Per completion token."""
    swap_gains: list[float]
    """Per completion token; empty without another clip."""
    silence_margin: float
    """Mean of the gains over silence."""
    swap_margin: float | None = None
    """Mean of the gains over the other clip."""
    claims: list[ClaimGain]
    choice: str | None = None
    """The choice that is likeliest straight after the own clip, without a chain."""
    silence_choice: str | None = None
    swap_choice: str | None = None
    silence_flips: bool | None = None
    """Whether silence makes another choice the likeliest; None without choices."""
    swap_flips: bool | None = None


CLAIM_GAIN = pa.struct(
    [
        required("claim_id", pa.string()),
        required("first_token", pa.int64()),
        required("tokens", pa.int64()),
        optional("silence", pa.float64()),
        optional("swap", pa.float64()),
    ]
)

COUNTERFACTUALS = Table(
    name="counterfactuals",
    row=Counterfactual,
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
            required("model_id", pa.string()),
            optional("swap_clip_id", pa.string()),
            required("tokens", pa.int64()),
            listed("token_starts", pa.int32()),
            listed("token_ends", pa.int32()),
            listed("silence_gains", pa.float32()),
            listed("swap_gains", pa.float32()),
            required("silence_margin", pa.float64()),
            optional("swap_margin", pa.float64()),
            listed("claims", CLAIM_GAIN),
            optional("choice", pa.string()),
            optional("silence_choice", pa.string()),
            optional("swap_choice", pa.string()),
            optional("silence_flips", pa.bool_()),
            optional("swap_flips", pa.bool_()),
        ]
    ),
)
