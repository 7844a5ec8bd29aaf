"""The embedded model with random weights whose choices are clear, so that two engines can be held side by side.

Two things would make engines differ that are no fault of theirs: near ties, which rounding decides, and bytes that
are no text, which each engine writes in its own way. Weights are large against the first. Against the second,
dimension 0 of the residual stream is the same number at every place (no layer writes to it), so that the output row
of a token reads a constant from it: a bias. It keeps out tokens that are no whole characters and favours the end.
"""

from pathlib import Path

import torch

from mgrd.models.checkpoints import load_model, save_model
from mgrd.models.embedded import assemble_embedded
from mgrd.settings import ModelSpec

WINDOW_SECONDS = 3.0
"""The default campaign's window."""
CONSTANT, NEVER, OFTEN = 4.0, -40.0, 20.0
SPREAD, OUTPUT_SPREAD = 0.1, 0.3
"""Standard deviations of the decoder's matrices and of the output rows: logits spread by about four."""


def write_audio_checkpoint(folder: Path, texts: list[str], seed: int = 0) -> Path:
    """A checkpoint of the default shape as the project saves it, in `folder`; `texts` train its tokenizer."""
    assemble_embedded(folder, texts, ModelSpec(), WINDOW_SECONDS, seed)
    loaded = load_model(folder)
    tokenizer, model = loaded.processor.tokenizer, loaded.model
    size = model.lm_head.out_features
    broken = [token for token in range(size) if "\ufffd" in tokenizer.decode([token])]
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "audio_tower" not in name and parameter.ndim == 2:
                spread = OUTPUT_SPREAD if "lm_head" in name else SPREAD
                parameter.normal_(0.0, spread, generator=generator)
        decoder = model.model.language_model
        decoder.embed_tokens.weight[:, 0] = CONSTANT
        model.model.multi_modal_projector.linear.weight[0] = 0.0
        model.model.multi_modal_projector.linear.bias[0] = CONSTANT
        for layer in decoder.layers:
            layer.self_attn.o_proj.weight[0] = 0.0
            layer.mlp.down_proj.weight[0] = 0.0
        model.lm_head.weight[:, 0] = 0.0
        model.lm_head.weight[broken, 0] = NEVER
        model.lm_head.weight[tokenizer.eos_token_id, 0] = OFTEN
    save_model(model, loaded.processor, folder)
    return folder
