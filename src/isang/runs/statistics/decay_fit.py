"""The ideal curve: the decay that fits a run best, to see where the run leaves it."""

import itertools
from dataclasses import dataclass

import numpy as np

from isang.runs.read.table import Floats, Integers

FIT = 0.5
"""A curve that leaves more than this share of the variation unexplained does not describe the run."""
POINTS = 120
"""Medians that the curve is fitted to, spaced evenly in the logarithm of the step."""
POWERS = np.linspace(0.05, 2.5, 50)
"""Powers b that are tried."""
DELAYS = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 17)])
"""The delays t0 that are tried, as a share of the run's length."""


@dataclass(frozen=True)
class IdealCurve:
    """floor + scale * (1 + t / (delay + 1))^-power, where t counts the steps since the first one."""

    first_step: int
    floor: float
    scale: float
    power: float
    delay: float

    def __call__(self, step: Integers) -> Floats:
        """Shape N: the loss that this decay has at N steps."""
        return self.floor + self.scale * _shape(step - self.first_step, self.power, self.delay)


def fit_ideal_curve(step: Integers, loss: Floats) -> IdealCurve | None:
    """The power law with a floor that fits N finite losses best; None where they are too few or do not fall.

    A power law with a floor is the usual form of a loss that falls without trouble (Hestness et al. 2017, "Deep
    learning scaling is predictable, empirically"). Medians over stretches that grow with the step keep single
    spikes and the great number of late steps from ruling the fit; deviations count in per cent of the loss where
    all losses are positive. Every power and delay of a grid is tried, with floor and scale by least squares.
    """
    if len(step) < 8 or step[-1] == step[0]:
        return None
    at, median = _medians(step, loss)
    weight = 1 / np.abs(median) if (median > 0).all() else np.ones_like(median)
    level = (weight**2 @ median) / (weight**2).sum()
    best, chosen = FIT * float(weight**2 @ (median - level) ** 2), None
    for delay in DELAYS * float(at[-1]):
        for power in POWERS:
            error, floor, scale = _weighted_line(_shape(at, power, delay), median, weight)
            if error < best and scale > 0:
                best, chosen = error, IdealCurve(int(step[0]), floor, scale, float(power), float(delay))
    return chosen


def _shape(t: Integers | Floats, power: float, delay: float) -> Floats:
    return np.asarray((1 + t / (delay + 1)) ** -power, dtype=np.float64)


def _medians(step: Integers, loss: Floats) -> tuple[Floats, Floats]:
    """For each stretch, the mean of the steps since the first one, and the median of the losses."""
    edges = np.unique(np.geomspace(1, float(step[-1] - step[0]) + 1, POINTS + 1))
    places = np.searchsorted(step, np.ceil(edges).astype(np.int64) - 1 + step[0])
    pairs = list(itertools.pairwise(np.unique(np.concatenate([[0], places, [len(step)]])).tolist()))
    at = [(step[a:b] - step[0]).mean() for a, b in pairs]
    return np.array(at), np.array([np.median(loss[a:b]) for a, b in pairs])


def _weighted_line(x: Floats, y: Floats, weight: Floats) -> tuple[float, float, float]:
    """Least squares of y = floor + scale * x: (squared error, floor, scale)."""
    square = weight**2
    total = square.sum()
    x_mean, y_mean = (square @ x) / total, (square @ y) / total
    variance = square @ (x - x_mean) ** 2
    if variance <= 0:
        return float("inf"), float(y_mean), 0.0
    scale = (square @ ((x - x_mean) * (y - y_mean))) / variance
    floor = y_mean - scale * x_mean
    return float(square @ (y - floor - scale * x) ** 2), float(floor), float(scale)
