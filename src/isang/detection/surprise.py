"""What the model makes of sessions: how surprised it is by each event, each gap and each end.

Shapes: S sessions, T tokens in all, N questions, V vocabulary, D width.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from isang.artifact import Model
from isang.model.batches import Rows, Sessions, Tokens, cut, length_batches
from isang.model.encoder import Encoder
from isang.model.masking import ask_in_turn
from isang.model.onednn import for_scoring
from isang.model.vocabulary import END, MASK, NOTHING
from isang.progress import Progress

Floats = NDArray[np.float64]

SCORING_TOKENS = 4_096
"""Tokens per batch when scoring."""
EVENT_PASSES, GAP_PASSES = 3, 3
"""Copies of a session in which events are hidden, and in which gaps are asked about; one more asks for its end."""
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
    """Each event is hidden once and each gap and end asked about once, in a few passes.

    Sessions longer than the model's positions are seen in consecutive pieces. Each of torch's threads takes batches of
    its own, so that their number changes no number.
    """
    encoder, threads = _scoring_encoder(model), torch.get_num_threads()
    pieces, _ = cut(sessions, model.config.model.positions)
    answers = Surprise(*(np.full(len(sessions.flat), np.nan) for _ in Surprise._fields))

    def work(rows: Rows) -> int:
        _answer(encoder, pieces, rows, answers)
        return len(rows)

    batches = length_batches(pieces.lengths, SCORING_TOKENS // (EVENT_PASSES + GAP_PASSES + 1))
    try:
        with (
            Progress("scoring sessions", total=len(pieces), unit="distinct sessions") as bar,
            ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        ):
            for done in pool.map(work, batches):
                bar.advance(done)
    finally:
        torch.set_num_threads(threads)
    return answers


def event_probabilities(model: Model, tokens: Tokens, position: int) -> Floats:
    """What the model expects at `position` of one session when that event is hidden: probabilities, shape V."""
    hidden = tokens.copy()
    hidden[position] = MASK
    return _probabilities(model, hidden, position)


def gap_probabilities(model: Model, tokens: Tokens, position: int) -> Floats:
    """What the model expects between the tokens at `position` - 1 and `position`: probabilities, shape V."""
    return _probabilities(model, np.insert(tokens, position, MASK).astype(np.int32), position)


@lru_cache(maxsize=2)
def _scoring_encoder(model: Model) -> Encoder:
    return for_scoring(model.encoder)


@torch.inference_mode()
def _answer(encoder: Encoder, pieces: Sessions, rows: Rows, answers: Surprise) -> None:
    """Write what the model says of the pieces `rows` to where it belongs."""
    hidden, where_N = ask_in_turn(pieces.take(rows), EVENT_PASSES, GAP_PASSES)
    asked_N = torch.from_numpy(np.flatnonzero(hidden.chosen_T))
    states_ND = encoder(torch.from_numpy(hidden.sessions.flat), hidden.sessions.lengths, asked_N)
    log_NV = functional.log_softmax(encoder.logits(states_ND), dim=-1)

    places_N, targets_N = pieces.places(rows)[0][where_N], hidden.targets_N
    gaps_N, ends_N = targets_N == NOTHING, targets_N == END
    for into_T, of_N, measure in (
        (answers.event_T, ~gaps_N & ~ends_N, _improbability),
        (answers.gap_T, gaps_N, _tail_improbability),
        (answers.end_T, ends_N, _improbability),
    ):
        measured = measure(log_NV[torch.from_numpy(of_N)], torch.from_numpy(targets_N[of_N]).long())
        into_T[places_N[of_N]] = np.round(measured.numpy().astype(np.float64), DECIMALS)


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
