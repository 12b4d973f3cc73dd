"""Which event follows which in normal sessions: a first-order Markov chain.

Shapes: T tokens in all, V vocabulary.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isang.artifact import Model
from isang.detection.detectors.masked_model import Floats
from isang.model.batches import Rows, Sessions
from isang.model.vocabulary import BEGIN, MASK


def transition_surprise(model: Model, sessions: Sessions) -> Floats:
    """Negative log-probability of the step into every token from the one before, in nats.

    Shape: as `sessions.flat`; NaN at BEGIN and at an open end.
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
    surprise_T[np.isin(sessions.flat, (BEGIN, MASK))] = np.nan
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


def _steps(flat: NDArray[np.int32], size: int) -> Rows:
    """Each step from one token to the next as one number, shape: len(flat) - 1."""
    return flat[:-1].astype(np.int64) * size + flat[1:]
