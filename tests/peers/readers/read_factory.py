"""Runs inside the `llama-factory` environment: its loader and converter on an export, as JSON.

Its torchaudio is a build for CUDA that does not load beside a CPU torch. LLaMA-Factory asks two things of it, to
read a file and to resample; a module with these names, on soundfile, stands in for it.
"""

import json
import sys
import types

import numpy as np
import soundfile
import torch
import transformers  # before the stand-in is there, so that it does not count on more than the two

torchaudio = types.ModuleType("torchaudio")
torchaudio.functional = types.ModuleType("torchaudio.functional")


def load(path: str) -> tuple[torch.Tensor, int]:
    """Samples [channels, frames] and the rate in Hz."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(np.ascontiguousarray(samples.T)), rate


torchaudio.load = load
sys.modules |= {"torchaudio": torchaudio, "torchaudio.functional": torchaudio.functional}

from llamafactory.data import get_template_and_fix_tokenizer  # noqa: E402
from llamafactory.data.loader import get_dataset  # noqa: E402
from llamafactory.hparams import DataArguments, ModelArguments, TrainingArguments  # noqa: E402

folder, name, stage, model, scratch = sys.argv[1:]
processor = transformers.AutoProcessor.from_pretrained(model)
tokenizer = processor.tokenizer
data_args = DataArguments(
    template="qwen2_audio", dataset=name, dataset_dir=folder, media_dir=folder, overwrite_cache=True
)
data_args.cutoff_len = 2048
model_args = ModelArguments(model_name_or_path=model)
training_args = TrainingArguments(output_dir=scratch, use_cpu=True)
template = get_template_and_fix_tokenizer(tokenizer, data_args)
data = get_dataset(template, model_args, data_args, training_args, stage, tokenizer, processor)["train_dataset"]
rows = []
for row in data:
    shown = {"audios": row.get("audios")}
    for side in ("", "chosen_", "rejected_"):
        if f"{side}labels" in row:
            ids, labels = row[f"{side}input_ids"], row[f"{side}labels"]
            shown[f"{side}learnt"] = tokenizer.decode([label for label in labels if label != -100])
            shown[f"{side}audio_tokens"] = ids.count(tokenizer.convert_tokens_to_ids("<|AUDIO|>"))
            shown[f"{side}text"] = tokenizer.decode(ids)
    rows.append(shown)
print("JSON" + json.dumps(rows))
