"""Runs inside the `ms-swift` environment: its loader and the encoding of its Qwen2-Audio template, as JSON."""

import json
import sys

from swift.dataset import load_dataset
from swift.model import get_processor
from swift.template import get_template

kind, model, *files = sys.argv[1:]
processor = get_processor(model, model_type="qwen2_audio")
template = get_template(processor)
template.set_mode({"sft": "train", "dpo": "rlhf", "rl": "train"}[kind])
data, _ = load_dataset(files, remove_unused_columns=kind != "rl")
rows = []
for row in data:
    shown = {"messages": row["messages"], "audios": row.get("audios"), "rejected": row.get("rejected_response")}
    shown |= {name: row.get(name) for name in ("solution", "id", "choices")}
    if kind == "sft":
        encoded = template.encode(dict(row))
        labels = [token for token in encoded["labels"] if token != -100]
        shown["learnt"] = processor.tokenizer.decode(labels)
        shown["audio_tokens"] = sum(
            token == processor.tokenizer.convert_tokens_to_ids("<|AUDIO|>") for token in encoded["input_ids"]
        )
        features = encoded.get("input_features")
        shown["features"] = (
            None if features is None else [list(features.shape), round(float(features.double().sum()), 3)]
        )
    rows.append(shown)
print("JSON" + json.dumps(rows))
