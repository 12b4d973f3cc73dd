"""The order of two events, depending on other events.

An express order is paid before it is packed, any other after: both orders are normal, and a third event decides.
Shapes: S sessions, T tokens in all, V events, M pairs of them that occur in both orders, P distinct events of one
session, Q its pairs.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.open_ends import are_open
from isang.detection.detectors.order.event_pairs import count_orders, most_frequent, present, present_in
from isang.detection.detectors.sentences import first_place, name_of, percent, percent_ko
from isang.model.batches import Floats, Rows, Sessions, Tokens
from isang.model.fitted import Fitted

CONTEXT_EVENTS = 150
"""Maximum number of events considered for pairs and their contexts: those in the most normal sessions."""
LEAST_SHARE = 0.05
"""Both orders are normal if the rarer one has at least this share of the sessions with both events."""
COUNTED_AT_ONCE = 2_000_000
"""Maximum cells in memory of the tables of sessions by events, or by pairs of events."""
LEAST_SESSIONS = 20
"""Minimum number of normal sessions with both events."""


class ContextOrder(DetectorDefaults):
    """Finds an order of two events that contradicts the presence or absence of a third."""

    name = "context_order"
    timed = True

    def score(self, evidence: Evidence) -> Floats:
        """Surprise at the order of two events given a third, if both orders are normal, in nats.

        0 for a session that may continue, since the third event may still come.
        """
        scores = context_surprise(evidence.fitted, evidence.sessions, evidence.timed.gaps_T)
        return np.where(are_open(evidence.sessions), 0.0, scores)

    def reasons(self, case: Case) -> list[Reason]:
        """The line that comes first, and the third that decides."""
        found = strangest_context(case.model.fitted, case.tokens, case.evidence.timed.gaps_T)
        second, other = name_of(case.model, found.second), name_of(case.model, found.other)
        so = f"only {found.alike_so:,}" if found.alike_so else "none"
        has, has_ko = ("have", "있는") if found.with_other else ("lack", "없는")
        says = f"Out of order: of the {found.alike:,} normal sessions that {has} “{other}”, as this one does, {so} "
        says += f"{'has' if found.alike_so < 2 else 'have'} this line before “{second}”; "
        says += f"of all with both lines {percent(found.share)} have."
        so_ko = f"{found.alike_so:,}개뿐입니다" if found.alike_so else "하나도 없습니다"
        says_ko = f"순서가 다릅니다. 이 세션처럼 “{other}” 줄이 {has_ko} 정상 세션 {found.alike:,}개 중 "
        says_ko += f"이 줄이 “{second}”보다 먼저 나온 것은 {so_ko}. "
        says_ko += f"두 줄이 모두 있는 세션 전체에서는 {percent_ko(found.share)}입니다."
        detail = {"probability": float(np.exp(-found.surprise))}
        return [Reason(says, first_place(case.tokens, found.first), detail=detail, says_ko=says_ko)]


class OrderContext(NamedTuple):
    """The order of two events that is least compatible with the presence or absence of a third."""

    surprise: float
    """-log of the share of this order among the comparable normal sessions, in nats."""
    first: int
    """A token of the session; -1 if it has no pair that occurs in both orders."""
    second: int
    """The token that it comes before."""
    other: int
    """The third token."""
    with_other: bool
    """Whether the session has it."""
    share: float
    """Share of this order in all normal sessions with both events."""
    alike: int
    """Number of comparable normal sessions: with both events, and with or without the third one as here."""
    alike_so: int
    """Number of comparable sessions with this order."""


NO_CONTEXT = OrderContext(0.0, -1, -1, -1, False, 0.0, 0, 0)


def strangest_context(fitted: Fitted, tokens: Tokens, gaps_T: Floats | None = None) -> OrderContext:
    """The pair whose order is least compatible with the session's other events, by first occurrences of events.

    Among n comparable normal sessions, k of them in this order, the share is (k + s) / (n + 1), where s is the share of
    this order in all sessions with both events. `gaps_T` are the times before the session's tokens in milliseconds, NaN
    if unknown. Two lines with the same time have no order: it only depends on which log is read first.
    """
    orders = _orders(fitted, tokens)
    times_T = _times(np.full(len(tokens), np.nan) if gaps_T is None else gaps_T)
    for pair in np.argsort(-orders.surprise_Q, kind="stable"):
        if times_T[orders.later_Q[pair]] > times_T[orders.earlier_Q[pair]]:
            return _context(fitted, tokens, orders, pair)
    return NO_CONTEXT


def context_surprise(fitted: Fitted, sessions: Sessions, gaps_T: Floats) -> Floats:
    """The surprise of `strangest_context` for each session, shape S; sessions with equal tokens and times share it."""
    surprise_S, times_T = np.zeros(len(sessions)), _times(gaps_T)
    distinct, inverse_S = sessions.distinct()
    by_sequence = np.split(np.argsort(inverse_S, kind="stable"), np.cumsum(np.bincount(inverse_S))[:-1])
    for index in _undecided(fitted, distinct):
        orders, rows = _orders(fitted, distinct[index]), by_sequence[index]
        surprise_Q = orders.surprise_Q
        for pair in np.argsort(-surprise_Q, kind="stable"):
            begins = sessions.offsets[rows]
            apart = times_T[begins + orders.later_Q[pair]] > times_T[begins + orders.earlier_Q[pair]]
            surprise_S[rows[apart]] = surprise_Q[pair]
            rows = rows[~apart]
            if not len(rows):
                break
    return surprise_S


def _times(gaps_T: Floats) -> Floats:
    """The time of each token in milliseconds since the first; a token of unknown time comes after the previous one."""
    return np.cumsum(np.where(np.isnan(gaps_T), 1.0, gaps_T))


class _ContextPairs(NamedTuple):
    """The pairs of a session's events that occur in both orders in normal sessions."""

    earlier_Q: Rows
    """Index among the session's tokens of the event that comes first."""
    later_Q: Rows
    """Index of the other one."""
    share_Q: Floats
    """Share of this order in all normal sessions with both."""
    here_V: NDArray[np.bool_]
    """Which third events the session has."""
    alike_QV: Floats
    """Normal sessions with both events that have, or lack, a third event as this session does."""
    alike_so_QV: Floats
    """Number of these in this order."""
    likely_QV: Floats
    """The share of this order among them."""

    @property
    def surprise_Q(self) -> Floats:
        """-log of the least of these shares, in nats."""
        surprise_Q: Floats = -np.log(self.likely_QV.min(axis=1, initial=1.0))
        return surprise_Q


def _orders(fitted: Fitted, tokens: Tokens) -> _ContextPairs:
    table = fitted.once(_table)
    rank_V, here_V = _ranks(table.tokens_V, tokens)
    one, other, pair_Q = _pairs(table, here_V)
    so_Q = rank_V[one] < rank_V[other]
    both_Q, first_Q = table.both_M[pair_Q], table.first_M[pair_Q]
    both_QV, first_QV = table.both_MV[pair_Q], table.first_MV[pair_Q]
    alike_QV = np.where(here_V, both_QV, both_Q[:, None] - both_QV)
    first_QV = np.where(here_V, first_QV, first_Q[:, None] - first_QV)
    different, place = np.unique(tokens, return_index=True)
    one, other = (place[np.searchsorted(different, table.tokens_V[which])] for which in (one, other))
    share_Q = np.where(so_Q, first_Q, both_Q - first_Q) / both_Q
    alike_so_QV = np.where(so_Q[:, None], first_QV, alike_QV - first_QV)
    return _ContextPairs(
        earlier_Q=np.minimum(one, other),
        later_Q=np.maximum(one, other),
        share_Q=share_Q,
        here_V=here_V,
        alike_QV=alike_QV,
        alike_so_QV=alike_so_QV,
        likely_QV=(alike_so_QV + share_Q[:, None]) / (alike_QV + 1),
    )


def _context(fitted: Fitted, tokens: Tokens, orders: _ContextPairs, pair: int) -> OrderContext:
    other = int(orders.likely_QV[pair].argmin())
    return OrderContext(
        surprise=float(orders.surprise_Q[pair]),
        first=int(tokens[orders.earlier_Q[pair]]),
        second=int(tokens[orders.later_Q[pair]]),
        other=int(fitted.once(_table).tokens_V[other]),
        with_other=bool(orders.here_V[other]),
        share=float(orders.share_Q[pair]),
        alike=int(orders.alike_QV[pair, other]),
        alike_so=int(orders.alike_so_QV[pair, other]),
    )


class _ContextTable(NamedTuple):
    tokens_V: Rows
    """The events, ascending."""
    pair_VV: Rows
    """The number of each pair, the smaller token first, -1 if the two do not occur in both orders."""
    both_M: Floats
    """Normal sessions with both events."""
    first_M: Floats
    """Normal sessions with both in which the smaller token comes first."""
    both_MV: Floats
    """Normal sessions with both and a third event."""
    first_MV: Floats


def _table(fitted: Fitted) -> _ContextTable:
    tokens_V = most_frequent(fitted, CONTEXT_EVENTS)
    size = len(tokens_V)
    first_VV, alone_V = count_orders(fitted, tokens_V)
    both_VV = first_VV + first_VV.T
    np.fill_diagonal(both_VV, alone_V)
    rarer_VV = np.minimum(first_VV, first_VV.T)
    mixed_VV = np.triu((both_VV >= LEAST_SESSIONS) & (rarer_VV >= LEAST_SHARE * both_VV), 1)
    pair_VV = np.full((size, size), -1, dtype=np.int64)
    pair_VV[mixed_VV] = np.arange(mixed_VV.sum())
    one_M, other_M = np.nonzero(mixed_VV)
    both_MV, first_MV = np.zeros((len(one_M), size)), np.zeros((len(one_M), size))
    at_once = max(1, COUNTED_AT_ONCE // max(1, len(one_M), size))
    for start in range(0, len(fitted.normal) if len(one_M) else 0, at_once):
        rows = np.arange(start, min(start + at_once, len(fitted.normal)))
        rank_SV, here_SV = _all_ranks(tokens_V, fitted.normal.take(rows))
        both_SM = fitted.counts[rows][:, None] * (here_SV[:, one_M] & here_SV[:, other_M]).astype(np.float64)
        both_MV += both_SM.T @ here_SV
        first_MV += (both_SM * (rank_SV[:, one_M] < rank_SV[:, other_M])).T @ here_SV
    return _ContextTable(tokens_V, pair_VV, both_VV[mixed_VV], first_VV[mixed_VV], both_MV, first_MV)


def _all_ranks(tokens_V: Rows, sessions: Sessions) -> tuple[Rows, NDArray[np.bool_]]:
    """As `_ranks` for many sessions; both of shape (S, V)."""
    present = present_in(tokens_V, sessions)
    session_T = np.repeat(np.arange(len(present)), present.lengths)
    rank_SV = np.zeros((len(present), len(tokens_V)), dtype=np.int64)
    here_SV = np.zeros((len(present), len(tokens_V)), dtype=np.bool_)
    rank_SV[session_T, present.flat] = np.arange(len(present.flat)) - present.offsets[session_T]
    here_SV[session_T, present.flat] = True
    return rank_SV, here_SV


def _undecided(fitted: Fitted, sessions: Sessions) -> Iterator[int]:
    """The sessions with a pair of events that occur in both orders."""
    table = fitted.once(_table)
    mixed_VV = (table.pair_VV >= 0).astype(np.float32)
    at_once = max(1, COUNTED_AT_ONCE // max(1, len(table.tokens_V)))
    for start in range(0, len(sessions) if len(table.both_M) else 0, at_once):
        rows = np.arange(start, min(start + at_once, len(sessions)))
        _, here_SV = _all_ranks(table.tokens_V, sessions.take(rows))
        yield from rows[((here_SV.astype(np.float32) @ mixed_VV > 0) & here_SV).any(axis=1)].tolist()


def _ranks(tokens_V: Rows, tokens: Tokens) -> tuple[Rows, NDArray[np.bool_]]:
    """For each event the number of events that first occur before it, and whether it is present; both of shape V."""
    present_P = present(tokens_V, tokens)
    rank_V = np.zeros(len(tokens_V), dtype=np.int64)
    rank_V[present_P] = np.arange(len(present_P))
    here_V = np.zeros(len(tokens_V), dtype=np.bool_)
    here_V[present_P] = True
    return rank_V, here_V


def _pairs(table: _ContextTable, here_V: NDArray[np.bool_]) -> tuple[Rows, Rows, Rows]:
    """The pairs of present events that occur in both orders: the two indices and the number of each, shape Q."""
    places = np.flatnonzero(here_V)
    rows, columns = np.nonzero(table.pair_VV[np.ix_(places, places)] >= 0)
    earlier, later = places[rows], places[columns]
    return earlier, later, table.pair_VV[earlier, later]
