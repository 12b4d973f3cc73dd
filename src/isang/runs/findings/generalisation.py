"""What the validation loss says about overfitting."""

import numpy as np

from isang.runs import table as t
from isang.runs.findings.base import Context, Finding, Language, Verdict, both, plain
from isang.runs.noise import around_curve, autoregression, robust_spread, simulated
from isang.runs.table import Floats, Integers, RunTable, usable
from isang.runs.writing import number

FEWEST_VALIDATIONS = 5
FALSE_ALARMS = 0.02
MEMORY_FACTOR = 1.0
"""The threshold is raised by this factor times the memory of the noise, which few values show too small."""
RATE_RISE = 1.15
"""A learning rate that rises by this factor where the validation loss rises is named as a possible cause."""


def overfitting(table: RunTable, context: Context) -> Finding:
    """Does the validation loss rise after its best, by more than its own noise, while the training loss falls on?"""
    steps, values = validation_points(table)
    if len(values) < FEWEST_VALIDATIONS:
        return _too_few_validations(len(values))
    best, rise, threshold, noise = rise_after_best(values)
    best_step = int(steps[best])
    train = _training_change(context, best_step)
    rate = _rate_change(table, best_step)
    if rise <= threshold:
        outcome = "none"
    elif rate is not None and rate > RATE_RISE:
        outcome = "learning_rate"
    elif train is not None and train > 0.2 * rise:
        outcome = "training"
    else:
        outcome = "overfitting"
    evidence = plain(
        {
            "validations": len(values),
            "best": float(values[best]),
            "best_step": best_step,
            "final": float(values[-1]),
            "rise": rise,
            "threshold": threshold,
            "noise": noise,
            "false_alarm_rate": FALSE_ALARMS,
            "training_change_after_best": train,
            "rate_factor_after_best": rate,
            "cause": None if outcome == "none" else outcome,
            "first_step": best_step,
            "last_step": int(steps[-1]),
        }
    )
    words = {
        "best": number(values[best]),
        "step": f"{best_step:,}",
        "rise": number(max(rise, 0.0)),
        "threshold": number(threshold),
        "train": number(train),
        "rate": f"{rate or 1.0:.1f}",
    }
    verdict, en, ko, remedy = _OVERFITTING[outcome]
    advice = None if remedy is None else both(remedy["en"].format(**words), remedy["ko"].format(**words))
    return Finding("overfitting", verdict, both(en.format(**words), ko.format(**words)), evidence, advice)


_RISES_EN = "the validation loss rises by {rise} after its best, {best} at step {step}; its noise explains {threshold}"
_RISES_KO = "검증 손실이 최저값 {best}(스텝 {step}) 이후 {rise} 상승했으며, 잡음으로 설명되는 폭은 {threshold}입니다"
_OVERFITTING: dict[str, tuple[Verdict, str, str, dict[Language, str] | None]] = {
    "none": (
        "ok",
        "No overfitting to be seen: after its best, {best} at step {step}, the validation loss "
        "rises by {rise}, within "
        "its noise of {threshold}.",
        "과적합이 보이지 않습니다. 검증 손실은 최저값 {best}(스텝 {step}) 이후 {rise} "
        "상승했으며, 잡음 범위 {threshold} "
        "이내입니다.",
        None,
    ),
    "learning_rate": (
        "cannot_tell",
        f"There is a rise: {_RISES_EN}. But the learning rate rose {{rate}}-fold in the same "
        "stretch: that is the "
        "likelier cause, and overfitting cannot be told apart from it.",
        f"{_RISES_KO}. 그러나 같은 구간에서 학습률이 {{rate}}배 상승했습니다. 학습률 상승이 더 "
        "유력한 원인이며 과적합과 "
        "구별할 수 없습니다.",
        both(
            "Repeat the run with a schedule that does not rise again; a rise that stays is overfitting.",
            "다시 상승하지 않는 스케줄로 학습을 반복해 보십시오. 그래도 상승이 남으면 과적합입니다.",
        ),
    ),
    "training": (
        "cannot_tell",
        f"There is a rise: {_RISES_EN}. But the training loss rises as well, by {{train}}: the "
        "run got worse, which is "
        "not overfitting.",
        f"{_RISES_KO}. 그러나 학습 손실도 {{train}} 상승했으므로 과적합이 아니라 학습 자체가 나빠진 것입니다.",
        None,
    ),
    "overfitting": (
        "problem",
        f"Overfitting: {_RISES_EN}, while the training loss does not rise.",
        f"과적합입니다. {_RISES_KO}. 그동안 학습 손실은 상승하지 않았습니다.",
        both(
            "Test the weights of step {step}; and whether more data, dropout or weight decay moves "
            "the best point "
            "later.",
            "스텝 {step}의 가중치를 사용해 보고, 데이터 추가, 드롭아웃, 가중치 감쇠로 최저점이 "
            "늦춰지는지 시험해 "
            "보십시오.",
        ),
    ),
}


def _too_few_validations(count: int) -> Finding:
    if not count:
        return Finding(
            "overfitting",
            "not_applicable",
            both(
                "No validation loss was logged: overfitting cannot be judged.",
                "검증 손실이 기록되지 않아 과적합을 판단할 수 없습니다.",
            ),
            {"validations": 0},
            both("Log a validation loss once per epoch.", "에폭마다 검증 손실을 기록하십시오."),
        )
    return Finding(
        "overfitting",
        "cannot_tell",
        both(
            f"Only {count} validation losses were logged; at least {FEWEST_VALIDATIONS} are needed.",
            f"검증 손실이 {count}개만 기록되었습니다. 최소 {FEWEST_VALIDATIONS}개가 필요합니다.",
        ),
        {"validations": count},
    )


def validation_points(table: RunTable) -> tuple[Integers, Floats]:
    """Steps and values of the finite validation losses, from the rows or from the log's lines about epochs."""
    steps, values = table.points(t.VALIDATION_LOSS)
    finite = usable(values)
    if finite.any():
        return steps[finite], values[finite]
    lines = [line for line in table.epoch_lines if np.isfinite(line.validation_loss)]
    return (
        np.array([line.step if line.step is not None else line.epoch for line in lines], dtype=np.int64),
        np.array([line.validation_loss for line in lines]),
    )


def rise_after_best(values: Floats) -> tuple[int, float, float, float]:
    """Position of the best value, rise after it, what noise explains, and the noise's standard deviation.

    The rise is the mean of the last w values over the mean of the w values around the best, w about a tenth of them.
    The threshold is its quantile in flat noise with the spread and memory of the values around their own curve; the
    flat curve is the worst case, as a best value is picked from all of it.
    """
    k = len(values)
    width = max(1, min(k // 8, 25))
    means = np.convolve(values, np.ones(width) / width, mode="valid")
    lowest = int(np.argmin(means))
    best = lowest + int(np.argmin(values[lowest : lowest + width]))
    rise = float(means[-1] - means[lowest])
    residual, removed = around_curve(after_descent(values), bent=True)
    memory = autoregression(residual, removed=removed) if len(residual) >= 20 else None
    noise = max(float(np.sqrt(np.sum(residual**2) / max(len(residual) - removed, 1))), 1e-12)
    rng = np.random.default_rng(0)
    paths = simulated(memory, k, 600, rng) if memory is not None else noise * rng.standard_normal((600, k))
    total = np.cumsum(np.concatenate([np.zeros((600, 1)), paths], axis=1), axis=1)
    moving = (total[:, width:] - total[:, :-width]) / width
    quantile = float(np.quantile(moving[:, -1] - moving.min(axis=1), 1 - FALSE_ALARMS))
    if k < 30:  # the noise itself is estimated from few values
        quantile *= 1 + 3 / k
    if memory is not None:  # so is its memory, and strong memory makes long waves
        quantile *= 1 + MEMORY_FACTOR * max(memory.sum, 0.0)
    return best, rise, quantile, noise


def after_descent(values: Floats) -> Floats:
    """The values from where four fifths of the first descent are done, where there was one; at least half of them."""
    lowest, noise = values.min(), robust_spread(np.diff(values))
    if values[0] - lowest < 10 * noise:
        return values
    start = int(np.argmax(values <= lowest + 0.2 * (values[0] - lowest)))
    return values[min(start, len(values) // 2) :] if len(values) >= 20 else values


def _training_change(context: Context, best_step: int) -> float | None:
    """Smoothed training loss at the end minus that at the best validation; None where there is none."""
    if context.loss_is_held_out or len(context.loss) < 5:
        return None
    smooth = context.smooth
    at = min(int(np.searchsorted(context.steps, best_step)), len(smooth) - 1)
    return float(smooth[-1] - smooth[at])


def _rate_change(table: RunTable, best_step: int) -> float | None:
    """The highest learning rate after the best validation, in parts of the one there."""
    steps, rates = table.points(t.LEARNING_RATE)
    if not len(rates):
        return None
    at = min(int(np.searchsorted(steps, best_step)), len(rates) - 1)
    return float(np.nanmax(rates[at:]) / rates[at]) if rates[at] > 0 else None
