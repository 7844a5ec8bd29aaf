"""The decode loop: K chains of each question, prefilled once, every row with its own random numbers.

A row's tokens depend on its prompt and its seed, never on the rows beside it. Tokens that only a chat
template may write are never sampled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import Qwen2AudioForConditionalGeneration

from mgrd.engines.protocol import Sampling
from mgrd.models.forward import pack_states
from mgrd.models.render import RenderedPrompt
from mgrd.models.shared_prefix import DecodeLayout, Pack, pad_ids, run_decoder

COMPACT_SHARE = 0.25
"""Questions whose rows have all ended are dropped from the batch once they are this share of it."""


@dataclass(frozen=True, slots=True)
class Written:
    """Ids that a row wrote, the end of turn included where it came; `logprob` is their sum (natural log)."""

    ids: tuple[int, ...]
    logprob: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What may be written: `end` stops a row, `banned` is added to the logits [V] (0 or -inf)."""

    end: int
    banned: Tensor

    @classmethod
    def of(cls, size: int, end: int, special: Sequence[int]) -> "Vocabulary":
        banned = torch.zeros(size)
        banned[[token for token in special if token != end]] = -torch.inf
        return cls(end, banned)


@torch.inference_mode()
def write_chains(
    model: Qwen2AudioForConditionalGeneration,
    prompts: Sequence[RenderedPrompt],
    features: Tensor,
    feature_lengths: Tensor,
    seeds: Sequence[Sequence[int]],
    sampling: Sampling,
    vocabulary: Vocabulary,
) -> list[list[Written]]:
    """For each prompt one chain per seed. `features` [questions, tokens, width] are zero-length for text prompts."""
    counts = [len(row) for row in seeds]
    width = max(counts)
    state = _prefill(model, prompts, features, feature_lengths, width, sampling.max_new_tokens)
    start = torch.cat([torch.arange(count) + question * width for question, count in enumerate(counts)])
    uniforms = torch.from_numpy(np.stack([_uniforms(seed, sampling) for row in seeds for seed in row]))
    total = len(start)
    ids = torch.zeros(total, sampling.max_new_tokens, dtype=torch.long)
    lengths = torch.zeros(total, dtype=torch.long)
    logprobs = torch.zeros(total, dtype=torch.float64)
    ended = torch.zeros(total, dtype=torch.bool)
    rows = torch.arange(total)
    state.layout.slots = start
    logits = state.first_logits[start // width]
    for step in range(sampling.max_new_tokens):
        token = choose_tokens(logits + vocabulary.banned, uniforms[rows, step], sampling)
        logprobs[rows] += torch.log_softmax(logits, -1).gather(1, token[:, None])[:, 0].double()
        ids[rows, step] = token
        lengths[rows] += 1
        going = token != vocabulary.end
        ended[rows] = ~going
        if step + 1 == sampling.max_new_tokens or not bool(going.any()):
            break
        rows, token = rows[going], token[going]
        state.keep(going)
        logits = state.advance(model, token, step)
    done = [
        Written(tuple(ids[row, : lengths[row]].tolist()), float(logprobs[row]), bool(ended[row]))
        for row in range(total)
    ]
    ends = np.cumsum(counts)
    return [done[end - count : end] for end, count in zip(ends, counts, strict=True)]


def _uniforms(seed: int, sampling: Sampling) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).random(sampling.max_new_tokens)


def choose_tokens(logits: Tensor, uniforms: Tensor, sampling: Sampling) -> Tensor:
    """One token per row of logits [A, V]: the best one at temperature 0, else by inverse CDF at `uniforms` [A].

    With top_p < 1 the smallest set of most probable tokens that reaches this mass is kept.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1)
    probabilities = (logits.double() / sampling.temperature).softmax(-1)
    if sampling.top_p < 1:
        ordered, order = probabilities.sort(-1, descending=True)
        outside = ordered.cumsum(-1) - ordered >= sampling.top_p
        probabilities = probabilities.masked_fill(outside.gather(-1, order.argsort(-1)), 0.0)
    mass = probabilities.cumsum(-1)
    token = torch.searchsorted(mass, uniforms[:, None] * mass[:, -1:], right=True)[:, 0]
    return torch.minimum(token, (probabilities > 0).long().cumsum(-1).argmax(-1))


class _State:
    """Keys, values and positions of a batch of questions while its rows are being written."""

    def __init__(self, layout: DecodeLayout, lengths: Tensor, width: int, first_logits: Tensor) -> None:
        self.layout = layout
        self.lengths = lengths
        self.width = width
        self.first_logits = first_logits

    def keep(self, going: Tensor) -> None:
        """Go on with these rows; once enough questions have none left, drop them."""
        layout = self.layout
        layout.slots = layout.slots[going]
        questions = len(self.lengths)
        alive = torch.zeros(questions, dtype=torch.bool)
        alive[layout.slots // self.width] = True
        if int((~alive).sum()) < max(1, COMPACT_SHARE * questions):
            return
        kept = alive.nonzero()[:, 0]
        slots = (kept[:, None] * self.width + torch.arange(self.width)).reshape(-1)
        place = torch.full((questions,), -1, dtype=torch.long)
        place[kept] = torch.arange(len(kept))
        layout.slots = place[layout.slots // self.width] * self.width + layout.slots % self.width
        layout.context = [(key[kept], value[kept]) for key, value in layout.context]
        layout.own = [(key[slots], value[slots]) for key, value in layout.own]
        layout.context_mask = layout.context_mask[kept]
        self.lengths = self.lengths[kept]

    def advance(self, model: Qwen2AudioForConditionalGeneration, token: Tensor, step: int) -> Tensor:
        """Feed one token per row; logits [A, V] of the next."""
        self.layout.step = step
        decoder = model.model.language_model
        positions = self.lengths[self.layout.slots // self.width] + step
        embeddings = decoder.get_input_embeddings()(token)[None]
        return model.lm_head(run_decoder(decoder, embeddings, positions[None], self.layout))


def _prefill(
    model: Qwen2AudioForConditionalGeneration,
    prompts: Sequence[RenderedPrompt],
    features: Tensor,
    feature_lengths: Tensor,
    width: int,
    limit: int,
) -> _State:
    ids, lengths = pad_ids([prompt.ids for prompt in prompts])
    none = torch.zeros(0, dtype=torch.long)
    pack = Pack(ids, lengths, none.view(0, 0), none, none)
    layout = pack.layout(capture=True)
    states = pack_states(model, pack, features, feature_lengths, layout=layout)
    last = torch.arange(len(prompts)) * ids.shape[1] + lengths - 1
    assert layout.capture is not None
    hidden = torch.arange(ids.shape[1])[None, :] >= lengths[:, None]
    mask = torch.zeros(hidden.shape).masked_fill_(hidden, torch.finfo(torch.float32).min)[:, None, None]
    _, heads, _, size = layout.capture[0][0].shape
    shape = (len(prompts) * width, heads, limit, size)
    own = [(key.new_zeros(shape), value.new_zeros(shape)) for key, value in layout.capture]
    context = [(key.contiguous(), value.contiguous()) for key, value in layout.capture]
    return _State(
        DecodeLayout(context, mask, own, torch.zeros(0, dtype=torch.long)), lengths, width, model.lm_head(states[last])
    )
