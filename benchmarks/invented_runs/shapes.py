"""What invented training logs are made of: curves, noise, clocks, and the right answer of each.

A generator takes a random generator and returns `Log`: the files of one run and what an expert says of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Right:
    """What is right to say. A finding that is named nowhere here must not be a problem."""

    problems: tuple[tuple[str, ...], ...] = ()
    """Of each group one finding at least is a problem."""
    may: tuple[str, ...] = ()
    """Findings that may be a problem besides."""
    verdicts: dict[str, str] = field(default_factory=dict)
    """Findings with exactly this verdict, or one of several between bars."""
    read: dict[str, float] = field(default_factory=dict)
    """Of a right reading: losses, validations, last_step, maximised (1 or 0), first, last (the loss's own values), runs
    (else 1); error is 1 where nothing can be judged."""


@dataclass(frozen=True)
class Log:
    files: dict[str, str]
    """By path; a run of several is a folder."""
    right: Right


Generator = Callable[[np.random.Generator], Log]


def fall(n: int, first: float, floor: float, part: float) -> Floats:
    """An exponential descent whose time constant is a part of the run."""
    return floor + (first - floor) * np.exp(-np.arange(n) / (part * n))


def power(n: int, first: float, floor: float, exponent: float) -> Floats:
    """A power law, as the losses of language models fall."""
    return floor + (first - floor) * (1 + np.arange(n)) ** -exponent


def remembering(rng: np.random.Generator, n: int, memory: float) -> Floats:
    """AR(1) noise of standard deviation 1."""
    shocks = rng.standard_normal(n) * np.sqrt(1 - memory**2)
    out = np.empty(n)
    last = rng.standard_normal()
    for i in range(n):
        last = memory * last + shocks[i]
        out[i] = last
    return out


def skewed(rng: np.random.Generator, n: int, shape: float = 2.0) -> Floats:
    """Centred gamma noise of standard deviation 1: a long upper tail."""
    return (rng.gamma(shape, size=n) - shape) / np.sqrt(shape)


def heavy(rng: np.random.Generator, n: int) -> Floats:
    """Student's t of 3 degrees of freedom, standard deviation 1."""
    return rng.standard_t(3, n) / np.sqrt(3)


def warm_cosine(n: int, peak: float, warm: int, low: float = 0.0, whole: int | None = None) -> Floats:
    """A warm-up and a cosine to `low` over `whole` steps, of which `n` were done."""
    x = np.arange(n, dtype=np.float64)
    done = np.clip((x - warm) / max(1, (whole or n) - warm), 0, None)
    return np.where(x < warm, peak * (x + 1) / warm, low + (peak - low) / 2 * (1 + np.cos(np.pi * done)))


def warm_linear(n: int, peak: float, warm: int, whole: int | None = None) -> Floats:
    x = np.arange(n, dtype=np.float64)
    return np.where(x < warm, peak * (x + 1) / warm, peak * (1 - (x - warm) / max(1, (whole or n) - warm)))


def clock(start: str, seconds: float, rng: np.random.Generator, n: int) -> Iterator[datetime]:
    """Times that are about `seconds` apart."""
    moment = datetime.fromisoformat(start)
    for _ in range(n):
        moment += timedelta(seconds=float(seconds * rng.uniform(0.9, 1.15)))
        yield moment


def lines(*parts: list[str]) -> str:
    return "\n".join(line for part in parts for line in part) + "\n"
