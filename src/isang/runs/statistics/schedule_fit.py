"""Which learning-rate schedule a run followed, told from the logged rates.

n points (steps, rates) throughout. A family is accepted when its best fit stays within the tolerance of the printed
rates; the simplest family that fits wins.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isang.runs.read.table import LEARNING_RATE, Floats, Integers, RunTable

MOST_POINTS = 2_000
"""Fits use at most this many points, evenly spaced."""
FEWEST_POINTS = 4
TOLERANCE = 0.02
"""A fit may miss by this part of the rate's range (root mean square)."""
TURN = 0.03
"""A reversal counts when it exceeds this part of the range."""


@dataclass
class _Fit:
    family: str
    error: float
    """Root mean square error as a part of the range."""
    parameters: dict[str, float] = field(default_factory=dict)


def recognise_schedule(table: RunTable) -> dict[str, Any]:
    """The schedule as plain values. `family` is None where no rate was logged and `other` where no family fits."""
    steps_all, rates_all = table.points(LEARNING_RATE)
    finite = np.isfinite(rates_all)
    if not finite.all():
        steps_all, rates_all = steps_all[finite], rates_all[finite]
    if len(rates_all) < FEWEST_POINTS:
        return _unknown(len(rates_all))
    steps, rates = _thinned(steps_all, rates_all)
    peak, low = float(rates.max()), float(rates.min())
    span = peak - low
    segments = _segments(steps, rates, span)
    if span <= 0.005 * abs(peak):
        fit, warmup = _Fit("constant", 0.0, {"rate": float(np.median(rates))}), 0
    else:
        warmup = _warmup(steps, rates, span)
        if steps[warmup] - steps[0] > 0.95 * (steps[-1] - steps[0]):
            fit = _Fit("warm-up", 0.0, {"rate_per_step": span / max(steps[-1] - steps[0], 1.0)})
        else:
            fit = _best(steps[warmup:], rates[warmup:], span)
        if fit.family == "cosine" and not warmup:
            fit = _from_step_zero(fit, steps)
    return {
        "family": fit.family,
        "parameters": {name: _plain(value) for name, value in fit.parameters.items()},
        "warmup_steps": int(steps[warmup] - steps[0]) if warmup else None,
        "warmup_end": int(steps[warmup]) if warmup else None,
        "segments": segments,
        "rises_again_at": _rises_again(fit, segments, warmup, steps),
        "peak_rate": peak,
        "first_rate": float(rates[0]),
        "lowest_rate": float(rates[warmup:].min()),
        "lowest_step": int(steps[warmup:][int(np.argmin(rates[warmup:]))]),
        "final_rate": float(rates_all[-1]),
        "zero_tail_steps": _zero_tail(steps_all, rates_all, peak),
        "fit_error_percent": round(100 * fit.error, 3),
        "points": len(rates_all),
        "first_step": int(steps_all[0]),
        "last_step": int(steps_all[-1]),
    }


def _from_step_zero(fit: _Fit, steps: Floats) -> _Fit:
    """A log that begins with step 1 shows a schedule that began with step 0."""
    interval = float(np.min(np.diff(steps)))
    if not 0 < steps[0] <= interval:
        return fit
    return _Fit(fit.family, fit.error, {**fit.parameters, "T_max": fit.parameters["low_point"], "start": 0.0})


def _unknown(points: int) -> dict[str, Any]:
    return {
        "family": None, "parameters": {}, "warmup_steps": None, "warmup_end": None, "segments": [],
        "rises_again_at": None, "peak_rate": None, "first_rate": None, "lowest_rate": None, "lowest_step": None,
        "final_rate": None, "zero_tail_steps": 0, "fit_error_percent": None, "points": points, "first_step": None,
        "last_step": None,
    }  # fmt: skip


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() and abs(value) >= 10 else float(value)


def _thinned(steps: Integers, rates: Floats) -> tuple[Floats, Floats]:
    """At most MOST_POINTS points. Where the rate jumps, both sides of the jump are kept."""
    if len(steps) <= MOST_POINTS:
        return steps.astype(np.float64), rates
    even = np.linspace(0, len(steps) - 1, MOST_POINTS).astype(np.int64)
    change = np.diff(rates)
    jumps = np.argsort(np.negative(np.abs(change, out=change), out=change))[:64]
    chosen = np.unique(np.concatenate([even, jumps, jumps + 1]))
    return steps[chosen].astype(np.float64), rates[chosen]


def _turning_points(rates: Floats, threshold: float) -> list[int]:
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


def _segments(steps: Floats, rates: Floats, span: float) -> list[dict[str, Any]]:
    """The run cut where the rate turns, and into level, rising and falling stretches."""
    cuts = _turning_points(rates, max(TURN * span, 1e-12)) if span > 0 else [0, len(rates) - 1]
    pieces: list[tuple[int, int, str]] = []
    for a, b in itertools.pairwise(cuts):
        pieces += _level_stretches(steps, rates, a, b, span)
    return [
        {
            "kind": kind, "first_step": int(steps[a]), "last_step": int(steps[b]),
            "first_rate": float(rates[a]), "last_rate": float(rates[b]),
        }
        for a, b, kind in pieces
    ]  # fmt: skip


def _level_stretches(steps: Floats, rates: Floats, a: int, b: int, span: float) -> list[tuple[int, int, str]]:
    """One stretch between two turns: level parts of at least a tenth of the run stand apart."""
    length = max(steps[-1] - steps[0], 1.0)
    kind = "rising" if rates[b] > rates[a] else "falling"
    if abs(rates[b] - rates[a]) <= max(0.005 * span, 1e-15):
        return [(a, b, "level")]
    level = np.abs(np.diff(rates[a : b + 1])) <= 1e-9 * max(abs(rates).max(), 1e-300)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], level, [False]]).astype(np.int8)))
    pieces: list[tuple[int, int, str]] = []
    position = a
    for first, last in zip(edges[::2] + a, edges[1::2] + a, strict=True):
        if steps[last] - steps[first] >= 0.1 * length:
            if first > position:
                pieces.append((position, int(first), kind))
            pieces.append((int(first), int(last), "level"))
            position = int(last)
    if position < b:
        pieces.append((position, b, kind))
    return pieces


def _warmup(steps: Floats, rates: Floats, span: float) -> int:
    """Index at which the warm-up ends, 0 where there is none: one rise from a low start to the run's highest rate."""
    peak = float(rates.max())
    top = int(np.argmax(rates >= peak - 0.001 * span))
    if top == 0 or rates[0] > 0.7 * peak:
        return 0
    if np.diff(rates[: top + 1]).min() < -0.01 * span:
        return 0
    falls_and_rises = len(_turning_points(rates, max(TURN * span, 1e-12))) - 2
    if falls_and_rises >= 2 and top > 0.2 * len(rates):  # the first rise of a cycle
        return 0
    return top


def _best(steps: Floats, rates: Floats, span: float) -> _Fit:
    """The simplest family whose error is within the tolerance, else the best one named `other`."""
    if len(rates) < 3 or rates.max() - rates.min() <= 0.005 * abs(rates.max()):
        return _Fit("constant", 0.0, {"rate": float(np.median(rates))})
    families: tuple[Callable[[Floats, Floats, float], _Fit | None], ...] = (
        _steps_fit, _restarts_fit, _linear_fit, _cosine_fit, _plateau_fit, _root_fit, _exponential_fit, _cyclic_fit,
    )  # fmt: skip
    fits = [fit for fit in (family(steps, rates, span) for family in families) if fit is not None]
    changes = np.abs(np.diff(rates))
    printed = float(changes[changes > 1e-9 * span].min()) / span  # a fit cannot be better than the printed digits
    good = [fit for fit in fits if fit.error <= TOLERANCE + (0.4 * printed if printed < 0.25 else 0.0)]
    if not good:
        return _Fit("other", min((fit.error for fit in fits), default=1.0))
    best = min(fit.error for fit in good)
    return next(fit for fit in good if fit.error <= best * 1.5 + 0.0015)


def _rms(residual: Floats, span: float) -> float:
    return float(np.sqrt(np.mean(residual**2)) / span)


def _steps_fit(steps: Floats, rates: Floats, span: float) -> _Fit | None:
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
    return _Fit("step", 0.0, {
        "drops": float(len(drops)), "first_drop": float(steps[drops[0] + 1]), "factor": float(np.nanmedian(ratios)),
    })  # fmt: skip


def _restarts_fit(steps: Floats, rates: Floats, span: float) -> _Fit | None:
    """Cosine pieces, each begun by a sudden rise to a high rate (SGDR, Loshchilov and Hutter 2017)."""
    change = np.diff(rates)
    jumps = np.flatnonzero(change > 0.25 * span)
    gaps = np.diff(np.concatenate([[-1], jumps, [len(rates) - 1]]))
    if not len(jumps) or len(jumps) > len(rates) // 4 or np.median(gaps) < 3:
        return None
    bounds = np.concatenate([[0], jumps + 1, [len(rates)]])
    errors = []
    lengths = []
    for a, b in itertools.pairwise(bounds):
        if b - a < 4:
            continue
        fit = _cosine_fit(steps[a:b], rates[a:b], span) if np.ptp(rates[a:b]) > 0.02 * span else _Fit("constant", 0.0)
        line = _linear_fit(steps[a:b], rates[a:b], span)
        errors.append(min((f.error for f in (fit, line) if f is not None), default=1.0))
        lengths.append(steps[b - 1] - steps[a])
    if not errors:
        return None
    error = float(np.sqrt(np.mean(np.square(errors))))
    restarts = [float(steps[j + 1]) for j in jumps]
    return _Fit("cosine with restarts", error, {
        "restarts": float(len(jumps)), "first_restart": restarts[0], "cycle_steps": float(max(lengths)),
    })  # fmt: skip


def _linear_fit(steps: Floats, rates: Floats, span: float) -> _Fit | None:
    slope, offset = np.polyfit(steps - steps[0], rates, 1)
    error = _rms(rates - offset - slope * (steps - steps[0]), span)
    if slope >= 0:
        return _Fit("warm-up", error, {"rate_per_step": float(slope)}) if slope > 0 else None
    return _Fit("linear", error, {"zero_at": float(steps[0] - offset / slope), "rate_per_step": float(slope)})


def _cosine_fit(steps: Floats, rates: Floats, span: float) -> _Fit | None:
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
    return _Fit(name, error, parameters) if not rising or error <= TOLERANCE else None


def _plateau_fit(steps: Floats, rates: Floats, span: float) -> _Fit | None:
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
    return _Fit("warm-up-stable-decay", shape.error, {"decay_start": float(steps[end]), "stable_rate": float(peak)})


def _power_fit(steps: Floats, rates: Floats, span: float) -> _Fit | None:
    """rate = a - b * x ** p over the stretch, x from 0 to 1 (1 - sqrt decay and its kin)."""
    x = (steps - steps[0]) / max(steps[-1] - steps[0], 1.0)
    best = _Fit("power", 1.0)
    for power in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.25, 1.5, 2.0, 3.0):
        slope, offset = np.polyfit(x**power, rates, 1)
        error = _rms(rates - offset - slope * x**power, span)
        if error < best.error:
            best = _Fit("power", error, {"power": power})
    return best


def _root_fit(steps: Floats, rates: Floats, span: float) -> _Fit | None:
    """rate proportional to (step + shift) ** -0.5 (inverse root, as in the first transformer)."""
    if rates.min() <= 0 or rates[-1] > 0.98 * rates[0]:
        return None
    slope, offset = np.polyfit(steps, rates**-2.0, 1)  # 1 / rate squared is linear in the step
    fitted = offset + slope * steps
    if slope <= 0 or fitted.min() <= 0:
        return None
    return _Fit("inverse root", _rms(rates - fitted**-0.5, span), {"scale": float(slope**-0.5)})


def _exponential_fit(steps: Floats, rates: Floats, span: float) -> _Fit | None:
    if rates.min() <= 0:
        return None
    slope, offset = np.polyfit(steps - steps[0], np.log(rates), 1)
    if slope >= 0:
        return None
    fitted = np.exp(offset + slope * (steps - steps[0]))
    return _Fit("exponential", _rms(rates - fitted, span), {"half_life_steps": float(np.log(2) / -slope)})


def _cyclic_fit(steps: Floats, rates: Floats, span: float) -> _Fit | None:
    """Straight rises and falls in turn (Smith 2017)."""
    turns = _turning_points(rates, TURN * span)
    if len(turns) < 4:
        return None
    line = np.interp(steps, steps[turns], rates[turns])
    lengths = np.diff(steps[turns])
    return _Fit(
        "cyclic",
        _rms(rates - line, span),
        {"cycles": (len(turns) - 1) / 2, "half_cycle_steps": float(np.median(lengths))},
    )


def _rises_again(fit: _Fit, segments: list[dict[str, Any]], warmup: int, steps: Floats) -> int | None:
    """The step from which the rate rises again after it had fallen; a fitted cosine places its low point best."""
    if fit.family == "cosine" and fit.parameters["low_point"] < 0.97 * steps[-1]:
        return int(fit.parameters["low_point"])
    fallen = False
    for segment in segments:
        if segment["kind"] == "falling" and segment["last_step"] > steps[warmup]:
            fallen = True
        elif segment["kind"] == "rising" and fallen:
            return int(segment["first_step"])
    return None


def _zero_tail(steps: Integers, rates: Floats, peak: float) -> int:
    """Steps at the end during which the rate was (as good as) zero and printed finely enough to say so."""
    positive = rates[rates > 0]
    if not len(positive) or (positive.min() > 2e-3 * peak and (rates == 0).sum() > 1):
        return 0  # the smallest printed rate is coarse: 0 may be a rounded small rate
    tiny = rates <= 1e-3 * peak
    if not tiny[-1]:
        return 0
    start = len(rates) - int(np.argmin(tiny[::-1])) if not tiny.all() else 0
    return int(steps[-1] - steps[start])
