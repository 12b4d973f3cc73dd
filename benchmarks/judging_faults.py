"""Planted faults under five kinds of noise: is each named, and what else is called a problem? A table of "
"`judging.py`."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from judging_simulated import noise, table_of

from isang.runs.findings import judge
from isang.runs.read.table import Floats, RunTable

FAMILIES = ("normal", "t3", "gamma", "lognormal", "long memory")


class Planted(NamedTuple):
    """A run, and the finding that must be a problem; None where none may be."""

    table: RunTable
    finding: str | None
    may: tuple[str, ...] = ()
    """Findings that may be a problem besides."""


class Draw(NamedTuple):
    """What a run is made of."""

    rng: np.random.Generator
    n: int
    curve: Floats
    """A descent from 2 to 6 down to a tenth to a half of it, flat in its last half."""
    noise: Floats
    """Of standard deviation 1."""
    spread: float


def _draw(seed: int, fault: str, family: str) -> Draw:
    rng = np.random.default_rng([seed, *fault.encode(), *family.encode()])
    n = int(rng.integers(200, 2500))
    first, floor = float(rng.uniform(2, 6)), float(rng.uniform(0.1, 0.5))
    curve = first * (floor + (1 - floor) * np.exp(-np.arange(n) / (n * rng.uniform(0.03, 0.08))))
    kind, memory = ("normal", 0.8) if family == "long memory" else (family, float(rng.choice([0.0, 0.3])))
    return Draw(rng, n, curve, noise(n, memory, kind, rng), float(rng.uniform(0.01, 0.04)))


def _loss(draw: Draw) -> Floats:
    return np.round(draw.curve * (1 + draw.spread * np.clip(draw.noise, -15, 15)), 4)


def _healthy(draw: Draw) -> Planted:
    return Planted(table_of(_loss(draw), learning_rate=np.full(draw.n, 1e-3)), None)


def _dead_zero(draw: Draw) -> Planted:
    loss = _loss(draw)
    loss[int(draw.n * draw.rng.uniform(0.1, 0.9)) :] = 0.0
    return Planted(table_of(loss), "decreasing")


def _stuck(draw: Draw) -> Planted:
    loss = _loss(draw)
    loss[int(draw.n * draw.rng.uniform(0.2, 0.9)) :] = round(float(np.log(draw.rng.integers(2, 50_000))), 4)
    return Planted(table_of(loss), "decreasing")


def _nan_end(draw: Draw) -> Planted:
    loss = _loss(draw)
    start = int(draw.n * draw.rng.uniform(0.5, 0.95))
    loss[start:] = np.nan
    table = replace(table_of(loss), logged_nan={"batch_loss": np.arange(start, draw.n)})
    return Planted(table, "finite", ("divergence",))


def _nan_gradient(draw: Draw) -> Planted:
    norm = np.abs(1 + 0.2 * draw.noise)
    start = int(draw.n * draw.rng.uniform(0.3, 0.9))
    norm[start:] = np.nan
    table = replace(table_of(_loss(draw), gradient_norm=norm), logged_nan={"gradient_norm": np.arange(start, draw.n)})
    return Planted(table, "finite")


def _never_learns(draw: Draw) -> Planted:
    return Planted(table_of(np.round(2.3026 * (1 + 0.1 * draw.spread * np.clip(draw.noise, -15, 15)), 4)), "decreasing")


def _jump(draw: Draw) -> Planted:
    loss = _loss(draw)
    loss[int(draw.n * draw.rng.uniform(0.4, 0.85)) :] += draw.curve[0] * draw.rng.uniform(0.3, 1.0)
    return Planted(table_of(loss), "divergence", ("spikes", "stability"))


def _runs_away(draw: Draw) -> Planted:
    start = draw.rng.uniform(0.5, 0.8)
    away = np.maximum(np.arange(draw.n) / draw.n - start, 0) / (1 - start)
    rise = draw.curve[0] * draw.rng.uniform(0.5, 2.0)
    return Planted(table_of(_loss(draw) + rise * away), "divergence", ("convergence", "decreasing", "stability"))


def _still_falling(draw: Draw) -> Planted:
    slow = draw.curve[0] * (0.2 + 0.8 * np.exp(-np.arange(draw.n) / (draw.n * draw.rng.uniform(0.4, 0.8))))
    loss = slow * (1 + draw.spread * np.clip(draw.noise, -15, 15))
    return Planted(table_of(loss, learning_rate=np.full(draw.n, 1e-3)), "convergence")


def _overfits(draw: Draw) -> Planted:
    every = max(draw.n // 60, 1)
    count = len(range(every - 1, draw.n, every))
    x = np.arange(count) / count
    best = draw.rng.uniform(0.25, 0.6)
    rise = draw.rng.uniform(0.15, 0.8) * np.maximum(x - best, 0) / (1 - best)
    held_out = 1 + np.exp(-x / (best / 4)) + rise + 0.01 * np.clip(draw.noise[:count], -6, 6)
    column = np.full(draw.n, np.nan)
    column[every - 1 :: every] = held_out
    return Planted(table_of(_loss(draw), validation_loss=column), "overfitting", ("stopping_point",))


def _cut_off(draw: Draw) -> Planted:
    whole = draw.n * draw.rng.uniform(1.4, 5)
    rates = 1e-3 * (1 - np.arange(draw.n) / whole) ** draw.rng.choice([0.9, 1.0])
    return Planted(table_of(_loss(draw), learning_rate=_printed(rates)), "schedule")


def _begins_anew(draw: Draw) -> Planted:
    at = int(draw.n * draw.rng.uniform(0.3, 0.7))
    x = np.concatenate([np.arange(at), np.arange(draw.n - at)])
    rates = 1e-4 * (1 - x / (1.5 * draw.n))
    return Planted(table_of(_loss(draw), learning_rate=_printed(rates)), "schedule", ("restarts",))


def _spiky(draw: Draw) -> Planted:
    loss = _loss(draw)
    where = draw.rng.choice(np.arange(30, draw.n - 30), max(6, draw.n // 150), replace=False)
    loss[where] += draw.curve[0] * draw.rng.uniform(1, 3, len(where))
    return Planted(table_of(loss), "spikes", ("stability",))


def _waits(draw: Draw) -> Planted:
    step = np.abs(2 + 0.1 * np.clip(draw.noise, -5, 5))
    part = draw.rng.uniform(0.4, 0.9)
    return Planted(table_of(_loss(draw), step_seconds=step, data_seconds=part * step), "throughput")


def _printed(rates: Floats) -> Floats:
    return np.array([float(f"{rate:.4g}") for rate in rates])


FAULTS: dict[str, Callable[[Draw], Planted]] = {
    "none": _healthy, "loss exactly 0": _dead_zero, "stuck at a value": _stuck, "ends in NaN": _nan_end,
    "gradient NaN": _nan_gradient, "never learns": _never_learns, "jump that stays": _jump, "runs away": _runs_away,
    "still falling": _still_falling, "overfits": _overfits, "decay cut off": _cut_off, "rate begins anew": _begins_anew,
    "spikes": _spiky, "waits for data": _waits,
}  # fmt: skip


def faults(runs: int, first_seed: int = 0) -> None:
    """Share of the planted faults that are named, by noise, and what else was called a problem."""
    print(
        f"\nPlanted faults named, % of {runs} runs in each cell; the last column: other problems, of all runs of "
        f"the row"
    )
    print(f"{'':18}" + "".join(f"{family:>13}" for family in FAMILIES) + "   besides")
    named_at_all: list[bool] = []
    wrong = 0
    for name, plant in FAULTS.items():
        cells, besides = [], Counter[str]()
        for family in FAMILIES:
            right = []
            for seed in range(first_seed, first_seed + runs):
                planted = plant(_draw(seed, name, family))
                problems = {finding.id for finding in judge(planted.table) if finding.verdict == "problem"}
                right.append(planted.finding in problems if planted.finding else not problems)
                besides.update(problems - {planted.finding, *planted.may})
            cells.append(f"{100 * np.mean(right):13.0f}")
            named_at_all += right
        wrong += sum(besides.values())
        listed = ", ".join(f"{finding} {count}" for finding, count in besides.most_common())
        print(f"{name:18}" + "".join(cells) + f"   {listed}")
    total = len(FAULTS) * len(FAMILIES) * runs
    print(f"all: {100 * np.mean(named_at_all):.1f} % right; {wrong} other problems in {total:,} runs")
