"""What a detector is, what it sees, and what it gives.

Shapes: S sessions, T tokens in all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.detectors.encoder.masked_model import Surprise, surprise
from isang.detection.detectors.timed_sessions import TimedSessions
from isang.model.batches import Floats, Rows, Sessions, Tokens, first_appearances
from isang.model.fitted import Fitted
from isang.model.kept import Kept
from isang.model.vocabulary import MASK

T = TypeVar("T")

NO_TABLE = pl.DataFrame()
"""The table of a detector to which the normal sessions themselves, which a model keeps, say all."""


class Evidence:
    """Sessions, the model, and what detectors want to know about them, worked out once and only if asked for."""

    def __init__(self, model: Model, timed: TimedSessions) -> None:
        self.model = model
        self.timed = timed
        self._kept = Kept()

    @property
    def sessions(self) -> Sessions:
        """The tokens of the sessions."""
        return self.timed.tokens

    @property
    def fitted(self) -> Fitted:
        """The detectors' fitted tables by name, and the normal sessions."""
        return self.model.fitted

    def once(self, work: Callable[["Evidence"], T]) -> T:
        """What a function makes of this, kept for whoever asks again."""
        return self._kept.once(work, lambda: work(self))

    @cached_property
    def surprise(self) -> Surprise:
        """The encoder's answers; none about an open end and what may be missing just before it."""
        open_T = self.sessions.flat == MASK
        return Surprise(*(np.where(open_T, np.nan, answers_T) for answers_T in surprise(self.model, self.sessions)))

    @cached_property
    def appearances(self) -> tuple[Sessions, Rows]:
        """The events of each session in the order of their first appearance, each such list once, and whose it is."""
        return first_appearances(self.sessions).distinct()

    def highest(self, values_T: Floats) -> Floats:
        """The highest of the values of each session's tokens, 0 where it has none; shape S."""
        if not len(self.sessions):
            return np.zeros(0)
        scores: Floats = np.fmax.reduceat(values_T, self.sessions.offsets[:-1])
        return np.maximum(np.nan_to_num(scores), 0.0)

    def of_each(self, measure: Callable[[Tokens], float]) -> Floats:
        """The measure of each session, where it looks only at which event comes first; shape S."""
        different, place_S = self.appearances
        scores = np.array([measure(different[index]) for index in range(len(different))], dtype=np.float64)
        return scores[place_S]


@dataclass(frozen=True)
class Reason:
    """One thing that makes a session strange."""

    says: str
    """One plain sentence."""
    position: int | None = None
    """0-based place among the session's events; None where the reason is no single event."""
    after: bool = False
    """What is strange is not the event itself but what follows it, or that nothing does."""
    since: int | None = None
    """Place of another line that the reason speaks of: the one before a long silence."""
    detail: dict[str, Any] = field(default_factory=dict)
    detector: str = ""
    p_value: float = 1.0
    """How rare a score like this is among normal sessions."""
    as_high: int = 0
    """Normal sessions that were held out and scored as high."""
    held_out: int = 0
    """Normal sessions that were held out."""
    says_ko: str = ""
    """The sentence in Korean; without it Korean pages show `says`."""


@dataclass(frozen=True)
class Case:
    """One session that a detector is asked about."""

    evidence: Evidence
    """This session alone."""
    beside: Evidence
    """All sessions that were judged together."""
    index: int
    """Which of those it is."""
    named: set[int]
    """Places of events that other detectors have named already."""
    is_anomalous: Callable[[TimedSessions], bool]
    """What would be decided about another session in its place."""

    @property
    def model(self) -> Model:
        return self.evidence.model

    @property
    def tokens(self) -> Tokens:
        """The session from BEGIN to END, or to MASK where it may go on."""
        return self.evidence.sessions[0]


@runtime_checkable
class Detector(Protocol):
    """One way to look at a session. Each is one file; `DETECTORS` lists them.

    Someone else's is an object with the same attributes behind an entry point of the group `isang.detectors`.
    """

    name: str
    """Lower-case words with underscores; its table is `detectors/NAME.parquet` in a model folder."""
    unit: str
    """Of its scores."""
    least_scale: float
    """Where the highest scores of normal sessions crowd together, still so much is added by e times rarer ones."""
    allowance: float
    """Later sessions may score so much higher than those of the calibration period before that means anything."""
    learned: bool
    """It rests on the trained encoder, or on how often something new comes, which an earlier stretch of the log that is
    held out from a later one does not tell; the others can be fitted anew without a stretch of the normal sessions."""
    timed: bool
    """It looks at more than tokens, such as times, so that sessions with equal tokens may score differently."""
    asks_encoder: bool
    """It needs the trained encoder: a model without one is fitted without this detector."""
    tested: bool
    """Isang plants anomalies of the kind that it looks for. One that finds nothing of them has no power, and one that
    finds only what others find is not needed."""
    unsuspicious: float
    """A session of the training period that scores no more than this is not suspected to be an unlabelled anomaly."""

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """What it learns from the normal sessions of a period, as a table that is saved with the model."""
        ...

    def can_tell(self, fitted: Fitted) -> bool:
        """Whether what it learned is enough to tell anything; where not, its scores are all 0 and a result names it."""
        ...

    def score(self, evidence: Evidence) -> Floats:
        """How strange each session is, shape S, finite, higher is stranger; `evidence.fitted[name]` is its table."""
        ...

    def reasons(self, case: Case) -> list[Reason]:
        """What makes a session strange that it scores as rare, the strongest first; none where it cannot tell."""
        ...


class DetectorDefaults:
    """What most detectors have in common; they inherit it. Surprises in nats have about these scales."""

    unit: str = "nats"
    least_scale: float = 0.75
    allowance: float = 0.75
    learned: bool = False
    timed: bool = False
    asks_encoder: bool = False
    tested: bool = True
    unsuspicious: float = 0.0

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """Nothing beside the normal sessions, which every model keeps."""
        return NO_TABLE

    def can_tell(self, fitted: Fitted) -> bool:
        """Normal sessions are enough."""
        return True
