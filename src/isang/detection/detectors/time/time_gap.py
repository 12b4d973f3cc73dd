"""The time between two events in normal sessions, and the surprise at the time between two events.

Times are counted in bins with a width of e^(1/8), so that a table of them is small and can be summed.
Shapes: S sessions, T tokens in all, P pairs of events, V vocabulary, K bins in ascending order.
"""

from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.artifact import Model
from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.sentences import duration, name_of
from isang.detection.detectors.timed_sessions import TimedSessions
from isang.model.batches import MAPPED_AT_ONCE, Floats, Rows, Sessions, Tokens
from isang.model.fitted import Fitted

MOST_MS = 2**31
EDGES_MS: Rows = np.unique(np.ceil(np.expm1(np.arange(0, np.log1p(MOST_MS), 1 / 8))).astype(np.int64))
"""The lower edge of each bin, shape K; the first bin holds only 0."""
MOST_PAIRS = 20_000
"""Number of pairs, the most frequent, with bins of their own; the others use all times before their second event."""
BORROWED = 5.0
"""Weight, in times, of all pairs with the same second event in a pair's distribution, and of all pairs in theirs."""
SEEN_SHARE = 0.25
"""Times longer than this share of the training period are clipped to it: the period can hardly show how common they
are."""
TAIL_SHARE, LEAST_SCALE, SCALE_TIMES = 0.05, 0.5, 20.0
"""The tail beyond a pair's longest time has the mean log excess of its TAIL_SHARE longest times, shrunk towards that of
all pairs with the weight SCALE_TIMES, and at least LEAST_SCALE."""


class TimeGap(DetectorDefaults):
    """Finds an event that follows the previous one much later than it ever did."""

    name = "time_gap"
    least_scale = 2.0
    allowance = 3.0
    timed = True

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """See `count_gaps`."""
        return count_gaps(sessions.tokens, sessions.gaps_T)

    def can_tell(self, fitted: Fitted) -> bool:
        """Whether there were timestamps."""
        return len(fitted[self.name]) > 0

    def score(self, evidence: Evidence) -> Floats:
        """Surprise at the longest time between two events, given the two events, in nats; 0 without timestamps."""
        return evidence.highest(gap_surprise(evidence.model, evidence.sessions, evidence.timed.gaps_T))

    def reasons(self, case: Case) -> list[Reason]:
        """The line that came late, and the one before it."""
        timed = case.evidence.timed
        surprise = np.nan_to_num(gap_surprise(case.model, timed.tokens, timed.gaps_T), nan=-np.inf)
        position = int(np.argmax(surprise))
        before, after = int(case.tokens[position - 1]), int(case.tokens[position])
        gap_ms, normal = float(timed.gaps_T[position]), normal_times(case.model, before, after)
        name = name_of(case.model, before)
        where, where_ko = (
            (f"after “{name}”", f"“{name}” 다음에") if normal.pair else ("after another", "다른 줄 다음에")
        )
        longest = duration(normal.longest_ms)
        as_long, as_long_ko = f"it took {longest} at most", f"길어야 {longest}였습니다"
        if normal.longest_ms >= gap_ms:
            as_long, as_long_ko = "it hardly ever took so long", "이렇게 오래 걸린 적이 거의 없습니다"
        says = f"This line came {duration(gap_ms)} after the one before it; the {normal.number:,} times that normal "
        says += f"sessions have it {where}, {as_long}."
        says_ko = (
            f"이 줄은 앞줄보다 {duration(gap_ms)} 뒤에 나왔습니다. 정상 세션에서 {where_ko} 나온 {normal.number:,}번은 "
        )
        says_ko += f"{as_long_ko}."
        detail = {"gap_ms": gap_ms, "most_normal_ms": normal.longest_ms, "normal_times": normal.number}
        return [Reason(says, position - 1, since=position - 2, detail=detail, says_ko=says_ko)]


def count_gaps(sessions: Sessions, gaps_T: Floats) -> pl.DataFrame:
    """Counts of the times between two tokens: `before`, `after`, `at_least_ms` (a bin), `count`."""
    known = np.flatnonzero(~np.isnan(gaps_T))
    steps = pl.DataFrame(
        {
            "before": sessions.flat[known - 1],
            "after": sessions.flat[known],
            "at_least_ms": EDGES_MS[_bins(gaps_T[known])],
        },
        schema={"before": pl.Int32, "after": pl.Int32, "at_least_ms": pl.Int64},
    )
    keys = ["before", "after", "at_least_ms"]
    return steps.group_by(keys).agg(count=pl.len().cast(pl.Int64)).sort(keys)


def gap_surprise(model: Model, sessions: Sessions, gaps_T: Floats) -> Floats:
    """-log of the share of normal times between the same two events that are at least this long, in nats; shape T.

    NaN if there is no time, or none to compare it with. A time is reduced by one tick of the normal sessions' clock,
    which is its possible error, and clipped to what the training period could show.
    """
    surprise_T = np.full(len(sessions.flat), np.nan)
    normal = model.fitted.once(_normal_gaps)
    if normal is None:
        return surprise_T
    longest_ms = SEEN_SHARE * _period_ms(model)
    for start in range(0, len(gaps_T), MAPPED_AT_ONCE):
        known = start + np.flatnonzero(~np.isnan(gaps_T[start : start + MAPPED_AT_ONCE]))
        row = _row_of(normal, sessions.flat[known - 1], sessions.flat[known])
        found = normal.surprise_PK[row, _bins(np.minimum(gaps_T[known] - normal.tick_ms, longest_ms))]
        surprise_T[known] = np.where(row >= 0, found, np.nan)
    return surprise_T


def _period_ms(model: Model) -> float:
    """The length of the training period; infinite if unknown."""
    first, last = (model.facts.get(name) for name in ("trained_from", "trained_until"))
    if not first or not last:
        return np.inf
    return 1000 * (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


class NormalTimes(NamedTuple):
    """The times of normal sessions between two events."""

    number: int
    """Number of times the two follow each other, or if that is unknown, the second follows any event."""
    longest_ms: int
    """Upper bound of these times."""
    pair: bool
    """Whether these are times between the two events, not between any event and the second."""


def normal_times(model: Model, before: int, after: int) -> NormalTimes:
    """The known times between two tokens. Raises KeyError if there are none."""
    normal = model.fitted.once(_normal_gaps)
    row = (
        -1
        if normal is None
        else int(_row_of(normal, np.array([before], dtype=np.int32), np.array([after], dtype=np.int32))[0])
    )
    if normal is None or row < 0:
        raise KeyError((before, after))
    times_K = normal.times_PK[row]
    last = int(np.flatnonzero(times_K)[-1])
    return NormalTimes(int(times_K.sum()), int(EDGES_MS[min(last + 1, len(EDGES_MS) - 1)]) - 1, row < len(normal.steps))


class _NormalGaps(NamedTuple):
    steps: Rows
    """The pairs with bins of their own, as numbers, ascending."""
    after_V: Rows
    """The row of all times before each token, -1 if there are none."""
    times_PK: Floats
    """The count of each time: rows of the pairs, followed by rows of the second tokens."""
    surprise_PK: NDArray[np.float32]
    tick_ms: int
    """The shortest time above 0, which is the resolution of the clock."""


def _normal_gaps(fitted: Fitted) -> _NormalGaps | None:
    table, size = fitted[TimeGap.name], fitted.size
    if not len(table):
        return None
    columns = (table[name].to_numpy() for name in ("before", "after", "at_least_ms", "count"))
    before, after, at_least_ms, count = columns
    number = before.astype(np.int64) * size + after
    total = pl.DataFrame({"step": number, "count": count}).group_by("step").agg(pl.col("count").sum())
    steps = np.sort(total.sort("count", "step", descending=[True, False])["step"].head(MOST_PAIRS).to_numpy())
    follows = np.unique(after)
    after_V = np.full(size, -1, dtype=np.int64)
    after_V[follows] = len(steps) + np.arange(len(follows))
    times_PK = np.zeros((len(steps) + len(follows), len(EDGES_MS)))
    bins = _bins(at_least_ms)
    np.add.at(times_PK, (after_V[after], bins), count)
    own = np.isin(number, steps)
    np.add.at(times_PK, (np.searchsorted(steps, number[own]), bins[own]), count[own])
    shortest = bins[bins > 0].min(initial=len(EDGES_MS) - 2)

    scale_P = _scales(times_PK)
    all_K = _shares(times_PK[len(steps) :].sum(axis=0, keepdims=True), scale_P.mean(keepdims=True))
    after_PK = _borrowing(times_PK[len(steps) :], scale_P[len(steps) :], all_K)
    pairs_PK = _borrowing(times_PK[: len(steps)], scale_P[: len(steps)], after_PK[after_V[steps % size] - len(steps)])
    surprise_PK = -np.log(np.concatenate([pairs_PK, after_PK])).astype(np.float32)
    return _NormalGaps(steps, after_V, times_PK, surprise_PK, int(EDGES_MS[shortest + 1]) - 1)


def _borrowing(times_PK: Floats, scale_P: Floats, common_PK: Floats) -> Floats:
    """The shares of each row, mixed with those of a more general distribution."""
    number_P1 = times_PK.sum(axis=1, keepdims=True)
    mixed: Floats = (number_P1 * _shares(times_PK, scale_P) + BORROWED * common_PK) / (number_P1 + BORROWED)
    return mixed


def _shares(times_PK: Floats, scale_P: Floats) -> Floats:
    """The share of times in a bin or a later one; beyond the last time it falls as a power of the time.

    Up to there it is a conformal p-value, (1 + times at least as long) / (1 + times).
    """
    logarithm_K = np.log1p(EDGES_MS)
    at_least_PK = times_PK[:, ::-1].cumsum(axis=1)[:, ::-1]
    last_P = len(EDGES_MS) - 1 - np.argmax(times_PK[:, ::-1] > 0, axis=1)
    beyond_PK = np.maximum(0.0, logarithm_K - logarithm_K[last_P][:, None])
    shares: Floats = (1 + at_least_PK) / (1 + at_least_PK[:, :1]) * np.exp(-beyond_PK / scale_P[:, None])
    return shares


def _scales(times_PK: Floats) -> Floats:
    """The mean excess of the logarithms of each row's longest times (Hill 1975), shrunk towards that of all rows."""
    logarithm_K = np.log1p(EDGES_MS)
    at_least_PK = times_PK[:, ::-1].cumsum(axis=1)[:, ::-1]
    tail_P1 = np.ceil(TAIL_SHARE * at_least_PK[:, :1])
    begin_P = (at_least_PK >= tail_P1).sum(axis=1) - 1  # the bin where the tail begins
    in_tail_PK = np.where(np.arange(len(EDGES_MS)) >= begin_P[:, None], times_PK, 0.0)
    excess_P = (in_tail_PK * (logarithm_K - logarithm_K[begin_P][:, None])).sum(axis=1)
    number_P = in_tail_PK.sum(axis=1)
    common = excess_P.sum() / number_P.sum()
    scales: Floats = np.maximum(LEAST_SCALE, (excess_P + SCALE_TIMES * common) / (number_P + SCALE_TIMES))
    return scales


def _row_of(normal: _NormalGaps, before: Tokens, after: Tokens) -> Rows:
    """The row of each pair, else of its second token, else -1."""
    step = before.astype(np.int64) * len(normal.after_V) + after
    place = np.minimum(np.searchsorted(normal.steps, step), len(normal.steps) - 1)
    rows: Rows = np.where(normal.steps[place] == step, place, normal.after_V[after])
    return rows


def _bins(gaps_ms: NDArray[np.int64] | Floats) -> Rows:
    """The bin of each time; negative times count as 0."""
    bins: Rows = np.searchsorted(EDGES_MS, np.maximum(gaps_ms, 0), side="right") - 1
    return bins
