"""A checkpoint as a server takes it: the same function in shapes that vLLM knows.

vLLM's Qwen2-Audio wants clips padded to 30 s (3000 frames of log-mel, 1500 encoder positions), and its kernels want
certain sizes of attention heads. The embedded model has a window of a few seconds and may have other heads. A copy
differs in these shapes alone:

* **Window**: the encoder gets 1500 positions and the feature extractor pads to 30 s. The encoder's attention never
  reaches beyond a clip's end, so no clip inside the original window reads an added position; they are zero.
* **Heads**: a head of d numbers becomes one of D. RoPE turns number i against number i + d/2 at the rate
  theta^(-2i/d) (arXiv 2104.09864), so halves are padded each by itself and theta becomes theta^(D/d). Queries are
  scaled by sqrt(D/d), since scores are divided by sqrt(D).
* **Width**: vLLM takes a head's size to be width / heads, so the residual stream is padded with zeros from w to W.
  RMSNorm then averages squares over more numbers: its weights are scaled by sqrt(w/W), its epsilon by w/W.

Logits are equal but for rounding. The copy is a checkpoint of the same class: transformers runs it as well. One
thing is not the same: a clip that fills the original window is followed by silence in the copy, where the original
mirrors its end, which moves the last frames of log-mel.
"""

import json
import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mgrd.errors import EngineError, boundary
from mgrd.models.files import SERVING_RECORD, read_config

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Qwen2AudioConfig, Qwen2AudioProcessor

WINDOW_SECONDS = 30
POSITIONS = 1500
HEAD_SIZES = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256)
"""Numbers in an attention head that vLLM 0.32 takes on the CPU; its GPU kernels take these too."""
READS = {"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "lm_head", "embed_tokens"}
WRITES = {"o_proj", "down_proj", "linear"}
"""Layers that read the residual stream and that write to it; `linear` projects the encoder's outputs onto it."""
HEADED = {"q_proj", "k_proj", "v_proj", "o_proj"}
"""Layers with an axis of heads."""


@dataclass(frozen=True, slots=True)
class ServingRecord:
    """`source` is the model's id, `copy` the copy's own, `window_seconds` what the model was trained to hear."""

    source: str
    copy: str
    window_seconds: float


def needs_copy(folder: Path) -> bool:
    """Whether vLLM cannot take the checkpoint as it is. False for other classes than Qwen2-Audio."""
    config = read_config(folder, "config.json")
    if config.get("model_type") != "qwen2_audio":
        return False
    text = config.get("text_config", {})
    heads = text.get("num_attention_heads", 32)
    size = text.get("hidden_size", 4096) // heads
    return config.get("audio_config", {}).get("max_source_positions", POSITIONS) != POSITIONS or size not in HEAD_SIZES


def servable(folder: Path, model_id: str, place: Path) -> Path:
    """The folder to serve: `folder` itself where vLLM takes it, else its copy below `place`, made once."""
    if not needs_copy(folder):
        return folder
    copy = place / model_id
    record = read_record(copy)
    if record is None or record.source != model_id:
        write_serving_copy(folder, copy)
    return copy


def read_record(folder: Path) -> ServingRecord | None:
    """What a copy says of itself; None where the folder is no copy or does not hold what it says."""
    from mgrd.models.checkpoints import model_sha

    try:
        record = ServingRecord(**read_config(folder, SERVING_RECORD))
    except TypeError:
        return None
    return record if model_sha(folder) == record.copy else None


def write_serving_copy(folder: Path, out: Path) -> ServingRecord:
    """Write the copy of a checkpoint to `out`, whole or not at all, and return its record.

    Raises EngineError when the checkpoint cannot be loaded, or has heads larger than any that vLLM takes.
    """
    from transformers import Qwen2AudioForConditionalGeneration

    from mgrd.models.checkpoints import load_model, save_model

    if out.resolve() == folder.resolve():
        raise EngineError(f"the copy of {folder} needs a folder of its own")
    loaded = load_model(folder)
    shapes = _Shapes.of(loaded.model.config)
    config = shapes.config(loaded.model.config)
    model = Qwen2AudioForConditionalGeneration(config)
    with boundary(EngineError, f"cannot copy the checkpoint {folder}"):
        state = {name: shapes.widen(name, tensor) for name, tensor in loaded.model.state_dict().items()}
        model.load_state_dict(state)
    model.generation_config = loaded.model.generation_config
    draft = out.with_name(f".{out.name}-serving")
    try:
        sha = save_model(model.eval(), _with_window(loaded.processor), draft)
        record = ServingRecord(loaded.sha, sha, loaded.window_seconds)
        (draft / SERVING_RECORD).write_text(json.dumps(asdict(record)) + "\n")
        if out.exists():
            shutil.rmtree(out)
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return record


def _with_window(processor: "Qwen2AudioProcessor") -> "Qwen2AudioProcessor":
    from transformers import Qwen2AudioProcessor, WhisperFeatureExtractor

    told = processor.feature_extractor.to_dict()
    kept = {name: value for name, value in told.items() if name not in {"n_samples", "nb_max_frames"}}
    extractor = WhisperFeatureExtractor.from_dict(kept | {"chunk_length": WINDOW_SECONDS})
    return Qwen2AudioProcessor(extractor, processor.tokenizer, chat_template=processor.chat_template)


@dataclass(frozen=True, slots=True)
class _Shapes:
    """From heads of `size` to heads of `wide` numbers, from a stream of `hidden` to one of `hidden_wide`."""

    heads: int
    size: int
    wide: int
    hidden: int
    audio_tokens: int

    @classmethod
    def of(cls, config: "Qwen2AudioConfig") -> "_Shapes":
        told = config.to_dict()
        text, positions = told["text_config"], int(told["audio_config"]["max_source_positions"])
        hidden, heads = int(text["hidden_size"]), int(text["num_attention_heads"])
        size = hidden // heads
        wide = next((known for known in HEAD_SIZES if known >= size), None)
        if wide is None:
            raise EngineError(f"attention heads of {size} numbers: vLLM takes none above {HEAD_SIZES[-1]}")
        if positions > POSITIONS:
            raise EngineError(f"an encoder of {positions} positions: vLLM's Qwen2-Audio takes {POSITIONS}")
        return cls(heads, size, wide, hidden, positions // 2)

    @property
    def hidden_wide(self) -> int:
        return self.heads * self.wide

    def config(self, config: "Qwen2AudioConfig") -> "Qwen2AudioConfig":
        told = config.to_dict()
        audio, text = told["audio_config"], told["text_config"]
        audio["max_source_positions"] = POSITIONS
        text["max_position_embeddings"] += POSITIONS // 2 - self.audio_tokens
        if self.wide != self.size:
            rope = text["rope_parameters"]
            if rope.get("rope_type", "default") != "default":
                raise EngineError(f"rope type {rope['rope_type']}: only plain RoPE can be copied to other head sizes")
            rope["rope_theta"] = float(rope["rope_theta"]) ** (self.wide / self.size)
            text["rms_norm_eps"] *= self.hidden / self.hidden_wide
            text["hidden_size"] = self.hidden_wide
        return type(config).from_dict(told)

    def widen(self, name: str, tensor: "Tensor") -> "Tensor":
        """A parameter in the copy's shape, by its name in the state dict."""
        *_, module, kind = name.split(".")
        if module == "embed_positions":
            return _pad(tensor, 0, POSITIONS)
        if self.wide == self.size or "audio_tower" in name:
            return tensor
        if "norm" in module:
            return _pad(tensor * math.sqrt(self.hidden / self.hidden_wide), 0, self.hidden_wide)
        if module not in READS | WRITES:
            raise EngineError(f"{name}: a parameter that no rule widens")
        if module == "q_proj":
            tensor = tensor * math.sqrt(self.wide / self.size)
        if module in HEADED:
            tensor = self._heads(tensor, 0 if module in READS else 1)
        if module in READS and kind == "bias":
            return tensor
        return _pad(tensor, 1 if module in READS else 0, self.hidden_wide)

    def _heads(self, tensor: "Tensor", axis: int) -> "Tensor":
        """Each head's two halves padded, along an axis of heads x size."""
        halves = tensor.unflatten(axis, (-1, self.size // 2))
        return _pad(halves, axis + 1, self.wide // 2).flatten(axis, axis + 1)


def _pad(tensor: "Tensor", axis: int, size: int) -> "Tensor":
    """Zeros at the end of an axis, up to `size`."""
    import torch

    shape = list(tensor.shape)
    shape[axis] = size - shape[axis]
    return torch.cat([tensor, tensor.new_zeros(shape)], dim=axis)
