"""How often overfitting is seen where it is and where it is not; a table of `judging.py`."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from judging_simulated import noise, table_of

from isang.runs.finding import Finding
from isang.runs.findings import RunContext
from isang.runs.findings.generalisation import overfitting
from isang.runs.read.table import Floats, RunTable
from isang.runs.statistics.overfitting_rise import rise_after_best

FRESH = 200_000
"""Histories from this seed on were not looked at when the limits were chosen."""


def histories(seed: int, over: bool, *, rate_rise: bool = False) -> RunTable:
    """A simulated history: k validations of a falling, a flat or (overfitting, rate rise) a rising validation loss."""
    rng = np.random.default_rng([seed, over, rate_rise])
    shape = _shape(rng)
    k, per, best = shape.count, 20, shape.best
    rising = shape.rise if over or rate_rise else 0
    held_out = shape.fall + rising + shape.spread * noise(k, shape.memory, "normal", rng)
    n = k * per
    train = 0.2 + 2.2 * np.exp(-np.arange(n) / (n * 0.25)) + 0.05 * noise(n, 0.2, "normal", rng)
    validation = np.full(n, np.nan)
    validation[per - 1 :: per] = held_out
    rates = np.full(n, 1e-3)
    if rate_rise:
        rates = 1e-4 + 9e-4 * np.abs(np.arange(n) / (best * per) - 1)
        rates = np.minimum(rates, 1e-3)
    return table_of(train, validation_loss=validation, learning_rate=rates)


@dataclass(frozen=True)
class _Shape:
    """The truth behind a history of `count` validations: its curve and its noise."""

    count: int
    best: int
    fall: Floats
    rise: Floats
    spread: float
    memory: float


def _shape(rng: np.random.Generator) -> _Shape:
    k = int(rng.integers(12, 80))
    x = np.arange(k)
    best = int(k * rng.uniform(0.2, 0.6))
    spread = float(rng.uniform(0.005, 0.05))
    fall = 1 + 1.5 * np.exp(-x / max(best * rng.uniform(0.15, 0.35), 1))
    rise = np.maximum(x - best, 0) / k * float(rng.uniform(0.3, 1.5))
    return _Shape(k, best, fall, rise, spread, float(rng.choice([0, 0.3, 0.5])))


def overfit(runs: int) -> None:
    """F1 on simulated histories, false alarms on flat validation, and rises that the rate caused."""
    runs = max(runs, 100)
    for name, first in (("that the limits were chosen on", 0), ("not seen before", FRESH)):
        _overfit(range(first, first + runs), name)
    _best_possible(range(runs))
    _flat(runs)


def _judged(seeds: range, over: bool, *, rate_rise: bool = False) -> list[Finding]:
    tables = (histories(seed, over, rate_rise=rate_rise) for seed in seeds)
    return [overfitting(table, RunContext(table)) for table in tables]


def _overfit(seeds: range, name: str) -> None:
    runs = len(seeds)
    over, fine, rate = _judged(seeds, True), _judged(seeds, False), _judged(seeds, False, rate_rise=True)
    hits, alarms = (sum(f.verdict == "problem" for f in found) for found in (over, fine))
    print(f"\nOverfitting, {2 * runs} simulated histories {name} (targets: F1 .98, false alarms 2 %, rate named 95 %)")
    share, wrong = 2 * hits / (runs + hits + alarms), 100 * alarms / runs
    print(f"  F1 {share:.3f}, found {hits} of {runs}, false alarms {wrong:.1f} %")
    unsure = sum(f.verdict == "cannot_tell" for f in over), sum(f.verdict == "cannot_tell" for f in fine)
    print(f"  cannot tell: {unsure[0]} of the overfitted, {unsure[1]} of the others")
    named = sum(f.evidence.get("cause") == "learning_rate" for f in rate)
    print(f"  rises caused by a rising rate, named so: {100 * named / runs:.1f} %")


def _best_possible(seeds: range) -> None:
    """F1 of the likelihood-ratio test that knows each history's curve, noise and where a rise would begin."""
    normal = NormalDist()
    for alarms in (0.02, 0.01):
        power = []
        for seed in seeds:
            shape = _shape(np.random.default_rng([seed, True, False]))
            distance = np.abs(np.subtract.outer(np.arange(shape.count), np.arange(shape.count)))
            covariance = shape.spread**2 * np.where(distance, shape.memory**distance, 1.0)
            strength = float(np.sqrt(shape.rise @ np.linalg.solve(covariance, shape.rise)))
            power.append(1 - normal.cdf(normal.inv_cdf(1 - alarms) - strength))
        recall = float(np.mean(power))
        print(f"  a test that knows curve and noise, {100 * alarms:.0f} % false alarms: F1 "
              f"{2 * recall / (1 + recall + alarms):.3f}")  # fmt: skip


def _flat(runs: int) -> None:
    print(f"\nFalse alarms of overfitting on validations that do not rise, % ({runs} each), by number and memory")
    memories = (0.0, 0.5, 0.8, 0.95)
    print(" " * 14 + "".join(f"{memory:8.2f}" for memory in memories))
    for name, counts in (("flat", (8, 12, 16, 20, 30, 40, 60, 100)), ("fall first", (20, 40, 60))):
        for count in counts:
            curve = 3 + (5 * np.exp(-np.arange(count) / (0.1 * count)) if name == "fall first" else np.zeros(count))
            cells = []
            for memory in memories:
                rngs = (np.random.default_rng([seed, count, int(100 * memory)]) for seed in range(runs))
                found = [rise_after_best(curve + 0.1 * noise(count, memory, "normal", rng)) for rng in rngs]
                cells.append(np.mean([f.size > f.threshold and f.likelihood_ratio > f.least_ratio for f in found]))
            print(f"  {name:>10s}{count:4d}" + "".join(f"{100 * share:8.1f}" for share in cells))
