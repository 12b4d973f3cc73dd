"""The distance of a finished or open session from normal ones by event counts.

An open session has been silent for a while. It is compared with whole normal sessions and with those beginnings of
normal sessions that are known to wait this long for their next event: what should have come sooner is missing.
Shapes: S sessions, M beginnings, V vocabulary.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.detectors.counts.nearest_counts import (
    NormalCounts,
    counts,
    counts_of_rows,
    nearest_normal,
    normal_counts,
)
from isang.detection.detectors.open_ends import are_open
from isang.detection.detectors.time.time_gap import EDGES_MS, count_gaps
from isang.detection.detectors.timed_sessions import TimedSessions
from isang.model.batches import Floats, Rows, Sessions
from isang.model.fitted import Fitted
from isang.model.vocabulary import UNSEEN

WAITS = "event_counts"
"""The detector whose table is that of `longest_waits`."""
BEGINNING_CELLS = 10_000_000
"""Maximum number of beginnings, times the vocabulary size; they come from the most frequent normal sessions."""
ROUNDING = 1e-9
"""Weighted counts that differ by less are equal."""
WAIT_TIMES = 2.0
"""A normal session may wait up to this factor times the longest known wait between the same two events."""


class Nearest(NamedTuple):
    """The normal session that is nearest to each session."""

    distance_S: Floats
    row_S: Rows
    """Its index in `fitted.normal`."""
    length_S: Rows
    """Number of its tokens that are compared: all of them, or those of a beginning."""
    lacks_S: NDArray[np.bool_]
    """Whether the events that the normal session has more of count as missing."""


def nearest_so_far(fitted: Fitted, sessions: Sessions, gaps_T: Floats) -> Nearest:
    """The distance by event counts to the nearest normal session, or for an open one to the nearest beginning of one.

    The time at an open end is the silence so far; if it is unknown, or the times of normal sessions are unknown, only
    excess events count (see `counts.nearest_normal`).
    """
    distinct, inverse = sessions.distinct()
    distance_D, row_D = nearest_normal(fitted, distinct)
    distance_S, row_S = distance_D[inverse], row_D[inverse]
    length_S, lacks_S = fitted.normal.lengths[row_S], ~are_open(sessions)
    silent_ms_S = np.where(lacks_S, np.nan, gaps_T[sessions.offsets[1:] - 1])
    waiting = np.flatnonzero(~np.isnan(silent_ms_S))
    beginnings = fitted.once(_beginnings) if len(waiting) else None
    if beginnings is None:
        return Nearest(distance_S, row_S, length_S, lacks_S)
    reach_W = np.searchsorted(-beginnings.waits_ms_M, -silent_ms_S[waiting], side="right")  # those that wait this long
    asked, place_W = np.unique(np.stack([inverse[waiting], reach_W]), axis=1, return_inverse=True)
    nearest = [_nearest_beginning(fitted, beginnings, distinct[place], reach) for place, reach in asked.T]
    best_W = np.array([best for best, _ in nearest])[place_W.ravel()]
    near_W = np.array([distance for _, distance in nearest])[place_W.ravel()]
    if (rest := fitted.once(_without_beginnings)) is not None:  # these have nothing missing, however long the silence
        least_D, least_row_D = nearest_normal(fitted, distinct, among=rest)
        distance_S[waiting], row_S[waiting] = least_D[inverse[waiting]], least_row_D[inverse[waiting]]
        length_S[waiting] = fitted.normal.lengths[row_S[waiting]]
        known_W = near_W <= distance_S[waiting]
        waiting, best_W, near_W = waiting[known_W], best_W[known_W], near_W[known_W]
    distance_S[waiting] = near_W
    row_S[waiting], length_S[waiting] = beginnings.row_M[best_W], beginnings.length_M[best_W]
    lacks_S[waiting] = True
    return Nearest(distance_S, row_S, length_S, lacks_S)


def _nearest_beginning(
    fitted: Fitted, beginnings: "_Beginnings", tokens: NDArray[np.int32], reach: int
) -> tuple[int, float]:
    """The index of the nearest of the first `reach` beginnings, and the distance that the session would end with.

    If the rest of that normal session followed, the session would have an excess of e and a lack of l: the Bray-Curtis
    distance is (e + l) / (2 n + e - l) with n in the whole normal session.
    """
    session = Sessions(tokens, np.array([0, len(tokens)]))
    own_V = normal_counts(fitted, True).weigh(counts(session, fitted.size))[0].astype(np.float64)
    sums_M, apart_M = beginnings.sums_M[:reach], beginnings.sums_M[:reach] + 0.0
    for token in np.flatnonzero(own_V):  # the session has none of the other tokens
        others_M = beginnings.counts_VM[token, :reach]
        apart_M += np.abs(others_M - own_V[token]) - others_M
    apart_M[apart_M < ROUNDING] = 0.0
    ends_M = 2 * beginnings.whole_M[:reach] + own_V.sum() - sums_M
    distance_M = apart_M / np.maximum(ends_M, ROUNDING)
    best = int(distance_M.argmin())
    return best, float(distance_M[best])


class _Beginnings(NamedTuple):
    """Whole normal sessions and their beginnings, those with the longest waits first."""

    counts_VM: NDArray[np.float32]
    """Weighted; stored by token, since only a few tokens are needed at a time."""
    sums_M: Floats
    """The sum of the weighted counts of each."""
    whole_M: Floats
    """The sum of the weighted counts of the whole session."""
    waits_ms_M: Floats
    """How long a session may wait there; infinite for a whole session."""
    row_M: Rows
    length_M: Rows


def _beginnings(fitted: Fitted) -> _Beginnings | None:
    """None if the times of normal sessions are unknown."""
    if not len(fitted[WAITS]):
        return None
    size = fitted.size
    frequent = _with_beginnings(fitted)
    normal = fitted.normal.take(frequent)
    session_T = np.repeat(np.arange(len(normal)), normal.lengths)
    length_T = np.arange(len(normal.flat)) - normal.offsets[session_T]  # number of tokens before each token
    once_TV = counts(Sessions(normal.flat, np.arange(len(normal.flat) + 1)), size)
    before_TV = once_TV.cumsum(axis=0) - once_TV  # a whole session's counts are those before its END
    before_TV -= before_TV[normal.offsets[:-1]][session_T]
    weigh = normal_counts(fitted, True).weigh
    ends = normal.offsets[1:] - 1
    whole_T = weigh(before_TV[ends]).sum(axis=1)[session_T]
    waits_ms_T = _longest_waits_ms(fitted, normal)
    waits_ms_T[ends] = np.inf
    kept = np.flatnonzero((length_T > 1) & (waits_ms_T > 0))
    kept = kept[np.argsort(-waits_ms_T[kept], kind="stable")]
    counts_MV = weigh(before_TV[kept].astype(np.float32, copy=False))
    return _Beginnings(
        np.ascontiguousarray(counts_MV.T),
        counts_MV.sum(axis=1, dtype=np.float64),
        whole_T[kept].astype(np.float64),
        waits_ms_T[kept],
        frequent[session_T[kept]],
        length_T[kept] + (waits_ms_T[kept] == np.inf),
    )


def _with_beginnings(fitted: Fitted) -> Rows:
    """The rows of the normal sessions whose beginnings are known, the most frequent first, at least one."""
    order = np.argsort(-fitted.counts, kind="stable")
    room = int((np.cumsum(fitted.normal.lengths[order]) * fitted.size <= BEGINNING_CELLS).sum())
    return order[: max(1, room)]


def _without_beginnings(fitted: Fitted) -> NormalCounts | None:
    """The counts of the normal sessions whose beginnings are not known; None if there are none."""
    rest = np.argsort(-fitted.counts, kind="stable")[len(_with_beginnings(fitted)) :]
    return counts_of_rows(fitted, rest) if len(rest) else None


def _longest_waits_ms(fitted: Fitted, normal: Sessions) -> Floats:
    """How long a normal session may wait before each token, from the longest time between it and the previous one."""
    size = fitted.size
    before, after, longest_ms = _longest_times_ms(fitted)
    steps = before.astype(np.int64) * size + after
    asked_T = np.append(0, normal.flat[:-1].astype(np.int64) * size + normal.flat[1:])
    found_T = np.minimum(np.searchsorted(steps, asked_T), len(steps) - 1)
    waits_ms_T: Floats = np.where(steps[found_T] == asked_T, WAIT_TIMES * longest_ms[found_T], 0.0)
    return waits_ms_T


def longest_waits_after_ms(fitted: Fitted) -> Floats:
    """How long a normal session may wait after each token and still continue; shape V.

    0 after what always comes last; infinite after an unknown line, and without times.
    """
    waits_ms_V = np.zeros(fitted.size)
    if not len(fitted[WAITS]):
        return np.full(len(waits_ms_V), np.inf)
    before, _, longest_ms = _longest_times_ms(fitted)
    np.maximum.at(waits_ms_V, before, WAIT_TIMES * longest_ms)
    waits_ms_V[UNSEEN] = np.inf
    return waits_ms_V


def longest_waits(sessions: TimedSessions) -> pl.DataFrame:
    """The longest time of normal sessions between two tokens: `before`, `after`, `at_least_ms` (its bin)."""
    times = count_gaps(sessions.tokens, sessions.gaps_T)
    return times.group_by("before", "after").agg(pl.col("at_least_ms").max()).sort("before", "after")


def _longest_times_ms(fitted: Fitted) -> tuple[Rows, Rows, Floats]:
    """Pairs of consecutive tokens in normal sessions, ascending, and an upper bound of the time between them."""
    before, after, at_least_ms = (fitted[WAITS][name].to_numpy() for name in ("before", "after", "at_least_ms"))
    next_bin = np.minimum(np.searchsorted(EDGES_MS, at_least_ms, side="right"), len(EDGES_MS) - 1)
    return before, after, EDGES_MS[next_bin].astype(np.float64)
