"""What of a model is trained: all of it but the encoder, or low-rank adapters on the decoder (LoRA, arXiv 2106.09685).

The projector is trained either way. Adapters are merged before a checkpoint is saved, so that it stays
one that transformers and vLLM load without knowing of them.
"""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import Qwen2AudioForConditionalGeneration

from mgrd.errors import ConfigError

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Lora:
    """Adapters of rank `rank` on every linear layer of the decoder, scaled by `alpha / rank`."""

    rank: int
    alpha: int


def choose_trained(model: Qwen2AudioForConditionalGeneration, lora: Lora | None, seed: int) -> list[nn.Parameter]:
    """Mark what is trained, adding adapters where they are asked for; the encoder never is. Returns the parameters.

    `seed` decides how adapters begin. Raises ConfigError when adapters are asked for and peft is missing.
    """
    if lora is None:
        return trainable_parameters(model)
    model.requires_grad_(False)
    _add_adapters(model, lora, seed)
    model.model.multi_modal_projector.requires_grad_(True)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def trainable_parameters(model: Qwen2AudioForConditionalGeneration) -> list[nn.Parameter]:
    """Marks projector, decoder and head as trainable, the encoder as frozen; returns the trainable ones."""
    model.requires_grad_(True)
    model.model.audio_tower.requires_grad_(False)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _add_adapters(model: Qwen2AudioForConditionalGeneration, lora: Lora, seed: int) -> None:
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise ConfigError(
            'spec.training.method = "lora" needs peft; install it with `pip install "mgrd[train]"`'
        ) from error
    config = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, target_modules=rf"model\.language_model\..*\.({'|'.join(TARGETS)})"
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        inject_adapter_in_model(config, model)


def merge_adapters(model: Qwen2AudioForConditionalGeneration) -> None:
    """Add the adapters to the weights that they adapt and remove them; nothing without adapters."""
    for name, module in list(model.named_modules()):
        merge, base = getattr(module, "merge", None), getattr(module, "get_base_layer", None)
        if callable(merge) and callable(base):
            merge(safe_merge=True)
            whole = base()
            assert isinstance(whole, nn.Module)
            model.set_submodule(name, whole)
