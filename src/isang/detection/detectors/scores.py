"""How strange a session is: one number per session and detector, higher is stranger.

Each detector sees the sessions in the model's tokens and nothing else; no detector sees a label.
Shapes: S sessions, T tokens in all, D detectors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isang.artifact import Model
from isang.detection.detectors.burst import Bursts
from isang.detection.detectors.context_order import context_surprise
from isang.detection.detectors.event_counts import above_normal
from isang.detection.detectors.event_pairs import strangest_absence, strangest_order
from isang.detection.detectors.masked_model import Floats, Surprise, surprise
from isang.detection.detectors.open_ends import are_open
from isang.detection.detectors.open_event_counts import nearest_so_far
from isang.detection.detectors.rare_event import rarity
from isang.detection.detectors.time_gap import gap_surprise
from isang.detection.detectors.transitions import transition_surprise
from isang.model.batches import Rows, Sessions, Tokens, first_appearances
from isang.model.vocabulary import MASK, UNSEEN


class Evidence:
    """Sessions and what several detectors want to know about them, worked out once and only if asked for."""

    def __init__(
        self, model: Model, sessions: Sessions, gaps_T: Floats | None = None, bursts: Bursts | None = None
    ) -> None:
        self.model = model
        self.sessions = sessions
        self.gaps_T = np.full(len(sessions.flat), np.nan) if gaps_T is None else gaps_T
        """Milliseconds between each token and the one before, NaN where that is not known."""
        self.bursts = bursts
        """The crowds that the sessions stand in; None where it is not known what sessions stand beside them."""

    @cached_property
    def surprise(self) -> Surprise:
        """The model's answers; none about an open end and what may be missing just before it."""
        open_T = self.sessions.flat == MASK
        return Surprise(*(np.where(open_T, np.nan, answers_T) for answers_T in surprise(self.model, self.sessions)))

    @cached_property
    def appearances(self) -> tuple[Sessions, Rows]:
        """The events of each session in the order of their first appearance, each such list once, and whose it is."""
        return first_appearances(self.sessions).distinct()

    def highest(self, values_T: Floats) -> Floats:
        """The highest of the values of each session's tokens, 0 where it has none; shape S."""
        scores: Floats = np.zeros(len(self.sessions))
        np.maximum.at(scores, np.repeat(np.arange(len(scores)), self.sessions.lengths), np.nan_to_num(values_T))
        return scores


@dataclass(frozen=True)
class Detector:
    """One way to look at a session."""

    name: str
    score: Callable[[Evidence], Floats]
    """Scores of the sessions, shape S."""
    unit: str
    least_scale: float
    """Where the highest scores of normal sessions crowd together, still so much is added by e times rarer ones."""
    allowance: float
    """Later sessions may score so much higher than those of the calibration period before that means anything."""
    learned: bool = False
    """It rests on the trained model, or on how often something new comes, which an earlier stretch of the log that is
    held out from a later one does not tell; the others can be fitted anew without a stretch of the normal sessions."""
    timed: bool = False
    """It looks at times too, so that sessions with equal events may score differently."""


def score(
    detector: Detector,
    model: Model,
    sessions: Sessions,
    gaps_T: Floats | None = None,
    bursts: Bursts | None = None,
) -> Floats:
    """Scores of `sessions`, shape S; see `score_all`."""
    scores: Floats = score_all((detector,), model, sessions, gaps_T, bursts)[0]
    return scores


def score_all(
    detectors: Sequence[Detector],
    model: Model,
    sessions: Sessions,
    gaps_T: Floats | None = None,
    bursts: Bursts | None = None,
) -> Floats:
    """Scores of `sessions` by each detector, shape (D, S); equal sessions are scored once, apart from their times.

    `gaps_T` are the times before their tokens (see `gaps.gaps_before`), None where there is no clock; `bursts` are the
    crowds that they stand in (see `bursts.find_bursts`), None where it is not known what stands beside them.
    """
    distinct, inverse = sessions.distinct()
    untimed, timed = Evidence(model, distinct), Evidence(model, sessions, gaps_T, bursts)
    return np.stack(
        [detector.score(timed) if detector.timed else detector.score(untimed)[inverse] for detector in detectors]
    )


def unseen_event(evidence: Evidence) -> Floats:
    """1 where an event's template is one that the training sessions never had, else 0."""
    return evidence.highest((evidence.sessions.flat == UNSEEN).astype(np.float64))


def rare_event(evidence: Evidence) -> Floats:
    """How rare the session's rarest known template is, -log of the share of normal sessions with it, in nats."""
    return evidence.highest(rarity(evidence.model)[evidence.sessions.flat])


def masked_event(evidence: Evidence) -> Floats:
    """Negative log-likelihood of the strangest event, each hidden from the model in turn, in nats."""
    return evidence.highest(evidence.surprise.event_T)


def missing_event(evidence: Evidence) -> Floats:
    """How surely something is missing in the strangest gap between two events, in nats."""
    return evidence.highest(evidence.surprise.gap_T)


def early_end(evidence: Evidence) -> Floats:
    """Negative log-likelihood that the session ends where it does, in nats; 0 for one that may go on."""
    return evidence.highest(evidence.surprise.end_T)


def transition(evidence: Evidence) -> Floats:
    """Negative log-probability of the session's rarest step from one event to the next, BEGIN and END included, nats.

    A session that may go on has no step to END.

    First-order Markov chain with the smoothing of Witten and Bell (1991): a new step into a frequent event is less
    strange than one into a rare event.
    """
    return evidence.highest(transition_surprise(evidence.model, evidence.sessions))


def event_counts(evidence: Evidence) -> Floats:
    """Distance of the session's event counts to the nearest normal ones, 0 (equal) to 1 (nothing in common).

    Bray-Curtis distance over the square roots of the counts (which gives repeated lines an even spread, Bartlett 1936),
    divided by how much each varies among normal sessions: a payment too few says more than a twelfth line of a list.
    A session that may go on is compared with beginnings of normal ones, see `waiting.nearest_so_far`.
    """
    return nearest_so_far(evidence.model, evidence.sessions, evidence.gaps_T).distance_S


def repeated_event(evidence: Evidence) -> Floats:
    """How far an event occurs more often than in any normal session, in deviations.

    The difference of square roots, divided by how much the root varies among the normal sessions that have the event.
    """
    session, _, above = above_normal(evidence.model, evidence.sessions)
    scores: Floats = np.zeros(len(evidence.sessions))
    np.maximum.at(scores, session, above)
    return scores


def event_order(evidence: Evidence) -> Floats:
    """Surprise of the strangest order of two events, in nats."""
    return _each(evidence, lambda tokens: strangest_order(evidence.model, tokens).surprise)


def companion(evidence: Evidence) -> Floats:
    """Surprise that an event is absent beside another that it comes with, in nats; 0 for one that may go on."""
    scores = _each(evidence, lambda tokens: strangest_absence(evidence.model, tokens).surprise)
    return np.where(are_open(evidence.sessions), 0.0, scores)


def context_order(evidence: Evidence) -> Floats:
    """Surprise of the order of two events given whether a third is there, where both orders are normal, in nats.

    0 for a session that may go on, since the third may come.
    """
    scores = context_surprise(evidence.model, evidence.sessions, evidence.gaps_T)
    return np.where(are_open(evidence.sessions), 0.0, scores)


def time_gap(evidence: Evidence) -> Floats:
    """Surprise of the longest time between two events, given which two they are, in nats; 0 without a clock."""
    return evidence.highest(gap_surprise(evidence.model, evidence.sessions, evidence.gaps_T))


def burst(evidence: Evidence) -> Floats:
    """How much quicker sessions with the same event came than ever in the training period, in deviations.

    0 without a clock.
    """
    return np.zeros(len(evidence.sessions)) if evidence.bursts is None else evidence.bursts.deviations_S


DETECTORS = (
    Detector("unseen_event", unseen_event, "lines", least_scale=0.25, allowance=0.0, learned=True),
    Detector("rare_event", rare_event, "nats", least_scale=0.25, allowance=0.75, learned=True),
    Detector("masked_event", masked_event, "nats", least_scale=0.75, allowance=0.75, learned=True),
    Detector("missing_event", missing_event, "nats", least_scale=0.75, allowance=0.75, learned=True),
    Detector("early_end", early_end, "nats", least_scale=1.0, allowance=3.0, learned=True),
    Detector("event_counts", event_counts, "weighted share of events", least_scale=0.01, allowance=0.01, timed=True),
    Detector("repeated_event", repeated_event, "deviations", least_scale=2.0, allowance=16.0),
    Detector("transition", transition, "nats", least_scale=0.75, allowance=0.75),
    Detector("event_order", event_order, "nats", least_scale=0.75, allowance=0.75),
    Detector("companion", companion, "nats", least_scale=0.75, allowance=0.75),
    Detector("context_order", context_order, "nats", least_scale=0.75, allowance=0.75, timed=True),
    Detector("time_gap", time_gap, "nats", least_scale=2.0, allowance=3.0, timed=True),
    Detector("burst", burst, "deviations", least_scale=1.5, allowance=3.0, timed=True),
)
"""Their p-values are combined into the decision.

A surprise in nats has a tail of scale 1 where a model is right about itself, P(surprise > t) = exp(-t), and the highest
of many somewhat less.
"""


def _each(evidence: Evidence, measure: Callable[[Tokens], float]) -> Floats:
    """The measure of each session, where it looks only at which event comes first."""
    different, place_S = evidence.appearances
    scores = np.array([measure(different[index]) for index in range(len(different))], dtype=np.float64)
    return scores[place_S]
