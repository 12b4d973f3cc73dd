"""Did the loss fall, or the series judged instead improve?"""

import numpy as np

from isang.runs.finding import Finding, RunContext, Verdict, both, named, plain, too_few
from isang.runs.findings.health import diverged
from isang.runs.findings.progress.dead import dead_run
from isang.runs.findings.progress.inapplicable import inapplicable
from isang.runs.read import table as t
from isang.runs.read.table import Floats, RunTable
from isang.runs.statistics.noise import FEWEST_EFFECTIVE, FEWEST_VALUES, Trend, robust_spread, trend
from isang.runs.text.writing import number, with_interval

SMALL_PART = 0.02
"""A decrease is called absent when the interval excludes one of this part of the loss's level."""


ABOVE_START, FEWEST_FOR_TENTHS = 0.1, 40
"""A reward that never comes this part above its first tenth, and ends no higher, has not risen; from 40 values on."""
BEYOND_NOISE = 5.0
"""A change of more than this many standard deviations is not noise: of a random walk, however strongly the noise is
correlated, or of the difference of two values with the noise of the second half."""


FEW_BLOCKS = 8.0
"""The interval of n values must be below zero by 1 + FEW_BLOCKS / n times its width: few values hide
autocorrelation."""


def decreasing(table: RunTable, context: RunContext) -> Finding:
    """The Theil-Sen change over the run with an autoregressive bootstrap interval of 96 %.

    A series that is better the higher it is must rise.
    """
    return context.cached(_decreasing)


def _decreasing(context: RunContext) -> Finding:
    table = context.table
    if context.loss_says_nothing and (aside := inapplicable("decreasing", context)) is not None:
        return aside
    if (dead := dead_run(context)) is not None:
        return dead
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
    elif outcome in ("too few independent values", "unclear") and _never_below_its_first(context):
        outcome = "never below its first"
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


def fall_is_unclear(context: RunContext) -> bool:
    """Whether that finding can show neither a fall nor its absence."""
    return context.cached(_decreasing).evidence.get("outcome") in ("unclear", "never below its first")


def _never_below_its_first(context: RunContext) -> bool:
    """Whether the first of many losses is below all others, by more than their spread.

    The first running mean is a single loss, and can be anywhere; means that vary to the end as at the beginning are no
    running ones.
    """
    loss, steps = context.loss, np.abs(np.diff(context.loss))
    if len(loss) < FEWEST_FOR_TENTHS:
        return False
    half = len(steps) // 2
    calmer = not np.isnan(context.table.epoch).all() or np.median(steps[half:]) < np.median(steps[:half]) / 2
    if context.table.loss == t.RUNNING_MEAN and calmer:
        return False
    return float(loss[0]) < float(loss[1:].min()) - robust_spread(loss[1:])


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
    """Whether no tenth of the values is clearly above the first one, and the last one is not above it at all."""
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
        "a trend of this size cannot be distinguished from noise.",
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
    "never below its first": (
        "problem",
        "The loss never comes back to its first value, let alone below it: no fall over the run can be shown.",
        "손실이 첫 값보다 낮아지기는커녕 첫 값으로 돌아오지도 않습니다. 실행 전체에서 감소를 보일 수 없습니다.",
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
