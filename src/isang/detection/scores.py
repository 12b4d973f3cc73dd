"""How strange a session is: one number per session and detector, higher is stranger.

Each detector sees the sessions in the model's tokens and nothing else; no detector sees a label.
Shapes: S sessions, N normal sessions or hidden events, T tokens in all, V vocabulary, D width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from isang.artifact import Model
from isang.model.batches import Rows, Sessions, cut, length_batches
from isang.model.masking import hide_in_turn
from isang.model.vocabulary import BEGIN, END, MASK, UNSEEN
from isang.progress import Progress

Floats = NDArray[np.float64]

SCORING_TOKENS = 16_384
"""Tokens per batch when scoring."""
LEAST_DEVIATION = 0.1
"""Added to the deviation of the root of each event's count, so that a count that never varies has a finite weight."""
STRANGEST_EVENTS = 3
"""The masked-event score is the mean over so many strangest events."""
DISTANCE_CELLS = 4_000_000
"""Cells of the distance matrix held at a time."""
NORMAL_CELLS = 50_000_000
"""The nearest normal session is sought among the most frequent ones: so many sessions times the vocabulary, at most."""


@dataclass(frozen=True)
class Detector:
    """One way to look at a session."""

    name: str
    score: Callable[[Model, Sessions], Floats]
    """Scores of different sessions, shape S."""
    unit: str
    resolution: float
    """The smallest difference in score that means anything."""


def score(detector: Detector, model: Model, sessions: Sessions) -> Floats:
    """Scores of `sessions`, shape S; equal sessions are scored once."""
    if not len(sessions):
        return np.empty(0)
    distinct, inverse = sessions.distinct()
    return detector.score(model, distinct)[inverse]


def masked_event(model: Model, sessions: Sessions) -> Floats:
    """Mean negative log-likelihood of the strangest events, each hidden from the model in turn, in nats."""
    surprise = event_surprise(model, sessions)
    scores = np.zeros(len(sessions))
    for index in range(len(sessions)):
        events = surprise[sessions.offsets[index] + 1 : sessions.offsets[index + 1] - 1]
        if len(events):
            scores[index] = np.sort(events)[-STRANGEST_EVENTS:].mean()
    return scores


def unseen_event(model: Model, sessions: Sessions) -> Floats:
    """Number of events whose template the training sessions never had."""
    return _per_session((sessions.flat == UNSEEN).astype(np.float64), sessions)


def transition(model: Model, sessions: Sessions) -> Floats:
    """Negative log-probability of the session's rarest step from one event to the next, BEGIN and END included, nats.

    First-order Markov chain with additive smoothing of one imaginary visit spread over the vocabulary.
    """
    steps = transition_surprise(model, sessions)
    scores = np.zeros(len(sessions))
    np.maximum.at(scores, np.repeat(np.arange(len(sessions)), sessions.lengths), np.nan_to_num(steps))
    return scores


def event_counts(model: Model, sessions: Sessions) -> Floats:
    """Distance of the session's event counts to the nearest normal ones, 0 (equal) to 1 (nothing in common).

    Bray-Curtis distance over the square roots of the counts (which gives repeated lines an even spread, Bartlett 1936),
    divided by how much each varies among normal sessions: a payment too few says more than a twelfth line of a list.
    """
    return nearest_normal(model, sessions)[0]


DETECTORS = (
    Detector("unseen_event", unseen_event, "events", 1.0),
    Detector("masked_event", masked_event, "nats", 0.1),
    Detector("event_counts", event_counts, "weighted share of events", 0.02),
    Detector("transition", transition, "nats", 0.1),
)
"""Their p-values are combined into the decision."""


def event_surprise(model: Model, sessions: Sessions) -> Floats:
    """Negative log-likelihood of every token given the rest of its session, in nats; NaN at BEGIN and END.

    Shape: as `sessions.flat`. Each event is hidden once, in one of a few passes, so that about as much is hidden at a
    time as in training. Sessions longer than the model's positions are seen in consecutive pieces.
    """
    pieces, _ = cut(sessions, model.config.model.positions)
    passes = max(1, round(1 / model.config.training.mask_fraction))
    surprise = np.full(len(sessions.flat), np.nan)
    with torch.inference_mode(), Progress("scoring sessions", total=len(pieces), unit="distinct sessions") as bar:
        for rows in length_batches(pieces.lengths, SCORING_TOKENS // passes):
            hidden, answered = hide_in_turn(pieces.take(rows), passes)
            asked_N = torch.from_numpy(np.flatnonzero(hidden.chosen_T))
            states_ND = model.encoder(torch.from_numpy(hidden.sessions.flat), hidden.sessions.lengths, asked_N)
            logits_NV = model.encoder.logits(states_ND)
            loss_N = functional.cross_entropy(logits_NV, torch.from_numpy(hidden.targets_N).long(), reduction="none")
            surprise[pieces.places(rows)[0][answered]] = loss_N.numpy()
            bar.advance(len(rows))
    return surprise


def transition_surprise(model: Model, sessions: Sessions) -> Floats:
    """Negative log-probability of the step into every token from the one before, in nats; NaN at BEGIN.

    Shape: as `sessions.flat`.
    """
    size = model.vocabulary.size
    steps, visits, visits_from = _normal_steps(model)
    asked = _steps(sessions.flat, size)
    found = np.minimum(np.searchsorted(steps, asked), len(steps) - 1)
    seen = np.where(steps[found] == asked, visits[found], 0.0)
    surprise = np.full(len(sessions.flat), np.nan)
    surprise[1:] = -np.log((seen + 1 / size) / (visits_from[sessions.flat[:-1]] + 1))
    surprise[sessions.offsets[:-1]] = np.nan
    return surprise


@lru_cache(maxsize=2)
def _normal_steps(model: Model) -> tuple[Rows, NDArray[Any], NDArray[Any]]:
    """Each different step of the normal sessions in rising order, how often it is taken, and visits of each token."""
    size = model.vocabulary.size
    inside = model.normal.flat[1:] != BEGIN
    weights = np.repeat(model.normal_counts, model.normal.lengths)[1:][inside]
    steps, place = np.unique(_steps(model.normal.flat, size)[inside], return_inverse=True)
    visits = np.bincount(place, weights=weights, minlength=len(steps))
    return steps, visits, np.bincount(steps // size, weights=visits, minlength=size)


def counts(sessions: Sessions, vocabulary_size: int) -> NDArray[np.float32]:
    """How often each token occurs in each session, shape (S, V); the marks BEGIN and END count nothing."""
    counts_SV = np.zeros((len(sessions), vocabulary_size), dtype=np.float32)
    np.add.at(counts_SV, (np.repeat(np.arange(len(sessions)), sessions.lengths), sessions.flat), 1)
    counts_SV[:, [BEGIN, END]] = 0
    return counts_SV


def nearest_normal(model: Model, sessions: Sessions, *, weighted: bool = True) -> tuple[Floats, Rows]:
    """The distance to the nearest normal session by event counts, and which one it is (a row of `model.normal`).

    Without weights it is the plain Bray-Curtis distance (Bray and Curtis 1957). Sessions with equal counts are
    compared once.
    """
    normal = _normal_counts(model, weighted)
    distances, nearest = np.zeros(len(sessions)), np.zeros(len(sessions), dtype=np.int64)
    chunk = max(1, DISTANCE_CELLS // max(normal.counts_NV.shape))
    for start in range(0, len(sessions), chunk):
        rows = np.arange(start, min(start + chunk, len(sessions)))
        different_CV, place = np.unique(counts(sessions.take(rows), model.vocabulary.size), axis=0, return_inverse=True)
        counts_CV = torch.from_numpy(normal.weigh(different_CV))
        sums_CN = counts_CV.sum(dim=1, keepdim=True) + normal.counts_NV.sum(dim=1)
        best = (torch.cdist(counts_CV, normal.counts_NV, p=1) / sums_CN.clamp(min=1e-9)).min(dim=1)
        distances[rows] = best.values.numpy()[place]
        nearest[rows] = normal.rows_N[best.indices.numpy()[place]]
    return distances, nearest


@dataclass(frozen=True)
class _NormalCounts:
    """The different event counts of normal sessions."""

    counts_NV: Tensor
    """As `weigh` returns them."""
    rows_N: Rows
    """A row of `model.normal` that has these counts."""
    weigh: Callable[[NDArray[np.float32]], NDArray[np.float32]]


@lru_cache(maxsize=4)
def _normal_counts(model: Model, weighted: bool) -> _NormalCounts:
    size = model.vocabulary.size
    most_frequent = np.argsort(-model.normal_counts, kind="stable")[: max(1, NORMAL_CELLS // size)]
    plain_NV = counts(model.normal.take(most_frequent), size)
    weights_V = _count_weights(np.sqrt(plain_NV), model.normal_counts[most_frequent])

    def weigh(plain: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.sqrt(plain) * weights_V if weighted else plain

    different_NV, first_N = np.unique(plain_NV, axis=0, return_index=True)
    return _NormalCounts(torch.from_numpy(weigh(different_NV)), most_frequent[first_N], weigh)


def _count_weights(normal_NV: NDArray[np.float32], times_N: Rows) -> NDArray[np.float32]:
    """One over the standard deviation of each column among normal sessions, shape V."""
    share_N1 = (times_N / times_N.sum())[:, None]
    mean_V = (normal_NV * share_N1).sum(axis=0)
    deviation_V = np.sqrt((np.square(normal_NV - mean_V) * share_N1).sum(axis=0))
    weights_V: NDArray[np.float32] = (1 / (LEAST_DEVIATION + deviation_V)).astype(np.float32)
    return weights_V


def event_probabilities(model: Model, tokens: NDArray[np.int32], position: int) -> Floats:
    """What the model expects at `position` of one session when that event is hidden: probabilities, shape V."""
    hidden = tokens.copy()
    hidden[position] = MASK
    limit = model.config.model.positions
    start = max(0, min(position - limit // 2, len(hidden) - limit))
    with torch.inference_mode():
        seen = hidden[start : start + limit]
        states_LD = model.encoder(torch.from_numpy(seen), np.array([len(seen)]))
        logits_V = model.encoder.logits(states_LD[position - start])
        return functional.softmax(logits_V.double(), dim=-1).numpy()


def _steps(flat: NDArray[np.int32], size: int) -> Rows:
    """Each step from one token to the next as one number, shape: len(flat) - 1."""
    return flat[:-1].astype(np.int64) * size + flat[1:]


def _per_session(values: Floats, sessions: Sessions) -> Floats:
    session = np.repeat(np.arange(len(sessions)), sessions.lengths)
    sums: Floats = np.bincount(session, weights=values, minlength=len(sessions)).astype(np.float64)
    return sums
