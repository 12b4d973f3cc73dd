"""The words of the finding `convergence`, by its outcome."""

from isang.runs.finding import Language, Verdict, both
from isang.runs.read.table import LOSS, RunTable

Words = tuple[Verdict, str, str, dict[Language, str] | None]
"""Verdict, English and Korean template, remedy."""


def worded(outcome: str, table: RunTable) -> Words:
    """The words of an outcome, for a loss or for a series that is better the higher it is."""
    words = UPWARD[outcome] if table.maximised and outcome in UPWARD else _WORDS[outcome]
    if table.objective != LOSS and outcome == "falling":  # a policy is never planned to reach its maximum reward
        return ("cannot_tell", *words[1:3], None)
    return words


def percent_done(part: float | None) -> str:
    """`2 %`; a run that has not come to its end is never at 100 %."""
    return "" if part is None else f"{min(100 * part, 99.0):.0f} %"


_WORDS: dict[str, Words] = {
    "falling": (
        "problem",
        "The loss was still falling when the run ended: {change} per {unit_en} over steps {first} to "
        "{last}; it had "
        "not converged.",
        "실행이 끝날 때 손실이 아직 감소하고 있었습니다. 스텝 {first}–{last}에서 {unit_ko}당 {change}씩 변했으며, 아직 "
        "수렴하지 않았습니다.",
        both(
            "Test whether more epochs, with a schedule that ends with them, bring the loss further down; "
            "the forecast "
            "says how much to expect.",
            "에폭을 늘리고 스케줄도 그 끝에 맞추었을 때 손실이 더 내려가는지 시험해 보십시오. 예상되는 "
            "개선 폭은 ‘예측’ 항목에 있습니다.",
        ),
    ),
    "falling straight": (
        "problem",
        "The loss falls slowly ({change} per {unit_en} over steps {first} to {last}) and as fast at the end as at the "
        "beginning: the run has hardly begun to learn.",
        "손실이 느리게 감소하지만(스텝 {first}–{last}에서 {unit_ko}당 {change}) 끝까지 처음과 같은 속도로 감소합니다. "
        "학습이 거의 시작되지 않은 상태입니다.",
        both("Test learning rates 10 and 100 times higher.", "학습률을 10배, 100배로 높여 시험해 보십시오."),
    ),
    "annealed": (
        "cannot_tell",
        "The loss was still falling when the run ended ({change} per {unit_en} over steps {first} to "
        "{last}), but "
        "while the learning rate was being lowered to the end of its schedule: that fall is the "
        "schedule's, and does "
        "not show what more epochs would bring.",
        "실행이 끝날 때 손실이 아직 감소하고 있었지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), "
        "학습률이 스케줄의 "
        "끝까지 낮아지는 중이었습니다. 이 감소는 스케줄에 따른 것이므로 에폭을 늘렸을 때의 효과를 보여 "
        "주지 않습니다.",
        None,
    ),
    "rising": (
        "problem",
        "The loss was rising when the run ended: {change} per {unit_en} over steps {first} to {last}.",
        "실행이 끝날 때 손실이 증가하고 있었습니다. 스텝 {first}–{last}에서 {unit_ko}당 {change}입니다.",
        both(
            "Test whether a lower learning rate from the lowest point on stops the rise.",
            "가장 낮았던 지점부터 학습률을 낮추면 증가가 멈추는지 시험해 보십시오.",
        ),
    ),
    "unclear": (
        "cannot_tell",
        "The change at the end, {change} per {unit_en} over steps {first} to {last}, is neither "
        "clearly under nor "
        "clearly over {limit}.",
        "끝부분(스텝 {first}–{last})의 변화는 {unit_ko}당 {change}로, {limit}를 넘는지 넘지 않는지 판별되지 않습니다.",
        None,
    ),
    "too coarse": (
        "cannot_tell",
        "The loss is printed in steps of {printed}, which is too coarse to tell whether it still changes by {limit} "
        "per {unit_en} over steps {first} to {last}.",
        "손실이 {printed} 단위로 출력되어, 스텝 {first}–{last}에서 {unit_ko}당 {limit} 이상 변하는지 판별할 수 "
        "없습니다.",
        None,
    ),
    "slow noise": (
        "cannot_tell",
        "The change at the end, {change} per {unit_en} over steps {first} to {last}, may be a slow wave of the noise: "
        "the stretch is worth too few independent values to tell.",
        "끝부분의 변화는 스텝 {first}–{last}에서 {unit_ko}당 {change}이지만 느린 잡음의 파동일 수도 있습니다. 이 "
        "구간은 독립적인 값이 너무 적어 구별할 수 없습니다.",
        None,
    ),
    "no fall over the run": (
        "cannot_tell",
        "The change at the end is {change} per {unit_en} over steps {first} to {last}, but no fall over the whole run "
        "can be shown (see Decrease): it may be a wave of the noise.",
        "끝부분의 변화는 스텝 {first}–{last}에서 {unit_ko}당 {change}이지만, 실행 전체로는 감소를 보일 수 없으므로"
        "(‘감소’ 판정 참조) 잡음의 파동일 수 있습니다.",
        None,
    ),
    "flat at a low rate": (
        "cannot_tell",
        "The loss is flat at the end ({change} per {unit_en} over steps {first} to {last}), but there "
        "the learning "
        "rate is at its low point: small steps make a flat curve, which does not show that the model "
        "has converged.",
        "끝부분에서 손실이 평평하지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), 그 구간은 학습률이 가장 낮은 "
        "곳입니다. 갱신 폭이 작아도 곡선은 평평해지므로 모델이 수렴했다는 증거가 되지 않습니다.",
        None,
    ),
    "converged": (
        "ok",
        "Converged at this learning rate: {change} per {unit_en} over steps {first} to {last}, shown "
        "to be under "
        "{limit} either way.",
        "이 학습률에서 수렴했습니다. 스텝 {first}–{last}에서 {unit_ko}당 {change}이며, {limit} 미만임이 확인됩니다.",
        None,
    ),
    "unfinished": (
        "cannot_tell",
        "The loss was still falling at {done} of its plan ({change} per {unit_en} over steps {first} to {last}), as it "
        "should there: the run goes on or was cut off.",
        "계획의 {done} 지점에서 손실이 아직 감소하고 있습니다(스텝 {first}–{last}에서 {unit_ko}당 {change}). 이 "
        "시점에서는 정상이며, 실행이 진행 중이거나 중단된 것입니다.",
        None,
    ),
    "going on": (
        "cannot_tell",
        "The loss is still falling ({change} per {unit_en} over steps {first} to {last}), and the run goes on.",
        "손실이 아직 감소하고 있으며(스텝 {first}–{last}에서 {unit_ko}당 {change}) 실행이 진행 중입니다.",
        None,
    ),
    "falling while overfitting": (
        "cannot_tell",
        "The training loss was still falling when the run ended ({change} per {unit_en} over steps {first} to {last}) "
        "while the validation loss rises: more epochs would not help.",
        "실행이 끝날 때 학습 손실은 아직 감소하고 있었지만(스텝 {first}–{last}에서 {unit_ko}당 {change}) 검증 손실은 "
        "상승하고 있습니다. 에폭을 늘려도 도움이 되지 않습니다.",
        None,
    ),
    "falling alone": (
        "cannot_tell",
        "The training loss was still falling when the run ended ({change} per {unit_en} over steps {first} to {last}), "
        "but what was measured on held-out data no longer got better: more epochs would fit the training data more "
        "closely.",
        "실행이 끝날 때 학습 손실은 아직 감소하고 있었지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), 검증 "
        "데이터로 잰 값은 더 이상 나아지지 않았습니다. 에폭을 늘리면 학습 데이터에만 더 가깝게 맞춰집니다.",
        None,
    ),
    "flat after divergence": (
        "cannot_tell",
        "The loss is flat at the end ({change} per {unit_en} over steps {first} to {last}), but at a level above its "
        "lowest one (see Divergence): that is no convergence.",
        "끝부분에서 손실이 평평하지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), 최저 수준보다 높은 "
        "곳입니다(‘발산’ "
        "판정 참조). 수렴한 것이 아닙니다.",
        None,
    ),
    "no number": (
        "cannot_tell",
        "The loss was falling ({change} per {unit_en} over steps {first} to {last}) until it was no number any more "
        "(see Finite values): where it was heading is unknown.",
        "손실이 감소하다가(스텝 {first}–{last}에서 {unit_ko}당 {change}) 더 이상 유한한 수가 아니게 되었습니다(‘유한한 "
        "값’ 판정 참조). 어디로 향하고 있었는지는 알 수 없습니다.",
        None,
    ),
    "flat in the warm-up": (
        "cannot_tell",
        "The loss is nearly flat at the end ({change} per {unit_en} over steps {first} to {last}), but the learning "
        "rate was still rising in its warm-up: that is no convergence.",
        "끝부분에서 손실이 거의 평평하지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), 학습률이 아직 워밍업 중에 "
        "상승하고 있었습니다. 수렴한 것이 아닙니다.",
        None,
    ),
    "worse after divergence": (
        "cannot_tell",
        "The loss was rising when the run ended ({change} per {unit_en} over steps {first} to {last}): it had diverged "
        "(see Divergence).",
        "실행이 끝날 때 손실이 증가하고 있었습니다(스텝 {first}–{last}에서 {unit_ko}당 {change}). 이미 발산한 "
        "상태입니다(‘발산’ 판정 참조).",
        None,
    ),
    "flat from the start": (
        "cannot_tell",
        "The loss is flat at the end ({change} per {unit_en} over steps {first} to {last}), but it never fell (see "
        "Decrease): that is no convergence.",
        "끝부분에서 손실이 평평하지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), 처음부터 감소한 적이 "
        "없습니다(‘감소’ 판정 참조). 수렴한 것이 아닙니다.",
        None,
    ),
}

UPWARD: dict[str, Words] = {
    "falling": (
        "problem",
        "{name} was still rising when the run ended: {change} per {unit_en} over steps {first} to {last}, in per cent "
        "of all that the run gained; it had not converged.",
        "실행이 끝날 때 {name} 값이 아직 상승하고 있었습니다. 스텝 {first}–{last}에서 {unit_ko}당 {change}이며(전체 "
        "상승 폭 기준) 수렴하지 않았습니다.",
        both(
            "Test whether a longer run brings it further up.",
            "더 길게 학습하면 더 올라가는지 시험해 보십시오.",
        ),
    ),
    "rising": (
        "problem",
        "{name} was falling when the run ended: {change} per {unit_en} over steps {first} to {last}, in per cent of "
        "all "
        "that the run gained.",
        "실행이 끝날 때 {name} 값이 감소하고 있었습니다. 스텝 {first}–{last}에서 {unit_ko}당 {change}입니다(전체 상승 "
        "폭 기준).",
        both(
            "Use the weights of its best point, and test a lower learning rate from there on.",
            "가장 좋았던 지점의 가중치를 쓰고, 그 지점부터 더 낮은 학습률을 시험해 보십시오.",
        ),
    ),
    "annealed": (
        "cannot_tell",
        "{name} was still rising when the run ended ({change} per {unit_en} over steps {first} to {last}), but while "
        "the learning rate was being lowered to the end of its schedule: that rise is the schedule's.",
        "실행이 끝날 때 {name} 값이 아직 상승하고 있었지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), 학습률이 "
        "스케줄의 끝까지 낮아지는 중이었습니다. 이 상승은 스케줄에 따른 것입니다.",
        None,
    ),
    "unfinished": (
        "cannot_tell",
        "{name} was still rising at {done} of its plan ({change} per {unit_en} over steps {first} to {last}), as it "
        "should there: the run goes on or was cut off.",
        "계획의 {done} 지점에서 {name} 값이 아직 상승하고 있습니다(스텝 {first}–{last}에서 {unit_ko}당 {change}). 이 "
        "시점에서는 정상이며, 실행이 진행 중이거나 중단된 것입니다.",
        None,
    ),
    "going on": (
        "cannot_tell",
        "{name} is still rising ({change} per {unit_en} over steps {first} to {last}), and the run goes on.",
        "{name} 값이 아직 상승하고 있으며(스텝 {first}–{last}에서 {unit_ko}당 {change}) 실행이 진행 중입니다.",
        None,
    ),
    "flat at a low rate": (
        "cannot_tell",
        "{name} is flat at the end ({change} per {unit_en} over steps {first} to {last}), but there the learning rate "
        "is at its low point: small steps make a flat curve.",
        "끝부분에서 {name} 값이 평평하지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), 그 구간은 학습률이 가장 낮은 "
        "곳입니다. 갱신 폭이 작아도 곡선은 평평해집니다.",
        None,
    ),
    "flat after divergence": (
        "cannot_tell",
        "{name} is flat at the end ({change} per {unit_en} over steps {first} to {last}), but below its best level "
        "(see "
        "Divergence): that is no convergence.",
        "끝부분에서 {name} 값이 평평하지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), 가장 좋았던 수준보다 "
        "낮습니다(‘발산’ 판정 참조). 수렴한 것이 아닙니다.",
        None,
    ),
    "worse after divergence": (
        "cannot_tell",
        "{name} was falling when the run ended ({change} per {unit_en} over steps {first} to {last}, in per cent of "
        "all that the run gained): see Divergence.",
        "실행이 끝날 때 {name} 값이 감소하고 있었습니다(스텝 {first}–{last}에서 {unit_ko}당 {change}, 전체 상승 폭 "
        "기준). ‘발산’ 판정을 참조하십시오.",
        None,
    ),
    "flat from the start": (
        "cannot_tell",
        "{name} is flat at the end ({change} per {unit_en} over steps {first} to {last}), but it never rose (see "
        "Decrease): that is no convergence.",
        "끝부분에서 {name} 값이 평평하지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), 처음부터 상승한 적이 "
        "없습니다(‘감소’ 판정 참조). 수렴한 것이 아닙니다.",
        None,
    ),
}
