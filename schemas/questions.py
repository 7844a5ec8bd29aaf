"""Table `questions`: a perception-grounded question on a clip; without a clip, a text-reasoning task (D_task)."""

import pyarrow as pa

from schemas.base import Row, Table, listed, optional, required


class Question(Row):
    question_id: str
    clip_id: str | None = None
    text: str
    choices: list[str]
    answer: str | None = None
    """The right choice; missing when there is no ground truth."""
    skill: str
    """What must be heard: contour, register, tempo, ...."""
    split: str
    """Cold, pool, dev or test."""
    origin: str
    """Embedded, manifest or derived."""
    collection: str
    """The ingest that brought it."""


QUESTIONS = Table(
    name="questions",
    row=Question,
    key=("question_id",),
    partition_by=("collection",),
    arrow=pa.schema(
        [
            required("question_id", pa.string()),
            optional("clip_id", pa.string()),
            required("text", pa.string()),
            listed("choices", pa.string()),
            optional("answer", pa.string()),
            required("skill", pa.string()),
            required("split", pa.string()),
            required("origin", pa.string()),
            required("collection", pa.string()),
        ]
    ),
)
