"""What the validation loss says about overfitting."""

import numpy as np

from isang.runs.finding import Finding, Language, RunContext, Verdict, both, plain
from isang.runs.findings.health import diverged, ends_without_a_number
from isang.runs.findings.staircase import stairs, with_stairs
from isang.runs.read import table as t
from isang.runs.read.series_names import is_training
from isang.runs.read.table import Floats, Integers, RunTable, usable
from isang.runs.statistics.noise import robust_spread
from isang.runs.statistics.overfitting_rise import FALSE_ALARMS, FEWEST_VALIDATIONS, Rise, rise_after_best
from isang.runs.text.writing import number

LEAST_RISE = 0.03
"""A rise by a smaller fraction of the lowest level is not overfitting, however significant."""
HIDDEN_RISE = 0.1
"""A larger part of the lowest level that noise explains as well is not called absent."""
SURE_GAIN = 3.0
"""A metric still improves if its gain exceeds this many standard deviations of its noise."""
RATE_RISE = 1.15
"""A learning rate that rises by this factor where the validation loss rises is named as a possible cause."""


def overfitting(table: RunTable, context: RunContext) -> Finding:
    """Does the validation loss rise after its best, by more than its own noise, while the training loss falls on?"""
    return context.cached(_with_staircase)


def overfits(context: RunContext) -> bool:
    """Whether that finding is a problem."""
    return context.cached(_with_staircase).verdict == "problem"


def _with_staircase(context: RunContext) -> Finding:
    return with_stairs(_overfitting(context), stairs(context))


def _overfitting(context: RunContext) -> Finding:
    table = context.table
    steps, values = validation_points(table)
    if len(values) < FEWEST_VALIDATIONS:
        by_metric = None if len(values) else _by_metric(context)
        return by_metric or _too_few_validations(steps, values)
    found = rise_after_best(values)
    rise, best, best_step = found.size, found.best, int(steps[found.best])
    train = _training_change(context, best_step)
    rate = _rate_change(table, best_step)
    outcome = _outcome(found, train, rate)
    evidence = plain(
        {
            "validations": len(values),
            "best": float(values[best]),
            "best_step": best_step,
            "final": float(values[-1]),
            "rise": rise,
            "threshold": found.threshold,
            "noise": found.noise,
            "likelihood_ratio": found.likelihood_ratio,
            "least_likelihood_ratio": found.least_ratio,
            "false_alarm_rate": FALSE_ALARMS,
            "training_change_after_best": train,
            "rate_factor_after_best": rate,
            "least_rise": LEAST_RISE * abs(found.lowest),
            "cause": None if outcome == "none" else outcome,
            "first_step": best_step,
            "last_step": int(steps[-1]),
        }
    )
    words = {
        "best": number(values[best]),
        "step": f"{best_step:,}",
        "rise": number(max(rise, 0.0)),
        "threshold": number(found.threshold),
        "train": number(train),
        "rate": f"{rate or 1.0:.1f}",
        "percent": f"{100 * rise / max(abs(found.lowest), 1e-12):.1f}",
        "least": f"{100 * LEAST_RISE:.0f}",
    }
    verdict, en, ko, remedy = _OVERFITTING[outcome]
    if verdict == "problem" and (better := _metric_gets_better(table, best_step)) is not None:
        en, ko = f"{en} {better['en']}", f"{ko} {better['ko']}"
        remedy = _WHICH_COUNTS
    advice = None if remedy is None else both(remedy["en"].format(**words), remedy["ko"].format(**words))
    return Finding("overfitting", verdict, both(en.format(**words), ko.format(**words)), evidence, advice)


def _by_metric(context: RunContext) -> Finding | None:
    """The verdict by the metric if no validation loss was logged; None if the metric shows nothing.

    A metric whose name does not say on which data it was measured shows only one thing: if it gets worse while the
    training loss falls, it was not measured on the training data.
    """
    table = context.table
    if table.metric is None or table.loss == t.METRIC or table.objective != t.LOSS or is_training(table.metric):
        return None
    steps, values = table.points(table.metric)
    good = usable(values)
    steps, values = steps[good], values[good]
    if len(values) < FEWEST_VALIDATIONS:
        return None
    sign = -1.0 if table.metric_maximised else 1.0
    found = rise_after_best(sign * values)
    best_step = int(steps[found.best])
    train, rate = _training_change(context, best_step), _rate_change(table, best_step)
    outcome = _outcome(found, None, rate)
    worse = diverged(context) or ends_without_a_number(context)
    if outcome == "overfitting" and (worse or (train is not None and train > _noise_of_loss(context))):
        outcome = "training"
    if outcome != "overfitting" and not any(m.held_out for m in table.metrics if m.name == table.metric):
        return None
    evidence = {
        "metric": table.metric, "validations": len(values), "best": values[found.best], "best_step": best_step,
        "final": values[-1], "fall": found.size, "threshold": found.threshold, "noise": found.noise,
        "likelihood_ratio": found.likelihood_ratio, "least_likelihood_ratio": found.least_ratio,
        "training_change_after_best": train, "rate_factor_after_best": rate, "cause": outcome,
        "first_step": best_step, "last_step": int(steps[-1]),
    }  # fmt: skip
    words = {
        "name": table.metric, "best": number(values[found.best]), "last": number(sign * (found.lowest + found.size)),
        "step": f"{best_step:,}", "threshold": number(found.threshold),
    }  # fmt: skip
    verdict, en, ko, remedy = _BY_METRIC[{"none": "ok", "small": "ok", "overfitting": "worse"}.get(outcome, "unclear")]
    advice = None if remedy is None else both(remedy["en"].format(**words), remedy["ko"].format(**words))
    return Finding("overfitting", verdict, both(en.format(**words), ko.format(**words)), plain(evidence), advice)


def _metric_gets_better(table: RunTable, best_step: int) -> dict[Language, str] | None:
    """That the held-out metric is still better at the end than where the validation loss was lowest."""
    if table.metric is None or not any(m.held_out for m in table.metrics if m.name == table.metric):
        return None
    steps, values = table.points(table.metric)
    good = usable(values)
    steps, values = steps[good], values[good]
    if len(values) < FEWEST_VALIDATIONS:
        return None
    at = int(np.searchsorted(steps, best_step))
    there, last = float(np.median(values[max(at - 1, 0) : at + 2])), float(np.median(values[-3:]))
    gain = (last - there) if table.metric_maximised else (there - last)
    if gain <= SURE_GAIN * robust_spread(np.diff(values)) / 2**0.5 or gain <= 0:
        return None
    there_said, last_said, name = number(there), number(last), table.metric
    return both(
        f"The metric {name} meanwhile still gets better: {there_said} there, {last_said} at the end.",
        f"그동안 지표 {name} 값은 계속 나아집니다(그 지점 {there_said}, 마지막 {last_said}).",
    )


_WHICH_COUNTS = both(
    "Decide which of the two counts: by the loss the weights of step {step} are best, by the metric later ones. A loss "
    "that rises while the metric gets better means that the wrong answers are given with more confidence: test label "
    "smoothing, weight decay or a calibration of the outputs.",
    "둘 중 무엇이 중요한지 정하십시오. 손실로는 스텝 {step}의 가중치가, 지표로는 더 나중의 가중치가 가장 좋습니다. "
    "지표가 나아지는데 손실이 오르는 것은 틀린 답을 점점 더 확신하기 때문입니다. 레이블 스무딩, 가중치 감쇠, 출력 "
    "보정을 시험해 보십시오.",
)


def _outcome(found: Rise, train: float | None, rate: float | None) -> str:
    """What the rise is, a key of `_OVERFITTING`; `train` and `rate` are what training loss and rate do meanwhile."""
    part = found.size / max(abs(found.lowest), 1e-12)
    if found.size <= found.threshold:
        return "none" if part <= HIDDEN_RISE else "hidden"
    if part <= LEAST_RISE:
        return "small"
    if rate is not None and rate > RATE_RISE:
        return "learning_rate"
    if train is not None and train > 0.2 * found.size:
        return "training"
    sure = found.likelihood_ratio > found.least_ratio or found.rises_on
    return "overfitting" if sure else "noise"


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
    "small": (
        "ok",
        f"A small rise, too small to be called overfitting: {_RISES_EN}. It is {{percent}} % of the best; "
        f"{{least}} % or more would count.",
        f"과적합이라고 하기에는 작은 상승입니다. {_RISES_KO}. 최저값의 {{percent}} %이며, {{least}} % 이상일 때 "
        "과적합으로 봅니다.",
        None,
    ),
    "hidden": (
        "cannot_tell",
        f"Too noisy to tell: {_RISES_EN}.",
        f"잡음이 커서 판단할 수 없습니다. {_RISES_KO}.",
        both(
            "Validate on more data, or more often: a rise that stays is overfitting.",
            "검증 데이터를 늘리거나 검증을 더 자주 하십시오. 그래도 상승이 남으면 과적합입니다.",
        ),
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
    "noise": (
        "cannot_tell",
        f"There is a rise: {_RISES_EN} where its waves are as short as they look. Longer waves, which so few values "
        "cannot rule out, would explain it too.",
        f"{_RISES_KO}. 이는 잡음의 파동이 보이는 만큼 짧다고 볼 때의 값이며, 더 긴 파동이라면 이 상승도 설명됩니다. "
        "검증 값이 적어 어느 쪽인지 구별할 수 없습니다.",
        both(
            "Validate more often, or train on: a rise that goes on is overfitting.",
            "검증을 더 자주 하거나 학습을 이어 가 보십시오. 상승이 계속되면 과적합입니다.",
        ),
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


def _noise_of_loss(context: RunContext) -> float:
    """The standard deviation of the smoothed training loss, at least; its unit is not that of a metric."""
    return robust_spread(context.loss - context.smooth) / float(len(context.loss) ** 0.25)


_BY_METRIC: dict[str, tuple[Verdict, str, str, dict[Language, str] | None]] = {
    "ok": (
        "ok",
        "No overfitting to be seen in {name} (no validation loss was logged): best {best} at step {step}, {last} at "
        "the end; noise explains {threshold}.",
        "{name} 값에서는 과적합이 보이지 않습니다(검증 손실은 기록되지 않음). 최고 {best}(스텝 {step}), 마지막 수준 "
        "{last}이며, 잡음으로 설명되는 폭은 {threshold}입니다.",
        None,
    ),
    "worse": (
        "problem",
        "Overfitting: {name} gets worse after its best, from {best} at step {step} to {last}, while the training loss "
        "does not rise; noise explains {threshold}.",
        "과적합입니다. {name} 값이 가장 좋았던 {best}(스텝 {step})에서 {last}(으)로 나빠졌지만 그동안 학습 손실은 "
        "상승하지 않았습니다. 잡음으로 설명되는 폭은 {threshold}입니다.",
        _OVERFITTING["overfitting"][3],
    ),
    "unclear": (
        "cannot_tell",
        "{name} gets worse after its best, from {best} at step {step} to {last}; noise or the training itself may "
        "explain it.",
        "{name} 값이 가장 좋았던 {best}(스텝 {step})에서 {last}(으)로 나빠졌지만, 잡음이나 학습 자체의 변화로도 설명될 "
        "수 있습니다.",
        None,
    ),
}


def _too_few_validations(steps: Integers, values: Floats) -> Finding:
    count = len(values)
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
    best = int(np.argmin(values))
    lowest, last, step = number(values[best]), number(values[-1]), f"{steps[best]:,}"
    return Finding(
        "overfitting",
        "cannot_tell",
        both(
            f"Only {count} validation losses were logged; at least {FEWEST_VALIDATIONS} are needed to tell a rise from "
            f"noise. The lowest is {lowest} at step {step}, the last {last}.",
            f"검증 손실이 {count}개만 기록되었습니다. 상승을 잡음과 구별하려면 최소 {FEWEST_VALIDATIONS}개가 "
            f"필요합니다. 최저값은 {lowest}(스텝 {step}), 마지막 값은 {last}입니다.",
        ),
        plain({"validations": count, "best": values[best], "best_step": steps[best], "final": values[-1]}),
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


def _training_change(context: RunContext, best_step: int) -> float | None:
    """Smoothed training loss at the end minus that at the best validation; None if there is none."""
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
    later = rates[at:][np.isfinite(rates[at:])]
    return float(later.max() / rates[at]) if 0 < rates[at] < np.inf else None
