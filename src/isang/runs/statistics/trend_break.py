"""Does a noisy series rise again after a low point? Curves with a rise and without one are fitted and compared.

A curve is a level, optionally a fall (a line, or an exponential with one of several rates), and optionally a straight
rise from one of several points on. The noise is autoregressive of the first order, its memory fitted with the curve, so
that a slow wave of the noise can compete with a rise as the explanation.
"""

from dataclasses import dataclass

import numpy as np

from isang.runs.read.table import Floats

FALLS = (0.02, 0.04, 0.08, 0.15, 0.3, 0.6)
"""Parts of the series after which an exponential fall has come down to 1/e."""
MEMORIES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.87, 0.93, 0.97)
RISES = 18
"""Points from which a rise is tried, evenly from 5 to 90 % of the series."""
SATURATION = 0.1
"""Part of the series within which a rise that levels off has come to 1 - 1/e of its height."""
FEWEST_LEVELLING = 40
"""Minimum number of values to distinguish a rise that levels off from a wave."""
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


@dataclass(frozen=True)
class _Family:
    """Curves of one kind."""

    rises: bool
    terms: int
    """That each curve pays for; rates and starting points are among them."""
    handicap: float
    """Added to -2 log likelihood before a rise is weighed: a rise that levels off is freer than a straight one."""
    curves: Floats
    """Shape (curves, n, columns). A column after the first may only be added, not subtracted."""


def valley(values: Floats) -> Valley:
    """The curves through n values, n at least FEWEST."""
    n = len(values)
    best_criterion, residual, terms = np.inf, values, 1
    deviance = {False: np.inf, True: np.inf}
    for family in _families(n):
        for memory in MEMORIES:
            found, fitted = _fit(values, family.curves, memory)
            deviance[family.rises] = min(deviance[family.rises], float(found.min()) + family.handicap)
            paid = family.terms + (memory > 0)
            criterion = found + paid * max(np.log(n), 2 * n / max(n - paid - 1, 0.5))
            lowest = int(np.argmin(criterion))
            if criterion[lowest] < best_criterion:
                best_criterion, residual, terms = float(criterion[lowest]), values - fitted[lowest], family.terms
    return Valley(residual, terms, max(deviance[False] - deviance[True], 0.0))


def _families(n: int) -> list[_Family]:
    """Levels, falls, straight rises and, through many values, rises that level off."""
    x = np.linspace(0.0, 1.0, n)
    one = np.ones(n)
    falls = [np.exp(-x / rate) for rate in FALLS]
    starts = np.linspace(0.05, 0.9, RISES if n >= RISES else RISES // 2)
    straight = [np.maximum(x - start, 0) for start in starts if 1 <= start * n < n - FEWEST_RISING]
    levelling = [1 - np.exp(-rise / SATURATION) for rise in straight] if n >= FEWEST_LEVELLING else []
    families = [
        _family(False, 1, 0.0, [[one]]),
        _family(False, 2, 0.0, [[one, -x]]),
        _family(False, 3, 0.0, [[one, fall] for fall in falls]),
    ]
    for rises, rates, handicap in ((straight, 0, 0.0), (levelling, 1, float(np.log(n)))):
        if rises:
            families += [
                _family(True, 3 + rates, handicap, [[one, rise] for rise in rises]),
                _family(True, 4 + rates, handicap, [[one, -x, rise] for rise in rises]),
                _family(True, 5 + rates, handicap, [[one, fall, rise] for fall in falls for rise in rises]),
            ]
    return families


def _family(rises: bool, terms: int, handicap: float, curves: list[list[Floats]]) -> _Family:
    return _Family(rises, terms, handicap, np.stack([np.stack(columns, axis=1) for columns in curves]))


def _fit(values: Floats, curves: Floats, memory: float) -> tuple[Floats, Floats]:
    """-2 log likelihood of each of C curves (infinite where a column would be subtracted), and its values (C, n).

    Least squares of each value minus `memory` times the previous one (Prais and Winsten 1954).
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
