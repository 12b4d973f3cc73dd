"""Events that occur more often in a session than in any normal one.

Shapes: S sessions, V vocabulary.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.sentences import in_longest_run
from isang.detection.detectors.timed_sessions import TimedSessions
from isang.model.batches import Floats, Rows, Sessions, Tokens, from_sequences
from isang.model.fitted import Fitted

UNKNOWN_DEVIATION, FEW_SESSIONS = 0.5, 20
"""Prior deviation of the square root of an event's count, and its weight in sessions."""


class RepeatedEvent(DetectorDefaults):
    """Finds an event that occurs more often than in any normal session."""

    name = "repeated_event"
    unit = "deviations"
    least_scale = 2.0
    allowance = 16.0

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """See `count_times`."""
        return count_times(sessions)

    def score(self, evidence: Evidence) -> Floats:
        """The largest excess of an event's count over its maximum in normal sessions, in deviations.

        The difference of square roots, divided by the deviation of the root among the normal sessions with the event.
        """
        session, _, above = above_normal(evidence.fitted, evidence.sessions)
        scores: Floats = np.zeros(len(evidence.sessions))
        np.maximum.at(scores, session, above)
        return scores

    def reasons(self, case: Case) -> list[Reason]:
        """The last line of the longest run of the event."""
        token, times, most = most_repeated(case.model.fitted, case.tokens)
        says = f"A line like this occurs {times} times; no normal session has more than {most}."
        says_ko = f"이런 줄이 {times}번 나옵니다. 정상 세션에서는 많아야 {most}번입니다."
        detail = {"times": times, "most_normal_times": most}
        return [Reason(says, in_longest_run(case.tokens, token), detail=detail, says_ko=says_ko)]


def _times(sessions: Sessions, vocabulary_size: int) -> tuple[Rows, Rows, Rows]:
    """Session, token and count, for each distinct event of each session."""
    session = np.repeat(np.arange(len(sessions)), sessions.lengths)
    places, times = np.unique(session * vocabulary_size + sessions.flat, return_counts=True)
    return places // vocabulary_size, places % vocabulary_size, times


def above_normal(fitted: Fitted, sessions: Sessions) -> tuple[Rows, Rows, Floats]:
    """Session, token and deviations above the highest normal count, for each distinct event.

    An event that is in no normal session is never above.
    """
    normal = fitted.once(_normal_times)
    session, token, times = _times(sessions, len(normal.most_V))
    above = (np.sqrt(times) - normal.most_V[token]) / normal.deviation_V[token]
    return session, token, np.where(normal.most_V[token] > 0, above, 0.0)


def most_repeated(fitted: Fitted, tokens: Tokens) -> tuple[int, int, int]:
    """The event of a session that is farthest above its normal count, its count, and the highest normal count."""
    _, token, above = above_normal(fitted, from_sequences([tokens]))
    strangest = int(token[np.argmax(above)])
    return strangest, int((tokens == strangest).sum()), round(float(fitted.once(_normal_times).most_V[strangest]) ** 2)


class _NormalTimes(NamedTuple):
    """Square roots of the counts of each token in the normal sessions that have it."""

    most_V: Floats
    """The maximum; 0 if no session has the token."""
    deviation_V: Floats


def _normal_times(fitted: Fitted) -> _NormalTimes:
    table = fitted[RepeatedEvent.name]
    most_V, deviation_V = np.zeros(fitted.size), np.full(fitted.size, UNKNOWN_DEVIATION)
    token = table["token"].to_numpy()
    most_V[token], deviation_V[token] = table["most_root"].to_numpy(), table["deviation"].to_numpy()
    return _NormalTimes(most_V, deviation_V)


def count_times(sessions: TimedSessions) -> pl.DataFrame:
    """Counts of each token in the normal sessions that have it: `token`, `most_root`, `deviation`.

    Both refer to the square root of the count.
    """
    normal, counts = sessions.different
    size = sessions.size
    session, token, times = _times(normal, size)
    roots, weights = np.sqrt(times), counts[session]
    most_V = np.zeros(size)
    np.maximum.at(most_V, token, roots)
    number_V = np.maximum(np.bincount(token, weights=weights, minlength=size), 1)
    mean_V = np.bincount(token, weights=weights * roots, minlength=size) / number_V
    squares_V = np.bincount(token, weights=weights * np.square(roots - mean_V[token]), minlength=size)
    deviation_V = np.sqrt((squares_V + FEW_SESSIONS * UNKNOWN_DEVIATION**2) / (number_V + FEW_SESSIONS))
    tokens = np.flatnonzero(most_V)
    return pl.DataFrame(
        {"token": tokens, "most_root": most_V[tokens], "deviation": deviation_V[tokens]},
        schema={"token": pl.Int64, "most_root": pl.Float64, "deviation": pl.Float64},
    )
