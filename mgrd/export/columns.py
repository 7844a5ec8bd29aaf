"""Arrow schemas of the exports that are Parquet: one fixed schema per purpose, whatever the rows hold.

Audio is the struct that `datasets` calls an Audio feature: `bytes` of an encoded file, `path` of it. The
schema's metadata says so, which makes `datasets` decode it without being told.
"""

import json

import pyarrow as pa

from mgrd.export.choices import ExportConfig

Column = tuple[str, pa.DataType]
"""Name and type."""

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
PART = pa.struct([("type", pa.string()), ("text", pa.string())])
"""`{"type": "audio", "text": null}` or `{"type": "text", "text": ...}`, as chat templates of processors read it."""
MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(PART))]))
TEXT_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

CLAIM = pa.struct(
    [
        ("text", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("attribute", pa.string()),
        ("relation", pa.string()),
        ("claimed", pa.string()),
        ("value", pa.float64()),
        ("unit", pa.string()),
        ("time_start", pa.float64()),
        ("time_end", pa.float64()),
        ("negated", pa.bool_()),
        ("weight", pa.float64()),
        ("verdict", pa.string()),
        ("measured", pa.float64()),
        ("tolerance", pa.float64()),
        ("reliability", pa.float64()),
    ]
)
GROUNDING = pa.struct(
    [
        ("score", pa.float64()),
        ("grounded", pa.bool_()),
        ("supported", pa.int64()),
        ("contradicted", pa.int64()),
        ("unverifiable", pa.int64()),
        ("surrogate_share", pa.float64()),
        ("claims", pa.list_(CLAIM)),
    ]
)
"""`score`: share of the decided claims that hold, null when none was. Offsets are characters of the reasoning."""

PLACE: list[Column] = [
    ("id", pa.string()),
    ("round", pa.int64()),
    ("question_id", pa.string()),
    ("clip_id", pa.string()),
    ("skill", pa.string()),
    ("domain", pa.string()),
    ("source", pa.string()),
    ("question", pa.string()),
    ("choices", pa.list_(pa.string())),
    ("solution", pa.string()),
]
COUNTS: list[Column] = [("audio_tokens", pa.int64()), ("weight", pa.float64())]
CHAIN: list[Column] = [
    ("trace_id", pa.string()),
    ("origin", pa.string()),
    ("reasoning", pa.string()),
    ("answer", pa.string()),
    ("correct", pa.bool_()),
    ("token_count", pa.int64()),
    ("grounding", GROUNDING),
]
PAIR: list[Column] = [
    ("reason", pa.string()),
    *(
        (f"{side}_{name}", type_)
        for side in ("chosen", "rejected")
        for name, type_ in (
            ("trace_id", pa.string()),
            ("reasoning", pa.string()),
            ("answer", pa.string()),
            ("token_count", pa.int64()),
            ("grounding", GROUNDING),
        )
    ),
]
TASK: list[Column] = [
    ("samples", pa.int64()),
    ("passed", pa.int64()),
    ("inside", pa.bool_()),
    ("token_count", pa.int64()),
]

PURPOSE_COLUMNS = {"sft": CHAIN, "dpo": PAIR, "rl": TASK}
TALK = {
    ("hf", "sft"): ["messages"],
    ("trl", "sft"): ["prompt", "completion"],
    ("hf", "rl"): ["prompt"],
    ("trl", "rl"): ["prompt"],
    ("hf", "dpo"): ["prompt", "chosen", "rejected"],
    ("trl", "dpo"): ["prompt", "chosen", "rejected"],
}


def schema_of(config: ExportConfig) -> pa.Schema:
    """The schema of a Parquet export, with the Audio feature in its metadata."""
    if config.format == "verl":
        return _verl(config)
    talk = [(name, MESSAGES) for name in TALK[config.format, config.purpose]]
    fields = [*PLACE, ("audio", AUDIO), *talk, *PURPOSE_COLUMNS[config.purpose], *COUNTS]
    features = {"audio": {"_type": "Audio"}}
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def _verl(config: ExportConfig) -> pa.Schema:
    extra = [("split", pa.string()), ("index", pa.int64()), *PLACE, *COUNTS]
    if config.purpose == "sft":
        columns = [("messages", TEXT_MESSAGES), ("audios", pa.list_(pa.string()))]
        return pa.schema([*columns, ("extra_info", pa.struct([*extra, *CHAIN]))])
    return pa.schema(
        [
            ("data_source", pa.string()),
            ("prompt", TEXT_MESSAGES),
            ("ability", pa.string()),
            ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
            ("audios", pa.list_(pa.string())),
            ("extra_info", pa.struct([*extra, *TASK])),
        ]
    )
