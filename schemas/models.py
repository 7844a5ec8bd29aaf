"""Table `models`: a checkpoint."""

import pyarrow as pa

from schemas.base import Row, Table, optional, required


class ModelRow(Row):
    model_id: str
    """Sha of the weights and tokenizer."""
    parent_id: str | None = None
    round: int
    stage: str
    """Hearing, cold start, train, dpo, reinforce, or an arm of an ablation."""
    uri: str
    """Folder relative to the workspace."""
    template_sha: str
    """Chat template."""
    arm: str
    promoted: bool
    metrics: str
    """JSON."""


MODELS = Table(
    name="models",
    row=ModelRow,
    key=("model_id",),
    partition_by=("round",),
    arrow=pa.schema(
        [
            required("model_id", pa.string()),
            optional("parent_id", pa.string()),
            required("round", pa.int64()),
            required("stage", pa.string()),
            required("uri", pa.string()),
            required("template_sha", pa.string()),
            required("arm", pa.string()),
            required("promoted", pa.bool_()),
            required("metrics", pa.string()),
        ]
    ),
)
