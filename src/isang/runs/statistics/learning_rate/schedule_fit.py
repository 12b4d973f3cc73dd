"""The learning-rate schedule of a run, inferred from the logged rates.

n points (steps, rates) throughout.
"""

import itertools
from typing import Any

import numpy as np

from isang.runs.read.table import LEARNING_RATE, Floats, Integers, RunTable
from isang.runs.statistics.learning_rate.schedule_families import TURN, Fit, best_fit, turning_points

MOST_POINTS = 2_000
"""Fits use at most this many points, evenly spaced."""
FEWEST_POINTS = 4
MOST_PLACES = 12


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
        fit, warmup = Fit("constant", 0.0, {"rate": float(np.median(rates))}), 0
    else:
        warmup = _warmup(steps, rates, span)
        if steps[warmup] - steps[0] > 0.95 * (steps[-1] - steps[0]):
            fit = Fit("warm-up", 0.0, {"rate_per_step": span / max(steps[-1] - steps[0], 1.0)})
        else:
            fit = best_fit(steps[warmup:], rates[warmup:], span)
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


def _from_step_zero(fit: Fit, steps: Floats) -> Fit:
    """A log that begins with step 1 shows a schedule that began with step 0."""
    interval = float(np.min(np.diff(steps)))
    if not 0 < steps[0] <= interval:
        return fit
    return Fit(fit.family, fit.error, {**fit.parameters, "T_max": fit.parameters["low_point"], "start": 0.0})


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


def _segments(steps: Floats, rates: Floats, span: float) -> list[dict[str, Any]]:
    """The run cut where the rate turns, and into level, rising and falling stretches."""
    cuts = turning_points(rates, max(TURN * span, 1e-12)) if span > 0 else [0, len(rates) - 1]
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
    """Index at which the warm-up ends, 0 if there is none: one rise from a low start to the run's highest rate."""
    peak = float(rates.max())
    top = int(np.argmax(rates >= peak - 0.001 * span))
    if top == 0 or rates[0] > 0.7 * peak:
        return 0
    if np.diff(rates[: top + 1]).min() < -0.01 * span:
        return 0
    falls_and_rises = len(turning_points(rates, max(TURN * span, 1e-12))) - 2
    if falls_and_rises >= 2 and top > 0.2 * len(rates):  # the first rise of a cycle
        return 0
    return top


def _rises_again(fit: Fit, segments: list[dict[str, Any]], warmup: int, steps: Floats) -> int | None:
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
    if not len(positive) or ((rates == 0).sum() > 1 and _last_digit(positive) > 2e-3 * peak):
        return 0  # 0 may be a small rate printed with too few digits
    tiny = rates <= 1e-3 * peak
    if not tiny[-1]:
        return 0
    start = len(rates) - int(np.argmin(tiny[::-1])) if not tiny.all() else 0
    return int(steps[-1] - steps[start])


def _last_digit(rates: Floats) -> float:
    """The last decimal place that positive rates are printed with, 0 where they have all their digits."""
    for places in range(MOST_PLACES):
        scaled = rates * 10.0**places
        if np.all(np.abs(scaled - np.rint(scaled)) < 1e-6 * scaled):
            return float(10.0**-places)
    return 0.0
