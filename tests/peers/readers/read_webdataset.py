"""Runs inside the `huggingface` environment: what `webdataset` makes of an export, as JSON."""

import hashlib
import json
import sys

import webdataset

rows = []
for sample in webdataset.WebDataset(sys.argv[1:], shardshuffle=False):
    row = json.loads(sample["json"])
    sounds = [key for key in sample if key not in {"json", "__key__", "__url__", "__local_path__"}]
    sha = hashlib.sha256(sample[sounds[0]]).hexdigest() if sounds else None
    rows.append({**row, "key": sample["__key__"], "audio_sha": sha})
print("JSON" + json.dumps(rows))
