"""The forward pass on cached audio: projector and decoder over packs, without running the encoder.

Training, sampling and scoring all go through here. Frozen-encoder features come in, hidden states
and logits go out; the encoder's weights are never touched. What to compute is laid out on the CPU, then
everything moves to the model's device.
"""

import torch
from torch import Tensor
from transformers import Qwen2AudioForConditionalGeneration

from mgrd.errors import DataError
from mgrd.models.render import RenderedPrompt
from mgrd.models.shared_prefix import Pack, PackLayout, pad_ids, run_decoder


def pack_rows(prompts: list[RenderedPrompt], completions: list[tuple[int, ...]], clips: list[str | None]) -> Pack:
    """Rows `prompt.rest + completion`; rows of the same clip share one prefix, in order of first mention."""
    prefixes: dict[str, tuple[int, ...]] = {}
    for prompt, clip in zip(prompts, clips, strict=True):
        if clip is not None and prefixes.setdefault(clip, prompt.prefix) != prompt.prefix:
            raise DataError(f"clip {clip}: two rows render different audio prefixes")
    place = {clip: index for index, clip in enumerate(prefixes)}
    prefix_ids, prefix_lengths = pad_ids(list(prefixes.values()))
    rows = [prompt.rest + completion for prompt, completion in zip(prompts, completions, strict=True)]
    row_ids, row_lengths = pad_ids(rows)
    owner = torch.tensor([-1 if clip is None else place[clip] for clip in clips], dtype=torch.long)
    return Pack(prefix_ids, prefix_lengths, row_ids, row_lengths, owner)


def embed_pack(
    model: Qwen2AudioForConditionalGeneration, pack: Pack, features: Tensor, feature_lengths: Tensor
) -> Tensor:
    """Input embeddings [1, T, hidden]; `features` [B, tokens, width] stand where the prefixes hold audio tokens.

    Row i of the features belongs to prefix i. Raises DataError when a clip's features and its audio
    tokens differ in number.
    """
    device = model.device
    ids = torch.cat([pack.prefix_ids.reshape(-1), pack.row_ids.reshape(-1)]).to(device)
    embeddings = model.model.language_model.get_input_embeddings()(ids)
    audio = pack.prefix_ids == model.config.audio_token_id
    if not torch.equal(audio.sum(1), feature_lengths):
        raise DataError(
            f"audio tokens {audio.sum(1).tolist()} stand for features of lengths {feature_lengths.tolist()}"
        )
    if not bool(audio.any()):
        return embeddings[None]
    heard = torch.arange(features.shape[1])[None, :] < feature_lengths[:, None]
    projected = model.model.multi_modal_projector(features[heard].to(device))
    places = audio.reshape(-1).nonzero()[:, 0].to(device)
    return embeddings.index_copy(0, places, projected)[None]


def pack_states(
    model: Qwen2AudioForConditionalGeneration, pack: Pack, features: Tensor, feature_lengths: Tensor,
    *, layout: PackLayout | None = None,
) -> Tensor:  # fmt: skip
    """Last hidden states [T, hidden]: those of prefixes [B * P], then of rows [N * R]."""
    embeddings = embed_pack(model, pack, features, feature_lengths)
    positions = pack.positions().to(model.device)
    return run_decoder(model.model.language_model, embeddings, positions, layout or pack.layout().to(model.device))


def completion_logprobs(
    model: Qwen2AudioForConditionalGeneration, pack: Pack, completion_lengths: list[int], features: Tensor,
    feature_lengths: Tensor,
) -> Tensor:  # fmt: skip
    """Log-probabilities (natural log) of the last `completion_lengths[i]` tokens of each row, rows one after another.

    Logits are computed at these positions alone.
    """
    return completion_states(model, pack, completion_lengths, features, feature_lengths)[0]


def completion_states(
    model: Qwen2AudioForConditionalGeneration, pack: Pack, completion_lengths: list[int], features: Tensor,
    feature_lengths: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`completion_logprobs` [T], and the hidden states [T, hidden] that each of these tokens was predicted from."""
    states = pack_states(model, pack, features, feature_lengths)
    rows, width = pack.row_ids.shape
    column = torch.arange(width).expand(rows, width)
    first = pack.row_lengths - torch.tensor(completion_lengths)
    target = (column >= first[:, None]) & (column < pack.row_lengths[:, None])
    places = target.reshape(-1).nonzero()[:, 0]
    device = model.device
    read = states[(pack.prefix_ids.numel() + places - 1).to(device)]
    written = pack.row_ids.reshape(-1)[places].to(device)
    return -torch.nn.functional.cross_entropy(model.lm_head(read).float(), written, reduction="none"), read
