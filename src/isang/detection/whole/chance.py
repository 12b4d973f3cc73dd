"""Chances of counts."""

import math


def poisson_or_more(count: int, expected: float) -> float:
    """The probability of `count` or more if `expected` are expected (Poisson)."""
    fewer = sum(math.exp(-expected + k * math.log(max(expected, 1e-300)) - math.lgamma(k + 1)) for k in range(count))
    return min(1.0, max(0.0, 1.0 - fewer))
