"""Does a noisy series rise again after a low point? Curves with a rise and without one are fitted and compared.

A curve is a level, perhaps a fall (a line, or an exponential of several rates), and perhaps a straight rise from one
of several points on. The noise around it is autoregressive of the first order, its memory fitted with the curve, so
that a slow wave of the noise may explain what a rise explains as well.
"""

from dataclasses import dataclass

import numpy as np

from isang.runs.table import Floats

FALLS = (0.02, 0.04, 0.08, 0.15, 0.3, 0.6)
"""Parts of the series after which an exponential fall has come down to 1/e."""
MEMORIES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.87, 0.93, 0.97)
RISES = 18
"""Points from which a rise is tried, evenly from 5 to 90 % of the series."""
SATURATION = 0.1
"""Part of the series within which a rise that levels off has come to 1 - 1/e of its height."""
FEWEST = 5
FEWEST_RISING = 3
"""Values that a rise needs below it."""


@dataclass(frozen=True)
class Valley:
    """The curves through n values."""

    residual: Floats
    """Around the best curve, shape n; a curve pays for its terms (Schwarz; Hurvich and Tsai for few values)."""
    terms: int
    """Of the best curve."""
    likelihood_ratio: float
    """Twice the logarithm of how much likelier the values are with a rise than without one; at least 0."""


def valley(values: Floats) -> Valley:
    """The curves through n values, n at least FEWEST."""
    n = len(values)
    best_criterion, residual, terms = np.inf, values, 1
    deviance = {False: np.inf, True: np.inf}
    for rises, count, curves in _families(n):
        for memory in MEMORIES:
            found, fitted = _fit(values, curves, memory)
            deviance[rises] = min(deviance[rises], float(found.min()))
            paid = count + (memory > 0)
            criterion = found + paid * max(np.log(n), 2 * n / max(n - paid - 1, 0.5))
            lowest = int(np.argmin(criterion))
            if criterion[lowest] < best_criterion:
                best_criterion, residual, terms = float(criterion[lowest]), values - fitted[lowest], count
    return Valley(residual, terms, max(deviance[False] - deviance[True], 0.0))


def _families(n: int) -> list[tuple[bool, int, Floats]]:
    """Whether the curves rise, the terms that each pays for, and the curves, shape (curves, n, columns).

    A column after the first may only be added, not subtracted. Rates and starting points count as terms.
    """
    x = np.linspace(0.0, 1.0, n)
    one = np.ones(n)
    starts = np.linspace(0.05, 0.9, RISES if n >= RISES else RISES // 2)
    beyond = [np.maximum(x - start, 0) for start in starts if 1 <= start * n < n - FEWEST_RISING]
    rises = beyond + [1 - np.exp(-rise / SATURATION) for rise in beyond]
    exponential = [np.exp(-x / rate) for rate in FALLS]
    families: list[tuple[bool, int, list[list[Floats]]]] = [
        (False, 1, [[one]]),
        (False, 2, [[one, -x]]),
        (False, 3, [[one, fall] for fall in exponential]),
        (True, 3, [[one, rise] for rise in rises]),
        (True, 4, [[one, -x, rise] for rise in rises]),
        (True, 5, [[one, fall, rise] for fall in exponential for rise in rises]),
    ]
    return [(up, terms, np.stack([np.stack(c, axis=1) for c in curves])) for up, terms, curves in families if curves]


def _fit(values: Floats, curves: Floats, memory: float) -> tuple[Floats, Floats]:
    """-2 log likelihood of each of C curves (infinite where a column would be subtracted), and its values (C, n).

    Least squares of what is left of each value after `memory` times the one before (Prais and Winsten 1954).
    """
    first = np.sqrt(1 - memory**2)
    whitened = np.concatenate([first * curves[:, :1], curves[:, 1:] - memory * curves[:, :-1]], axis=1)
    innovations = np.concatenate([[first * values[0]], values[1:] - memory * values[:-1]])
    square = np.einsum("cnp,cnq->cpq", whitened, whitened) + 1e-10 * np.eye(curves.shape[2])
    coefficients = np.linalg.solve(square, np.einsum("cnp,n->cp", whitened, innovations)[..., None])
    left = innovations - (whitened @ coefficients)[..., 0]
    subtracted = np.any(coefficients[:, 1:, 0] < 0, axis=1)
    deviance = len(values) * np.log((left**2).mean(axis=1) + 1e-300) - np.log(first**2)
    return np.where(subtracted, np.inf, deviance), (curves @ coefficients)[..., 0]
