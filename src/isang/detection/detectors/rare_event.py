"""How rare each template is among the normal sessions.

A template of which less than a thousandth of the training sessions has one cannot be called normal within a budget of
one alert per thousand: it may have come with an anomaly that nobody labelled.
"""

from functools import lru_cache

import numpy as np

from isang.artifact import Model
from isang.detection.detectors.masked_model import Floats
from isang.model.batches import Rows
from isang.model.vocabulary import MARKS


@lru_cache(maxsize=8)
def sessions_with(model: Model) -> Rows:
    """How many of the normal sessions have each token, shape V."""
    normal, size = model.normal, model.vocabulary.size
    session_T = np.repeat(np.arange(len(normal)), normal.lengths)
    pairs = np.unique(session_T * size + normal.flat)
    counts = np.bincount(pairs % size, model.normal_counts[pairs // size], minlength=size)
    return counts.astype(np.int64)


def rarity(model: Model) -> Floats:
    """-log of the share of normal sessions with each template, as if one more had it, in nats; 0 for marks; shape V."""
    rarity_V: Floats = -np.log((sessions_with(model) + 1) / (model.normal_counts.sum() + 1))
    rarity_V[: len(MARKS)] = 0
    return np.maximum(rarity_V, 0.0)
