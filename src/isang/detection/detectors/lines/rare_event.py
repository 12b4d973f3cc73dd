"""The rarity of each template among the normal sessions.

With a budget of one alert per thousand, a template in less than a thousandth of the training sessions cannot be called
normal: it may belong to an unlabelled anomaly.
"""

import numpy as np
import polars as pl

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.sentences import number_of, number_of_ko
from isang.detection.detectors.timed_sessions import TimedSessions
from isang.model.batches import Floats, Rows
from isang.model.fitted import Fitted
from isang.model.vocabulary import MARKS


class RareEvent(DetectorDefaults):
    """Finds a template that few normal sessions have."""

    name = "rare_event"
    least_scale = 0.25
    learned = True
    tested = False

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """The number of normal sessions with each token: `token`, `sessions`."""
        normal, counts = sessions.different
        session_T = np.repeat(np.arange(len(normal)), normal.lengths)
        pairs = np.unique(session_T * sessions.size + normal.flat)
        having_V = np.bincount(pairs % sessions.size, counts[pairs // sessions.size], minlength=sessions.size)
        tokens = np.flatnonzero(having_V)
        return pl.DataFrame(
            {"token": tokens, "sessions": having_V[tokens].astype(np.int64)},
            schema={"token": pl.Int64, "sessions": pl.Int64},
        )

    def score(self, evidence: Evidence) -> Floats:
        """Rarity of the session's rarest known template: -log of the share of normal sessions with it, in nats."""
        return evidence.highest(rarity(evidence.fitted)[evidence.sessions.flat])

    def reasons(self, case: Case) -> list[Reason]:
        """The rarest line."""
        fitted = case.model.fitted
        position = int(np.argmax(rarity(fitted)[case.tokens]))
        having, of = int(sessions_with(fitted)[case.tokens[position]]), int(fitted.counts.sum())
        says = f"{number_of(having, of)} {'have' if having > 1 else 'has'} a line like this."
        return [Reason(says, position - 1, says_ko=f"이런 줄이 있는 세션은 {number_of_ko(having, of)}")]


def sessions_with(fitted: Fitted) -> Rows:
    """The number of normal sessions with each token, shape V."""
    return fitted.once(_sessions_with)


def rarity(fitted: Fitted) -> Floats:
    """-log of the share of normal sessions with each template, as if one more had it, in nats; shape V.

    0 for special tokens.
    """
    rarity_V: Floats = -np.log((sessions_with(fitted) + 1) / (fitted.counts.sum() + 1))
    rarity_V[: len(MARKS)] = 0
    return np.maximum(rarity_V, 0.0)


def _sessions_with(fitted: Fitted) -> Rows:
    table = fitted[RareEvent.name]
    having_V = np.zeros(fitted.size, dtype=np.int64)
    having_V[table["token"].to_numpy()] = table["sessions"].to_numpy()
    return having_V
