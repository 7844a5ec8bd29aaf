"""Attention in which many rows share one prefix: the audio tokens of a clip are computed once.

Questions on one clip, and chains of one question, begin with the same tokens. A causal decoder gives
these tokens the same keys and values in every row, so they are computed once and each row attends to
them and to itself. The result equals separate sequences; only the order of additions differs.

It plugs into the decoder of transformers as an attention implementation (`AttentionInterface`): the
layers, norms and rotations stay the library's own. Tokens travel as one flat sequence
[1, prefixes * P + rows * R, hidden], so no linear layer ever sees a token twice.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel

IMPLEMENTATION = "mgrd_shared_prefix"


@dataclass(slots=True)
class PackLayout:
    """How a flat sequence is made of prefixes [B, P] and rows [N, R], both padded at the end.

    `owner` [N] names each row's prefix; `row_mask` [N, 1, 1, R, P + R] and `prefix_mask` [P, P] are
    added to the scores. Where `capture` is a list, keys and values [B, kv heads, P, d] of the
    prefixes are appended to it, layer by layer.
    """

    prefixes: int
    prefix_length: int
    rows: int
    owner: Tensor
    prefix_mask: Tensor
    row_mask: Tensor
    capture: list[tuple[Tensor, Tensor]] | None = None

    def to(self, device: torch.device) -> "PackLayout":
        """The same on a device, in place."""
        self.owner = self.owner.to(device)
        self.prefix_mask, self.row_mask = self.prefix_mask.to(device), self.row_mask.to(device)
        return self

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float, layer: int) -> Tensor:
        """query [1, heads, T, d], key and value [1, kv heads, T, d] -> [1, T, heads, d]."""
        del layer
        split = self.prefixes * self.prefix_length
        kv_heads = key.shape[1]
        parts = []
        prefix_key = _unfold(key[0, :, :split], self.prefixes)
        prefix_value = _unfold(value[0, :, :split], self.prefixes)
        if self.capture is not None:
            self.capture.append((prefix_key, prefix_value))
        if split:
            prefix_query = _unfold(query[0, :, :split], self.prefixes)
            parts.append(_attention(prefix_query, prefix_key, prefix_value, self.prefix_mask, scaling, kv_heads))
        if self.rows:
            row_query, row_key, row_value = (_unfold(x[0, :, split:], self.rows) for x in (query, key, value))
            if split:
                row_key = torch.cat([prefix_key.index_select(0, self.owner), row_key], dim=2)
                row_value = torch.cat([prefix_value.index_select(0, self.owner), row_value], dim=2)
            parts.append(_attention(row_query, row_key, row_value, self.row_mask, scaling, kv_heads))
        return torch.cat(parts)[None]


@dataclass(slots=True)
class DecodeLayout:
    """One decoding step of rows in slots [B, K]: K rows share the context of a question.

    `context` holds keys and values [B, kv heads, P, d] per layer, `context_mask` [B, 1, 1, P] hides
    their padding, `own` holds preallocated keys and values [B * K, kv heads, limit, d] per layer,
    `slots` [A] names the slots that still write, `step` counts tokens that they wrote before.
    """

    context: list[tuple[Tensor, Tensor]]
    context_mask: Tensor
    own: list[tuple[Tensor, Tensor]]
    slots: Tensor
    step: int = 0

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float, layer: int) -> Tensor:
        """query [1, heads, A, d], key and value [1, kv heads, A, d] -> [1, A, heads, d]."""
        context_key, context_value = self.context[layer]
        own_key, own_value = self.own[layer]
        questions, kv_heads, _, width = context_key.shape
        total, end = own_key.shape[0], self.step + 1
        group = query.shape[1] // kv_heads
        own_key[self.slots, :, self.step] = key[0].transpose(0, 1)
        own_value[self.slots, :, self.step] = value[0].transpose(0, 1)
        grid = query.new_zeros(total, kv_heads, group, width)
        grid[self.slots] = query[0].transpose(0, 1).reshape(-1, kv_heads, group, width) * scaling
        shared = grid.reshape(questions, -1, kv_heads, group, width).transpose(1, 2)
        shared = shared.reshape(questions, kv_heads, -1, width)
        context_scores = shared @ context_key.transpose(2, 3) + self.context_mask
        context_scores = context_scores.reshape(questions, kv_heads, -1, group, context_scores.shape[-1])
        context_scores = context_scores.transpose(1, 2).reshape(total, kv_heads, group, -1)
        own_scores = grid @ own_key[:, :, :end].transpose(2, 3)
        weights = torch.cat([context_scores, own_scores], dim=-1).softmax(-1)
        split = context_scores.shape[-1]
        shared = weights[..., :split].reshape(questions, -1, kv_heads, group, split).transpose(1, 2)
        heard = shared.reshape(questions, kv_heads, -1, split) @ context_value
        heard = heard.reshape(questions, kv_heads, -1, group, width).transpose(1, 2)
        heard = heard.reshape(total, kv_heads, group, width)
        written = weights[..., split:] @ own_value[:, :, :end]
        return (heard + written).reshape(total, kv_heads * group, width)[self.slots][None]


Layout = PackLayout | DecodeLayout


def _unfold(flat: Tensor, count: int) -> Tensor:
    """[heads, count * length, d] -> [count, heads, length, d]."""
    heads, total, width = flat.shape
    return flat.reshape(heads, count, total // max(1, count), width).transpose(0, 1)


def _attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scaling: float, kv_heads: int) -> Tensor:
    """Grouped-query attention: [n, heads, q, d] over [n, kv heads, k, d] -> flat [n * q, heads, d]."""
    count, heads, length, width = query.shape
    grouped = (query * scaling).reshape(count, kv_heads, -1, width)
    scores = (grouped @ key.transpose(2, 3)).view(count, kv_heads, heads // kv_heads, length, -1) + mask
    weights = scores.softmax(-1).view(count, kv_heads, -1, scores.shape[-1])
    output = (weights @ value).view(count, heads, length, width)
    return output.transpose(1, 2).reshape(count * length, heads, width)


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, scaling: float,
    layout: Layout, **_: object,
) -> tuple[Tensor, None]:  # fmt: skip
    """The attention function that transformers calls in each decoder layer."""
    del attention_mask
    layer = module.layer_idx
    assert isinstance(layer, int)
    return layout.attend(query, key, value, scaling, layer), None


AttentionInterface.register(IMPLEMENTATION, attend)


@dataclass(frozen=True, slots=True)
class Pack:
    """Rows with shared prefixes as padded ids: `prefix_ids` [B, P], `row_ids` [N, R], with true lengths.

    `owner` [N] is the row's prefix, or -1 for a row without one.
    """

    prefix_ids: Tensor
    prefix_lengths: Tensor
    row_ids: Tensor
    row_lengths: Tensor
    owner: Tensor

    @property
    def tokens(self) -> int:
        """Tokens without padding, prefixes counted once."""
        return int(self.prefix_lengths.sum() + self.row_lengths.sum())

    def positions(self) -> Tensor:
        """Position ids [1, T]: a row goes on where its prefix ends."""
        prefix = torch.arange(self.prefix_ids.shape[1]).expand(self.prefix_ids.shape)
        row = torch.arange(self.row_ids.shape[1]) + self._starts()[:, None]
        return torch.cat([prefix.reshape(-1), row.reshape(-1)])[None]

    def layout(self, *, capture: bool = False) -> PackLayout:
        """Who attends to whom; with `capture` the prefixes' keys and values are kept, to decode from them."""
        prefixes, prefix_length = self.prefix_ids.shape
        rows, row_length = self.row_ids.shape
        seen = torch.arange(prefix_length)[None, :] < self._starts()[:, None]
        causal = torch.ones(row_length, row_length, dtype=torch.bool).tril()
        visible = torch.cat(
            [seen[:, None].expand(rows, row_length, prefix_length), causal.expand(rows, row_length, row_length)], dim=2
        )
        return PackLayout(
            prefixes=prefixes,
            prefix_length=prefix_length,
            rows=rows,
            owner=self.owner.clamp(min=0),
            prefix_mask=_additive(torch.ones(prefix_length, prefix_length, dtype=torch.bool).tril()),
            row_mask=_additive(visible)[:, None, None],
            capture=[] if capture else None,
        )

    def _starts(self) -> Tensor:
        if not len(self.prefix_lengths):
            return torch.zeros_like(self.owner)
        return torch.where(self.owner >= 0, self.prefix_lengths[self.owner.clamp(min=0)], 0)


def _additive(visible: Tensor) -> Tensor:
    return torch.zeros(visible.shape).masked_fill_(~visible, torch.finfo(torch.float32).min)


def pad_ids(rows: list[tuple[int, ...]]) -> tuple[Tensor, Tensor]:
    """Ids [n, longest] padded at the end with zeros, and lengths [n]."""
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.long)
    longest = int(lengths.max()) if rows else 0
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], dtype=torch.long)
    return ids.view(len(rows), longest), lengths


def run_decoder(decoder: PreTrainedModel, embeddings: Tensor, positions: Tensor, layout: Layout) -> Tensor:
    """Last hidden states [T, hidden] of a flat sequence [1, T, hidden] under a layout."""
    if decoder.config._attn_implementation != IMPLEMENTATION:
        decoder.set_attn_implementation(IMPLEMENTATION)
    output = decoder(
        inputs_embeds=embeddings,
        position_ids=positions,
        attention_mask={"full_attention": None},
        use_cache=False,
        layout=layout,
    )
    return output.last_hidden_state[0]
