"""Did the loss fall?"""

from isang.runs.finding import Finding, RunContext, Verdict, both, plain, too_few
from isang.runs.read.table import RunTable
from isang.runs.statistics.noise import FEWEST_EFFECTIVE, FEWEST_VALUES, Trend
from isang.runs.text.writing import number, with_interval

SMALL_PART = 0.02
"""A decrease is called absent when the interval excludes one of this part of the loss's level."""


BEYOND_NOISE = 5.0
"""A change of this many standard deviations is no noise: of a random walk, however strongly correlated the noise is, or
of the difference of two values of noise like that of the second half."""


def decreasing(table: RunTable, context: RunContext) -> Finding:
    """The Theil-Sen change over the run with an autoregressive bootstrap interval of 96 %."""
    found = context.trend()
    if found is None:
        return too_few("decreasing", context, FEWEST_VALUES)
    walk = BEYOND_NOISE * found.step_noise * found.blocks**0.5
    settled = BEYOND_NOISE * found.settled_noise * 2**0.5
    small = SMALL_PART * abs(found.level)
    outcome = _outcome(found, walk, settled, small)
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
    return Finding("decreasing", verdict, both(en.format(**words), ko.format(**words)), evidence, remedy)


def _outcome(found: Trend, walk: float, settled: float, small: float) -> str:
    """Which of _WORDS is true."""
    weak = found.effective < FEWEST_EFFECTIVE and abs(found.change) < 8 * found.noise
    if found.drop > min(walk, settled) and (weak or found.high >= 0):
        return "falls beyond a random walk" if found.drop > walk else "falls beyond its noise"
    if weak:
        return "too few independent values"
    if found.high < 0:
        return "falls"
    if found.low > 0:
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
