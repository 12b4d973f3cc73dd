"""Masked-event targets: what is hidden from the model, and what it must say instead."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isang.model.batches import Sessions, Tokens
from isang.model.vocabulary import BEGIN, END, MARKS, MASK, PAD

MASKED_SHARE, RANDOM_SHARE = 0.8, 0.1
"""Of the chosen events 80 % become MASK, 10 % a random template and 10 % stay (Devlin et al. 2019, BERT)."""


class Hidden(NamedTuple):
    """Sessions as the model sees them, and what it is asked."""

    sessions: Sessions
    chosen_T: NDArray[np.bool_]
    """The positions at which it must answer."""
    targets_N: Tokens
    """The right answers, in the order of these positions."""


def hide(sessions: Sessions, mask_fraction: float, vocabulary_size: int, generator: np.random.Generator) -> Hidden:
    """Hide about `mask_fraction` of the events, at least one per session that has any."""
    tokens_T = sessions.flat
    events_T = ~np.isin(tokens_T, (PAD, BEGIN, END))
    draw_T = np.where(events_T, generator.random(len(tokens_T)), np.inf)
    lowest_B = np.minimum.reduceat(draw_T, sessions.offsets[:-1])
    chosen_T = events_T & ((draw_T < mask_fraction) | (draw_T == np.repeat(lowest_B, sessions.lengths)))

    fate_T = generator.random(len(tokens_T))
    hidden_T = tokens_T.copy()
    hidden_T[chosen_T & (fate_T < MASKED_SHARE)] = MASK
    replaced_T = chosen_T & (fate_T >= MASKED_SHARE) & (fate_T < MASKED_SHARE + RANDOM_SHARE)
    hidden_T[replaced_T] = generator.integers(len(MARKS) - 1, vocabulary_size, int(replaced_T.sum()))
    return Hidden(Sessions(hidden_T, sessions.offsets), chosen_T, tokens_T[chosen_T])


def hide_in_turn(sessions: Sessions, passes: int) -> tuple[Hidden, NDArray[np.int64]]:
    """For scoring: each session several times, so that each event is hidden in exactly one of at most `passes` copies.

    The events hidden together stand as far apart as can be. Returns also where in `sessions.flat` each answer belongs,
    shape N.
    """
    copies_B = np.minimum(np.maximum(sessions.lengths - 2, 1), passes)
    rows_R = np.repeat(np.arange(len(sessions)), copies_B)
    places_T, offsets = sessions.places(rows_R)
    copies = Sessions(sessions.flat[places_T], offsets)
    turn_R = np.arange(len(rows_R)) - np.repeat(np.cumsum(copies_B) - copies_B, copies_B)
    position_T = np.arange(len(places_T)) - np.repeat(offsets[:-1], copies.lengths)
    due_T = position_T % np.repeat(copies_B[rows_R], copies.lengths) == np.repeat(turn_R, copies.lengths)
    chosen_T = due_T & ~np.isin(copies.flat, (PAD, BEGIN, END))
    hidden = Sessions(np.where(chosen_T, np.int32(MASK), copies.flat), offsets)
    return Hidden(hidden, chosen_T, copies.flat[chosen_T]), places_T[chosen_T]
