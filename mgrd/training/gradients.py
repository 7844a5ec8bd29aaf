"""What every kind of training shares of a step: its rows' log-probabilities, gradients of shards added up, the update.

Rows go through the decoder as packs (`mgrd.models.forward`): rows of a clip share its audio tokens, whose features come
from the cache. Only the tokens of completions are in any loss.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import Qwen2AudioForConditionalGeneration

from mgrd.models.forward import completion_states, pack_rows
from mgrd.training.batches import TrainingRow
from mgrd.training.features import FeatureCache
from mgrd.training.optimizer import CLIP_NORM


def row_states(
    model: Qwen2AudioForConditionalGeneration, rows: Sequence[TrainingRow], features: FeatureCache
) -> tuple[Tensor, Tensor, int]:
    """Log-probabilities [T] and states [T, hidden] of the rows' completion tokens, and the tokens computed.

    T counts the tokens of all completions, row after row; a state is the one that its token was predicted from.
    """
    pack = pack_rows(
        [row.example.prompt for row in rows], [row.example.completion for row in rows], [row.clip_id for row in rows]
    )
    clips = list(dict.fromkeys(row.clip_id for row in rows if row.clip_id is not None))
    lengths = [len(row.example.completion) for row in rows]
    logprobs, states = completion_states(model, pack, lengths, *features.get(clips))
    return logprobs, states, pack.tokens


def put_gradients(parameters: Sequence[nn.Parameter], shards: Sequence[Sequence[Tensor]]) -> None:
    """Each parameter's gradient: the sum over shards, added up in the first shard's own memory."""
    for parameter, first, *others in zip(parameters, *shards, strict=True):
        for gradient in others:
            first.add_(gradient)
        parameter.grad = first


def update(parameters: Sequence[nn.Parameter], optimizer: torch.optim.Optimizer) -> None:
    """One step of the optimiser, along a gradient of length CLIP_NORM at most."""
    torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM, foreach=True)
    optimizer.step()
