"""What training minimises: the cross-entropy of the hidden events."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from isang.config import TrainingConfig
from isang.model.batches import Sessions, length_batches
from isang.model.encoder import Encoder
from isang.model.masking import hide

VALIDATION_TOKENS = 16_384
"""Tokens per batch where no gradient is needed."""


def masked_loss(
    model: Encoder, sessions: Sessions, mask_fraction: float, generator: np.random.Generator
) -> tuple[Tensor, int]:
    """The sum of the cross-entropies at the hidden positions, in nats, and their number."""
    hidden = hide(sessions, mask_fraction, model.vocabulary_size, generator)
    asked_N = torch.from_numpy(np.flatnonzero(hidden.chosen_T))
    states_ND = model(torch.from_numpy(hidden.sessions.flat), hidden.sessions.lengths, asked_N)
    logits_NV = model.logits(states_ND)
    targets_N = torch.from_numpy(hidden.targets_N).long()
    loss: Tensor = functional.cross_entropy(logits_NV, targets_N, reduction="sum")
    return loss, len(targets_N)


def validation_loss(model: Encoder, validation: Sessions, config: TrainingConfig) -> tuple[float, int]:
    """Loss sum in nats and number of hidden events on the held-out sessions; each time the same events are hidden."""
    model.eval()
    loss_sum, events = 0.0, 0
    with torch.inference_mode():
        for number, rows in enumerate(length_batches(validation.lengths, VALIDATION_TOKENS)):
            generator = np.random.default_rng([config.seed, 2, number])
            loss, count = masked_loss(model, validation.take(rows), config.mask_fraction, generator)
            loss_sum, events = loss_sum + float(loss), events + count
    return loss_sum, events
