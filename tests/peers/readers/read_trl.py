"""Runs inside the `huggingface` environment: how TRL's own data utilities see an export, as JSON."""

import json
import sys

from datasets import load_dataset
from transformers import AutoProcessor
from trl import apply_chat_template, is_conversational
from trl.data_utils import maybe_apply_chat_template

folder, config, split, model = sys.argv[1:]
processor = AutoProcessor.from_pretrained(model)
data = load_dataset(folder, config, split=split).remove_columns("audio")
rows = []
for row in data:
    keys = [key for key in ("prompt", "completion", "chosen", "rejected") if key in row]
    example = {key: row[key] for key in keys}
    text = apply_chat_template(example, processor)
    assert text == maybe_apply_chat_template(example, processor)
    rows.append({"id": row["id"], "conversational": is_conversational(example), **text})
print("JSON" + json.dumps(rows))
