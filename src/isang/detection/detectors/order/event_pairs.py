"""Events that occur together in normal sessions, and the order of each pair.

Shapes: V paired events, P distinct events of one session.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from isang.model.batches import Floats, Rows, Sessions, Tokens, first_appearances
from isang.model.fitted import Fitted
from isang.model.vocabulary import MARKS

PAIRED_EVENTS = 2_000
"""Maximum number of events among which pairs are counted: those in the most normal sessions."""

PAIRS_AT_A_TIME = 2_000_000
ALIKE_AT_A_TIME = 4_096
"""Number of event sets for which the orders within normal sessions are cached."""


class Pair(NamedTuple):
    """The most unusual pair of events of a session."""

    surprise: float
    """-log of the share of comparable normal sessions in which it is like this, in nats."""
    first: int
    """A token of the session."""
    second: int
    """Another token: for an order, the one that `first` came before; for an absence, the one missing beside `first`."""
    share: float = 0.0
    """The share regardless of other events."""
    alike: int = 0
    """For an order, the number of normal sessions with the same set of events."""
    alike_so: int = 0
    """Number of those in which it is like this."""


NO_PAIR = Pair(0.0, -1, -1)


def strangest_order(fitted: Fitted, tokens: Tokens) -> Pair:
    """The pair of events whose order is rarest among sessions with the same events.

    Only the first occurrence of an event counts. Among n sessions with the same events as this one, k of them in this
    order, the share is (k + s) / (n + 1), where s is the share in all sessions with both events: the right order often
    depends on something else, such as an express order that is paid before it is packed.
    """
    orders = fitted.once(_PairOrders)
    table = orders.table
    present_P = present(table.tokens_V, tokens)
    if len(present_P) < 2:
        return NO_PAIR
    share_PP = np.exp(-table.order_VV[np.ix_(present_P, present_P)])
    alike, so_PP = orders.of_alike(np.sort(present_P).astype(np.int32).tobytes())
    rank_P = np.argsort(np.argsort(present_P))
    so_PP = so_PP[np.ix_(rank_P, rank_P)] if alike else np.zeros_like(share_PP)
    surprise_PP = np.triu(-np.log((so_PP + share_PP) / (alike + 1)), 1)
    row, column = np.unravel_index(int(surprise_PP.argmax()), surprise_PP.shape)
    pair = _strangest(table, surprise_PP, present_P, present_P)
    return pair._replace(share=float(share_PP[row, column]), alike=alike, alike_so=int(so_PP[row, column]))


def strangest_absence(fitted: Fitted, tokens: Tokens) -> Pair:
    """The absent event that is most rarely absent given one of the session's events."""
    table = fitted.once(_table)
    present_P = present(table.tokens_V, tokens)
    surprise_PV = table.absence_VV[present_P]
    surprise_PV[:, present_P] = 0
    return _strangest(table, surprise_PV, present_P, np.arange(len(table.tokens_V)))


class _PairTable(NamedTuple):
    tokens_V: Rows
    """The paired events, ascending."""
    order_VV: Floats
    """Surprise if the first event comes before the second, given both."""
    absence_VV: Floats
    """Surprise if the second event is absent, given the first."""


class _PairOrders:
    """The orders of events within the normal sessions with the same events."""

    def __init__(self, fitted: Fitted) -> None:
        self.table = fitted.once(_table)
        self._counts = fitted.counts
        self._present = present_in(self.table.tokens_V, fitted.normal)
        self._rows: dict[bytes, list[int]] = {}
        for index in range(len(self._present)):
            self._rows.setdefault(np.sort(self._present[index]).tobytes(), []).append(index)
        self.of_alike = lru_cache(ALIKE_AT_A_TIME)(self._of_alike)

    def _of_alike(self, places: bytes) -> tuple[int, Floats]:
        """The number of normal sessions with exactly these events, and the counts of the order of each two.

        `places` are the indices of the events in the table. The counts (first before second) have shape (P, P), with
        the
        events in ascending order.
        """
        rows = self._rows.get(places, [])
        number = len(places) // np.dtype(np.int32).itemsize
        if not rows:
            return 0, np.zeros((number, number))
        rank_RP = np.argsort(np.argsort([self._present[index] for index in rows], axis=1), axis=1)
        first, second = np.triu_indices(number, 1)
        pairs_RQ = rank_RP[:, first] * number + rank_RP[:, second]
        times_RQ = np.broadcast_to(self._counts[rows][:, None], pairs_RQ.shape)
        before = np.bincount(pairs_RQ.ravel(), times_RQ.ravel(), minlength=number**2).astype(np.float64)
        return int(self._counts[rows].sum()), before.reshape(number, number)


def _table(fitted: Fitted) -> _PairTable:
    tokens_V = most_frequent(fitted, PAIRED_EVENTS)
    before_VV, alone_V = count_orders(fitted, tokens_V)
    together_VV = before_VV + before_VV.T
    np.fill_diagonal(together_VV, alone_V)
    order_VV = -np.log((before_VV + 0.1) / (together_VV + 0.2))
    absence_VV = -np.log((alone_V[:, None] - together_VV + 0.5) / (alone_V[:, None] + 1))
    return _PairTable(tokens_V, order_VV, absence_VV)


def count_orders(fitted: Fitted, tokens_V: Rows) -> tuple[Floats, Floats]:
    """Number of normal sessions in which the first event comes before the second, and with each event; (V, V) and V."""
    size = len(tokens_V)
    before, alone_V = np.zeros(size * size), np.zeros(size)
    for rows in _pieces(fitted.normal.lengths):
        present = present_in(tokens_V, fitted.normal.take(rows))
        times_T = np.repeat(fitted.counts[rows], present.lengths)
        alone_V += np.bincount(present.flat, times_T, minlength=size)
        earlier, later = _each_two(present)
        before += np.bincount(present.flat[earlier] * size + present.flat[later], times_T[earlier], minlength=size**2)
    return before.reshape(size, size), alone_V


def _pieces(lengths: Rows) -> Iterator[Rows]:
    """Consecutive sessions with about at most PAIRS_AT_A_TIME pairs of events, or one session with more."""
    ends = np.cumsum(lengths.astype(np.float64) ** 2 / 2)
    start = 0
    while start < len(lengths):
        done = ends[start - 1] if start else 0.0
        stop = max(start + 1, int(np.searchsorted(ends, done + PAIRS_AT_A_TIME, side="right")))
        yield np.arange(start, stop, dtype=np.int64)
        start = stop


def _each_two(sessions: Sessions) -> tuple[Rows, Rows]:
    """All pairs of positions within a session, the earlier and the later one."""
    behind_T = np.repeat(sessions.offsets[1:], sessions.lengths) - np.arange(len(sessions.flat)) - 1
    earlier = np.repeat(np.arange(len(sessions.flat)), behind_T)
    number = np.arange(len(earlier)) - np.repeat(np.cumsum(behind_T) - behind_T, behind_T)
    return earlier, earlier + 1 + number


def most_frequent(fitted: Fitted, number: int) -> Rows:
    """The `number` events that are in the most distinct normal sessions, ascending."""
    tokens, sessions = np.unique(fitted.normal.flat, return_counts=True)
    events = tokens >= len(MARKS)
    tokens, sessions = tokens[events].astype(np.int64), sessions[events]
    return np.sort(tokens[np.argsort(-sessions, kind="stable")[:number]])


def present(tokens_V: Rows, tokens: Tokens) -> Rows:
    """The distinct events of a session as indices into `tokens_V`, in order of first appearance."""
    different, first = np.unique(tokens, return_index=True)
    different = different[np.argsort(first)]
    places = np.searchsorted(tokens_V, different).clip(max=max(0, len(tokens_V) - 1))
    return places[tokens_V[places] == different] if len(tokens_V) else places[:0]


def present_in(tokens_V: Rows, sessions: Sessions) -> Sessions:
    """The same for many sessions: indices into `tokens_V` instead of tokens."""
    first = first_appearances(sessions)
    highest = max(int(first.flat.max(initial=0)), int(tokens_V.max(initial=0)))
    place_of = np.full(highest + 1, -1, dtype=np.int32)
    place_of[tokens_V] = np.arange(len(tokens_V))
    places_T = place_of[first.flat]
    kept_T = places_T >= 0
    offsets = np.concatenate([[0], np.cumsum(kept_T)])[first.offsets]
    return Sessions(places_T[kept_T], offsets)


def _strangest(table: _PairTable, surprise: Floats, rows: Rows, columns: Rows) -> Pair:
    if not surprise.size or surprise.max() <= 0:
        return NO_PAIR
    row, column = np.unravel_index(int(surprise.argmax()), surprise.shape)
    return Pair(float(surprise[row, column]), int(table.tokens_V[rows[row]]), int(table.tokens_V[columns[column]]))
