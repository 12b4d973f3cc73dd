"""The families of learning-rate schedules, each fitted to logged rates.

n points (steps, rates) throughout. A family is accepted when its best fit stays within the tolerance of the printed
rates; the simplest family that fits wins.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from isang.runs.read.table import Floats, Integers

TOLERANCE = 0.02
"""A fit may miss by this part of the rate's range (root mean square)."""
JUMP, SUDDEN = 0.1, 10.0
"""A rise from one point to the next of this part of the range, and this many typical changes, is a jump."""
POLYNOMIAL_POWERS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.5, 2.0, 3.0, 4.0)
MOST_RESETS = 4
HARDLY_FALLEN = 0.3
"""A decay that had not come down to this part of the rate that it jumps back to was not meant to end there."""
LEAST_AGAIN = 0.5
"""A repeated warm-up starts below this fraction of the rate before it."""
SIMPLER = 0.0003
"""A simpler family is taken where its error is larger by no more than this."""
TURN = 0.03
"""A reversal counts when it exceeds this part of the range."""


@dataclass
class Fit:
    """A schedule of one family and how well it fits."""

    family: str
    error: float
    """Root mean square error as a part of the range."""
    parameters: dict[str, float] = field(default_factory=dict)


def best_fit(steps: Floats, rates: Floats, span: float) -> Fit:
    """The simplest family whose error is within the tolerance, else the best one named `other`."""
    if len(rates) < 3 or rates.max() - rates.min() <= 0.005 * abs(rates.max()):
        return Fit("constant", 0.0, {"rate": float(np.median(rates))})
    families: tuple[Callable[[Floats, Floats, float], Fit | None], ...] = (
        _steps_fit, _restarts_fit, _begun_anew_fit, _linear_fit, _cosine_fit, _polynomial_fit,
        _plateau_fit, _root_fit, _exponential_fit, _cyclic_fit,
    )  # fmt: skip
    fits = [fit for fit in (family(steps, rates, span) for family in families) if fit is not None]
    changes = np.abs(np.diff(rates))
    printed = float(changes[changes > 1e-9 * span].min()) / span  # a fit cannot be better than the printed digits
    good = [fit for fit in fits if fit.error <= TOLERANCE + (0.4 * printed if printed < 0.25 else 0.0)]
    if not good:
        return Fit("other", min((fit.error for fit in fits), default=1.0))
    best = min(fit.error for fit in good)
    return next(fit for fit in good if fit.error <= best * 1.5 + SIMPLER)


def _rms(residual: Floats, span: float) -> float:
    return float(np.sqrt(np.mean(residual**2)) / span)


def _steps_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    """Level stretches with sudden drops between them (step decay, two-stage schedules)."""
    change = np.diff(rates)
    moving = np.abs(change) > 1e-6 * span
    drops = np.flatnonzero(moving)
    if not 1 <= len(drops) <= max(1, len(rates) // 4) or (change[drops] > 0).any():
        return None
    lengths = np.diff(np.concatenate([[-1], drops, [len(rates) - 1]]))
    if np.median(lengths) < 2 or len(drops) > 60 or np.abs(change[drops]).max() < 0.02 * span:
        return None
    sizes = np.abs(change[drops])
    if len(drops) > 3 and sizes.max() < 1.01 * sizes.min():  # a line printed with few digits, not steps
        return None
    if len(drops) > 12 and sizes.max() < 0.1 * span:
        return None
    ratios = rates[drops + 1] / np.where(rates[drops] == 0, np.nan, rates[drops])
    return Fit("step", 0.0, {
        "drops": float(len(drops)), "first_drop": float(steps[drops[0] + 1]), "factor": float(np.nanmedian(ratios)),
    })  # fmt: skip


def _restarts_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    """Cosine pieces, each begun by a sudden rise to a high rate (SGDR, Loshchilov and Hutter 2017)."""
    change = np.diff(rates)
    typical = float(np.median(np.abs(change)))
    jumps = np.flatnonzero((change > JUMP * span) & (change > SUDDEN * typical))
    gaps = np.diff(np.concatenate([[-1], jumps, [len(rates) - 1]]))
    if not len(jumps) or len(jumps) > len(rates) // 4 or np.median(gaps) < 3:
        return None
    bounds = np.concatenate([[0], jumps + 1, [len(rates)]])
    pieces = [(a, b) for a, b in itertools.pairwise(bounds) if b - a >= 4]
    if not pieces:
        return None
    fits = [_piece_fit(steps[a:b], rates[a:b], span) for a, b in pieces]
    error = float(np.sqrt(np.mean([fit.error**2 for fit in fits])))
    if _was_reset(rates, jumps, span):
        return Fit(fits[-1].family, error, {
            **fits[-1].parameters, "resets": float(len(jumps)), "reset_step": float(steps[jumps[0] + 1]),
            "rate_before_reset": float(rates[jumps[0]]), "rate_after_reset": float(rates[jumps[0] + 1]),
        })  # fmt: skip
    return Fit("cosine with restarts", error, {
        "restarts": float(len(jumps)), "first_restart": float(steps[jumps[0] + 1]),
        "cycle_steps": float(max(steps[b - 1] - steps[a] for a, b in pieces)),
    })  # fmt: skip


def _begun_anew_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    """A decay that falls at once to (nearly) nothing far from its end, and comes back with a warm-up of its own."""
    change = np.diff(rates)
    drop = int(np.argmin(change))
    before, rest = float(rates[drop]), rates[drop + 1 :]
    sudden = -change[drop] > max(JUMP * span, SUDDEN * float(np.median(np.abs(change))))
    top = int(np.argmax(rest))
    warmed = 0 < top < len(rest) // 2 and rest[top] > before and bool((np.diff(rest[: top + 1]) >= 0).all())
    if not sudden or not warmed or rest[0] > LEAST_AGAIN * before or before < HARDLY_FALLEN * rest[top] or drop < 3:
        return None
    again = drop + 1 + top
    if len(rates) - again < 4:
        return None
    fits = [_piece_fit(steps[:drop], rates[:drop], span), _piece_fit(steps[again:], rates[again:], span)]
    return Fit(fits[-1].family, float(np.sqrt(np.mean([fit.error**2 for fit in fits]))), {
        **fits[-1].parameters, "resets": 1.0, "reset_step": float(steps[drop + 1]),
        "rate_before_reset": before, "rate_after_reset": float(rest[top]),
    })  # fmt: skip


def _piece_fit(steps: Floats, rates: Floats, span: float) -> Fit:
    """A cosine or a line through a piece between two jumps."""
    curve = _cosine_fit(steps, rates, span) if np.ptp(rates) > 0.02 * span else Fit("constant", 0.0)
    line = _linear_fit(steps, rates, span)
    fits = [fit for fit in (line, curve) if fit is not None]
    best = min((fit.error for fit in fits), default=1.0)
    return next((fit for fit in fits if fit.error <= 1.5 * best + 0.0015), Fit("other", 1.0))


def _was_reset(rates: Floats, jumps: Integers, span: float) -> bool:
    """The rate was far from its end when it jumped back to where it began, and not twice from the same low point."""
    before, after = rates[jumps], rates[jumps + 1]
    if len(jumps) > MOST_RESETS or (before < HARDLY_FALLEN * after).any():
        return False
    return len(jumps) == 1 or float(np.ptp(before)) > 0.05 * span


def _linear_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    slope, offset = np.polyfit(steps - steps[0], rates, 1)
    error = _rms(rates - offset - slope * (steps - steps[0]), span)
    if slope >= 0:
        return Fit("warm-up", error, {"rate_per_step": float(slope)}) if slope > 0 else None
    return Fit("linear", error, {"zero_at": float(steps[0] - offset / slope), "rate_per_step": float(slope)})


def _polynomial_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    """peak * (1 - step / length) ** power, down to zero: a line in the rate to the power of 1 / power."""
    if rates.min() < 0 or rates[-1] >= rates[0]:
        return None
    time = steps - steps[0]
    best = Fit("polynomial", 1.0)
    for power in POLYNOMIAL_POWERS:
        slope, offset = np.polyfit(time, rates ** (1 / power), 1)
        if slope >= 0:
            continue
        error = _rms(rates - np.maximum(offset + slope * time, 0.0) ** power, span)
        if error < best.error:
            best = Fit("polynomial", error, {"power": power, "zero_at": float(steps[0] - offset / slope)})
    return best if best.parameters else None


def _cosine_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    """minimum + (peak - minimum) / 2 * (1 + cos(pi * (step - start) / T_max)); T_max by search, the rest linear."""
    time = steps - steps[0]
    length = float(time[-1])
    if length <= 0:
        return None

    def solve(period: float) -> tuple[float, Floats]:
        basis = np.stack([np.ones_like(time), np.cos(np.pi * time / period)], axis=1)
        coefficients, *_ = np.linalg.lstsq(basis, rates, rcond=None)
        return _rms(rates - basis @ coefficients, span), coefficients

    periods = length * np.geomspace(0.02, 8.0, 240)
    best = int(np.argmin([solve(period)[0] for period in periods]))
    low, high = periods[max(best - 1, 0)], periods[min(best + 1, len(periods) - 1)]
    for _ in range(40):  # golden section
        a, b = high - 0.618 * (high - low), low + 0.618 * (high - low)
        low, high = (low, b) if solve(a)[0] < solve(b)[0] else (a, high)
    period = (low + high) / 2
    error, (offset, amplitude) = solve(period)
    if amplitude <= 0 or period < 3 * length / max(len(rates) - 1, 1):
        return None
    if period >= 7.9 * length:
        return None
    rising = period < 0.97 * length
    name = "cosine"
    parameters = {
        "T_max": round(period), "peak": float(offset + amplitude), "minimum": float(offset - amplitude),
        "start": float(steps[0]), "low_point": float(round(steps[0] + period)),
    }  # fmt: skip
    return Fit(name, error, parameters) if not rising or error <= TOLERANCE else None


def _plateau_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    """Level, then one fall to the end: warm-up, stable, decay."""
    peak = rates[0]
    level = np.abs(rates - peak) <= 0.004 * span
    end = int(np.argmin(level)) - 1 if not level.all() else len(rates) - 1
    if end < 1 or steps[end] - steps[0] < 0.1 * (steps[-1] - steps[0]) or len(rates) - end < 3:
        return None
    tail_steps, tail = steps[end:], rates[end:]
    if np.diff(tail).max() > 0.01 * span:
        return None
    families = (_linear_fit, _cosine_fit, _exponential_fit, _power_fit)
    shapes = [fit for fit in (family(tail_steps, tail, span) for family in families) if fit]
    if not shapes:
        return None
    shape = min(shapes, key=lambda fit: fit.error)
    return Fit("warm-up-stable-decay", shape.error, {"decay_start": float(steps[end]), "stable_rate": float(peak)})


def _power_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    """rate = a - b * x ** p over the stretch, x from 0 to 1 (1 - sqrt decay and its kin)."""
    x = (steps - steps[0]) / max(steps[-1] - steps[0], 1.0)
    best = Fit("power", 1.0)
    for power in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.25, 1.5, 2.0, 3.0):
        slope, offset = np.polyfit(x**power, rates, 1)
        error = _rms(rates - offset - slope * x**power, span)
        if error < best.error:
            best = Fit("power", error, {"power": power})
    return best


def _root_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    """rate proportional to (step + shift) ** -0.5 (inverse root, as in the first transformer)."""
    if rates.min() <= 0 or rates[-1] > 0.98 * rates[0]:
        return None
    slope, offset = np.polyfit(steps, rates**-2.0, 1)  # 1 / rate squared is linear in the step
    fitted = offset + slope * steps
    if slope <= 0 or fitted.min() <= 0:
        return None
    return Fit("inverse root", _rms(rates - fitted**-0.5, span), {"scale": float(slope**-0.5)})


def _exponential_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    if rates.min() <= 0:
        return None
    slope, offset = np.polyfit(steps - steps[0], np.log(rates), 1)
    if slope >= 0:
        return None
    fitted = np.exp(offset + slope * (steps - steps[0]))
    return Fit("exponential", _rms(rates - fitted, span), {"half_life_steps": float(np.log(2) / -slope)})


def _cyclic_fit(steps: Floats, rates: Floats, span: float) -> Fit | None:
    """Straight rises and falls in turn (Smith 2017)."""
    turns = turning_points(rates, TURN * span)
    if len(turns) < 4:
        return None
    line = np.interp(steps, steps[turns], rates[turns])
    lengths = np.diff(steps[turns])
    return Fit(
        "cyclic",
        _rms(rates - line, span),
        {"cycles": (len(turns) - 1) / 2, "half_cycle_steps": float(np.median(lengths))},
    )


def turning_points(rates: Floats, threshold: float) -> list[int]:
    """Indices where the rate turns by more than `threshold`, first and last index included (a zigzag filter)."""
    points, direction, extreme = [0], 0, 0
    for index in range(1, len(rates)):
        moved = rates[index] - rates[extreme]
        if direction == 0:
            if abs(rates[index] - rates[0]) > threshold:
                direction, extreme = (1 if rates[index] > rates[0] else -1), index
        elif direction * moved >= 0:
            extreme = index
        elif -direction * moved > threshold:
            points.append(extreme)
            direction, extreme = -direction, index
    points.append(len(rates) - 1)
    return points
