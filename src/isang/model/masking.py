"""Masked-event targets: what is hidden from the model, and what it must say instead."""

import numpy as np
from numpy.typing import NDArray

from isang.model.batches import Tokens
from isang.model.vocabulary import BEGIN, END, MARKS, MASK, PAD

Positions = NDArray[np.bool_]

MASKED_SHARE, RANDOM_SHARE = 0.8, 0.1
"""Of the chosen events 80 % become MASK, 10 % a random template and 10 % stay (Devlin et al. 2019, BERT)."""


def hide(
    tokens_BL: Tokens, mask_fraction: float, vocabulary_size: int, generator: np.random.Generator
) -> tuple[Tokens, Positions]:
    """Hide about `mask_fraction` of the events, at least one per session that has any.

    Returns the input with hidden events (shape B, L) and the chosen positions (B, L); targets are `tokens_BL` there.
    """
    events_BL = (tokens_BL != PAD) & (tokens_BL != BEGIN) & (tokens_BL != END)
    draw_BL = np.where(events_BL, generator.random(tokens_BL.shape), np.inf)
    lowest_B1 = draw_BL.min(axis=1, keepdims=True)
    chosen_BL = events_BL & ((draw_BL < mask_fraction) | (draw_BL == lowest_B1))

    fate_BL = generator.random(tokens_BL.shape)
    hidden_BL = tokens_BL.copy()
    hidden_BL[chosen_BL & (fate_BL < MASKED_SHARE)] = MASK
    replaced_BL = chosen_BL & (fate_BL >= MASKED_SHARE) & (fate_BL < MASKED_SHARE + RANDOM_SHARE)
    hidden_BL[replaced_BL] = generator.integers(len(MARKS) - 1, vocabulary_size, int(replaced_BL.sum()))
    return hidden_BL, chosen_BL


def turns(tokens_BL: Tokens, passes: int) -> NDArray[np.int64]:
    """For scoring: the pass in which each event is hidden, shape (B, L); -1 at PAD, BEGIN and END.

    Every event is hidden in exactly one of the passes, and the hidden ones of a pass stand as far apart as can be.
    """
    turn_BL = np.broadcast_to(np.arange(tokens_BL.shape[1]) % passes, tokens_BL.shape)
    return np.where(np.isin(tokens_BL, (PAD, BEGIN, END)), -1, turn_BL)
