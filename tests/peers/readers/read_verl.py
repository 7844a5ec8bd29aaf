"""Runs inside the `verl` environment: verl's RLHF data set class on an export, as JSON."""

import json
import sys
import tempfile

from omegaconf import OmegaConf
from transformers import AutoProcessor
from verl.utils.dataset.rl_dataset import RLHFDataset

model, *files = sys.argv[1:]
processor = AutoProcessor.from_pretrained(model)
config = OmegaConf.create(
    {
        "audio_key": "audios",
        "cache_dir": tempfile.mkdtemp(),
        "return_raw_chat": True,
        "filter_overlong_prompts": False,
        "max_prompt_length": 1024,
    }
)
data = RLHFDataset(files, processor.tokenizer, config, processor)
rows = []
for index in range(len(data)):
    row = data[index]
    row = {key: value for key, value in row.items() if not hasattr(value, "shape")}
    rows.append(row)
print("JSON" + json.dumps(rows, default=str))
