"""How strange a session is: one number per session and detector, higher is stranger.

Each detector sees the sessions in the model's tokens and nothing else; no detector sees a label.
Shapes: S sessions, N normal sessions or hidden events, T tokens in all, V vocabulary, D width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isang.artifact import Model
from isang.detection.pairs import strangest_absence, strangest_order
from isang.detection.surprise import Floats, Surprise, surprise
from isang.model.batches import Rows, Sessions, Tokens, from_sequences
from isang.model.vocabulary import BEGIN, END, UNSEEN

LEAST_DEVIATION = 0.1
"""Added to the deviation of the root of each event's count, so that a count that never varies has a finite weight."""
UNKNOWN_DEVIATION, FEW_SESSIONS = 0.5, 20
"""The deviation of an event's root count that is expected before any session is seen, and how many it is worth."""
DISTANCE_CELLS = 4_000_000
"""Cells of the distance matrix held at a time."""
NORMAL_CELLS = 50_000_000
"""The nearest normal session is sought among the most frequent ones: so many sessions times the vocabulary, at most."""


class Evidence:
    """Sessions and what several detectors want to know about them, worked out once and only if asked for."""

    def __init__(self, model: Model, sessions: Sessions) -> None:
        self.model = model
        self.sessions = sessions

    @cached_property
    def surprise(self) -> Surprise:
        """The model's answers."""
        return surprise(self.model, self.sessions)

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
    needs_end: bool = False
    """It objects to what did not come, so it says nothing of a session that may go on."""


def score(detector: Detector, model: Model, sessions: Sessions) -> Floats:
    """Scores of `sessions`, shape S; equal sessions are scored once."""
    scores: Floats = score_all((detector,), model, sessions)[0]
    return scores


def score_all(detectors: Sequence[Detector], model: Model, sessions: Sessions) -> Floats:
    """Scores of `sessions` by each detector, shape (D, S); equal sessions are scored once."""
    distinct, inverse = sessions.distinct()
    evidence = Evidence(model, distinct)
    return np.stack([detector.score(evidence)[inverse] for detector in detectors])


def unseen_event(evidence: Evidence) -> Floats:
    """1 where an event's template is one that the training sessions never had, else 0."""
    return evidence.highest((evidence.sessions.flat == UNSEEN).astype(np.float64))


def masked_event(evidence: Evidence) -> Floats:
    """Negative log-likelihood of the strangest event, each hidden from the model in turn, in nats."""
    return evidence.highest(evidence.surprise.event_T)


def missing_event(evidence: Evidence) -> Floats:
    """How surely something is missing in the strangest gap between two events, in nats."""
    return evidence.highest(evidence.surprise.gap_T)


def early_end(evidence: Evidence) -> Floats:
    """Negative log-likelihood that the session ends where it does, in nats."""
    return evidence.highest(evidence.surprise.end_T)


def transition(evidence: Evidence) -> Floats:
    """Negative log-probability of the session's rarest step from one event to the next, BEGIN and END included, nats.

    First-order Markov chain with the smoothing of Witten and Bell (1991): a new step into a frequent event is less
    strange than one into a rare event.
    """
    return evidence.highest(transition_surprise(evidence.model, evidence.sessions))


def event_counts(evidence: Evidence) -> Floats:
    """Distance of the session's event counts to the nearest normal ones, 0 (equal) to 1 (nothing in common).

    Bray-Curtis distance over the square roots of the counts (which gives repeated lines an even spread, Bartlett 1936),
    divided by how much each varies among normal sessions: a payment too few says more than a twelfth line of a list.
    """
    return nearest_normal(evidence.model, evidence.sessions)[0]


def repeated_event(evidence: Evidence) -> Floats:
    """How far an event occurs more often than in any normal session, in deviations.

    The difference of square roots, divided by how much the root varies among the normal sessions that have the event.
    """
    session, _, above = _above_normal(evidence.model, evidence.sessions)
    scores: Floats = np.zeros(len(evidence.sessions))
    np.maximum.at(scores, session, above)
    return scores


def event_order(evidence: Evidence) -> Floats:
    """Surprise of the strangest order of two events, in nats."""
    return _each(evidence, lambda tokens: strangest_order(evidence.model, tokens).surprise)


def companion(evidence: Evidence) -> Floats:
    """Surprise that an event is absent beside another that it comes with, in nats."""
    return _each(evidence, lambda tokens: strangest_absence(evidence.model, tokens).surprise)


DETECTORS = (
    Detector("unseen_event", unseen_event, "lines", least_scale=0.25, allowance=0.0, learned=True),
    Detector("masked_event", masked_event, "nats", least_scale=0.75, allowance=0.75, learned=True),
    Detector("missing_event", missing_event, "nats", least_scale=0.75, allowance=0.75, learned=True),
    Detector("early_end", early_end, "nats", least_scale=1.0, allowance=3.0, learned=True, needs_end=True),
    Detector("event_counts", event_counts, "weighted share of events", least_scale=0.01, allowance=0.01),
    Detector("repeated_event", repeated_event, "deviations", least_scale=2.0, allowance=16.0),
    Detector("transition", transition, "nats", least_scale=0.75, allowance=0.75),
    Detector("event_order", event_order, "nats", least_scale=0.75, allowance=0.75),
    Detector("companion", companion, "nats", least_scale=0.75, allowance=0.75, needs_end=True),
)
"""Their p-values are combined into the decision.

A surprise in nats has a tail of scale 1 where a model is right about itself, P(surprise > t) = exp(-t), and the highest
of many somewhat less.
"""


def transition_surprise(model: Model, sessions: Sessions) -> Floats:
    """Negative log-probability of the step into every token from the one before, in nats; NaN at BEGIN.

    Shape: as `sessions.flat`.
    """
    size = model.vocabulary.size
    normal = _normal_steps(model)
    asked = _steps(sessions.flat, size)
    found = np.minimum(np.searchsorted(normal.steps, asked), len(normal.steps) - 1)
    visits = np.where(normal.steps[found] == asked, normal.visits[found], 0.0)
    before, after = sessions.flat[:-1], sessions.flat[1:]
    followers = np.maximum(normal.followers_V[before], 1)
    probability = (visits + followers * normal.share_V[after]) / (normal.visits_V[before] + followers)
    surprise_T = np.full(len(sessions.flat), np.nan)
    surprise_T[1:] = -np.log(probability)
    surprise_T[sessions.offsets[:-1]] = np.nan
    return surprise_T


class _NormalSteps(NamedTuple):
    """The steps of normal sessions from one token to the next."""

    steps: Rows
    """Each different one as a number, rising."""
    visits: Floats
    """How often each was taken."""
    visits_V: Floats
    """Steps that leave each token."""
    followers_V: Rows
    """Different tokens that follow each token."""
    share_V: Floats
    """Each token's share of all steps' ends, with half a visit added so that none is 0."""


@lru_cache(maxsize=2)
def _normal_steps(model: Model) -> _NormalSteps:
    size = model.vocabulary.size
    inside = model.normal.flat[1:] != BEGIN
    weights = np.repeat(model.normal_counts, model.normal.lengths)[1:][inside]
    steps, place = np.unique(_steps(model.normal.flat, size)[inside], return_inverse=True)
    visits = np.bincount(place, weights=weights, minlength=len(steps)).astype(np.float64)
    ends_V = np.bincount(steps % size, weights=visits, minlength=size) + 0.5
    return _NormalSteps(
        steps,
        visits,
        np.bincount(steps // size, weights=visits, minlength=size).astype(np.float64),
        np.bincount(steps // size, minlength=size).astype(np.int64),
        ends_V / ends_V.sum(),
    )


def _each(evidence: Evidence, measure: Callable[[Tokens], float]) -> Floats:
    sessions = evidence.sessions
    return np.array([measure(sessions[index]) for index in range(len(sessions))], dtype=np.float64)


def _times(sessions: Sessions, vocabulary_size: int) -> tuple[Rows, Rows, Rows]:
    """Session, token and number of times, for each different event of each session."""
    session = np.repeat(np.arange(len(sessions)), sessions.lengths)
    places, times = np.unique(session * vocabulary_size + sessions.flat, return_counts=True)
    return places // vocabulary_size, places % vocabulary_size, times


def _above_normal(model: Model, sessions: Sessions) -> tuple[Rows, Rows, Floats]:
    """Session, token and deviations above the normal session that has it most often, for each different event.

    No event that normal sessions never have is above.
    """
    normal = _normal_times(model)
    session, token, times = _times(sessions, len(normal.most_V))
    above = (np.sqrt(times) - normal.most_V[token]) / normal.deviation_V[token]
    return session, token, np.where(normal.most_V[token] > 0, above, 0.0)


def most_repeated(model: Model, tokens: Tokens) -> tuple[int, int, int]:
    """The event of one session that is farthest above its normal number, its number, and the highest normal one."""
    _, token, above = _above_normal(model, from_sequences([tokens]))
    strangest = int(token[np.argmax(above)])
    return strangest, int((tokens == strangest).sum()), round(float(_normal_times(model).most_V[strangest]) ** 2)


class _NormalTimes(NamedTuple):
    """The square roots of how often each token occurs in the normal sessions that have it."""

    most_V: Floats
    """0 where none has it."""
    deviation_V: Floats


@lru_cache(maxsize=2)
def _normal_times(model: Model) -> _NormalTimes:
    size = model.vocabulary.size
    session, token, times = _times(model.normal, size)
    roots, weights = np.sqrt(times), model.normal_counts[session]
    most_V = np.zeros(size)
    np.maximum.at(most_V, token, roots)
    number_V = np.maximum(np.bincount(token, weights=weights, minlength=size), 1)
    mean_V = np.bincount(token, weights=weights * roots, minlength=size) / number_V
    squares_V = np.bincount(token, weights=weights * np.square(roots - mean_V[token]), minlength=size)
    shrunk_V = (squares_V + FEW_SESSIONS * UNKNOWN_DEVIATION**2) / (number_V + FEW_SESSIONS)
    return _NormalTimes(most_V, np.sqrt(shrunk_V))


def counts(sessions: Sessions, vocabulary_size: int) -> NDArray[np.float32]:
    """How often each token occurs in each session, shape (S, V); the marks BEGIN and END count nothing."""
    counts_SV = np.zeros((len(sessions), vocabulary_size), dtype=np.float32)
    np.add.at(counts_SV, (np.repeat(np.arange(len(sessions)), sessions.lengths), sessions.flat), 1)
    counts_SV[:, [BEGIN, END]] = 0
    return counts_SV


def nearest_normal(model: Model, sessions: Sessions, *, weighted: bool = True) -> tuple[Floats, Rows]:
    """The distance to the nearest normal session by event counts, and which one it is (a row of `model.normal`).

    Without weights it is the plain Bray-Curtis distance (Bray and Curtis 1957). Sessions with equal counts are
    compared once.
    """
    normal = _normal_counts(model, weighted)
    distances, nearest = np.zeros(len(sessions)), np.zeros(len(sessions), dtype=np.int64)
    chunk = max(1, DISTANCE_CELLS // max(normal.counts_NV.shape))
    for start in range(0, len(sessions), chunk):
        rows = np.arange(start, min(start + chunk, len(sessions)))
        different_CV, place = np.unique(counts(sessions.take(rows), model.vocabulary.size), axis=0, return_inverse=True)
        counts_CV = torch.from_numpy(normal.weigh(different_CV))
        sums_CN = counts_CV.sum(dim=1, keepdim=True) + normal.counts_NV.sum(dim=1)
        best = (torch.cdist(counts_CV, normal.counts_NV, p=1) / sums_CN.clamp(min=1e-9)).min(dim=1)
        distances[rows] = best.values.numpy()[place]
        nearest[rows] = normal.rows_N[best.indices.numpy()[place]]
    return distances, nearest


@dataclass(frozen=True)
class _NormalCounts:
    """The different event counts of normal sessions."""

    counts_NV: Tensor
    """As `weigh` returns them."""
    rows_N: Rows
    """A row of `model.normal` that has these counts."""
    weigh: Callable[[NDArray[np.float32]], NDArray[np.float32]]


@lru_cache(maxsize=4)
def _normal_counts(model: Model, weighted: bool) -> _NormalCounts:
    size = model.vocabulary.size
    most_frequent = np.argsort(-model.normal_counts, kind="stable")[: max(1, NORMAL_CELLS // size)]
    plain_NV = counts(model.normal.take(most_frequent), size)
    weights_V = _count_weights(np.sqrt(plain_NV), model.normal_counts[most_frequent])

    def weigh(plain: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.sqrt(plain) * weights_V if weighted else plain

    different_NV, first_N = np.unique(plain_NV, axis=0, return_index=True)
    return _NormalCounts(torch.from_numpy(weigh(different_NV)), most_frequent[first_N], weigh)


def _count_weights(normal_NV: NDArray[np.float32], times_N: Rows) -> NDArray[np.float32]:
    """One over the standard deviation of each column among normal sessions, shape V."""
    share_N1 = (times_N / times_N.sum())[:, None]
    mean_V = (normal_NV * share_N1).sum(axis=0)
    deviation_V = np.sqrt((np.square(normal_NV - mean_V) * share_N1).sum(axis=0))
    weights_V: NDArray[np.float32] = (1 / (LEAST_DEVIATION + deviation_V)).astype(np.float32)
    return weights_V


def _steps(flat: NDArray[np.int32], size: int) -> Rows:
    """Each step from one token to the next as one number, shape: len(flat) - 1."""
    return flat[:-1].astype(np.int64) * size + flat[1:]
