"""Is there little left to gain, at the learning rate that the run ended with?"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from isang.runs.finding import LANGUAGES, Finding, Language, RunContext, Verdict, both, plain, too_few
from isang.runs.findings.generalisation import validation_points
from isang.runs.read.table import LEARNING_RATE, RunTable
from isang.runs.statistics.noise import trend
from isang.runs.statistics.validated_convergence import by_validation
from isang.runs.text.writing import number

PERCENT_PER_EPOCH = 1.0
"""Less than this change per epoch (or per tenth of the run) counts as converged."""
LOW_RATE = 0.2
"""Below this part of the peak rate a flat loss says little: the steps are small."""
FEWEST = 40
FEWEST_EFFECTIVE = 16.0
"""With fewer independent values in the stretch no direction is claimed, unless a random walk could not go so far."""
WALK = 5.0
"""A change of this many standard deviations of a random walk is no noise."""
FLAT_PERCENT = 5.0
"""The loss looks flat on the page around a low point of the rate when it changes by less than this per epoch."""


def convergence(table: RunTable, context: RunContext) -> Finding:
    """An equivalence test on the last learning-rate segment (two one-sided tests at 5 %: a 90 % interval).

    Converged means that the 90 % interval of the change per epoch lies within PERCENT_PER_EPOCH; still falling (or
    rising) that the 99 % interval shows the direction. The judged stretch is the end of the last segment of the
    learning rate, at most one quarter of the run.
    """
    if len(context.loss) < FEWEST:
        return too_few("convergence", context, FEWEST)
    unit, unit_en, unit_ko = _unit(table, context)
    entry = _change(context, _last_stretch(context), len(context.loss), unit)
    if entry is None:
        return too_few("convergence", context, FEWEST)
    segments = [_segment(context, segment, unit) for segment in context.schedule["segments"]]
    outcome = _outcome(context, entry)
    verdict, en, ko, remedy = _WORDS[outcome]
    low, high = entry["interval"]
    words = {
        "change": f"{entry['percent']:+.2f} % ({low:+.2f} … {high:+.2f})",
        "limit": f"{PERCENT_PER_EPOCH:g} %",
        "first": f"{entry['first_step']:,}",
        "last": f"{entry['last_step']:,}",
        "unit_en": unit_en,
        "unit_ko": unit_ko,
    }
    evidence = plain(
        {
            **entry,
            "outcome": outcome,
            "interval_percent": 90,
            "threshold_percent": PERCENT_PER_EPOCH,
            "unit": unit_en,
            "unit_steps": unit,
            "rate_ends_low": _ends_low(context),
            "rate_rising_at_end": _ends_rising(context),
            "segments": [found for found in segments if found],
            "around_low_point": _around_low_point(context, unit),
            "loss_is_held_out": context.loss_is_held_out,
        }
    )
    statement = both(en.format(**words), ko.format(**words))
    if outcome == "falling":
        statement = _with_the_low_point(context, statement, evidence)
    if verdict == "cannot_tell":
        statement = _with_what_else_is_known(context, statement, entry)
        earlier = by_validation(context, unit, unit_en, unit_ko)
        if earlier is not None:
            said = {language: f"{statement[language]} {earlier.statement[language]}" for language in LANGUAGES}
            return Finding("convergence", earlier.verdict, said, {**evidence, **earlier.evidence}, earlier.remedy)
    return Finding("convergence", verdict, statement, evidence, remedy)


_WORDS: dict[str, tuple[Verdict, str, str, dict[Language, str] | None]] = {
    "falling": (
        "problem",
        "The loss was still falling when the run ended: {change} per {unit_en} over steps {first} to "
        "{last}; it had "
        "not converged.",
        "실행이 끝날 때 손실이 아직 감소하고 있었습니다. 스텝 {first}–{last}에서 {unit_ko}당 "
        "{change}이며, 수렴하지 "
        "않았습니다.",
        both(
            "Test whether more epochs, with a schedule that ends with them, bring the loss further down; "
            "the forecast "
            "says how much to expect.",
            "마지막 스텝에서 끝나는 스케줄로 에폭을 늘리면 손실이 더 내려가는지 시험해 보십시오. 기대할 수 "
            "있는 폭은 "
            "예측을 보십시오.",
        ),
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
        "끝부분의 변화는 스텝 {first}–{last}에서 {unit_ko}당 {change}로, {limit}보다 분명히 작지도 크지도 않습니다.",
        None,
    ),
    "flat at a low rate": (
        "cannot_tell",
        "The loss is flat at the end ({change} per {unit_en} over steps {first} to {last}), but there "
        "the learning "
        "rate is at its low point: small steps make a flat curve, which does not show that the model "
        "has converged.",
        "끝부분에서 손실이 평평하지만(스텝 {first}–{last}에서 {unit_ko}당 {change}), 그 구간은 "
        "학습률이 최저점에 "
        "있습니다. 작은 스텝도 평평한 곡선을 만들므로 모델이 수렴했다는 증거가 아닙니다.",
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
}


def _outcome(context: RunContext, entry: dict[str, Any]) -> str:
    """Which of _WORDS is true."""
    low, high = entry["interval"]
    surely_low, surely_high = entry["interval_99"]
    if max(abs(low), abs(high)) < PERCENT_PER_EPOCH:
        return "flat at a low rate" if _ends_low(context) else "converged"
    if entry["effective_samples"] < FEWEST_EFFECTIVE and not entry["beyond_walk"]:
        return "unclear"
    if surely_high < 0 and entry["percent"] < -PERCENT_PER_EPOCH:
        return "annealed" if _annealed(context) else "falling"
    if surely_low > 0 and entry["percent"] > PERCENT_PER_EPOCH:
        return "rising"
    return "unclear"


def _with_the_low_point(
    context: RunContext, statement: dict[Language, str], evidence: Mapping[str, Any]
) -> dict[Language, str]:
    """Adds where an earlier flat stretch came from, if the learning rate explains it."""
    around = evidence["around_low_point"]
    if around is None or max(abs(edge) for edge in around["interval"]) > FLAT_PERCENT:
        return statement
    step, rate = f"{context.schedule['rises_again_at']:,}", number(context.schedule["lowest_rate"])
    return both(
        f"{statement['en']} The flat stretch before that lies around step {step}, where the learning "
        "rate was at its "
        f"low point ({rate}): it was flat because the steps were small.",
        f"{statement['ko']} 그 앞의 평평한 구간은 학습률이 최저점({rate})에 있던 스텝 {step} "
        "부근입니다. 학습 스텝이 "
        "작아서 평평했던 것이며 수렴이 아닙니다.",
    )


def _with_what_else_is_known(
    context: RunContext, statement: dict[Language, str], entry: Mapping[str, Any]
) -> dict[Language, str]:
    """Adds what the schedule and the validation loss did over the judged stretch; they decide nothing here."""
    en, ko = statement["en"], statement["ko"]
    peak, final = context.schedule["peak_rate"], context.schedule["final_rate"]
    if _ends_low(context):
        part = f"{100 * final / peak:.2g} %"
        en += f" The schedule had come to its end: the last rate is {part} of the peak."
        ko += f" 스케줄은 끝까지 진행되었습니다. 마지막 학습률은 최고값의 {part}입니다."
    steps, values = validation_points(context.table)
    inside = values[steps >= entry["first_step"]]
    if len(inside) > 1 and not context.loss_is_held_out:
        change = f"{number(inside[0])} → {number(inside[-1])}"
        en += f" Over the same stretch the validation loss went {change}."
        ko += f" 같은 구간에서 검증 손실은 {change}(으)로 변했습니다."
    return both(en, ko)


def _ends_rising(context: RunContext) -> bool:
    segments = context.schedule["segments"]
    return bool(segments) and segments[-1]["kind"] == "rising"


def _unit(table: RunTable, context: RunContext) -> tuple[float, str, str]:
    size = context.statistics["batches_per_epoch"]
    span = float(context.steps[-1] - context.steps[0])
    if size and size < 0.6 * span:
        return float(size), "epoch", "에폭"
    return max(span / 10, 1.0), "tenth of the run", "실행의 10분의 1"


def _last_stretch(context: RunContext) -> int:
    """Position at which the judged stretch begins."""
    steps, n = context.steps, len(context.loss)
    first = int(np.searchsorted(steps, steps[-1] - (steps[-1] - steps[0]) / 4))
    segments = context.schedule["segments"]
    if segments:
        begins = int(np.searchsorted(steps, segments[-1]["first_step"]))
        if n - begins >= FEWEST:
            first = max(first, begins)
    return min(first, n - FEWEST)


def _ends_low(context: RunContext) -> bool:
    peak, final = context.schedule["peak_rate"], context.schedule["final_rate"]
    if not peak:
        return False
    family = context.schedule["family"]
    if family == "constant":
        return False
    steps, rates = context.table.points(LEARNING_RATE)
    stretch = rates[steps >= context.steps[_last_stretch(context)]]
    typical = float(np.median(stretch)) if len(stretch) else final
    return bool(typical < LOW_RATE * peak)


def _annealed(context: RunContext) -> bool:
    """The run ended in a fall of the learning rate to under LOW_RATE of its peak."""
    found = context.schedule
    last = found["segments"][-1]["kind"] if found["segments"] else ""
    return bool(last == "falling" and found["peak_rate"] and found["final_rate"] < LOW_RATE * found["peak_rate"])


def _change(context: RunContext, first: int, last: int, unit: float) -> dict[str, Any] | None:
    found = trend(context.loss[first:last])
    if found is None or found.level == 0:
        return None
    span = float(context.steps[last - 1] - context.steps[first])
    if span <= 0:
        return None
    scale = 100.0 * unit / span / abs(found.level)
    return {
        "percent": found.change * scale,
        "interval": [edge * scale for edge in found.interval(0.9)],
        "interval_99": [edge * scale for edge in found.interval(0.99)],
        "effective_samples": found.effective,
        "beyond_walk": abs(found.drop) > WALK * found.step_noise * found.blocks**0.5,
        "first_step": int(context.steps[first]),
        "last_step": int(context.steps[last - 1]),
    }


def _segment(context: RunContext, segment: dict[str, Any], unit: float) -> dict[str, Any] | None:
    """The change over the last fifth of one learning-rate segment."""
    a = int(
        np.searchsorted(context.steps, segment["first_step"] + (segment["last_step"] - segment["first_step"]) * 0.8)
    )
    b = int(np.searchsorted(context.steps, segment["last_step"], side="right"))
    if b - a < FEWEST or len(context.schedule["segments"]) > 12:
        return None
    entry = _change(context, a, b, unit)
    if entry is None:
        return None
    return {**entry, "kind": segment["kind"], "first_rate": segment["first_rate"], "last_rate": segment["last_rate"]}


def _around_low_point(context: RunContext, unit: float) -> dict[str, Any] | None:
    """The change from one epoch before to one epoch after the step at which a rate that rises again was lowest."""
    centre, peak = context.schedule["rises_again_at"], context.schedule["peak_rate"]
    if centre is None or context.schedule["lowest_rate"] >= LOW_RATE * peak:
        return None
    first, last = np.searchsorted(context.steps, [centre - unit, centre + unit]).tolist()
    return _change(context, first, last, unit) if last - first >= FEWEST else None
