"""The named parts of a model, and how much each is updated: a part that does not change is frozen or dead."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Parts(NamedTuple):
    """Per part of the model, such as `token_embedding`, `layers.0`, `norm`."""

    gradient_norm: Mapping[str, float]  # before clipping
    update_ratio: Mapping[str, float]  # norm of one step's change of the weights over the norm of the weights


def part_norms(model: nn.Module) -> dict[str, float]:
    """The norm of each part's gradient; 0 if it has none."""
    return _norms(
        (name, torch.zeros(1) if weights.grad is None else weights.grad) for name, weights in model.named_parameters()
    )


def part_ratios(model: nn.Module, before: Sequence[Tensor]) -> dict[str, float]:
    """Norm of each part's change since `before`, divided by its norm then; 0 if its weights were all zero."""
    named = list(model.named_parameters())
    moved = _norms((name, now.detach() - then) for (name, now), then in zip(named, before, strict=True))
    sizes = _norms((name, then) for (name, _), then in zip(named, before, strict=True))
    return {part: distance / sizes[part] if sizes[part] else 0.0 for part, distance in moved.items()}


def _norms(tensors: Iterable[tuple[str, Tensor]]) -> dict[str, float]:
    squares: dict[str, Tensor] = {}
    for name, tensor in tensors:
        words = name.split(".")
        part = ".".join(words[:2]) if words[0] == "layers" else words[0]
        squares[part] = squares.get(part, 0.0) + tensor.detach().double().square().sum()
    return {part: float(square.sqrt()) for part, square in squares.items()}
