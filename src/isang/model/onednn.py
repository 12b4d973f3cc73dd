"""The encoder as it scores on a CPU: the same numbers by faster matrix products.

Shapes: T tokens, D and F widths before and after a product.
"""

import copy

import torch
from torch import Tensor, nn

from isang.model.encoder import Encoder

PRODUCTS = {"query_key_value": "none", "attention_out": "none", "expand": "gelu", "contract": "none"}
"""The linear parts of a layer and the activation behind each."""


class Product(nn.Module):
    """A linear layer by oneDNN in float32, with the activation behind it in the same sweep.

    torch itself takes MKL, which leaves half of the speed of processors that are not Intel's unused.
    """

    def __init__(self, linear: nn.Linear, activation: str) -> None:
        super().__init__()
        self.weight_FD = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach())
        self.bias_F = linear.bias.detach()
        self.activation = activation

    def forward(self, values_TD: Tensor) -> Tensor:
        """Shape (T, F)."""
        product_TF: Tensor = torch.ops.mkldnn._linear_pointwise(
            values_TD, self.weight_FD, self.bias_F, self.activation, [], "none"
        )
        return product_TF


def for_scoring(encoder: Encoder) -> Encoder:
    """A copy of `encoder` for inference, with oneDNN's products where torch has them."""
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return encoder
    faster = copy.deepcopy(encoder)
    for layer in faster.layers:
        for name, activation in PRODUCTS.items():
            setattr(layer, name, Product(getattr(layer, name), activation))
        layer.activation = nn.Identity()
    return faster.eval()
