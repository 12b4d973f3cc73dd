"""The list of all detectors."""

from collections.abc import Sequence

from isang.artifact import Model
from isang.config import ModelConfig
from isang.detection.detectors.contract import Detector
from isang.detection.detectors.counts.event_counts import EventCounts
from isang.detection.detectors.counts.repeated_event import RepeatedEvent
from isang.detection.detectors.encoder.early_end import EarlyEnd
from isang.detection.detectors.encoder.masked_event import MaskedEvent
from isang.detection.detectors.encoder.missing_event import MissingEvent
from isang.detection.detectors.lines.failure_lines import FailureLines
from isang.detection.detectors.lines.rare_event import RareEvent
from isang.detection.detectors.lines.unseen_event import UnseenEvent
from isang.detection.detectors.order.companion import Companion
from isang.detection.detectors.order.context_order import ContextOrder
from isang.detection.detectors.order.event_order import EventOrder
from isang.detection.detectors.order.transition import Transition
from isang.detection.detectors.time.burst import Burst
from isang.detection.detectors.time.time_gap import TimeGap
from isang.detection.detectors.timed_sessions import TimedSessions
from isang.errors import InputError
from isang.model.fitted import Fitted
from isang.plugins import plugins

GROUP = "isang.detectors"
"""The entry point group through which other packages add detectors."""
DETECTORS: tuple[Detector, ...] = (
    UnseenEvent(),
    RareEvent(),
    FailureLines(),
    MaskedEvent(),
    MissingEvent(),
    EarlyEnd(),
    EventCounts(),
    RepeatedEvent(),
    Transition(),
    EventOrder(),
    Companion(),
    ContextOrder(),
    TimeGap(),
    Burst(),
)
"""Their p-values are combined into the decision.

If a model is well calibrated, a surprise in nats has a tail of scale 1, P(surprise > t) = exp(-t); the maximum of many
has a slightly smaller scale.
"""


def registered() -> tuple[Detector, ...]:
    """DETECTORS, followed by those of other installed packages."""
    names = [detector.name for detector in DETECTORS]
    added: tuple[Detector, ...] = plugins(GROUP, Detector, taken=names)  # type: ignore[type-abstract]
    return (*DETECTORS, *added)


def registered_for(config: ModelConfig) -> tuple[Detector, ...]:
    """The registered detectors that a model with these settings is fitted with."""
    return tuple(detector for detector in registered() if config.encoder is not False or not detector.asks_encoder)


def detectors_of(model: Model) -> tuple[Detector, ...]:
    """The detectors that a model was fitted with, in order.

    Raises InputError if one of them is not installed.
    """
    return model.kept.once(detectors_of, lambda: _named(tuple(model.fitted)))


def fit(detectors: Sequence[Detector], sessions: TimedSessions) -> Fitted:
    """Fit the detectors to normal sessions."""
    tables = {detector.name: detector.fit(sessions) for detector in detectors}
    return Fitted(*sessions.different, sessions.size, tables)


def _named(names: Sequence[str]) -> tuple[Detector, ...]:
    known = {detector.name: detector for detector in registered()}
    missing = [name for name in names if name not in known]
    if missing:
        raise InputError(
            f"the model was trained with the detector {', '.join(missing)}, which this installation lacks; "
            f"install the package that provides it (an entry point of {GROUP}), or train again without it"
        )
    return tuple(known[name] for name in names)
