"""Loading and saving of Qwen2-Audio-class checkpoints, and their identity.

A checkpoint is a folder that transformers and vLLM load without any code of ours. It never holds
pickles, and code inside a checkpoint is never run.
"""

import json
import shutil
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor
from transformers.utils.logging import disable_progress_bar

from mgrd.errors import EngineError, boundary
from mgrd.ids import KEY_DIGITS, canonical, content_key, sha256_bytes, sha256_file
from mgrd.models.files import window_seconds

disable_progress_bar()  # progress is shown by the command line alone

_IDENTITY_FILES = ("*.safetensors", "config.json", "tokenizer*.json", "chat_template*", "*processor_config.json")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A checkpoint in memory: float32, in evaluation mode.

    `window_seconds` is the longest clip that the model was made to hear; `encoder_sha` covers everything that
    shapes the frozen encoder's outputs (weights and log-mel settings), so it keys cached features.
    """

    folder: Path
    model: Qwen2AudioForConditionalGeneration
    processor: Qwen2AudioProcessor
    sha: str
    encoder_sha: str
    template_sha: str
    window_seconds: float

    @property
    def audio_tokens(self) -> int:
        """Audio tokens of a clip that fills the window (25 per second in Whisper-style encoders)."""
        return self.model.model.audio_tower.max_source_positions // 2


def model_sha(folder: Path) -> str:
    """The checkpoint's identity: a key of its weights, configuration and tokenizer files."""
    files = sorted({path for pattern in _IDENTITY_FILES for path in folder.glob(pattern)})
    if not any(path.suffix == ".safetensors" for path in files):
        raise EngineError(
            f"{folder} holds no *.safetensors; name the folder of a checkpoint saved by transformers; one "
            "that runtime.keep_models let go is made anew after `mgrd data rollback` to the round before it"
        )
    return content_key("model", [[path.name, sha256_file(path)] for path in files])


def load_model(folder: Path, device: str = "cpu") -> LoadedModel:
    """The checkpoint in `folder`, float32. Raises EngineError when it is not a whole Qwen2-Audio-class checkpoint."""
    sha = model_sha(folder)
    with boundary(EngineError, f"cannot load the checkpoint {folder}"):
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        model = Qwen2AudioForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
    if not isinstance(processor, Qwen2AudioProcessor):
        raise EngineError(f"{folder} has a {type(processor).__name__}; a Qwen2-Audio-class checkpoint is needed")
    model.eval().requires_grad_(False)
    torch.nn.Module.to(model, device)
    return LoadedModel(
        folder=folder,
        model=model,
        processor=processor,
        sha=sha,
        encoder_sha=_encoder_sha(model, processor),
        template_sha=sha256_bytes(str(processor.chat_template).encode())[:KEY_DIGITS],
        window_seconds=window_seconds(folder, float(processor.feature_extractor.chunk_length)),
    )


def _encoder_sha(model: Qwen2AudioForConditionalGeneration, processor: Qwen2AudioProcessor) -> str:
    digest = sha256()
    extractor = json.loads(processor.feature_extractor.to_json_string())
    digest.update(canonical({k: v for k, v in extractor.items() if "version" not in k}).encode())
    for name, tensor in sorted(model.model.audio_tower.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:KEY_DIGITS]


def save_model(model: Qwen2AudioForConditionalGeneration, processor: Qwen2AudioProcessor, folder: Path) -> str:
    """Write a whole checkpoint (encoder, processor and tokenizer too) and return its sha.

    It is written beside `folder` and renamed into place, so `folder` is never half a checkpoint.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with boundary(EngineError, f"cannot save the checkpoint {folder}"):
            draft.chmod(0o755)
            model.save_pretrained(draft)
            processor.save_pretrained(draft)
            if folder.exists():
                shutil.rmtree(folder)
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return model_sha(folder)
