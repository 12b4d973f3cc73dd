"""The encoder for scoring on a CPU: the results of the trained one with as little arithmetic as possible.

The first layer's work before attention depends only on the token and its position, so it is done once for each such
pair; the last layer is computed only at the requested positions.
Shapes: U different pairs of token and position, T tokens in all, N positions asked for, D width, F width of the
feed-forward network, V vocabulary; in a block G sessions of length L with A queries each, H heads, K width of a head.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from isang.model.batches import Rows, Tokens
from isang.model.encoder import Encoder, Layer

SHORT = 64
"""Up to this session length, attention is faster as plain products, head by head, than with torch's own kernel."""
Sizes = tuple[int, int, int]
"""G, L and A of a block."""
Product = Callable[[Tensor], Tensor]


class EncoderBlock(NamedTuple):
    """Sessions of one length."""

    tokens_GL: Tokens
    asked: slice
    """The A positions that are asked about in each of them."""

    @property
    def sizes(self) -> Sizes:
        """G, L and A."""
        sessions, length = self.tokens_GL.shape
        return sessions, length, len(range(length)[self.asked])


class ScoringEncoder:
    """A trained encoder for inference; it keeps packed copies of the weights."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._layers = [_ScoringLayer(layer) for layer in encoder.layers if isinstance(layer, Layer)]

    def logits(self, blocks: Sequence[EncoderBlock]) -> Tensor:
        """Logits at the asked positions, session by session, block by block, shape (N, V)."""
        rows_T, states = self._embedded(blocks)
        every = [(sessions, length, length) for sessions, length, _ in (block.sizes for block in blocks)]
        for layer in self._layers[:-1]:
            states = layer.states(states, rows_T, rows_T, every)
            rows_T = torch.arange(len(rows_T))
        asked = [block.sizes for block in blocks]
        states_ND = self._layers[-1].states(states, rows_T, rows_T[_asked_tokens(blocks)], asked)
        return self._encoder.logits(self._encoder.norm(states_ND))

    def _embedded(self, blocks: Sequence[EncoderBlock]) -> tuple[Tensor, Tensor]:
        """The pair of token and position of each token, shape T, and the embeddings of these pairs, shape (U, D)."""
        positions = self._encoder.config.positions
        pairs_T = np.concatenate([_pairs(block.tokens_GL, positions) for block in blocks])
        pairs_U, rows_T = np.unique(pairs_T, return_inverse=True)
        tokens_U, places_U = torch.from_numpy(pairs_U // positions), torch.from_numpy(pairs_U % positions)
        embedded_UD = self._encoder.token_embedding(tokens_U) + self._encoder.position_embedding(places_U)
        return torch.from_numpy(rows_T), embedded_UD


def _pairs(tokens_GL: Tokens, positions: int) -> Rows:
    """A number for each token with its position, shape (G L); positions beyond the model's are its last one."""
    places_L = np.minimum(np.arange(tokens_GL.shape[1]), positions - 1)
    pairs: Rows = (tokens_GL.astype(np.int64) * positions + places_L).ravel()
    return pairs


def _asked_tokens(blocks: Sequence[EncoderBlock]) -> Tensor:
    """Which of the T tokens are asked about, shape N."""
    asked, start = [], 0
    for block in blocks:
        numbers_GL = np.arange(start, start + block.tokens_GL.size).reshape(block.tokens_GL.shape)
        asked.append(numbers_GL[:, block.asked].ravel())
        start += block.tokens_GL.size
    return torch.from_numpy(np.concatenate(asked))


class _ScoringLayer:
    """A layer of the encoder."""

    def __init__(self, layer: Layer) -> None:
        width = layer.attention_out.in_features
        self._heads = layer.heads
        self._attention_norm, self._feed_forward_norm = layer.attention_norm, layer.feed_forward_norm
        weight, bias = layer.query_key_value.weight.detach(), layer.query_key_value.bias.detach()
        scale = (width // layer.heads) ** -0.5
        self._queries = _Linear(scale * weight[:width], scale * bias[:width])
        self._keys_values = _Linear(weight[width:], bias[width:])
        self._attention_out = _Linear(layer.attention_out.weight.detach(), layer.attention_out.bias.detach())
        self._expand = _Linear(layer.expand.weight.detach(), layer.expand.bias.detach(), activation="gelu")
        self._contract = _Linear(layer.contract.weight.detach(), layer.contract.bias.detach())

    def states(self, hidden: Tensor, rows_T: Tensor, rows_N: Tensor, sizes: Sequence[Sizes]) -> Tensor:
        """New hidden states of the rows `rows_N` of `hidden`, which attend to the tokens in the rows `rows_T`."""
        normed = self._attention_norm(hidden)
        keys_values_TF = self._keys_values(normed).index_select(0, rows_T)
        if len(rows_N) < len(normed):
            queries_ND = self._queries(normed.index_select(0, rows_N))
        else:
            queries_ND = self._queries(normed).index_select(0, rows_N)
        hidden_ND = self._attention_out(self._mixed(queries_ND, keys_values_TF, sizes), hidden.index_select(0, rows_N))
        return self._contract(self._expand(self._feed_forward_norm(hidden_ND)), hidden_ND)

    def _mixed(self, queries_ND: Tensor, keys_values_TF: Tensor, sizes: Sequence[Sizes]) -> Tensor:
        """Each query attends to its whole session; shape (N, D)."""
        queries = queries_ND.split_with_sizes([sessions * asked for sessions, _, asked in sizes])
        keys_values = keys_values_TF.split_with_sizes([sessions * length for sessions, length, _ in sizes])
        mixed = [
            _attention(
                of_block.view(sessions, asked, self._heads, -1), among.view(sessions, length, 2, self._heads, -1)
            )
            for of_block, among, (sessions, length, asked) in zip(queries, keys_values, sizes, strict=True)
        ]
        return torch.cat(mixed)


def _attention(queries_GAHK: Tensor, keys_values_GL2HK: Tensor) -> Tensor:
    """Attention of already scaled queries, shape (G A, D)."""
    keys_GLHK, values_GLHK = keys_values_GL2HK.unbind(2)
    if keys_GLHK.shape[1] > SHORT:
        mixed_GHAK = functional.scaled_dot_product_attention(
            queries_GAHK.transpose(1, 2), keys_GLHK.transpose(1, 2), values_GLHK.transpose(1, 2), scale=1.0
        )
        return mixed_GHAK.transpose(1, 2).flatten(2).flatten(0, 1)
    mixed_GAK = [
        torch.bmm(torch.bmm(queries_GAK, keys_GLK.transpose(1, 2)).softmax(dim=-1), values_GLK)
        for queries_GAK, keys_GLK, values_GLK in zip(
            queries_GAHK.unbind(2), keys_GLHK.unbind(2), values_GLHK.unbind(2), strict=True
        )
    ]
    return torch.cat(mixed_GAK, dim=-1).flatten(0, 1)


class _Linear:
    """A linear layer by oneDNN in float32, fused with the operation after it; by torch if oneDNN is absent.

    torch itself uses MKL, which reaches only half the speed on processors that are not Intel's.
    """

    def __init__(self, weight_FD: Tensor, bias_F: Tensor, activation: str = "none") -> None:
        self._packed = hasattr(torch.ops.mkldnn, "_linear_pointwise")
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight_FD) if self._packed else weight_FD
        self._bias_F, self._activation = bias_F, activation

    def __call__(self, values_TD: Tensor, beside_TF: Tensor | None = None) -> Tensor:
        """The product, or its sum with `beside_TF`; shape (T, F)."""
        given = values_TD, self._weight, self._bias_F
        if self._packed and beside_TF is None:
            product_TF: Tensor = torch.ops.mkldnn._linear_pointwise(*given, self._activation, [], "none")
            return product_TF
        if self._packed:
            sum_TF: Tensor = torch.ops.mkldnn._linear_pointwise.binary(values_TD, beside_TF, *given[1:], "add")
            return sum_TF
        product_TF = functional.linear(*given)
        if self._activation == "gelu":
            product_TF = functional.gelu(product_TF)
        return product_TF if beside_TF is None else product_TF + beside_TF
