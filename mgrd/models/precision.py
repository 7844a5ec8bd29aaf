"""The precision that matrices are multiplied in while training; weights and their updates stay float32.

bfloat16 pays where the hardware multiplies it (AVX512-BF16, AMX, GPUs) and is several times slower where it is
emulated, so `auto` asks the hardware. What was used is recorded with the model.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]


def choose_precision(asked: Precision, device: str) -> torch.dtype:
    """float32 or bfloat16: the asked one, and for `auto` what the device multiplies natively."""
    if asked != "auto":
        return torch.bfloat16 if asked == "bfloat16" else torch.float32
    native = torch.cuda.is_bf16_supported() if device.startswith("cuda") else _cpu_multiplies_bfloat16()
    return torch.bfloat16 if native else torch.float32


def _cpu_multiplies_bfloat16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def computing_in(dtype: torch.dtype, device: str = "cpu") -> AbstractContextManager[object]:
    """Mixed precision for the calling thread (autocast holds per thread); nothing for float32."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(torch.device(device).type, dtype=dtype)
