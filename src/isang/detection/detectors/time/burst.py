"""Bursts: sessions with the same event in quicker succession than in the training period.

One refused payment is common, sixteen within ten seconds are not, although each session looks normal. A session's time
is that of its last line, when it can be judged.
Shapes: S sessions, N with those that came before, T tokens in all, P pairs of a session and an event that it has, in
the order of (event, time), C sizes of a crowd, V vocabulary.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.sentences import duration, first_place
from isang.detection.detectors.timed_sessions import NOTHING_EARLIER, EarlierSessions, TimedSessions
from isang.model.batches import TAKEN_AT_ONCE, Floats, Rows, Sessions, Tokens
from isang.model.fitted import Fitted
from isang.model.vocabulary import BEGIN, MARKS

CROWDS = (8, 16, 32)
"""Sizes of a crowd: a group of consecutive sessions with the same event, measured by the time from first to last."""
ALL = 256
"""Size of a crowd of any sessions, whose time shows how much the overall load exceeds that of the training period."""
LEAST_CROWDS = 10
"""A crowd size is judged if the training period holds at least this many: the quickest of a few means little."""
LEAST_MS = 1_000.0
"""Added to every time: with a clock of whole seconds, or lines written together, shorter times are meaningless."""


class Burst(DetectorDefaults):
    """Finds sessions with the same event in quicker succession than ever in the training period."""

    name = "burst"
    unit = "deviations"
    least_scale = 1.5
    allowance = 3.0
    timed = True
    tested = False

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """See `count_bursts`."""
        return count_bursts(sessions.tokens, sessions.ends_ms_S)

    def can_tell(self, fitted: Fitted) -> bool:
        """Whether there were timestamps, and LEAST_CROWDS crowds of the smallest size."""
        return fitted.once(_timed_sessions) >= LEAST_CROWDS * min(CROWDS)

    def score(self, evidence: Evidence) -> Floats:
        """How much quicker than ever sessions with the same event came, in deviations; 0 without timestamps."""
        return evidence.once(bursts).deviations_S

    def reasons(self, case: Case) -> list[Reason]:
        """The line that the sessions of the crowd have in common."""
        found = case.beside.once(bursts)
        token, crowd, span_ms = (column_S[case.index] for column_S in found[1:])
        if token < 0:
            return []
        shortest_ms, in_all = normal_crowd(case.model.fitted, int(token), int(crowd))
        normal, normal_ko = f"only {in_all:,} had one at all", f"전체를 합쳐 {in_all:,}개뿐이었습니다"
        if in_all >= crowd:
            normal = f"that many never did in less than {duration(shortest_ms)}"
            normal_ko = f"이만큼이 {duration(shortest_ms)} 안에 끝난 적이 없습니다"
        span = duration(float(span_ms))
        says = f"{crowd} sessions with a line like this, this one among them, ended within {span}; "
        says += f"in the training period {normal}."
        says_ko = f"이런 줄이 있는 세션 {crowd}개가 이 세션을 포함해 {span} 안에 끝났습니다. 학습 기간에는 {normal_ko}."
        detail = {
            "crowd": int(crowd),
            "span_ms": float(span_ms),
            "least_normal_span_ms": shortest_ms,
            "normal_sessions": in_all,
        }
        return [Reason(says, first_place(case.tokens, int(token)), detail=detail, says_ko=says_ko)]


def bursts(evidence: Evidence) -> "Bursts":
    """The crowds that the sessions of the evidence belong to."""
    return _found(evidence.fitted, evidence.once(_pairs_of), len(evidence.sessions))


class Bursts(NamedTuple):
    """The quickest crowd of each session, compared with those of the training period; each of shape S."""

    deviations_S: Floats
    """How much quicker it was than any in training; 0 if it was not."""
    token_S: Rows
    """The event that its sessions have in common; -1 if none was quicker."""
    crowd_S: Rows
    """The number of its sessions."""
    span_ms_S: Floats
    """The time from the first of them to the last."""


def count_bursts(sessions: Sessions, ends_ms_S: Floats) -> pl.DataFrame:
    """The shortest time per event and crowd size: `token`, `sessions` (of CROWDS), `shortest_ms`.

    `in_all` is the number of sessions with the event; if it is smaller than the crowd, the shortest time is that of all
    sessions. BEGIN, which every session has, represents the crowd of ALL.
    """
    pairs = _pairs(sessions, ends_ms_S, NOTHING_EARLIER)
    whole_ms = float(np.ptp(pairs.end_ms_P)) if len(pairs.end_ms_P) else 0.0
    tables = [
        pl.DataFrame({"token": pairs.token_P.astype(np.int32), "span_ms": _spans_ms(pairs, crowd)})
        .group_by("token")
        .agg(
            sessions=pl.lit(crowd, dtype=pl.Int64).first(),
            shortest_ms=pl.min_horizontal(pl.col("span_ms").min(), whole_ms),
            in_all=pl.len().cast(pl.Int64),
        )
        .filter((pl.col("token") == BEGIN) == (crowd == ALL))
        for crowd in (*CROWDS, ALL)
    ]
    return pl.concat(tables).sort("token", "sessions")


def find_bursts(
    fitted: Fitted, sessions: Sessions, ends_ms_S: Floats, earlier: EarlierSessions = NOTHING_EARLIER
) -> Bursts:
    """The crowds that sessions belong to, including those that came `earlier`.

    If sessions come independently at a constant rate, the logarithm of the time of k sessions has a deviation of about
    1 / sqrt(k). In these deviations each crowd is compared with the quickest one of the training period. A session that
    is only near a crowd does not belong to it: it counts as quick as the slowest of its own crowds up to that size. If
    all sessions come quicker than ever, crowds must be quicker still: a busier day is not a burst.
    """
    return _found(fitted, _pairs(sessions, ends_ms_S, earlier), len(sessions))


def _found(fitted: Fitted, pairs: "_Pairs", size: int) -> Bursts:
    none = np.zeros(size, dtype=np.int64)
    found = Bursts(np.zeros(size), none - 1, none.copy(), np.full(size, np.nan))
    shortest_ms_CV = fitted.once(_shortest_ms)
    busier_P = _busier(pairs, size, shortest_ms_CV[-1, BEGIN])
    quicker_P = np.full(len(pairs.token_P), np.inf)
    for crowd, shortest_ms_V in zip(CROWDS, shortest_ms_CV, strict=False):
        if fitted.once(_timed_sessions) < LEAST_CROWDS * crowd:
            break
        span_ms_P = _quickest_around(_spans_ms(pairs, crowd), crowd)
        times_P = (shortest_ms_V[pairs.token_P] + LEAST_MS) / (span_ms_P + LEAST_MS)
        quicker_P = np.minimum(quicker_P, times_P / busier_P)
        above_P = np.sqrt(crowd) * np.log(np.maximum(quicker_P, 1.0))
        judged = np.flatnonzero(pairs.session_P >= 0)
        judged = judged[above_P[judged] > found.deviations_S[pairs.session_P[judged]]]
        judged = judged[np.argsort(above_P[judged], kind="stable")]  # the last of a session's crowds is kept
        rows = pairs.session_P[judged]
        found.deviations_S[rows], found.token_S[rows] = above_P[judged], pairs.token_P[judged]
        found.crowd_S[rows], found.span_ms_S[rows] = crowd, span_ms_P[judged]
    return found


def remember(sessions: TimedSessions) -> EarlierSessions:
    """Sessions that may form a crowd with later ones: the latest times of each event, including those of earlier
    sessions."""
    pairs = _pairs(sessions.tokens, sessions.ends_ms_S, sessions.earlier)
    behind_P = np.searchsorted(pairs.token_P, pairs.token_P, side="right") - np.arange(len(pairs.token_P))
    latest_P = behind_P < np.where(pairs.token_P == BEGIN, ALL, max(CROWDS))
    return EarlierSessions(pairs.token_P[latest_P].astype(np.int64), pairs.end_ms_P[latest_P])


def neighbours(evidence: Evidence, index: int) -> EarlierSessions | None:
    """The other sessions that determine how quick the crowd of a session is; None if it is in no quick one.

    With only these beside it, it has the same deviation: sessions with its event, up to the size of the largest crowd
    before and after it, and the ALL sessions that end with it.
    """
    token = int(evidence.once(bursts).token_S[index])
    if token < 0:
        return None
    pairs, end_ms = evidence.once(_pairs_of), evidence.timed.ends_ms_S[index]
    found = []
    for event, before, behind in ((token, max(CROWDS) - 1, max(CROWDS) - 1), (BEGIN, ALL - 1, 0)):
        first, last = (np.searchsorted(pairs.token_P, np.int32(event), side=side) for side in ("left", "right"))
        ends_ms_E = pairs.end_ms_P[first:last]
        same = first + np.arange(np.searchsorted(ends_ms_E, end_ms), np.searchsorted(ends_ms_E, end_ms, side="right"))
        place = int(same[pairs.session_P[same] == index][0])
        near = np.arange(max(int(first), place - before), min(int(last), place + behind + 1))
        found.append(near[pairs.session_P[near] != index])
    chosen = np.concatenate(found)
    return EarlierSessions(pairs.token_P[chosen].astype(np.int64), pairs.end_ms_P[chosen])


def normal_crowd(fitted: Fitted, token: int, crowd: int) -> tuple[float, int]:
    """The shortest time of a crowd of normal sessions with an event in milliseconds, and how many have the event in
    all.

    Raises KeyError if that was not counted.
    """
    found = fitted[Burst.name].filter((pl.col("token") == token) & (pl.col("sessions") == crowd))
    if not len(found):
        raise KeyError(token)
    return float(found["shortest_ms"][0]), int(found["in_all"][0])


def _pairs_of(evidence: Evidence) -> "_Pairs":
    return _pairs(evidence.timed.tokens, evidence.timed.ends_ms_S, evidence.timed.earlier)


class _Pairs(NamedTuple):
    session_P: NDArray[np.int32]
    """The session's index; -1 for an earlier one."""
    token_P: NDArray[np.int32]
    end_ms_P: Floats


def _pairs(sessions: Sessions, ends_ms_S: Floats, earlier: EarlierSessions) -> _Pairs:
    """Each session that has a time, paired with BEGIN and with each of its distinct known events."""
    number, ends_ms_N = len(sessions), np.concatenate([ends_ms_S, earlier.end_ms_P])
    order_N = np.argsort(ends_ms_N, kind="stable")
    rank_N = np.empty_like(order_N)
    rank_N[order_N] = np.arange(len(order_N))
    timed_N = ~np.isnan(ends_ms_N)
    parts = [_places(earlier.token_P, np.arange(number, len(order_N)), rank_N, timed_N)]
    for start in range(0, number, TAKEN_AT_ONCE):  # less memory than all at once
        rows = np.arange(start, min(start + TAKEN_AT_ONCE, number))
        of_T = np.repeat(rows, sessions.lengths[rows])
        tokens_T = sessions.flat[sessions.offsets[start] : sessions.offsets[rows[-1] + 1]]
        parts.append(_places(tokens_T, of_T, rank_N, timed_N))
    places_P = np.unique(np.concatenate(parts))  # sorted, and each once
    token_P, rank_P = np.divmod(places_P, max(1, len(order_N)))
    of_P = order_N[rank_P]
    session_P = np.where(of_P < number, of_P, -1).astype(np.int32)
    return _Pairs(session_P, token_P.astype(np.int32), ends_ms_N[of_P])


def _places(token_T: Rows | Tokens, of_T: Rows, rank_N: Rows, timed_N: NDArray[np.bool_]) -> Rows:
    """For each event of the sessions `of_T`: its token times their number, plus the session's rank in time."""
    counts_T = ((token_T >= len(MARKS)) | (token_T == BEGIN)) & timed_N[of_T]
    return np.unique(token_T[counts_T].astype(np.int64) * max(1, len(rank_N)) + rank_N[of_T[counts_T]])


def _spans_ms(pairs: _Pairs, crowd: int) -> Floats:
    """The time since the session with the same event `crowd` - 1 places earlier; infinite if there is none."""
    spans_ms_P = np.full(len(pairs.token_P), np.inf)
    same = pairs.token_P[crowd - 1 :] == pairs.token_P[: 1 - crowd]
    spans_ms_P[crowd - 1 :][same] = (pairs.end_ms_P[crowd - 1 :] - pairs.end_ms_P[: 1 - crowd])[same]
    return spans_ms_P


def _busier(pairs: _Pairs, size: int, shortest_ms: float) -> Floats:
    """How many times quicker than ever the ALL sessions up to each pair's session came; 1 if not quicker; shape P.

    `size` is the number of sessions.
    """
    spans_ms_P, every_P = _spans_ms(pairs, ALL), np.flatnonzero((pairs.token_P == BEGIN) & (pairs.session_P >= 0))
    busier_S = np.ones(size + 1)  # the last one is for earlier sessions
    times_quicker = (shortest_ms + LEAST_MS) / (spans_ms_P[every_P] + LEAST_MS)
    busier_S[pairs.session_P[every_P]] = np.maximum(1.0, times_quicker)
    return busier_S[pairs.session_P]


def _quickest_around(spans_ms_P: Floats, crowd: int) -> Floats:
    """The shortest time of the crowds that contain each pair: those that end with it or with one of the next.

    `crowd` is a power of two. The spans at the beginning of the next event are infinite, so no crowd spans two events.
    """
    shortest_ms_P = spans_ms_P.copy()
    step = 1
    while step < crowd:
        shortest_ms_P[:-step] = np.minimum(shortest_ms_P[:-step], shortest_ms_P[step:])
        step *= 2
    return shortest_ms_P


def _shortest_ms(fitted: Fitted) -> Floats:
    """The shortest normal time of each crowd (ALL last) and event, shape (C, V); 0 for events in no normal session."""
    sizes = (*CROWDS, ALL)
    shortest_ms_CV = np.zeros((len(sizes), fitted.size))
    for place, crowd in enumerate(sizes):
        table = fitted[Burst.name].filter(pl.col("sessions") == crowd)
        shortest_ms_CV[place, table["token"].to_numpy()] = table["shortest_ms"].to_numpy()
    return shortest_ms_CV


def _timed_sessions(fitted: Fitted) -> int:
    """The number of sessions with a time among which crowds were counted."""
    of_all = fitted[Burst.name].filter(pl.col("token") == BEGIN)["in_all"]
    return int(of_all[0]) if len(of_all) else 0
