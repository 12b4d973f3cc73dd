"""How often each event occurs in a session, beside normal sessions.

Shapes: S sessions, N normal sessions, V vocabulary.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isang.artifact import Model
from isang.detection.detectors.masked_model import Floats
from isang.detection.detectors.open_ends import are_open
from isang.model.batches import Rows, Sessions, Tokens, from_sequences
from isang.model.vocabulary import BEGIN, END, MASK

LEAST_DEVIATION = 0.1
"""Added to the deviation of the root of each event's count, so that a count that never varies has a finite weight."""
UNKNOWN_DEVIATION, FEW_SESSIONS = 0.5, 20
"""The deviation of an event's root count that is expected before any session is seen, and how many it is worth."""
DISTANCE_CELLS = 4_000_000
"""Cells of the distance matrix held at a time."""
NORMAL_CELLS = 50_000_000
"""The nearest normal session is sought among the most frequent ones: so many sessions times the vocabulary, at most."""


def _times(sessions: Sessions, vocabulary_size: int) -> tuple[Rows, Rows, Rows]:
    """Session, token and number of times, for each different event of each session."""
    session = np.repeat(np.arange(len(sessions)), sessions.lengths)
    places, times = np.unique(session * vocabulary_size + sessions.flat, return_counts=True)
    return places // vocabulary_size, places % vocabulary_size, times


def above_normal(model: Model, sessions: Sessions) -> tuple[Rows, Rows, Floats]:
    """Session, token and deviations above the normal session that has it most often, for each different event.

    No event that normal sessions never have is above.
    """
    normal = _normal_times(model)
    session, token, times = _times(sessions, len(normal.most_V))
    above = (np.sqrt(times) - normal.most_V[token]) / normal.deviation_V[token]
    return session, token, np.where(normal.most_V[token] > 0, above, 0.0)


def most_repeated(model: Model, tokens: Tokens) -> tuple[int, int, int]:
    """The event of one session that is farthest above its normal number, its number, and the highest normal one."""
    _, token, above = above_normal(model, from_sequences([tokens]))
    strangest = int(token[np.argmax(above)])
    return strangest, int((tokens == strangest).sum()), round(float(_normal_times(model).most_V[strangest]) ** 2)


class _NormalTimes(NamedTuple):
    """The square roots of how often each token occurs in the normal sessions that have it."""

    most_V: Floats
    """0 where none has it."""
    deviation_V: Floats


@lru_cache(maxsize=2)
def _normal_times(model: Model) -> _NormalTimes:
    size = model.vocabulary.size
    session, token, times = _times(model.normal, size)
    roots, weights = np.sqrt(times), model.normal_counts[session]
    most_V = np.zeros(size)
    np.maximum.at(most_V, token, roots)
    number_V = np.maximum(np.bincount(token, weights=weights, minlength=size), 1)
    mean_V = np.bincount(token, weights=weights * roots, minlength=size) / number_V
    squares_V = np.bincount(token, weights=weights * np.square(roots - mean_V[token]), minlength=size)
    shrunk_V = (squares_V + FEW_SESSIONS * UNKNOWN_DEVIATION**2) / (number_V + FEW_SESSIONS)
    return _NormalTimes(most_V, np.sqrt(shrunk_V))


def counts(sessions: Sessions, vocabulary_size: int) -> NDArray[np.float32]:
    """How often each token occurs in each session, shape (S, V); the marks around them count nothing."""
    counts_SV = np.zeros((len(sessions), vocabulary_size), dtype=np.float32)
    np.add.at(counts_SV, (np.repeat(np.arange(len(sessions)), sessions.lengths), sessions.flat), 1)
    counts_SV[:, [BEGIN, END, MASK]] = 0
    return counts_SV


def nearest_normal(model: Model, sessions: Sessions, *, weighted: bool = True) -> tuple[Floats, Rows]:
    """The distance to the nearest normal session by event counts, and which one it is (a row of `model.normal`).

    Without weights it is the plain Bray-Curtis distance (Bray and Curtis 1957). For a session that may go on it is the
    least distance that it can still end at, see `_distances`. Sessions with equal counts are compared once.
    """
    normal = normal_counts(model, weighted)
    distances, nearest = np.zeros(len(sessions)), np.zeros(len(sessions), dtype=np.int64)
    open_S = are_open(sessions)
    chunk = max(1, DISTANCE_CELLS // max(normal.counts_NV.shape))
    for start in range(0, len(sessions), chunk):
        rows = np.arange(start, min(start + chunk, len(sessions)))
        counts_CV = np.column_stack([open_S[rows], counts(sessions.take(rows), model.vocabulary.size)])
        different_CV, place = np.unique(counts_CV, axis=0, return_inverse=True)
        weighed_CV = torch.from_numpy(normal.weigh(different_CV[:, 1:].astype(np.float32)))
        best = _distances(weighed_CV, normal.counts_NV, torch.from_numpy(different_CV[:, 0] > 0)).min(dim=1)
        distances[rows] = best.values.numpy()[place]
        nearest[rows] = normal.rows_N[best.indices.numpy()[place]]
    return distances, nearest


def _distances(counts_CV: Tensor, normal_NV: Tensor, open_C: Tensor) -> Tensor:
    """Bray-Curtis distances: what one has more than the other, as a share of all that both have; shape (C, N).

    A session that may go on (`open_C`) may still get all that it lacks, and what it has too much stays too much. The
    least distance that it can end at is that of the session filled up to the normal one: e / (2 n + e) with e too much
    and n in the normal session. It is 0 for every beginning of that one, never falls when an event comes, and never
    exceeds the distance of what the session becomes, so that neither do its p-value and its alert go beyond.
    """
    apart_CN = torch.cdist(counts_CV, normal_NV, p=1)
    own_C1, normal_N = counts_CV.sum(dim=1, keepdim=True), normal_NV.sum(dim=1)
    excess_CN = ((apart_CN + own_C1 - normal_N) / 2).clamp(min=0)
    filled_CN = excess_CN / (2 * normal_N + excess_CN).clamp(min=1e-9)
    whole_CN = apart_CN / (own_C1 + normal_N).clamp(min=1e-9)
    return torch.where(open_C[:, None], filled_CN, whole_CN)


@dataclass(frozen=True)
class NormalCounts:
    """The different event counts of normal sessions."""

    counts_NV: Tensor
    """As `weigh` returns them."""
    rows_N: Rows
    """A row of `model.normal` that has these counts."""
    weigh: Callable[[NDArray[np.float32]], NDArray[np.float32]]


@lru_cache(maxsize=4)
def normal_counts(model: Model, weighted: bool) -> NormalCounts:
    size = model.vocabulary.size
    most_frequent = np.argsort(-model.normal_counts, kind="stable")[: max(1, NORMAL_CELLS // size)]
    plain_NV = counts(model.normal.take(most_frequent), size)
    weights_V = _count_weights(np.sqrt(plain_NV), model.normal_counts[most_frequent])

    def weigh(plain: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.sqrt(plain) * weights_V if weighted else plain

    different_NV, first_N = np.unique(plain_NV, axis=0, return_index=True)
    return NormalCounts(torch.from_numpy(weigh(different_NV)), most_frequent[first_N], weigh)


def _count_weights(normal_NV: NDArray[np.float32], times_N: Rows) -> NDArray[np.float32]:
    """One over the standard deviation of each column among normal sessions, shape V."""
    share_N1 = (times_N / times_N.sum())[:, None]
    mean_V = (normal_NV * share_N1).sum(axis=0)
    deviation_V = np.sqrt((np.square(normal_NV - mean_V) * share_N1).sum(axis=0))
    weights_V: NDArray[np.float32] = (1 / (LEAST_DEVIATION + deviation_V)).astype(np.float32)
    return weights_V
