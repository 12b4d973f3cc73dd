"""Did the loss fall, or what stands for it get better?"""

import math
from typing import Any

import numpy as np

from isang.runs.finding import Finding, RunContext, Verdict, both, named, plain, too_few
from isang.runs.findings.health import diverged
from isang.runs.findings.progress.inapplicable import inapplicable
from isang.runs.read import table as t
from isang.runs.read.table import Floats, RunTable, usable
from isang.runs.statistics.dead_stretch import dead_stretch
from isang.runs.statistics.noise import FEWEST_EFFECTIVE, FEWEST_VALUES, Trend, trend
from isang.runs.text.writing import number, with_interval

SMALL_PART = 0.02
"""A decrease is called absent when the interval excludes one of this part of the loss's level."""


ABOVE_START, FEWEST_FOR_TENTHS = 0.1, 40
"""A reward that never comes this part above its first tenth, and ends no higher, has not risen; from 40 values on."""
BEYOND_NOISE = 5.0
"""A change of this many standard deviations is no noise: of a random walk, however strongly correlated the noise is, or
of the difference of two values of noise like that of the second half."""


FEW_BLOCKS = 8.0
"""The interval of n values must lie below zero by 1 + FEW_BLOCKS / n times its width: few values hide their memory."""

GUESSING = (2, 3, 4, 5, 10, 100, 1000)
"""Numbers of classes whose guessing loss is named where a loss stands still at it."""


NEAR_GUESSING, CLOSE_TO_IT = 0.001, 0.003
"""Relative distance of a level from a guessing loss, and of nine tenths of its values, that is no coincidence."""
FEWEST_GUESSES = 12


def decreasing(table: RunTable, context: RunContext) -> Finding:
    """The Theil-Sen change over the run with an autoregressive bootstrap interval of 96 %.

    A series that is better the higher it is must rise.
    """
    return context.cached(_decreasing)


def _decreasing(context: RunContext) -> Finding:
    table = context.table
    if (aside := inapplicable("decreasing", context)) is not None and context.dead is None:
        return aside
    if context.dead is not None:
        return _dead(context)
    if (first := _no_gradient_from(table, context)) is not None:
        return _no_gradient(first, context)
    if (classes := _guesses(context)) is not None:
        return _guessing(classes, context)
    if table.maximised:
        return _rising(context) or too_few("decreasing", context, FEWEST_VALUES)
    found = context.trend()
    if found is None:
        return too_few("decreasing", context, FEWEST_VALUES)
    walk = BEYOND_NOISE * found.step_noise * found.blocks**0.5
    settled = BEYOND_NOISE * found.settled_noise * 2**0.5
    small = SMALL_PART * abs(found.level)
    outcome = _outcome(found, walk, settled, small)
    if outcome == "too few independent values" and diverged(context):
        outcome = "jumped"
    evidence = plain(
        {
            "outcome": outcome,
            "change": found.change,
            "drop": found.drop,
            "interval": [found.low, found.high],
            "interval_percent": 96,
            "effective_samples": found.effective,
            "memory": found.memory,
            "blocks": found.blocks,
            "level": found.level,
            "smallest_decrease_of_interest": small,
            "random_walk_limit": walk,
            "settled_noise_limit": settled,
            "first_step": int(context.steps[0]),
            "last_step": int(context.steps[-1]),
        }
    )
    words = {
        "change": with_interval(found.change, found.low, found.high),
        "drop": number(found.drop),
        "walk": number(walk),
        "settled": number(settled),
        "effective": f"{found.effective:.1f}",
    }
    verdict, en, ko = _WORDS[outcome]
    remedy = _REMEDY if verdict == "problem" else None
    statement = named(context, both(en.format(**words), ko.format(**words)))
    return Finding("decreasing", verdict, statement, evidence, remedy)


def learned_nothing(context: RunContext) -> bool:
    """Whether that finding is a problem."""
    return context.cached(_decreasing).verdict == "problem"


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


def _guesses(context: RunContext) -> int | None:
    """The number of classes among which the run guesses: its second half lies at their logarithm, and none below."""
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


def _no_gradient_from(table: RunTable, context: RunContext) -> int | None:
    """The row of the table from which the gradient norm is exactly 0 while the loss does not fall; None without one."""
    norm = table.column(t.GRADIENT_NORM)
    rows = np.flatnonzero(usable(norm))
    dead = dead_stretch(norm[rows])
    if dead is None or dead.value != 0:
        return None
    loss = table.column(table.loss)[rows[dead.first] :]
    loss = loss[usable(loss)]
    third = len(loss) // 3
    if third < 3 or loss[:third].mean() - loss[-third:].mean() > SMALL_PART * abs(float(np.median(loss))):
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


def _rising(context: RunContext) -> Finding | None:
    """Whether a series that is better the higher it is rises; None where it has too few values."""
    values, name = context.loss, context.judged_name or context.table.loss
    found = trend(-values)
    if found is None:
        return None
    walk = BEYOND_NOISE * found.step_noise * found.blocks**0.5
    settled = BEYOND_NOISE * found.settled_noise * 2**0.5
    outcome = _outcome(found, walk, settled, SMALL_PART * abs(found.level))
    if outcome == "too few independent values" and _never_above_its_start(values):
        outcome = "does not fall"
    verdict, en, ko = _RISING[_UPWARD[outcome]]
    first, last = (float(values[part].mean()) for part in (slice(0, 5), slice(-5, None)))
    evidence = plain(
        {
            "outcome": _UPWARD[outcome], "series": name, "change": -found.change, "interval": [-found.high, -found.low],
            "interval_percent": 96, "effective_samples": found.effective, "first": first, "final": last,
        }
    )  # fmt: skip
    words = {
        "name": name, "change": with_interval(-found.change, -found.high, -found.low), "first": number(first),
        "last": number(last),
    }  # fmt: skip
    remedy = _REMEDY_RISING if verdict == "problem" else None
    if context.table.objective != t.LOSS:
        en, ko = f"{en} {_LOSS_ASIDE['en']}", f"{ko} {_LOSS_ASIDE['ko']}"
    return Finding("decreasing", verdict, both(en.format(**words), ko.format(**words)), evidence, remedy)


def _never_above_its_start(values: Floats) -> bool:
    """No tenth of the values lies clearly above the first one, and the last one does not lie above it at all."""
    if len(values) < FEWEST_FOR_TENTHS:
        return False
    tenths = [float(part.mean()) for part in np.array_split(values, 10)]
    return max(tenths) <= tenths[0] + ABOVE_START * abs(tenths[0]) and tenths[-1] <= tenths[0]


_LOSS_ASIDE = both(
    "The loss beside it need not fall and says nothing about progress.",
    "함께 기록된 손실은 감소할 필요가 없으며 학습의 진전을 나타내지 않습니다.",
)
_UPWARD = {
    "falls beyond a random walk": "rises", "falls beyond its noise": "rises", "falls": "rises", "rises": "falls",
    "does not fall": "does not rise", "too few independent values": "unclear", "unclear": "unclear",
}  # fmt: skip
"""What a course of the series turned upside down means for the series itself."""
_RISING: dict[str, tuple[Verdict, str, str]] = {
    "rises": (
        "ok",
        "{name} rises over the run, as it should: from {first} to {last} (Theil-Sen change {change}, 96 % interval).",
        "{name} 값이 바람직하게 상승합니다: {first} → {last} (Theil–Sen 변화량 {change}, 96 % 구간).",
    ),
    "falls": (
        "problem",
        "{name} falls over the run, and higher is better: Theil-Sen change {change}, 96 % interval.",
        "높을수록 좋은 {name} 값이 실행 전체에서 감소합니다. Theil–Sen 변화량은 {change}(96 % 구간)입니다.",
    ),
    "does not rise": (
        "problem",
        "{name} does not rise over the run, and higher is better: Theil-Sen change {change}, 96 % interval.",
        "높을수록 좋은 {name} 값이 실행 전체에서 상승하지 않습니다. Theil–Sen 변화량은 {change}(96 % 구간)입니다.",
    ),
    "unclear": (
        "cannot_tell",
        "Neither a rise of {name} nor its absence can be shown: Theil-Sen change {change}, 96 % interval.",
        "{name} 값이 상승한다고도, 상승하지 않는다고도 보일 수 없습니다. Theil–Sen 변화량은 {change}(96 % 구간)입니다.",
    ),
}
_REMEDY_RISING = both(
    "Test learning rates three times higher and lower, and check on a few examples that what is rewarded or measured "
    "is what is wanted and can be reached at all.",
    "학습률을 세 배 높이거나 낮추어 시험하고, 몇 가지 예에서 보상이나 측정 대상이 원하는 것이며 도달 가능한지 확인해 "
    "보십시오.",
)


def _outcome(found: Trend, walk: float, settled: float, small: float) -> str:
    """Which of _WORDS is true."""
    weak = found.effective < FEWEST_EFFECTIVE and abs(found.change) < 8 * found.noise
    if found.drop > min(walk, settled) and (weak or found.high >= 0):
        return "falls beyond a random walk" if found.drop > walk else "falls beyond its noise"
    if weak:  # whatever its memory, noise within half of what would be a fall hides none
        tiny = abs(found.change) + 2 * found.noise < small / 2 and abs(found.drop) < small / 2
        return "does not fall" if tiny else "too few independent values"
    if found.change + (1 + FEW_BLOCKS / found.blocks) * (found.high - found.change) < 0:
        return "falls"
    if found.low > 0 and found.change > small:
        return "rises"
    return "does not fall" if found.low > -small else "unclear"


_WORDS: dict[str, tuple[Verdict, str, str]] = {
    "falls beyond a random walk": (
        "ok",
        "The loss falls by {drop} from the start to the end of the run; even a random walk with "
        "the steps of this "
        "curve's noise would rarely move by more than {walk}.",
        "손실이 실행의 처음부터 끝까지 {drop} 감소합니다. 이 곡선의 잡음 크기로 움직이는 임의 "
        "보행도 {walk} 넘게 움직이는 "
        "일은 드뭅니다.",
    ),
    "falls beyond its noise": (
        "ok",
        "The loss falls by {drop} from the start to the end of the run; noise like that of its second half would "
        "rarely move by more than {settled}.",
        "손실이 실행의 처음부터 끝까지 {drop} 감소합니다. 실행 후반부와 같은 잡음만으로 {settled} 넘게 움직이는 일은 "
        "드뭅니다.",
    ),
    "falls": (
        "ok",
        "The loss falls over the run: Theil-Sen change {change}, 96 % interval below zero.",
        "손실이 실행 전체에서 감소합니다. Theil–Sen 변화량은 {change}이며 96 % 구간이 0보다 작습니다.",
    ),
    "too few independent values": (
        "cannot_tell",
        "The noise of this loss is so strongly correlated that the run is worth about "
        "{effective} independent values; "
        "a trend of this size cannot be told from noise.",
        "손실의 잡음이 강하게 자기상관되어 독립적인 값 약 {effective}개에 해당합니다. 이 크기의 "
        "추세는 잡음과 구별할 수 "
        "없습니다.",
    ),
    "jumped": (
        "cannot_tell",
        "The loss left the level that it had reached for a higher one (see Divergence): over the whole run it neither "
        "falls nor rises steadily.",
        "손실이 도달했던 수준을 벗어나 더 높은 수준으로 올라갔습니다(‘발산’ 판정 참조). 실행 전체로는 꾸준한 감소도 "
        "증가도 아닙니다.",
    ),
    "rises": (
        "problem",
        "The loss rises over the run: Theil-Sen change {change}, 96 % interval.",
        "손실이 실행 전체에서 증가합니다. Theil–Sen 변화량은 {change}(96 % 구간)입니다.",
    ),
    "does not fall": (
        "problem",
        "The loss does not fall over the run: Theil-Sen change {change}, 96 % interval.",
        "손실이 실행 전체에서 감소하지 않습니다. Theil–Sen 변화량은 {change}(96 % 구간)입니다.",
    ),
    "unclear": (
        "cannot_tell",
        "Neither a fall nor its absence can be shown: Theil-Sen change {change}.",
        "감소한다고도, 감소하지 않는다고도 보일 수 없습니다. Theil–Sen 변화량은 {change}입니다.",
    ),
}
_REMEDY = both(
    "Test the model on one small batch: if it cannot learn that by heart, look for a fault "
    "in data, masking or "
    "gradients; if it can, try learning rates three times higher and lower.",
    "작은 배치 하나를 외울 수 있는지 시험해 보십시오. 외우지 못하면 데이터·마스킹·기울기의 "
    "결함을 찾고, 외운다면 학습률을 "
    "세 배 높이거나 낮추어 보십시오.",
)
