"""Runs that learn nothing: a loss that stands still or repeats itself, that of guessing, or no gradient."""

import math
from typing import Any

import numpy as np

from isang.runs.finding import Finding, RunContext, both, plain
from isang.runs.read import table as t
from isang.runs.read.table import Floats, RunTable, usable
from isang.runs.statistics.dead_stretch import dead_stretch
from isang.runs.text.writing import number

GUESSING = (2, 3, 4, 5, 10, 100, 1000)
"""Numbers of classes whose guessing loss is named where a loss stands still at it."""


NEAR_GUESSING, CLOSE_TO_IT = 0.001, 0.003
"""Maximum relative distance of a level, and of nine tenths of its values, from a guessing loss to be no coincidence."""
FEWEST_GUESSES = 12
FEWEST_STANDING, START, STILL, SMALL_FALL = 40, 0.05, 0.001, 0.05
"""A run stands still whose losses, after the START, are this near to their median, and began at most SMALL_FALL above
it."""

NO_FALL = 0.02
"""A loss that falls by less than this part of its level while the gradient norm is 0 does not fall."""


def dead_run(context: RunContext) -> Finding | None:
    """The finding `decreasing` if the run learns nothing, else None."""
    if context.period is not None:
        return _repeating(context.period, context)
    if context.dead is not None:
        return _dead(context)
    if (first := _no_gradient_from(context.table)) is not None:
        return _no_gradient(first, context)
    if (classes := _guesses(context)) is not None:
        return _guessing(classes, context)
    if (level := _stands_at(context)) is not None:
        return _standing(level, context)
    return None


def _dead(context: RunContext) -> Finding:
    """The loss is one and the same number from some step to the end."""
    dead = context.dead
    assert dead is not None  # asked only where it is
    first, last = int(context.steps[dead.first]), int(context.steps[-1])
    value = "0" if dead.value == 0 else number(dead.value)
    evidence: dict[str, Any] = plain(
        {
            "outcome": "dead", "value": dead.value, "count": dead.count, "first_step": first, "last_step": last,
            "losses": len(context.loss),
        }
    )  # fmt: skip
    if dead.value == 0:
        en = (
            f"The loss is exactly 0 from step {first:,} to the end ({dead.count:,} values): that is a numerical "
            "failure or a loss over nothing, not learning."
        )
        ko = (
            f"손실이 스텝 {first:,}부터 끝까지(값 {dead.count:,}개) 정확히 0입니다. 학습된 것이 아니라 수치 오류이거나 "
            "손실을 계산할 대상이 없는 것입니다."
        )
        return Finding("decreasing", "problem", both(en, ko), evidence, _ZERO)
    classes = next((k for k in GUESSING if math.isclose(dead.value, math.log(k), rel_tol=5e-4)), None)
    guess_en = f", ln {classes}: guessing among {classes:,} classes alike" if classes else ""
    guess_ko = f". 클래스 {classes:,}개를 고르게 추측할 때의 값 ln {classes}과 같습니다" if classes else ""
    evidence["guessing_classes"] = classes
    if not dead.first:
        en = f"The loss never changes: it is {value} in all {dead.count:,} rows{guess_en}."
        ko = f"손실이 전혀 변하지 않습니다. {dead.count:,}개 값이 모두 {value}입니다{guess_ko}."
    else:
        en = (
            f"The loss stops changing at step {first:,}: it is {value} in each of the last {dead.count:,} "
            f"rows{guess_en}."
        )
        ko = f"손실이 스텝 {first:,}부터 변하지 않습니다. 마지막 {dead.count:,}개 값이 모두 {value}입니다{guess_ko}."
    return Finding("decreasing", "problem", both(en, ko), evidence, _STUCK)


def _repeating(period: int, context: RunContext) -> Finding:
    """The losses are those of one period before."""
    statement = both(
        f"The losses repeat themselves exactly every {period:,} values to the end: the same batches have the same loss "
        "again, so no weight is moved.",
        f"손실이 {period:,}개마다 끝까지 똑같이 반복됩니다. 같은 배치의 손실이 매번 같으므로 가중치가 움직이지 않는 "
        "것입니다.",
    )
    evidence = {"outcome": "repeats", "period": period, "losses": len(context.loss)}
    return Finding("decreasing", "problem", statement, plain(evidence), _STUCK)


def _guesses(context: RunContext) -> int | None:
    """The number of classes among which the run guesses: its second half is at their logarithm, with no value below."""
    half = context.loss[len(context.loss) // 2 :]
    if len(half) < FEWEST_GUESSES or context.judged_name is not None or context.loss_is_held_out:
        return None
    level = float(np.median(half))
    classes = next((k for k in GUESSING if math.isclose(level, math.log(k), rel_tol=NEAR_GUESSING)), None)
    held_out = context.table.points(t.VALIDATION_LOSS)[1]
    lowest = min(_lowest_level(context.loss), _lowest_level(held_out) if len(held_out) else level)
    if classes is None or not lowest >= (1 - CLOSE_TO_IT) * level:
        return None
    return classes if (np.abs(half - level) < CLOSE_TO_IT * level).mean() > 0.9 else None


def _lowest_level(values: Floats) -> float:
    """The lowest mean of a tenth of the values that follow each other."""
    width = max(1, len(values) // 10)
    return float(np.convolve(values, np.ones(width) / width, mode="valid").min())


def _guessing(classes: int, context: RunContext) -> Finding:
    half = len(context.loss) // 2
    first, last, level = int(context.steps[half]), int(context.steps[-1]), float(np.median(context.loss[half:]))
    statement = both(
        f"From step {first:,} to the end the loss stands at {number(level)}, ln {classes}: guessing among {classes:,} "
        "classes alike. The model tells no example from another.",
        f"손실이 스텝 {first:,}부터 끝까지 {number(level)}에 머물러 있습니다. 클래스 {classes:,}개를 고르게 추측할 "
        f"때의 값 ln {classes}입니다. 모델이 예제를 전혀 구별하지 못합니다.",
    )
    evidence = {
        "outcome": "guessing",
        "level": level,
        "guessing_classes": classes,
        "first_step": first,
        "last_step": last,
    }
    return Finding("decreasing", "problem", statement, plain(evidence), _STUCK)


def _stands_at(context: RunContext) -> float | None:
    """The level that a whole run stands at, by as good as nothing above or below; None where it moves.

    The first losses may be a little higher: the outputs become all alike within a few steps.
    """
    loss, steps = context.loss, context.steps
    if len(loss) < FEWEST_STANDING or context.judged_name is not None or context.loss_is_held_out:
        return None
    first = max(1, int(START * len(loss)))
    level = float(np.median(loss))
    still = np.abs(loss[first:] - level) <= STILL * abs(level)
    fell = abs(float(loss[:first].max()) - level)
    resumed = steps[0] > START * steps[-1] + float(np.median(np.diff(steps)))
    if level == 0 or resumed or still.mean() < 0.98 or fell > SMALL_FALL * abs(level):
        return None
    return None if context.is_learned(int(steps[first])) else level


def _standing(level: float, context: RunContext) -> Finding:
    first = int(context.steps[max(1, int(START * len(context.loss)))])
    statement = both(
        f"The loss stays within {100 * STILL:g} % of {number(level)} from step {first:,} to the end: the model learns "
        "nothing.",
        f"손실이 스텝 {first:,}부터 끝까지 {number(level)}의 {100 * STILL:g} % 이내에 머뭅니다. 모델이 아무것도 "
        "학습하지 못하고 있습니다.",
    )
    evidence = {"outcome": "stands", "level": level, "losses": len(context.loss), "first_step": first}
    return Finding("decreasing", "problem", statement, plain(evidence), _STUCK)


def _no_gradient_from(table: RunTable) -> int | None:
    """The row of the table from which the gradient norm is exactly 0 while the loss does not fall; None without one."""
    norm = table.column(t.GRADIENT_NORM)
    rows = np.flatnonzero(usable(norm))
    dead = dead_stretch(norm[rows])
    if dead is None or dead.value != 0:
        return None
    loss = table.column(table.loss)[rows[dead.first] :]
    loss = loss[usable(loss)]
    third = len(loss) // 3
    if third < 3 or loss[:third].mean() - loss[-third:].mean() > NO_FALL * abs(float(np.median(loss))):
        return None
    return int(rows[dead.first])


def _no_gradient(row: int, context: RunContext) -> Finding:
    first, last = int(context.table.step[row]), int(context.table.step[-1])
    statement = both(
        f"The gradient norm is exactly 0 from step {first:,} to the end: no weight is moved any more, and the loss "
        f"does "
        "not fall.",
        f"기울기 노름이 스텝 {first:,}부터 끝까지 정확히 0입니다. 가중치가 더 이상 움직이지 않으며 손실도 감소하지 "
        "않습니다.",
    )
    evidence = {"outcome": "no gradient", "first_step": first, "last_step": last}
    return Finding("decreasing", "problem", statement, evidence, _STUCK)


_ZERO = both(
    "Look at the step before: with fp16 try bf16 or fp32 and gradient clipping; check that not all labels of a batch "
    "are masked; then start again from a checkpoint before it.",
    "바로 앞 스텝을 확인하십시오. fp16이라면 bf16이나 fp32와 기울기 클리핑을 시험하고, 배치의 라벨이 모두 마스킹되지 "
    "않았는지 확인한 뒤, 그 이전 체크포인트에서 다시 시작하십시오.",
)
_STUCK = both(
    "Check that the optimizer holds the model's parameters, that the learning rate is not 0, that gradients reach the "
    "weights and are finite, and that the outputs are not saturated.",
    "옵티마이저가 모델의 매개변수를 가지고 있는지, 학습률이 0이 아닌지, 기울기가 가중치까지 전달되며 유한한지, 출력이 "
    "포화되지 않았는지 확인하십시오.",
)
