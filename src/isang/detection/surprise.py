"""What the model makes of sessions: how surprised it is by each event, each gap and each end.

Shapes: S sessions, T tokens in all, N questions, V vocabulary, D width.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from isang.artifact import Model
from isang.model.batches import Rows, Sessions, Tokens, cut, length_batches
from isang.model.masking import Hidden, ask_ends, ask_gaps_in_turn, hide_in_turn
from isang.model.vocabulary import MASK
from isang.progress import Progress

Floats = NDArray[np.float64]
Ask = Callable[[Sessions], tuple[Hidden, Rows]]

SCORING_TOKENS = 16_384
"""Tokens per batch when scoring."""
DECIMALS = 3
"""Surprises are rounded, so that the order of sums in a larger batch decides nothing."""


class Surprise(NamedTuple):
    """Three answers about the tokens of sessions, in nats; each of shape T, as `sessions.flat`, NaN where none is."""

    event_T: Floats
    """-log of the probability of each event when it is hidden; one alternative is that there is no event at all."""
    gap_T: Floats
    """-log of the probability of all answers that are no likelier than "nothing is missing just before this token".

    0 where nothing is the likeliest answer, however many others there are.
    """
    end_T: Floats
    """-log of the probability that the session ends where it does, given what came before."""


def surprise(model: Model, sessions: Sessions) -> Surprise:
    """Each event is hidden once and each gap asked about once, in a few passes, about as many at a time as in training.

    Sessions longer than the model's positions are seen in consecutive pieces.
    """
    passes = max(1, round(1 / model.config.training.mask_fraction))
    pieces, _ = cut(sessions, model.config.model.positions)
    answers = Surprise(*(np.full(len(sessions.flat), np.nan) for _ in Surprise._fields))
    with torch.inference_mode(), Progress("scoring sessions", total=len(pieces), unit="distinct sessions") as bar:
        for rows in length_batches(pieces.lengths, SCORING_TOKENS // passes):
            taken, places = pieces.take(rows), pieces.places(rows)[0]
            _answer(model, hide_in_turn(taken, passes), places, _improbability, answers.event_T)
            _answer(model, ask_gaps_in_turn(taken, passes), places, _tail_improbability, answers.gap_T)
            _answer(model, ask_ends(taken), places, _improbability, answers.end_T)
            bar.advance(len(rows))
    return answers


def event_probabilities(model: Model, tokens: Tokens, position: int) -> Floats:
    """What the model expects at `position` of one session when that event is hidden: probabilities, shape V."""
    hidden = tokens.copy()
    hidden[position] = MASK
    return _probabilities(model, hidden, position)


def gap_probabilities(model: Model, tokens: Tokens, position: int) -> Floats:
    """What the model expects between the tokens at `position` - 1 and `position`: probabilities, shape V."""
    return _probabilities(model, np.insert(tokens, position, MASK).astype(np.int32), position)


def _answer(
    model: Model, asked: tuple[Hidden, Rows], places: Rows, measure: Callable[[Tensor, Tensor], Tensor], into: Floats
) -> None:
    """Write the measure of each right answer to where it belongs."""
    hidden, where = asked
    if not len(where):
        return
    asked_N = torch.from_numpy(np.flatnonzero(hidden.chosen_T))
    states_ND = model.encoder(torch.from_numpy(hidden.sessions.flat), hidden.sessions.lengths, asked_N)
    logits_NV = model.encoder.logits(states_ND)
    measured_N = measure(functional.log_softmax(logits_NV, dim=-1), torch.from_numpy(hidden.targets_N).long())
    into[places[where]] = np.round(measured_N.numpy().astype(np.float64), DECIMALS)


def _improbability(log_NV: Tensor, targets_N: Tensor) -> Tensor:
    return functional.nll_loss(log_NV, targets_N, reduction="none")


def _tail_improbability(log_NV: Tensor, targets_N: Tensor) -> Tensor:
    own_N1 = log_NV.gather(1, targets_N[:, None])
    tail_N = log_NV.masked_fill(log_NV > own_N1, -torch.inf).logsumexp(dim=-1)
    return (-tail_N).clamp(min=0)


def _probabilities(model: Model, hidden: Tokens, position: int) -> Floats:
    limit = model.config.model.positions
    start = max(0, min(position - limit // 2, len(hidden) - limit))
    seen = hidden[start : start + limit]
    with torch.inference_mode():
        states_LD = model.encoder(torch.from_numpy(seen), np.array([len(seen)]))
        logits_V = model.encoder.logits(states_LD[position - start])
        return functional.softmax(logits_V.double(), dim=-1).numpy()
