"""Lines that report a failure, by level or words, relative to how common such lines are in this log.

Shapes: S sessions, T tokens in all, C classes of loudness above 0.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.sentences import number_of, number_of_ko
from isang.detection.detectors.timed_sessions import TimedSessions
from isang.model.batches import Floats
from isang.model.fitted import Fitted
from isang.model.wording import LOUDNESS

NEVER_SEEN = 2.0
"""Nats added for each step by which a class is louder than any class in normal sessions."""
NAMES = (None, "that tells of a failure", "that is a warning or worse", "that is an error")
NAMES_KO = (None, "실패를 알리는 줄", "경고 이상의 줄", "오류 줄")


class FailureLines(DetectorDefaults):
    """Finds a session with louder lines, or more of them, than usual in this log: not every error is anomalous."""

    name = "failure_lines"
    timed = True
    tested = False

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """Number of sessions by their number of lines of a class or louder: `loudness`, `lines`, `sessions`.

        They are counted among the sessions whose lines are available, the latest ones of a long period; a row without
        lines holds the number of these sessions.
        """
        counts_SC = lines_of(sessions)
        rows = [(0, 0, len(sessions))]
        for loudness in range(1, len(LOUDNESS)):
            lines, number = np.unique(counts_SC[:, loudness - 1], return_counts=True)
            rows += [(loudness, int(n), int(s)) for n, s in zip(lines, number, strict=True) if n]
        return pl.DataFrame(rows, schema={"loudness": pl.Int64, "lines": pl.Int64, "sessions": pl.Int64}, orient="row")

    def score(self, evidence: Evidence) -> Floats:
        """-log of the share of normal sessions with at least as many lines of a class or louder, in nats.

        The maximum over the classes. A count above all normal ones is rarer in proportion; 0 without such a line.
        """
        if not len(evidence.sessions):
            return np.zeros(0)
        scores: Floats = _surprise(evidence).max(axis=1)
        return scores

    def reasons(self, case: Case) -> list[Reason]:
        """The first line of the least usual class."""
        surprise_C = _surprise(case.evidence)[0]
        loudness = 1 + int(surprise_C.argmax())
        lines = int(lines_of(case.evidence.timed)[0, loudness - 1])
        if not lines:
            return []
        known = case.model.fitted[self.name].filter(pl.col("loudness") == loudness)
        having, of = int(known["sessions"].sum()), _sessions(case.model.fitted)
        as_many = int(known.filter(pl.col("lines") >= lines)["sessions"].sum())
        says = f"{number_of(having, of)} {'have' if having > 1 else 'has'} a line {NAMES[loudness]}"
        says_ko = f"{NAMES_KO[loudness]}이 있는 세션은 {number_of_ko(having, of)}"
        if lines > 1 and having:
            says += f", {as_many:,} as many as the {lines:,} here"
            says_ko += f" 여기처럼 {lines:,}줄 이상인 세션은 {as_many:,}개입니다."
        loudness_T = case.evidence.timed.loudness_T
        return [Reason(f"{says}.", int(loudness_T.argmax()) - 1, detail={"times": lines}, says_ko=says_ko)]


def lines_of(sessions: TimedSessions) -> NDArray[np.int64]:
    """The number of lines of each class or louder in each session, shape (S, C)."""
    session_T = np.repeat(np.arange(len(sessions)), sessions.tokens.lengths)
    return np.stack(
        [
            np.bincount(session_T[sessions.loudness_T >= loudness], minlength=len(sessions))
            for loudness in range(1, len(LOUDNESS))
        ],
        axis=1,
    )


def _surprise(evidence: Evidence) -> Floats:
    """-log of the share of normal sessions with at least as many lines of each class or louder, shape (S, C)."""
    counts_SC, of = lines_of(evidence.timed), _sessions(evidence.fitted)
    table = evidence.fitted[FailureLines.name]
    loudest = int(table["loudness"].max() or 0)  # type: ignore[arg-type]
    surprise_SC = np.zeros(counts_SC.shape)
    for loudness in range(1, len(LOUDNESS)):
        known = table.filter(pl.col("loudness") == loudness).sort("lines")
        lines_S = counts_SC[:, loudness - 1]
        lines, number = known["lines"].to_numpy(), known["sessions"].to_numpy()
        behind = np.append(number[::-1].cumsum()[::-1], 0)
        as_many_S = behind[np.searchsorted(lines, lines_S, side="left")].astype(np.float64)
        one_more_S = np.minimum(1.0, (lines.max(initial=1)) / np.maximum(lines_S, 1))
        one_more_S *= np.exp(-NEVER_SEEN * max(0, loudness - loudest))
        share_S = (as_many_S + np.where(as_many_S > 0, 1.0, one_more_S)) / (of + 1)
        surprise_SC[:, loudness - 1] = np.where(lines_S > 0, -np.log(share_S), 0.0)
    return surprise_SC


def _sessions(fitted: Fitted) -> int:
    """The number of normal sessions that were counted."""
    table = fitted[FailureLines.name]
    return int(table.filter(pl.col("loudness") == 0)["sessions"].sum())
