"""The names of what can be exported. Light: the command line imports it to say them in its help."""

from typing import Literal

Format = Literal["hf", "trl", "ms-swift", "llama-factory", "verl", "nemo", "webdataset"]
Purpose = Literal["sft", "dpo", "rl"]
