"""The load: how much more, or less, all kinds of lines came than usual.

Shapes: T templates, W windows.
"""

import numpy as np

from isang.model.batches import Floats

MOST = 4.0
"""A load up to this many times the usual, or down to its inverse, is ordinary where the training period is too short to
show how days differ."""
AROUND = 2
"""The load is also measured with so many windows before and behind: one window has few lines of each kind."""
FEWEST = 3
"""Fewer other kinds of lines say nothing about the load."""


def load(now_TW: Floats, usual_TW: Floats) -> Floats:
    """How many times the usual number of lines each window has, in the median of all kinds; shape W.

    A kind has the weight of its usual number of lines, so a change that fewer than half of the lines take part in is no
    change of the load. The window alone, or with its neighbours, counts: what is farther from 1. The load is 1 where
    fewer than FEWEST kinds are usual.
    """
    if (usual_TW > 0).any(axis=1).sum() < FEWEST:
        return np.ones(now_TW.shape[1])
    alone = _median_ratio(now_TW, usual_TW)
    near = _median_ratio(_around(now_TW), _around(usual_TW))
    farther = np.where(np.abs(np.log(alone)) >= np.abs(np.log(near)), alone, near)
    return np.clip(farther, 1 / MOST, MOST)


def _median_ratio(now_TW: Floats, usual_TW: Floats) -> Floats:
    """The weighted median over the templates, no lower than half of 1 / MOST; shape W."""
    ratio_TW = np.where(usual_TW > 0, now_TW / np.maximum(usual_TW, 1e-9), np.inf)
    order_TW = np.argsort(ratio_TW, axis=0, kind="stable")
    weight_TW = np.cumsum(np.take_along_axis(usual_TW, order_TW, axis=0), axis=0)
    middle_W = np.argmax(weight_TW >= weight_TW[-1] / 2, axis=0)
    median_W = np.take_along_axis(np.take_along_axis(ratio_TW, order_TW, axis=0), middle_W[None], axis=0)[0]
    return np.clip(np.where(weight_TW[-1] > 0, median_W, 1.0), 0.5 / MOST, 2 * MOST)


def _around(counts_TW: Floats) -> Floats:
    """The sums over each window and its neighbours."""
    sums = np.cumsum(np.pad(counts_TW, ((0, 0), (AROUND + 1, AROUND))), axis=1)
    around: Floats = sums[:, 2 * AROUND + 1 :] - sums[:, : -2 * AROUND - 1]
    return around
