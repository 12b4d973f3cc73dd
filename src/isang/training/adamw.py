"""AdamW (Loshchilov and Hutter 2019) by torch's own kernel: torch.optim would first import torch's compiler."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

BETAS, EPSILON = (0.9, 0.999), 1e-8


class AdamW:
    """Updates weights from their gradients, all with the same settings."""

    def __init__(self, weights: Iterable[Tensor], learning_rate: float, weight_decay: float) -> None:
        self._weights = list(weights)
        self.learning_rate, self._weight_decay = learning_rate, weight_decay
        self._steps = [torch.zeros((), device=each.device) for each in self._weights]
        self._means = [torch.zeros_like(each, requires_grad=False) for each in self._weights]
        self._squares = [torch.zeros_like(each, requires_grad=False) for each in self._weights]

    @torch.no_grad()
    def step(self) -> None:
        """Update each weight that has a gradient."""
        learned = [place for place, each in enumerate(self._weights) if each.grad is not None]
        steps = [self._steps[place] for place in learned]
        torch._foreach_add_(steps, 1)
        torch._fused_adamw_(
            [self._weights[place] for place in learned],
            [grad for place in learned if (grad := self._weights[place].grad) is not None],
            [self._means[place] for place in learned],
            [self._squares[place] for place in learned],
            [],
            steps,
            lr=self.learning_rate, beta1=BETAS[0], beta2=BETAS[1], weight_decay=self._weight_decay, eps=EPSILON,
            amsgrad=False, maximize=False,
        )  # fmt: skip

    def zero_grad(self) -> None:
        """Clear all gradients."""
        for each in self._weights:
            each.grad = None

    def state(self) -> dict[str, Tensor]:
        """The state needed to resume, as `INDEX.NAME`. The tensors are live: the next step changes them."""
        parts = {"step": self._steps, "exp_avg": self._means, "exp_avg_sq": self._squares}
        return {
            f"{place}.{name}": tensors[place] for place in range(len(self._weights)) for name, tensors in parts.items()
        }

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Load what `state` returned. Raises KeyError or RuntimeError if it belongs to other weights."""
        for name, own in self.state().items():
            own.copy_(tensors[name])
