"""A forecast of the loss after more epochs, with an interval, given the learning-rate schedule.

loss = floor + gain * area ** -power - annealing * annealed, where `area` is the sum of the learning rates so far in
units of peak-rate steps and `annealed` the part of the peak rate that has been annealed, with a delayed effect (the
scaling law with learning-rate annealing of Tissue, Wang and Wang 2024, with its momentum at 0.998 per step). The
powers are averaged by their fit; the other coefficients are linear, and those that the run does not show yet come
from a prior. The width of the interval comes from the run's own past: from its first half both the known second half
and the future are forecast; the interval grows with the errors of the former and the change of the latter since.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from isang.runs.finding import both, plain
from isang.runs.read import table as t
from isang.runs.read.table import Floats, Integers, RunTable, usable
from isang.runs.statistics.learning_rate.schedule_fit import recognise_schedule
from isang.runs.statistics.noise import robust_spread
from isang.runs.statistics.run_statistics import batches_per_epoch
from isang.runs.text.writing import number, with_interval

FEWEST = 30
MOST_POINTS = 150
NODES = 3_000
"""Steps at which the learning rate is followed."""
POWERS = np.array([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.3, 1.7, 2.2])
POWER_PRIOR = (0.5, 0.4)
"""Typical power and its spread in natural logarithms."""
MOMENTUM = 0.998
"""Per step: how slowly a lower rate is felt."""
ANNEALING_PRIOR = (0.032, 0.01)
"""What taking back the whole rate brings, and its spread, as parts of the loss."""
INDEPENDENT = 10.0
"""The model's own error is worth this many independent points, however many are logged."""
MODEL_ERROR = 0.0015
"""The law's own error as a part of the loss."""
DRAWS = 2_000
INTERVAL = 0.9
WIDTH = 1.9
"""Half-widths of the interval in those that the past needed; learned on nine runs, each cut at 30 to 70 %."""
NEEDED_LIMITS = (0.2, 3.0)
"""A past that was met exactly does not make the interval vanish, a broken one does not make it endless."""
BLOCKS = 11
"""Means of the past's second half that its forecast is compared with."""


@dataclass(frozen=True)
class Prediction:
    """Losses at H future steps and the ends of their 90 % intervals, each of shape (H,)."""

    loss: Floats
    low: Floats
    high: Floats
    power: float
    annealing: float


def forecast(table: RunTable, schedule: dict[str, Any] | None = None) -> dict[str, Any]:
    """The loss after more epochs (or parts of the run), as plain values.

    `points` continues the schedule; `replanned` takes the rate from the run's peak to zero over the added steps.
    `verdict` is `ok` or `cannot_tell`. `schedule` is the run's where it has been recognised before.
    """
    steps, losses = _observed(table)
    if len(losses) < FEWEST or len(np.unique(losses)) < 5:
        return _cannot(f"at least {FEWEST} losses are needed", f"손실 값이 최소 {FEWEST}개 필요합니다", len(losses))
    if losses.min() <= 0:
        return _cannot(
            "the loss is not positive, so no law of decay applies",
            "손실이 양수가 아니어서 감쇠 법칙을 적용할 수 없습니다",
            len(losses),
        )
    if steps[0] < 0:
        return _cannot("the steps begin below zero", "스텝이 0보다 작은 값에서 시작합니다", len(losses))
    schedule = recognise_schedule(table) if schedule is None else schedule
    rate_steps, rates = _rates(table, steps)
    size = batches_per_epoch(table)
    in_epochs = bool(size and size < steps[-1] - steps[0])
    unit = float(size) if size and in_epochs else float(steps[-1] - steps[0]) / 10
    amounts = np.array([1, 2, 5, 10])
    future = steps[-1] + amounts * unit
    ahead = np.linspace(steps[-1], future[-1], 400)[1:]
    follow = _continued(schedule, rates, ahead, rate_steps)
    going_on = predict(steps, losses, np.append(rate_steps, ahead), np.append(rates, follow), future)
    points = [
        {"more": int(m), "step": int(s), "loss": going_on.loss[i], "low": going_on.low[i], "high": going_on.high[i],
         "rate": float(np.interp(s, ahead, follow))}
        for i, (m, s) in enumerate(zip(amounts, future, strict=True))
    ]  # fmt: skip
    replanned = [
        _replanned(steps, losses, rate_steps, rates, int(m), float(s)) for m, s in zip(amounts, future, strict=True)
    ]
    now = float(losses[-max(3, len(losses) // 20) :].mean())
    unit_en, unit_ko = ("epochs", "에폭") if in_epochs else ("tenths of the run", "(실행의 10분의 1 단위)")
    statement = _statement(points, replanned, now, unit_en, unit_ko)
    result: dict[str, Any] = plain({
        "verdict": "ok", "statement": statement, "unit": "epoch" if in_epochs else "tenth of the run",
        "unit_steps": unit, "interval_percent": 100 * INTERVAL, "loss_now": now, "points": points,
        "replanned": replanned,
        "schedule": schedule["family"], "rate_logged": table.has(t.LEARNING_RATE),
        "model": {"power": going_on.power, "annealing": going_on.annealing,
                  "law": "floor + gain * area ** -power - annealing * annealed"},
        "judged_by": table.loss,
    })  # fmt: skip
    return result


def predict(
    steps: Integers | Floats, losses: Floats, rate_steps: Floats, rates: Floats, future: Floats, *, seed: int = 0
) -> Prediction:
    """The loss at `future` steps, from n losses at `steps`, under the rates (past and planned) at `rate_steps`."""
    said = _believed(steps, losses, rate_steps, rates, future, seed)
    half = len(losses) // 2
    blocks = np.array_split(np.arange(half, len(losses)), min(BLOCKS, len(losses) - half))
    later, came = (np.array([x[block].mean() for block in blocks]) for x in (steps, losses))
    earlier = _believed(steps[:half], losses[:half], rate_steps, rates, np.append(later, future), seed)
    width = WIDTH * np.clip(_needed(earlier, came), *NEEDED_LIMITS)
    moved = said.loss - earlier.loss[len(came) :]
    low = said.loss - np.hypot(width * (said.loss - said.low), moved)
    high = said.loss + np.hypot(width * (said.high - said.loss), moved)
    return replace(said, low=np.maximum(low, 0.0), high=high)


def _needed(said: Prediction, came: Floats) -> float:
    """The half-widths within which 90 % of what came lie, shape (B,); the forecast may go on beyond them."""
    loss, low, high = (x[: len(came)] for x in (said.loss, said.low, said.high))
    error = came - loss
    half_width = np.where(error > 0, high - loss, loss - low)
    least = 1e-12 * max(float(np.abs(came).max()), 1e-100)  # a forecast of exactly 0 has no width
    return float(np.quantile(np.abs(error) / np.maximum(half_width, least), INTERVAL))


def _believed(
    steps: Integers | Floats, losses: Floats, rate_steps: Floats, rates: Floats, future: Floats, seed: int
) -> Prediction:
    """The forecast with the interval that the law and its priors give."""
    steps, losses = _points(steps, losses)
    area, annealed = _progress(np.concatenate([steps, future]), rate_steps, rates, float(steps[-1]))
    n, level = len(losses), float(np.median(losses))
    draws: list[Floats] = []
    fits = [_fit(power, area, annealed, losses, level) for power in POWERS]
    scores = np.array([fit.evidence for fit in fits]) - 0.5 * (np.log(POWERS / POWER_PRIOR[0]) / POWER_PRIOR[1]) ** 2
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    rng = np.random.default_rng(seed)
    for fit, power, count in zip(fits, POWERS, rng.multinomial(DRAWS, weights), strict=True):
        if count:
            coefficients = rng.multivariate_normal(fit.mean, fit.covariance, size=count, method="cholesky")
            basis = _basis(float(power), area, annealed, area[n - 1])
            recent = slice(n - max(3, n // 10), n)
            behind = (losses[recent] - coefficients @ basis[recent].T).mean(axis=1, keepdims=True)
            draws.append(coefficients @ basis[n:].T + behind + rng.normal(0.0, fit.drift, size=(count, 1)))
    paths = np.concatenate(draws)
    paths = np.maximum(paths, 0.0)
    low, middle, high = np.quantile(paths, [(1 - INTERVAL) / 2, 0.5, (1 + INTERVAL) / 2], axis=0)
    typical = float(np.exp(weights @ np.log(POWERS)))
    return Prediction(middle, low, high, typical, float(weights @ np.array([fit.mean[2] for fit in fits])))


@dataclass(frozen=True)
class _Fit:
    """One power's fit: mean and covariance of (floor, gain, annealing), and its log evidence."""

    mean: Floats
    covariance: Floats
    evidence: float
    drift: float
    """How far the curve strays from the fit in its second half."""


def _fit(power: float, area: Floats, annealed: Floats, losses: Floats, level: float) -> _Fit:
    """Least squares of the relative errors with the priors. The curve is later moved onto the last tenth of the losses,
    so what is uncertain about the future is how far the curve strays from there, seen in the second half."""
    n = len(losses)
    basis = _basis(power, area[:n], annealed[:n], area[n - 1])
    relative = basis / losses[:, None]
    prior_mean = np.array([0.5 * level, 0.5 * level, ANNEALING_PRIOR[0] * level])
    prior_spread = np.array([2.0 * level, 2.0 * level, ANNEALING_PRIOR[1] * level])
    scale = np.diag(1 / prior_spread**2)
    variance = MODEL_ERROR**2 + _noise_variance(np.log(losses))
    residual = np.zeros(n)
    mean, covariance = prior_mean, np.diag(prior_spread**2)
    for _ in range(3):  # the noise is estimated from the fit, the fit weighted by the noise
        weight = min(n, INDEPENDENT) / n / variance
        covariance = np.linalg.inv(scale + weight * relative.T @ relative)
        mean = covariance @ (scale @ prior_mean + weight * relative.sum(axis=0))
        residual = 1 - relative @ mean
        variance = float(residual @ residual) / max(n - 3, 1) + MODEL_ERROR**2
    evidence = -0.5 * min(n, INDEPENDENT) * float(np.log(variance)) - (5.0 if min(mean[0], mean[1]) < 0 else 0.0)
    late = (residual * losses)[n // 2 :]
    strayed = late - late[-max(3, n // 10) :].mean()
    drift = float(np.sqrt(np.mean(strayed**2) + (MODEL_ERROR * losses[-1]) ** 2))
    return _Fit(mean, (covariance + covariance.T) / 2, evidence, drift)


def _basis(power: float, area: Floats, annealed: Floats, now: float) -> Floats:
    """Columns floor, gain, annealing; the gain is counted in units of what is left now."""
    return np.stack([np.ones(len(area)), (np.maximum(area, 1e-9) / now) ** -power, -annealed], axis=1)


def _noise_variance(losses: Floats) -> float:
    return robust_spread(np.diff(losses)) ** 2 / 2


def _points(steps: Integers | Floats, losses: Floats) -> tuple[Floats, Floats]:
    """At most MOST_POINTS block means, without the first twentieth (warm-up and the first fall)."""
    start = len(losses) // 20
    steps, losses = steps[start:], losses[start:]
    size = -(-len(losses) // MOST_POINTS)
    count = len(losses) // size
    cut = len(losses) - size * count
    means = [np.asarray(x[cut:].reshape(count, size).mean(axis=1), dtype=np.float64) for x in (steps, losses)]
    return means[0], means[1]


def _progress(steps: Floats, rate_steps: Floats, rates: Floats, now: float) -> tuple[Floats, Floats]:
    """Area in peak-rate steps and annealed part of the peak at `steps`.

    What happened before the first logged rate counts as training at that rate; a rise of the rate before its first
    peak is a warm-up, not an annealing taken back.
    """
    end = float(max(steps[-1], now))
    grid = np.linspace(0.0, end, NODES)
    width = grid[1]
    rate = np.interp(grid, rate_steps, rates)
    peak = float(rate.max()) or 1.0
    rate = rate / peak
    area = np.cumsum(rate) * width
    change = -np.diff(rate, prepend=rate[0])
    top = int(np.argmax(rate >= 0.999 * rate.max()))
    change[: top + 1] = 0.0
    keep = MOMENTUM**width
    annealed = np.zeros(NODES)
    waiting = 0.0
    for index in range(1, NODES):  # `waiting` is what was taken back and is not yet felt
        waiting = waiting * keep + change[index]
        annealed[index] = annealed[index - 1] + waiting * (1 - keep)
    return np.interp(steps, grid, area), np.interp(steps, grid, annealed)


def _observed(table: RunTable) -> tuple[Integers, Floats]:
    values = table.column(table.loss)
    good = usable(values)
    return (table.step, values) if good.all() else (table.step[good], values[good])


def _rates(table: RunTable, steps: Integers) -> tuple[Floats, Floats]:
    """The logged rates, thinned; a constant rate if none is logged."""
    rate_steps, rates = table.points(t.LEARNING_RATE)
    good = np.isfinite(rates) & (rates >= 0)
    if not good.all():
        rate_steps, rates = rate_steps[good], rates[good]
    if len(rates) < 2 or rates.max() <= 0:
        return np.array([steps[0], steps[-1]], dtype=np.float64), np.ones(2)
    thin = np.unique(np.linspace(0, len(rates) - 1, min(len(rates), 4 * NODES)).astype(np.int64))
    return rate_steps[thin].astype(np.float64), rates[thin]


def _continued(schedule: dict[str, Any], rates: Floats, ahead: Floats, rate_steps: Floats) -> Floats:
    """The rates at future steps if the schedule continues."""
    found = schedule["parameters"]
    if (schedule["family"] == "cosine" and found["low_point"] < 0.97 * rate_steps[-1]) or (
        schedule["family"] == "cosine" and found["low_point"] > 1.05 * rate_steps[-1]
    ):
        phase = np.pi * (ahead - found["start"]) / max(found["T_max"], 1)
        half = (found["peak"] - found["minimum"]) / 2
        goes = found["minimum"] + half * (1 + np.cos(phase))
        if found["low_point"] > rate_steps[-1]:  # the plan ends at the low point
            goes = np.where(ahead > found["low_point"], found["minimum"], goes)
        return np.asarray(np.maximum(goes, 0.0), dtype=np.float64)
    if schedule["family"] == "linear":
        return np.asarray(np.maximum(rates[-1] + found["rate_per_step"] * (ahead - rate_steps[-1]), 0.0))
    return np.full(len(ahead), rates[-1])


def _replanned(
    steps: Integers, losses: Floats, rate_steps: Floats, rates: Floats, more: int, end: float
) -> dict[str, Any]:
    """The added steps under one cosine from the run's peak rate to zero."""
    plan_steps = np.linspace(steps[-1], end, 200)
    peak = float(rates.max())
    down = peak * 0.5 * (1 + np.cos(np.pi * (plan_steps - steps[-1]) / max(end - steps[-1], 1.0)))
    planned = predict(steps, losses, np.append(rate_steps, plan_steps[1:]), np.append(rates, down[1:]), np.array([end]))
    return {"more": more, "step": int(end), "loss": planned.loss[0], "low": planned.low[0], "high": planned.high[0]}


def _statement(
    points: list[dict[str, Any]], replanned: list[dict[str, Any]], now: float, unit_en: str, unit_ko: str
) -> dict[Any, str]:
    ahead, plan = (with_interval(point["loss"], point["low"], point["high"]) for point in (points[2], replanned[2]))
    more = points[2]["more"]
    return both(
        f"{more} more {unit_en} as the schedule goes: a loss of {ahead}, 90 % interval; now {number(now)}. With the "
        f"rate taken from its peak to zero over them: {plan}.",
        f"현재 스케줄대로 {more} {unit_ko} 더 학습하면 손실은 90 % 구간과 함께 {ahead}로 예상됩니다. 현재는 "
        f"{number(now)}입니다. 그동안 학습률을 최고값에서 0까지 내리면 {plan}로 예상됩니다.",
    )


def _cannot(en: str, ko: str, count: int) -> dict[str, Any]:
    return {
        "verdict": "cannot_tell", "statement": both(f"No forecast: {en}.", f"예측할 수 없습니다. {ko}."), "unit": None,
        "unit_steps": None, "interval_percent": 100 * INTERVAL, "loss_now": None, "points": [], "replanned": [],
        "schedule": None, "rate_logged": False, "model": None, "judged_by": None, "losses": count,
    }  # fmt: skip
