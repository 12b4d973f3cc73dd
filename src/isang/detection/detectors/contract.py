"""The detector protocol: its input and its output.

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
"""The table of a detector that needs nothing but the normal sessions, which a model keeps anyway."""


class Evidence:
    """Sessions, the model, and derived values for detectors, computed lazily and cached."""

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
        """The result of a function of this object, cached."""
        return self._kept.once(work, lambda: work(self))

    @cached_property
    def surprise(self) -> Surprise:
        """The encoder's surprise; NaN for an open end and for the gap just before it."""
        open_T = self.sessions.flat == MASK
        return Surprise(*(np.where(open_T, np.nan, answers_T) for answers_T in surprise(self.model, self.sessions)))

    @cached_property
    def appearances(self) -> tuple[Sessions, Rows]:
        """The distinct lists of events in order of first appearance, and the index of each session's list."""
        return first_appearances(self.sessions).distinct()

    def highest(self, values_T: Floats) -> Floats:
        """The maximum of the values of each session's tokens, 0 if it has none; shape S."""
        if not len(self.sessions):
            return np.zeros(0)
        scores: Floats = np.fmax.reduceat(values_T, self.sessions.offsets[:-1])
        return np.maximum(np.nan_to_num(scores), 0.0)

    def of_each(self, measure: Callable[[Tokens], float]) -> Floats:
        """A measure of each session that depends only on the order of first appearances; shape S."""
        different, place_S = self.appearances
        scores = np.array([measure(different[index]) for index in range(len(different))], dtype=np.float64)
        return scores[place_S]


@dataclass(frozen=True)
class Reason:
    """One reason why a session is anomalous."""

    says: str
    """One plain sentence."""
    position: int | None = None
    """0-based index among the session's events; None if the reason is not a single event."""
    after: bool = False
    """Whether the anomaly is not the event itself but what follows it, or that nothing does."""
    since: int | None = None
    """Index of another line that the reason mentions: the one before a long silence."""
    detail: dict[str, Any] = field(default_factory=dict)
    detector: str = ""
    p_value: float = 1.0
    """The share of normal sessions with a score at least this high."""
    as_high: int = 0
    """Number of held-out normal sessions that scored as high."""
    held_out: int = 0
    """Number of held-out normal sessions."""
    says_ko: str = ""
    """The sentence in Korean; if empty, Korean pages show `says`."""


@dataclass(frozen=True)
class Case:
    """One session that a detector is asked about."""

    evidence: Evidence
    """Only this session."""
    beside: Evidence
    """All sessions that were judged together."""
    index: int
    """The index of the session among them."""
    named: set[int]
    """Indices of events that other detectors have already named."""
    is_anomalous: Callable[[TimedSessions], bool]
    """The decision about another session in its place."""

    @property
    def model(self) -> Model:
        return self.evidence.model

    @property
    def tokens(self) -> Tokens:
        """The session from BEGIN to END, or to MASK if it may continue."""
        return self.evidence.sessions[0]


@runtime_checkable
class Detector(Protocol):
    """One kind of anomaly detection. Each is one file; `DETECTORS` lists them.

    A plug-in is an object with the same attributes, provided by an entry point of the group `isang.detectors`.
    """

    name: str
    """Lower-case words with underscores; its table is `detectors/NAME.parquet` in a model folder."""
    unit: str
    """The unit of its scores."""
    least_scale: float
    """Minimum scale of the tail: the score added by e times rarer sessions, even if the highest normal scores are
    close."""
    allowance: float
    """How much higher later sessions may score than those of the calibration period without any significance."""
    learned: bool
    """Whether it depends on the trained encoder, or on how often something new appears, which cannot be measured on an
    earlier stretch held out from a later one; the others can be refitted without a stretch of the normal sessions."""
    timed: bool
    """Whether it uses more than tokens, such as times, so that sessions with equal tokens may score differently."""
    asks_encoder: bool
    """Whether it needs the trained encoder: a model without one is fitted without this detector."""
    tested: bool
    """Whether isang plants anomalies of the kind that it looks for. If it finds none of them it has no power, and if it
    finds only what others find it is not needed."""
    unsuspicious: float
    """A training session that scores no more than this is not suspected of being an unlabelled anomaly."""

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """Fit to the normal sessions of a period; return a table that is saved with the model."""
        ...

    def can_tell(self, fitted: Fitted) -> bool:
        """Whether it learned enough to judge; if not, its scores are all 0 and results name it."""
        ...

    def score(self, evidence: Evidence) -> Floats:
        """Anomaly scores, shape S, finite, higher is more anomalous; `evidence.fitted[name]` is the detector's
        table."""
        ...

    def reasons(self, case: Case) -> list[Reason]:
        """Why a session with a rare score is anomalous, the strongest reason first; empty if it cannot say."""
        ...


class DetectorDefaults:
    """Defaults that most detectors inherit. Surprises in nats have about these scales."""

    unit: str = "nats"
    least_scale: float = 0.75
    allowance: float = 0.75
    learned: bool = False
    timed: bool = False
    asks_encoder: bool = False
    tested: bool = True
    unsuspicious: float = 0.0

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """Learns nothing besides the normal sessions, which every model keeps."""
        return NO_TABLE

    def can_tell(self, fitted: Fitted) -> bool:
        """True: the normal sessions are enough."""
        return True
