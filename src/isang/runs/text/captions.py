"""Three sentences for each plot: what it shows, what a healthy one looks like, what this one shows."""

from collections.abc import Callable, Mapping

import numpy as np

from isang.runs.findings import Language
from isang.runs.plots.curves import Curves, Series
from isang.runs.text.words import number, rate

Sentence = Mapping[Language, str]

SHOWS: Mapping[str, Sentence] = {
    "loss_per_step": {
        "en": "The loss of every step as it was logged, noise included.",
        "ko": "기록된 그대로의 스텝별 손실이며, 노이즈를 포함합니다.",
    },
    "smoothed_loss": {
        "en": "The loss with its noise averaged away, beside the decay that fits it best (dashed).",
        "ko": "노이즈를 평균해 없앤 손실과, 여기에 가장 잘 맞는 감쇠 곡선(점선)입니다.",
    },
    "epoch_means": {
        "en": "The mean loss of all batches of an epoch, so that epochs can be compared.",
        "ko": "한 에폭의 모든 배치를 평균한 손실로, 에폭끼리 비교할 수 있습니다.",
    },
    "learning_rate": {
        "en": "The learning rate that the optimizer used at each step.",
        "ko": "각 스텝에서 옵티마이저가 사용한 학습률입니다.",
    },
    "decrease": {
        "en": "How much of the initial smoothed loss is gone, with lines at 50, 75 and 90 %.",
        "ko": "초기 스무딩 손실에서 줄어든 비율이며, 50, 75, 90% 선을 함께 그렸습니다.",
    },
    "epoch_boxes": {
        "en": "The spread of the losses within each epoch: the box holds the middle half, the line is the median, the "
        "whiskers reach 1.5 boxes further, the circles are the lowest and the highest loss beyond them.",
        "ko": "에폭 안에서 손실이 퍼진 정도입니다. 상자는 가운데 절반, 선은 중앙값, 수염은 상자 길이의 1.5배까지, "
        "원은 그 밖의 최저·최고 손실입니다.",
    },
}
HEALTHY: Mapping[str, Sentence] = {
    "loss_per_step": {
        "en": "A steep fall first, then a slow one; the band of noise stays even or narrows; single peaks fall back "
        "within a few steps.",
        "ko": "처음에 가파르게, 이후 완만하게 내려갑니다. 노이즈의 폭은 일정하거나 좁아지고, 튀는 값은 몇 스텝 안에 "
        "되돌아옵니다.",
    },
    "smoothed_loss": {
        "en": "The curve keeps to the dashed one; it may fall below it as the learning rate decays, and it does not "
        "rise away from it.",
        "ko": "곡선이 점선을 따라갑니다. 학습률이 줄면서 점선보다 낮아질 수는 있어도, 위로 벗어나지는 않습니다.",
    },
    "epoch_means": {
        "en": "Each epoch is lower than the one before, by less each time; a validation loss falls along with it.",
        "ko": "에폭마다 앞 에폭보다 낮아지고 그 폭은 점점 줄어듭니다. 검증 손실이 있으면 함께 내려갑니다.",
    },
    "learning_rate": {
        "en": "What was planned: usually a short rise, then a descent that ends when the run ends. A rate that rises "
        "again is healthy only where restarts were intended.",
        "ko": "계획한 그대로여야 합니다. 보통 짧게 올라간 뒤 내려가며, 내려가는 구간은 학습이 끝날 때 끝납니다. 다시 "
        "올라가는 학습률은 의도한 재시작일 때만 정상입니다.",
    },
    "decrease": {
        "en": "A fast climb that levels off; how high it gets depends on the task, so no line is a pass mark.",
        "ko": "빠르게 올라간 뒤 평평해집니다. 얼마나 높이 올라가는지는 과제에 따라 다르므로 합격선은 없습니다.",
    },
    "epoch_boxes": {
        "en": "Boxes that sink and stay as narrow as before or get narrower; circles that do not climb.",
        "ko": "상자가 내려가면서 폭이 그대로이거나 좁아지고, 원이 올라가지 않습니다.",
    },
}


OF_A_METRIC: Mapping[str, Sentence] = {
    "loss_per_step": {
        "en": "The metric that the run is judged by, as it was logged.",
        "ko": "판정에 쓴 지표의 값을 기록된 그대로 보여 줍니다.",
    },
    "smoothed_loss": {
        "en": "The metric that the run is judged by, its noise averaged away.",
        "ko": "판정에 쓴 지표에서 노이즈를 평균해 없앤 값입니다.",
    },
    "epoch_means": {
        "en": "The mean of the judged metric in each epoch, so that epochs can be compared.",
        "ko": "판정에 쓴 지표의 에폭별 평균으로, 에폭끼리 비교할 수 있습니다.",
    },
    "epoch_boxes": {
        "en": "The spread of the judged metric within each epoch: the box holds the middle half, the line is the "
        "median, the whiskers reach 1.5 boxes further, the circles are the lowest and the highest value beyond them.",
        "ko": "에폭 안에서 판정에 쓴 지표가 퍼진 정도입니다. 상자는 가운데 절반, 선은 중앙값, 수염은 상자 길이의 "
        "1.5배까지, 원은 그 밖의 최저·최고 값입니다.",
    },
}
"""What these plots show of a run that is not judged by a loss."""
RISES: Sentence = {
    "en": "A climb that levels off and is not lost again.",
    "ko": "올라가다가 점차 평평해지며, 다시 떨어지지 않습니다.",
}
"""What they look like if the metric is better the higher it is."""


def caption(name: str, curves: Curves) -> tuple[Sentence, Sentence, Sentence]:
    """What plot `name` shows, what a healthy one looks like, and what this one shows, in numbers of this run."""
    if curves.metric and name in OF_A_METRIC:
        return OF_A_METRIC[name], RISES if curves.maximised else HEALTHY[name], THIS[name](curves)
    return SHOWS[name], HEALTHY[name], THIS[name](curves)


def _this_loss(curves: Curves) -> Sentence:
    loss = curves.loss
    if loss is None:
        return _EMPTY
    low, high = int(loss.values.argmin()), int(loss.values.argmax())
    marked = sum(len(mark.steps) for mark in curves.marks if not mark.stretch)
    en = (
        f"It goes from {number(loss.values[0])} at step {loss.step[0]:,} to {number(loss.values[-1])} at step "
        f"{loss.step[-1]:,}; the highest single value is {number(loss.values[high])} (step {loss.step[high]:,}), the "
        f"lowest {number(loss.values[low])} (step {loss.step[low]:,})."
    )
    ko = (
        f"스텝 {loss.step[0]:,}에서 {number(loss.values[0])}, "
        f"스텝 {loss.step[-1]:,}에서 {number(loss.values[-1])}입니다. "
        f"가장 높은 값은 {number(loss.values[high])}(스텝 {loss.step[high]:,}), 가장 낮은 값은 "
        f"{number(loss.values[low])}(스텝 {loss.step[low]:,})입니다."
    )
    if marked:
        en += f" Triangles mark {marked} steps that the findings cite."
        ko += f" 삼각형은 판정이 근거로 든 {marked}개 스텝입니다."
    return {"en": en, "ko": ko}


def _this_smoothed(curves: Curves) -> Sentence:
    smoothed, ideal = curves.smoothed, curves.ideal
    if smoothed is None:
        return _EMPTY
    if curves.maximised:
        return _this_metric(smoothed)
    low = int(smoothed.values.argmin())
    lowest, last = number(smoothed.values[low]), number(smoothed.values[-1])
    if low == len(smoothed.values) - 1:
        en, ko = f"It is lowest at its end, with {last}.", f"마지막에 {last}{_to(last)} 가장 낮습니다."
    else:
        en = f"It is lowest at step {smoothed.step[low]:,} with {lowest} and ends at {last}."
        ko = f"스텝 {smoothed.step[low]:,}에서 {lowest}{_to(lowest)} 가장 낮고, {last}{_to(last)} 끝납니다."
    if ideal is None:
        en += " No decaying curve fits it."
        ko += " 여기에 맞는 감쇠 곡선이 없습니다."
        return {"en": en, "ko": ko}
    fitted = np.interp(smoothed.step, ideal.step, ideal.values)
    above = smoothed.values - fitted
    if smoothed.values.min() <= 0 or fitted.min() <= 0:
        return {"en": en, "ko": ko}
    late = smoothed.step > smoothed.step[0] + 0.02 * (smoothed.step[-1] - smoothed.step[0])  # past the first fall
    share = np.where(late, 100 * above / fitted, -np.inf)
    most = int(share.argmax())
    end = 100 * above[-1] / fitted[-1]
    side = ("above", "높게") if end > 0 else ("below", "낮게")
    en += (
        f" Against the dashed curve it is highest at step {smoothed.step[most]:,} ({share[most]:+.0f} %) and ends "
        f"{abs(end):.0f} % {side[0]} it."
    )
    ko += (
        f" 점선과 비교하면 스텝 {smoothed.step[most]:,}에서 가장 높고({share[most]:+.0f}%), 점선보다 "
        f"{abs(end):.0f}% {side[1]} 끝납니다."
    )
    return {"en": en, "ko": ko}


def _this_metric(smoothed: Series) -> Sentence:
    """A smoothed metric that is better the higher it is."""
    high = int(smoothed.values.argmax())
    highest, last, step = number(smoothed.values[high]), number(smoothed.values[-1]), f"{smoothed.step[high]:,}"
    if high == len(smoothed.values) - 1:
        return {"en": f"It is highest at its end, with {last}.", "ko": f"마지막에 {last}{_to(last)} 가장 높습니다."}
    return {
        "en": f"It is highest at step {step} with {highest} and ends at {last}.",
        "ko": f"스텝 {step}에서 {highest}{_to(highest)} 가장 높고, {last}{_to(last)} 끝납니다.",
    }


def _this_epochs(curves: Curves) -> Sentence:
    if not curves.epochs:
        return _EMPTY
    means = [mean for _, mean, _ in curves.epochs]
    rises = [epoch for (epoch, mean, _), before in zip(curves.epochs[1:], means, strict=False)
             if (mean <= before if curves.maximised else mean >= before)]  # fmt: skip
    unit = ("epoch", "에폭") if curves.named_epochs else ("tenth", "구간")
    if len(means) == 1:
        return {"en": f"There is one {unit[0]}, with a mean of {number(means[0])}.",
                "ko": f"{unit[1]}이 하나뿐이며 평균은 {number(means[0])}입니다."}  # fmt: skip
    en = f"The mean goes from {number(means[0])} to {number(means[-1])}"
    ko = f"평균이 {number(means[0])}에서 {number(means[-1])}{_to(number(means[-1]))} 변합니다."
    if rises:
        listed = ", ".join(str(epoch) for epoch in rises[:8]) + (" …" if len(rises) > 8 else "")
        en += f"; {unit[0]} {listed} did not improve on the one before."
        ko += f" 앞보다 나아지지 않은 {unit[1]}: {listed}."
    else:
        en += f"; every {unit[0]} improves on the one before."
        ko += f" 모든 {unit[1]}에서 앞보다 {'올라갑니다' if curves.maximised else '내려갑니다'}."
    return {"en": en, "ko": ko}


def _this_rate(curves: Curves) -> Sentence:
    series = curves.learning_rate
    if series is None:
        return {"en": "The log holds no learning rate.", "ko": "로그에 학습률이 없습니다."}
    low, high = int(series.values.argmin()), int(series.values.argmax())
    if series.values[low] == series.values[high]:
        return {
            "en": f"The rate is {rate(series.values[0])} throughout.",
            "ko": f"학습률이 끝까지 {rate(series.values[0])}입니다.",
        }
    at_low = int(curves.schedule.get("lowest_step") or series.step[low])
    en = (
        f"It starts at {rate(series.values[0])}, is highest at step {series.step[high]:,} "
        f"({rate(series.values[high])}), lowest at step {at_low:,} ({rate(series.values[low])}), and ends at "
        f"{rate(series.values[-1])}."
    )
    ko = (
        f"{rate(series.values[0])}에서 시작해 스텝 {series.step[high]:,}에서 가장 높고({rate(series.values[high])}), "
        f"스텝 {at_low:,}에서 가장 낮으며({rate(series.values[low])}), {rate(series.values[-1])}에서 끝납니다."
    )
    again = curves.schedule.get("rises_again_at")
    if again is not None:
        en += f" After step {again:,.0f} it rises again."
        ko += f" 스텝 {again:,.0f} 이후 다시 올라갑니다."
    return {"en": en, "ko": ko}


def _this_decrease(curves: Curves) -> Sentence:
    series = curves.decrease
    if series is None and curves.maximised:
        return {
            "en": "The judged metric is better the higher it is, so there is no decrease to show.",
            "ko": "판정에 쓴 지표는 높을수록 좋으므로 감소율은 없습니다.",
        }
    if series is None:
        return {
            "en": "The initial loss is not positive, so a decrease in per cent has no meaning here.",
            "ko": "초기 손실이 양수가 아니므로 감소율은 의미가 없습니다.",
        }
    parts_en = [f"{goal} % at step {step:,}" for goal, step in curves.reached.items()]
    parts_ko = [f"{goal}%는 스텝 {step:,}" for goal, step in curves.reached.items()]
    end = float(series.values[-1])
    change = (f"{end:.2f} % is gone", f"{end:.2f}% 줄었습니다") if end >= 0 else (
        f"the loss is {-end:.2f} % higher than at first", f"처음보다 {-end:.2f}% 높습니다")  # fmt: skip
    if not parts_en:
        return {
            "en": f"At the end {change[0]}; 50 % was never reached.",
            "ko": f"끝에서 {change[1]}. 50%에는 도달하지 못했습니다.",
        }
    return {
        "en": f"It reached {', '.join(parts_en)}; at the end {change[0]}.",
        "ko": f"도달한 시점: {', '.join(parts_ko)}. 끝에서 {change[1]}.",
    }


def _this_boxes(curves: Curves) -> Sentence:
    if not curves.boxes:
        return _EMPTY
    first, last = curves.boxes[0], curves.boxes[-1]
    width_first, width_last = (box.quartiles[2] - box.quartiles[0] for box in (first, last))
    en_parts = ko_parts = ""
    if not curves.boxes_are_epochs:
        en_parts = " The boxes are tenths of the run, since the log has no epochs that would fill one each."
        ko_parts = " 상자 하나를 채울 만한 에폭이 로그에 없어 전체를 10등분했습니다."
    outside, count = sum(box.outside for box in curves.boxes), sum(box.count for box in curves.boxes)
    values = ("values", "값") if curves.metric else ("losses", "손실")
    return {
        "en": f"The middle half is {number(width_first)} wide in box {first.epoch} and {number(width_last)} in box "
        f"{last.epoch}, the median goes from {number(first.quartiles[1])} to {number(last.quartiles[1])}; {outside:,} "
        f"of {count:,} {values[0]} ({100 * outside / count:.2f} %) lie beyond the whiskers (of normal noise: 0.7 %)."
        + en_parts,
        "ko": f"가운데 절반의 폭은 {first.epoch}번 상자에서 {number(width_first)}, {last.epoch}번 상자에서 "
        f"{number(width_last)}이고, 중앙값은 {number(first.quartiles[1])}에서 {number(last.quartiles[1])}"
        f"{_to(number(last.quartiles[1]))} 변합니다. {values[1]} {count:,}개 중 {outside:,}개"
        f"({100 * outside / count:.2f}%)가 수염 밖에 있습니다(정규 노이즈라면 0.7%)." + ko_parts,
    }


def _to(written: str) -> str:
    """The Korean particle 로 or 으로 that fits the last digit as it is read aloud (영, 삼, 육 end in a consonant)."""
    return "으로" if written[-1:] in "036" else "로"


_EMPTY: Sentence = {"en": "There is no finite loss to show.", "ko": "보여 줄 수 있는 유한한 손실이 없습니다."}

THIS: Mapping[str, Callable[[Curves], Sentence]] = {
    "loss_per_step": _this_loss,
    "smoothed_loss": _this_smoothed,
    "epoch_means": _this_epochs,
    "learning_rate": _this_rate,
    "decrease": _this_decrease,
    "epoch_boxes": _this_boxes,
}
