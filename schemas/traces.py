"""Table `traces`: one sampled chain with everything needed to know how it came to be.

`purpose` is `distill` for chains sampled to be selected, `prefer` for replies to self-cognition probes that become
preference pairs, `evaluate` for held-out chains, `text` for those on held-out text problems and `probe` for held-out
replies to probes; no stage ever trains on the last three.
"""

import pyarrow as pa

from schemas.base import Row, Table, listed, optional, required

DISTILL, PREFER, EVALUATE, TEXT, PROBE = "distill", "prefer", "evaluate", "text", "probe"
"""The purposes."""


class Trace(Row):
    trace_id: str
    round: int
    purpose: str
    """Distill, prefer, evaluate, text or probe."""
    split: str
    question_id: str
    clip_id: str | None = None
    sample_index: int
    """0..K-1; -1 for the greedy chain."""
    prompt_id: str
    prompt_sha: str
    raw_text: str
    """The completion as it came."""
    reasoning: str | None = None
    """Inside the think block; None when there is none."""
    answer: str | None = None
    """After the think block."""
    choice: str | None = None
    """The choice that the answer names."""
    correct: bool | None = None
    """None when there is no ground truth."""
    problems: list[str]
    """What parsing found wrong."""
    finish_reason: str
    """Stop or length."""
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    audio_tokens: int
    """Audio positions the model saw."""
    logprob: float | None = None
    """Sum over completion tokens, natural log."""
    engine: str
    model_id: str
    temperature: float
    top_p: float
    max_new_tokens: int
    seed: int


TRACES = Table(
    name="traces",
    row=Trace,
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
            required("split", pa.string()),
            required("question_id", pa.string()),
            optional("clip_id", pa.string()),
            required("sample_index", pa.int64()),
            required("prompt_id", pa.string()),
            required("prompt_sha", pa.string()),
            required("raw_text", pa.string()),
            optional("reasoning", pa.string()),
            optional("answer", pa.string()),
            optional("choice", pa.string()),
            optional("correct", pa.bool_()),
            listed("problems", pa.string()),
            required("finish_reason", pa.string()),
            required("prompt_tokens", pa.int64()),
            required("completion_tokens", pa.int64()),
            required("reasoning_tokens", pa.int64()),
            required("audio_tokens", pa.int64()),
            optional("logprob", pa.float64()),
            required("engine", pa.string()),
            required("model_id", pa.string()),
            required("temperature", pa.float64()),
            required("top_p", pa.float64()),
            required("max_new_tokens", pa.int64()),
            required("seed", pa.int64()),
        ]
    ),
)
