"""Event counts of a session compared with normal sessions.

Shapes: S sessions, N normal sessions, V vocabulary.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isang.detection.detectors.open_ends import are_open
from isang.model.batches import Floats, Rows, Sessions
from isang.model.fitted import Fitted
from isang.model.vocabulary import BEGIN, END, MASK

LEAST_DEVIATION = 0.1
"""Added to the deviation of the root of each event's count, so that a count that never varies has a finite weight."""
DISTANCE_CELLS = 4_000_000
"""Cells of the distance matrix held at a time."""
NORMAL_CELLS = 50_000_000
"""Maximum number of normal sessions, times the vocabulary size, among which the nearest is searched: the most
frequent."""


def counts(sessions: Sessions, vocabulary_size: int) -> NDArray[np.float32]:
    """Counts of each token in each session, shape (S, V); special tokens are not counted."""
    counts_SV = np.zeros((len(sessions), vocabulary_size), dtype=np.float32)
    np.add.at(counts_SV, (np.repeat(np.arange(len(sessions)), sessions.lengths), sessions.flat), 1)
    counts_SV[:, [BEGIN, END, MASK]] = 0
    return counts_SV


def nearest_normal(
    fitted: Fitted, sessions: Sessions, *, weighted: bool = True, among: "NormalCounts | None" = None
) -> tuple[Floats, Rows]:
    """The distance to the nearest normal session by event counts, and the index of that session in `fitted.normal`.

    Without weights it is the plain Bray-Curtis distance (Bray and Curtis 1957). For a session that may continue it is
    the smallest distance that it can still end with, see `_distances`. Sessions with equal counts are compared once.
    `among` are the normal sessions to compare with; None: the most frequent ones.
    """
    normal = among or normal_counts(fitted, weighted)
    distances, nearest = np.zeros(len(sessions)), np.zeros(len(sessions), dtype=np.int64)
    open_S = are_open(sessions)
    chunk = max(1, DISTANCE_CELLS // max(normal.counts_NV.shape))
    for start in range(0, len(sessions), chunk):
        rows = np.arange(start, min(start + chunk, len(sessions)))
        counts_CV = np.column_stack([open_S[rows], counts(sessions.take(rows), fitted.size)])
        different_CV, place = np.unique(counts_CV, axis=0, return_inverse=True)
        weighed_CV = torch.from_numpy(normal.weigh(different_CV[:, 1:].astype(np.float32)))
        best = _distances(weighed_CV, normal.counts_NV, torch.from_numpy(different_CV[:, 0] > 0)).min(dim=1)
        distances[rows] = best.values.numpy()[place]
        nearest[rows] = normal.rows_N[best.indices.numpy()[place]]
    return distances, nearest


def _distances(counts_CV: Tensor, normal_NV: Tensor, open_C: Tensor) -> Tensor:
    """Bray-Curtis distances: the sum of differences divided by the sum of both; shape (C, N).

    A session that may continue (`open_C`) may still get everything that it lacks, but keeps its excess. The smallest
    distance that it can end with is that of the session completed to the normal one: e / (2 n + e) with an excess of e
    and n in the normal session. It is 0 for every beginning of that session, never falls when an event is added, and
    never exceeds the distance of the finished session, so an alert is never raised that the finished session would not
    raise.
    """
    apart_CN = torch.cdist(counts_CV, normal_NV, p=1)
    own_C1, normal_N = counts_CV.sum(dim=1, keepdim=True), normal_NV.sum(dim=1)
    excess_CN = ((apart_CN + own_C1 - normal_N) / 2).clamp(min=0)
    filled_CN = excess_CN / (2 * normal_N + excess_CN).clamp(min=1e-9)
    whole_CN = apart_CN / (own_C1 + normal_N).clamp(min=1e-9)
    return torch.where(open_C[:, None], filled_CN, whole_CN)


@dataclass(frozen=True)
class NormalCounts:
    """The distinct event counts of normal sessions."""

    counts_NV: Tensor
    """Weighted as by `weigh`."""
    rows_N: Rows
    """The index in `fitted.normal` of a session with these counts."""
    weigh: Callable[[NDArray[np.float32]], NDArray[np.float32]]


def normal_counts(fitted: Fitted, weighted: bool) -> NormalCounts:
    """The counts of the most frequent normal sessions."""
    return fitted.once(_weighted if weighted else _plain)


def counts_of_rows(fitted: Fitted, rows: Rows) -> NormalCounts:
    """The counts of the normal sessions `rows`, the first of them up to the memory limit."""
    rows = rows[: max(1, NORMAL_CELLS // fitted.size)]
    plain_NV, first_N = np.unique(counts(fitted.normal.take(rows), fitted.size), axis=0, return_index=True)
    weigh = normal_counts(fitted, True).weigh
    return NormalCounts(torch.from_numpy(weigh(plain_NV)), rows[first_N], weigh)


def _weighted(fitted: Fitted) -> NormalCounts:
    return _normal_counts(fitted, weighted=True)


def _plain(fitted: Fitted) -> NormalCounts:
    return _normal_counts(fitted, weighted=False)


def _normal_counts(fitted: Fitted, *, weighted: bool) -> NormalCounts:
    most_frequent = np.argsort(-fitted.counts, kind="stable")[: max(1, NORMAL_CELLS // fitted.size)]
    plain_NV = counts(fitted.normal.take(most_frequent), fitted.size)
    weights_V = _count_weights(np.sqrt(plain_NV), fitted.counts[most_frequent])

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
