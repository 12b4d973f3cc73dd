"""Which event follows which in normal sessions: a first-order Markov chain.

Shapes: T tokens in all, V vocabulary.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.sentences import name_of, percent, percent_ko
from isang.detection.detectors.timed_sessions import TimedSessions
from isang.model.batches import Floats, Rows, Sessions
from isang.model.fitted import Fitted
from isang.model.vocabulary import BEGIN, END, MASK


class Transition(DetectorDefaults):
    """Finds a rare step from one event to the next.

    First-order Markov chain with the smoothing of Witten and Bell (1991): a new step to a frequent event is less
    unusual
    than one to a rare event.
    """

    name = "transition"

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """See `count_steps`."""
        return count_steps(sessions)

    def score(self, evidence: Evidence) -> Floats:
        """Negative log-probability of the session's rarest step, those from BEGIN and to END included, in nats.

        A session that may continue has no step to END.
        """
        return evidence.highest(transition_surprise(evidence.fitted, evidence.sessions))

    def reasons(self, case: Case) -> list[Reason]:
        """The line that the rarest step leads to."""
        surprise = np.nan_to_num(transition_surprise(case.model.fitted, case.evidence.sessions), nan=-np.inf)
        position = int(np.argmax(surprise))
        before, after = int(case.tokens[position - 1]), int(case.tokens[position])
        probability = float(np.exp(-surprise[position]))
        detail = {"probability": probability}
        if after == END:
            says = f"The session stops too early: after a line like this it ends in {percent(probability)} of cases."
            says_ko = f"세션이 너무 일찍 끝났습니다. 이런 줄 다음에 끝날 확률은 {percent_ko(probability)}입니다."
            return [Reason(says, position - 2, after=True, detail=detail, says_ko=says_ko)]
        if before == BEGIN:
            says = f"A session begins with a line like this in {percent(probability)} of cases."
            says_ko = f"세션이 이런 줄로 시작할 확률은 {percent_ko(probability)}입니다."
        else:
            last = name_of(case.model, before)
            says = f"A line like this follows “{last}” in {percent(probability)} of cases."
            says_ko = f"“{last}” 바로 다음에 이런 줄이 나올 확률은 {percent_ko(probability)}입니다."
        return [Reason(says, position - 1, detail=detail, says_ko=says_ko)]


def transition_surprise(fitted: Fitted, sessions: Sessions) -> Floats:
    """Negative log-probability of the step into every token from the one before, in nats.

    Shape: as `sessions.flat`; NaN at BEGIN and at an open end.
    """
    size = fitted.size
    normal = fitted.once(_normal_steps)
    asked = _steps(sessions.flat, size)
    found = np.minimum(np.searchsorted(normal.steps, asked), len(normal.steps) - 1)
    visits = np.where(normal.steps[found] == asked, normal.visits[found], 0.0)
    before, after = sessions.flat[:-1], sessions.flat[1:]
    followers = np.maximum(normal.followers_V[before], 1)
    probability = (visits + followers * normal.share_V[after]) / (normal.visits_V[before] + followers)
    surprise_T = np.full(len(sessions.flat), np.nan)
    surprise_T[1:] = -np.log(probability)
    surprise_T[np.isin(sessions.flat, (BEGIN, MASK))] = np.nan
    return surprise_T


class _NormalSteps(NamedTuple):
    """The steps of normal sessions from one token to the next."""

    steps: Rows
    """The distinct steps as numbers, ascending."""
    visits: Floats
    """The count of each step."""
    visits_V: Floats
    """Number of steps from each token."""
    followers_V: Rows
    """Number of distinct tokens that follow each token."""
    share_V: Floats
    """Each token's share as the end of steps, with half a visit added so that none is 0."""


def count_steps(sessions: TimedSessions) -> pl.DataFrame:
    """How often each token follows another in normal sessions: `before`, `after`, `count`."""
    normal, counts = sessions.different
    inside = normal.flat[1:] != BEGIN
    weights = np.repeat(counts, normal.lengths)[1:][inside]
    steps, place = np.unique(_steps(normal.flat, sessions.size)[inside], return_inverse=True)
    visits = np.bincount(place, weights=weights, minlength=len(steps))
    return pl.DataFrame(
        {"before": steps // sessions.size, "after": steps % sessions.size, "count": visits.astype(np.int64)},
        schema={"before": pl.Int64, "after": pl.Int64, "count": pl.Int64},
    )


def _normal_steps(fitted: Fitted) -> _NormalSteps:
    size, table = fitted.size, fitted[Transition.name]
    before, after = table["before"].to_numpy(), table["after"].to_numpy()
    visits = table["count"].to_numpy().astype(np.float64)
    ends_V = np.bincount(after, weights=visits, minlength=size) + 0.5
    return _NormalSteps(
        before * size + after,
        visits,
        np.bincount(before, weights=visits, minlength=size).astype(np.float64),
        np.bincount(before, minlength=size).astype(np.int64),
        ends_V / ends_V.sum(),
    )


def _steps(flat: NDArray[np.int32], size: int) -> Rows:
    """Each step from one token to the next as one number, shape: len(flat) - 1."""
    return flat[:-1].astype(np.int64) * size + flat[1:]
