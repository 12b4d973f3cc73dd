"""The transformer encoder.

Shapes: B sessions, L tokens, D width, H heads, K width of a head, V vocabulary, N chosen positions.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from isang.config import ModelConfig
from isang.model.vocabulary import PAD


class Encoder(nn.Module):
    """Pre-norm transformer over event tokens (Vaswani et al. 2017; pre-norm: Xiong et al. 2020)."""

    def __init__(self, config: ModelConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(vocabulary_size, config.width, padding_idx=PAD)
        self.position_embedding = nn.Embedding(config.positions, config.width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.head_bias = nn.Parameter(torch.zeros(vocabulary_size))
        self.dropout = nn.Dropout(config.dropout)
        self.apply(_initialise)

    def forward(self, tokens_BL: Tensor) -> Tensor:
        """Hidden states, shape (B, L, D). PAD tokens are seen by nobody."""
        positions_L = torch.arange(tokens_BL.shape[1], device=tokens_BL.device)
        hidden_BLD = self.dropout(self.token_embedding(tokens_BL) + self.position_embedding(positions_L))
        visible_B11L = (tokens_BL != PAD)[:, None, None, :]
        for layer in self.layers:
            hidden_BLD = layer(hidden_BLD, visible_B11L)
        normed_BLD: Tensor = self.norm(hidden_BLD)
        return normed_BLD

    def logits(self, hidden_ND: Tensor) -> Tensor:
        """Logits over the vocabulary, shape (N, V); the output matrix is the token embedding."""
        return functional.linear(hidden_ND, self.token_embedding.weight, self.head_bias)


class Layer(nn.Module):
    """Self-attention and a feed-forward network, each behind its norm and beside a residual path."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.attention_norm = nn.LayerNorm(config.width)
        self.query_key_value = nn.Linear(config.width, 3 * config.width)
        self.attention_out = nn.Linear(config.width, config.width)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.expand = nn.Linear(config.width, 4 * config.width)
        self.contract = nn.Linear(4 * config.width, config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden_BLD: Tensor, visible_B11L: Tensor) -> Tensor:
        hidden_BLD = hidden_BLD + self.dropout(self._attend(self.attention_norm(hidden_BLD), visible_B11L))
        expanded_BLF = functional.gelu(self.expand(self.feed_forward_norm(hidden_BLD)))
        contracted_BLD: Tensor = self.dropout(self.contract(expanded_BLF))
        return hidden_BLD + contracted_BLD

    def _attend(self, normed_BLD: Tensor, visible_B11L: Tensor) -> Tensor:
        queries_BHLK, keys_BHLK, values_BHLK = (
            part_BLD.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part_BLD in self.query_key_value(normed_BLD).chunk(3, dim=-1)
        )
        mixed_BHLK = functional.scaled_dot_product_attention(
            queries_BHLK, keys_BHLK, values_BHLK, attn_mask=visible_B11L
        )
        mixed_BLD: Tensor = self.attention_out(mixed_BHLK.transpose(1, 2).flatten(-2))
        return mixed_BLD


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        with torch.no_grad():
            module.weight[module.padding_idx].zero_()
