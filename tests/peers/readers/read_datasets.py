"""Runs inside the `huggingface` environment: what `datasets.load_dataset` makes of an export, as JSON."""

import hashlib
import json
import os
import sys

from datasets import Audio, load_dataset

folder, config, split = sys.argv[1:]
data = load_dataset(folder, config, split=split)
declared = isinstance(data.features["audio"], Audio)
data = data.cast_column("audio", Audio(decode=False))
rows = []
for row in data:
    audio = row.pop("audio")
    if audio is not None and audio["bytes"] is None:
        with open(audio["path"], "rb") as file:  # noqa: PTH123
            audio["bytes"] = file.read()
    rows.append({**row, "audio_sha": None if audio is None else hashlib.sha256(audio["bytes"]).hexdigest()})
stream = load_dataset(folder, config, split=split, streaming=True).cast_column("audio", Audio(decode=False))
print("JSON" + json.dumps({"declared": declared, "rows": rows, "streamed": [row["id"] for row in stream]}))
sys.stdout.flush()
os._exit(0)  # a streaming data set's prefetching thread aborts the interpreter's own way out
