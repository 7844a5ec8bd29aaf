"""The formats and purposes of an export, and which of them go together. Light: the command line imports it."""

from typing import Literal, get_args

Format = Literal["hf", "trl", "ms-swift", "llama-factory", "verl", "nemo", "webdataset"]
Purpose = Literal["sft", "dpo", "rl"]

FORMATS: tuple[Format, ...] = get_args(Format)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

IMPOSSIBLE: dict[tuple[Format, Purpose], str] = {
    ("verl", "dpo"): "verl trains no preference pairs; export dpo as trl, ms-swift or llama-factory",
    (
        "nemo",
        "dpo",
    ): "NeMo's conversation manifest has no preference pairs; use trl, ms-swift or llama-factory",
    ("nemo", "rl"): "NeMo's conversation manifest has no place for a solution; export rl as trl, ms-swift or verl",
}
NO_EMBEDDING: dict[Format, str] = {
    "llama-factory": "LLaMA-Factory reads audio from files",
    "nemo": "NeMo's manifest names audio files",
}
EMBEDDED_ALWAYS: frozenset[Format] = frozenset({"webdataset"})
PARQUET: frozenset[Format] = frozenset({"hf", "trl", "verl"})
