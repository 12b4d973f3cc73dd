"""The transformer encoder.

A batch is ragged: T tokens in all, the B sessions concatenated. Only attention depends on where a session ends.
After the last attention, only the requested positions are computed.
Shapes: B sessions, T tokens in all, D width, F width of the feed-forward network, V vocabulary, N positions asked for.
"""

import os

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from isang.config import ModelConfig
from isang.model.attention import Attention, attention_within
from isang.model.vocabulary import PAD

os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")
"""oneDNN caches a kernel with its buffers for each number of tokens it has seen, by default 1,024 of them: gigabytes
for ragged batches, which rarely have the same size. It reads this variable on torch's first product or GELU."""


class Encoder(nn.Module):
    """Pre-norm transformer over event tokens (Vaswani et al. 2017; pre-norm: Xiong et al. 2020)."""

    def __init__(self, config: ModelConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocabulary_size = vocabulary_size
        self.token_embedding = nn.Embedding(vocabulary_size, config.width, padding_idx=PAD)
        self.position_embedding = nn.Embedding(config.positions, config.width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.head_bias = nn.Parameter(torch.zeros(vocabulary_size))
        self.dropout = Dropout(config.dropout)
        self.apply(_initialise)

    def forward(
        self,
        tokens_T: Tensor,
        lengths_B: NDArray[np.int64],
        asked_N: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Hidden states of sessions of these lengths at the positions `asked_N` (all where None), shape (N, D).

        Adjacent sessions of equal length are fastest. The `generator` draws the dropout in training.
        """
        attention = attention_within(lengths_B, tokens_T.device)
        last = self.config.positions - 1  # questions about gaps can make a session longer than the model's positions
        places_T = np.arange(len(tokens_T)) - np.repeat(np.cumsum(lengths_B) - lengths_B, lengths_B)
        positions_T = torch.from_numpy(np.minimum(places_T, last)).to(tokens_T.device)
        embedded_TD = self.token_embedding(tokens_T) + self.position_embedding(positions_T)
        hidden_TD = self.dropout(embedded_TD, generator)
        for layer in self.layers[:-1]:
            hidden_TD = layer(hidden_TD, attention, None, generator)
        normed_ND: Tensor = self.norm(self.layers[-1](hidden_TD, attention, asked_N, generator))
        return normed_ND

    def logits(self, hidden_ND: Tensor) -> Tensor:
        """Logits over the vocabulary, shape (N, V); the output matrix is the token embedding."""
        return functional.linear(hidden_ND, self.token_embedding.weight, self.head_bias)


class Layer(nn.Module):
    """Self-attention and a feed-forward network, each with a norm before it and a residual connection."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.attention_norm = nn.LayerNorm(config.width)
        self.query_key_value = nn.Linear(config.width, 3 * config.width)
        self.attention_out = nn.Linear(config.width, config.width)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.expand = nn.Linear(config.width, config.expansion * config.width)
        self.activation = nn.GELU()
        self.contract = nn.Linear(config.expansion * config.width, config.width)
        self.dropout = Dropout(config.dropout)

    def forward(
        self,
        hidden_TD: Tensor,
        attention: Attention,
        asked_N: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """New hidden states of all tokens, or of the positions `asked_N` alone."""
        mixed_TD = attention.mix(self.query_key_value(self.attention_norm(hidden_TD)), self.heads)
        if asked_N is not None:
            hidden_TD, mixed_TD = hidden_TD.index_select(0, asked_N), mixed_TD.index_select(0, asked_N)
        hidden_TD = hidden_TD + self.dropout(self.attention_out(mixed_TD), generator)
        expanded_TF = self.activation(self.expand(self.feed_forward_norm(hidden_TD)))
        contracted_TD: Tensor = self.dropout(self.contract(expanded_TF), generator)
        return hidden_TD + contracted_TD


def weight_shapes(config: ModelConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """The shape of each weight of `Encoder(config, vocabulary_size)`, by name, without making one."""
    width, expanded = config.width, config.expansion * config.width
    of_layer = {
        "attention_norm.weight": (width,), "attention_norm.bias": (width,),
        "query_key_value.weight": (3 * width, width), "query_key_value.bias": (3 * width,),
        "attention_out.weight": (width, width), "attention_out.bias": (width,),
        "feed_forward_norm.weight": (width,), "feed_forward_norm.bias": (width,),
        "expand.weight": (expanded, width), "expand.bias": (expanded,),
        "contract.weight": (width, expanded), "contract.bias": (width,),
    }  # fmt: skip
    return {
        "token_embedding.weight": (vocabulary_size, width), "position_embedding.weight": (config.positions, width),
        "norm.weight": (width,), "norm.bias": (width,), "head_bias": (vocabulary_size,),
        **{f"layers.{n}.{name}": shape for n in range(config.layers) for name, shape in of_layer.items()},
    }  # fmt: skip


class Dropout(nn.Module):
    """Dropout; on the CPU with 16 random bits per value, a quarter of the cost of torch's own."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, values: Tensor, generator: torch.Generator | None = None) -> Tensor:
        if not values.is_cpu or not self.training or self.share == 0:
            return functional.dropout(values, self.share, self.training)
        words = torch.empty(values.numel() // 4 + 1, dtype=torch.int64).random_(-(2**63), None, generator=generator)
        drawn = words.view(torch.int16)[: values.numel()].view(values.shape)
        return values * ((drawn >= round(self.share * 2**16) - 2**15) / (1 - self.share))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        with torch.no_grad():
            module.weight[module.padding_idx].zero_()
