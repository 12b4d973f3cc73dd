"""Which events come together in normal sessions, and which of two comes first.

Shapes: V events that are paired, P different events of one session.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from isang.model.batches import Floats, Rows, Tokens
from isang.model.fitted import Fitted
from isang.model.vocabulary import MARKS

PAIRED_EVENTS = 2_000
"""Pairs are counted among so many events, those that most normal sessions have."""


ALIKE_AT_A_TIME = 4_096
"""For so many sets of events the orders within normal sessions are kept."""


class Pair(NamedTuple):
    """The strangest pair of events of a session."""

    surprise: float
    """-log of the share of normal sessions, of those that could, in which it is like this; in nats."""
    first: int
    """A token of the session."""
    second: int
    """Another token: for an order, what `first` came before; for an absence, what is not there though `first` is."""
    share: float = 0.0
    """The share itself, whatever else these sessions have."""
    alike: int = 0
    """For an order, the normal sessions that have the same events, however often each."""
    alike_so: int = 0
    """In so many of those it is like this."""


NO_PAIR = Pair(0.0, -1, -1)


def strangest_order(fitted: Fitted, tokens: Tokens) -> Pair:
    """Of all pairs of events, the one that stands most rarely in this order among sessions that have the same events.

    What counts is where an event stands for the first time. Among n sessions with the same events as this one, k of
    them in this order, the share is (k + s) / (n + 1), where s is the share in all sessions that have both: which of
    two orders is right often depends on something else, such as an express order that is paid before it is packed.
    """
    orders = fitted.once(_Orders)
    table = orders.table
    present_P = present(table.tokens_V, tokens)
    if len(present_P) < 2:
        return NO_PAIR
    share_PP = np.exp(-table.order_VV[np.ix_(present_P, present_P)])
    alike, so_PP = orders.of_alike(np.sort(present_P).tobytes())
    rank_P = np.argsort(np.argsort(present_P))
    so_PP = so_PP[np.ix_(rank_P, rank_P)] if alike else np.zeros_like(share_PP)
    surprise_PP = np.triu(-np.log((so_PP + share_PP) / (alike + 1)), 1)
    row, column = np.unravel_index(int(surprise_PP.argmax()), surprise_PP.shape)
    pair = _strangest(table, surprise_PP, present_P, present_P)
    return pair._replace(share=float(share_PP[row, column]), alike=alike, alike_so=int(so_PP[row, column]))


def strangest_absence(fitted: Fitted, tokens: Tokens) -> Pair:
    """Of all events that are not there, the one that is missing most rarely beside an event that is."""
    table = fitted.once(_table)
    present_P = present(table.tokens_V, tokens)
    surprise_PV = table.absence_VV[present_P]
    surprise_PV[:, present_P] = 0
    return _strangest(table, surprise_PV, present_P, np.arange(len(table.tokens_V)))


class _Table(NamedTuple):
    tokens_V: Rows
    """The paired events, ascending."""
    order_VV: Floats
    """Surprise that the first event comes before the second, given both."""
    absence_VV: Floats
    """Surprise that the second event is absent, given the first."""


class _Orders:
    """The orders of events within the normal sessions that have the same events."""

    def __init__(self, fitted: Fitted) -> None:
        self.table = fitted.once(_table)
        self._fitted = fitted
        self._rows: dict[bytes, list[int]] = {}
        for index in range(len(fitted.normal)):
            self._rows.setdefault(np.sort(self._present(index)).tobytes(), []).append(index)
        self.of_alike = lru_cache(ALIKE_AT_A_TIME)(self._of_alike)

    def _present(self, row: int) -> Rows:
        return present(self.table.tokens_V, self._fitted.normal[row])

    def _of_alike(self, places: bytes) -> tuple[int, Floats]:
        """How many normal sessions have just these events, and in how many the first of each two is before the second.

        `places` are those of the events in the table. The second is of shape (P, P), the events in rising order.
        """
        rows = self._rows.get(places, [])
        number = len(places) // np.dtype(np.int64).itemsize
        before_PP = np.zeros((number, number))
        for index in rows:
            rank_P = np.argsort(np.argsort(self._present(index)))
            before_PP[np.ix_(rank_P, rank_P)] += np.triu(np.full((number, number), self._fitted.counts[index]), 1)
        return int(self._fitted.counts[rows].sum()), before_PP


def _table(fitted: Fitted) -> _Table:
    tokens_V = most_frequent(fitted, PAIRED_EVENTS)
    before_VV = np.zeros((len(tokens_V), len(tokens_V)))
    alone_V = np.zeros(len(tokens_V))
    for index, times in enumerate(fitted.counts):
        present_P = present(tokens_V, fitted.normal[index])
        before_VV[np.ix_(present_P, present_P)] += np.triu(np.full((len(present_P), len(present_P)), times), 1)
        alone_V[present_P] += times
    together_VV = before_VV + before_VV.T
    np.fill_diagonal(together_VV, alone_V)
    order_VV = -np.log((before_VV + 0.1) / (together_VV + 0.2))
    absence_VV = -np.log((alone_V[:, None] - together_VV + 0.5) / (alone_V[:, None] + 1))
    return _Table(tokens_V, order_VV, absence_VV)


def most_frequent(fitted: Fitted, number: int) -> Rows:
    """The `number` events that most different normal sessions have, ascending."""
    tokens, sessions = np.unique(fitted.normal.flat, return_counts=True)
    events = tokens >= len(MARKS)
    tokens, sessions = tokens[events].astype(np.int64), sessions[events]
    return np.sort(tokens[np.argsort(-sessions, kind="stable")[:number]])


def present(tokens_V: Rows, tokens: Tokens) -> Rows:
    """The different events of a session as places in `tokens_V`, in the order in which they first appear."""
    different, first = np.unique(tokens, return_index=True)
    different = different[np.argsort(first)]
    places = np.searchsorted(tokens_V, different).clip(max=max(0, len(tokens_V) - 1))
    return places[tokens_V[places] == different] if len(tokens_V) else places[:0]


def _strangest(table: _Table, surprise: Floats, rows: Rows, columns: Rows) -> Pair:
    if not surprise.size or surprise.max() <= 0:
        return NO_PAIR
    row, column = np.unravel_index(int(surprise.argmax()), surprise.shape)
    return Pair(float(surprise[row, column]), int(table.tokens_V[rows[row]]), int(table.tokens_V[columns[column]]))
