"""Is there little left to gain, at the learning rate that the run ended with?"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from isang.runs.finding import LANGUAGES, Finding, Language, RunContext, both, named, plain, too_few
from isang.runs.findings.generalisation import overfits, validation_points
from isang.runs.findings.health import diverged, ends_without_a_number
from isang.runs.findings.progress.convergence_words import percent_done, worded
from isang.runs.findings.progress.descent import fall_is_unclear, learned_nothing
from isang.runs.findings.progress.few_losses import still_falls
from isang.runs.findings.progress.inapplicable import inapplicable
from isang.runs.findings.stopping import held_out_is_done
from isang.runs.read.table import LEARNING_RATE, VALIDATION_LOSS, RunTable
from isang.runs.statistics.learning_rate.rate_changes import sudden_changes
from isang.runs.statistics.noise import FEWEST_VALUES, goes_on, trend
from isang.runs.statistics.validated_convergence import by_validation
from isang.runs.text.writing import number

PERCENT_PER_EPOCH = 1.0
"""Less than this change per epoch (or per tenth of the run) counts as converged."""
LOW_RATE = 0.2
"""Below this part of the peak rate a flat loss says little: the steps are small."""
FEWEST = 24
"""Losses of a run that has an end apart from its beginning."""
FEWEST_IN_STRETCH = FEWEST_VALUES
FEWEST_IN_SEGMENT = 40
MOST_CHANGES = 12
"""A rate with more changes than this has no separate last stretch."""
FEWEST_EFFECTIVE = 16.0
"""Minimum number of independent values to claim a direction, unless a random walk could not go that far."""
FEW_VALUES, ONE_WALK_IN = 200, 256
"""Up to FEW_VALUES values, the signs of the steps decide: fewer than one random walk in ONE_WALK_IN behaves like
them."""
WALK = 5.0
"""A change of more than this many standard deviations of a random walk is not noise."""
FLAT_PERCENT = 5.0
"""The loss looks flat on the page around a low point of the rate when it changes by less than this per epoch."""
FEW_NUMBERS = 3
"""So few different losses in a stretch are what the digits leave of them."""
STRAIGHT = 0.6
"""A fall that is this part as fast at the end as on average has hardly slowed down."""
SHORT_EPOCH, LONG_EPOCH = 0.04, 0.6
"""An epoch is the unit where it is between these parts of the run: one of a thousand changes nothing by itself."""


def convergence(table: RunTable, context: RunContext) -> Finding:
    """An equivalence test on the last learning-rate segment (two one-sided tests at 5 %: a 90 % interval).

    Converged: the 90 % interval of the change per epoch is within PERCENT_PER_EPOCH. Still falling (or rising): the
    99 % interval shows the direction. The judged stretch is the last quarter of the run, or more if few losses were
    logged, and never crosses a change of the rate.
    """
    if (aside := inapplicable("convergence", context)) is not None:
        return aside
    if len(context.loss) < FEWEST:
        return still_falls(context) or too_few("convergence", context, FEWEST)
    bound = _bound(context)
    first = _last_stretch(context, bound)
    if len(context.loss) - first < FEWEST_IN_STRETCH:
        return _too_few_since(context, bound)
    unit, unit_en, unit_ko = _unit(context)
    entry = _change(context, first, len(context.loss), unit)
    if entry is None:
        return _no_level(context, first)
    outcome = _outcome(context, entry)
    if outcome == "unclear":
        entry, outcome = _flat_over_more(context, entry, bound, unit) or (entry, outcome)
    if outcome == "converged" and _falls_straight(context, entry):
        outcome = "falling straight"
    if outcome == "converged" and _too_coarse(context, entry, unit):
        outcome = "too coarse"
    outcome = _in_its_place(context, entry, outcome, unit)
    verdict, en, ko, remedy = worded(outcome, table)
    words = _words(context, entry, unit_en, unit_ko)
    evidence = plain({**entry, "outcome": outcome, "unit": unit_en, **_evidence(context, unit)})
    statement = named(context, both(en.format(**words), ko.format(**words)))
    if outcome == "falling":
        statement = _with_the_low_point(context, statement, evidence)
    if verdict == "cannot_tell" and outcome in ("annealed", "unclear", "slow noise", "flat at a low rate"):
        statement = _with_what_else_is_known(context, statement, entry)
        earlier = by_validation(context, unit, unit_en, unit_ko)
        if earlier is not None:
            said = {language: f"{statement[language]} {earlier.statement[language]}" for language in LANGUAGES}
            return Finding("convergence", earlier.verdict, said, {**evidence, **earlier.evidence}, earlier.remedy)
    return Finding("convergence", verdict, statement, evidence, remedy)


def _words(context: RunContext, entry: Mapping[str, Any], unit_en: str, unit_ko: str) -> dict[str, str]:
    low, high = entry["interval"]
    return {
        "change": f"{entry['percent']:+.2f} % ({low:+.2f} … {high:+.2f})",
        "limit": f"{PERCENT_PER_EPOCH:g} %",
        "first": f"{entry['first_step']:,}",
        "last": f"{entry['last_step']:,}",
        "unit_en": unit_en,
        "unit_ko": unit_ko,
        "done": percent_done(context.part_done),
        "name": context.judged_name or context.table.loss,
        "printed": number(_printed_step(context)),
    }


def _evidence(context: RunContext, unit: float) -> dict[str, Any]:
    """The further evidence beside the judged change; `unit` is in steps."""
    segments = [_segment(context, segment, unit) for segment in context.schedule["segments"]]
    return {
        "interval_percent": 90, "threshold_percent": PERCENT_PER_EPOCH, "unit_steps": unit,
        "part_of_plan_done": context.part_done, "rate_ends_low": _ends_low(context),
        "rate_rising_at_end": _ends_rising(context), "segments": [found for found in segments if found],
        "around_low_point": _around_low_point(context, unit), "loss_is_held_out": context.loss_is_held_out,
    }  # fmt: skip


def _in_its_place(context: RunContext, entry: Mapping[str, Any], outcome: str, unit: float) -> str:
    """The outcome in the light of what else is known of the run, so that no two findings contradict each other."""
    if outcome == "falling" and fall_is_unclear(context):
        return "no fall over the run"
    if outcome in ("falling", "falling straight"):
        if context.part_done is not None and context.part_done < 1 and not context.stopped_early:
            return "unfinished"
        if context.table.facts.get("unfinished"):
            return "going on"
        if overfits(context):
            return "falling while overfitting"
        if context.table.facts.get("stopped_early") and context.table.has(VALIDATION_LOSS):
            return "falling alone"  # nothing held out had got better for as long as the user's patience
        if held_out_is_done(context) or _validation_is_flat(context, entry["first_step"], unit):
            return "falling alone"
    if diverged(context):
        flat = outcome in ("converged", "flat at a low rate")
        return "flat after divergence" if flat else "worse after divergence" if outcome == "rising" else outcome
    if outcome == "falling" and ends_without_a_number(context):
        return "no number"
    if outcome == "converged" and context.schedule["family"] == "warm-up":
        return "flat in the warm-up"
    if outcome == "converged" and learned_nothing(context):
        return "flat from the start"
    return outcome


def _falls_straight(context: RunContext, entry: Mapping[str, Any]) -> bool:
    """Whether a slow fall is as fast at the end as over the whole run, which nothing has slowed down yet."""
    loss, steps, found = context.loss, context.steps, context.trend()
    few = max(len(loss) // 20, 1)
    drop = float(np.median(loss[:few]) - np.median(loss[-few:]))
    if context.table.maximised or found is None or found.high >= 0 or entry["interval_99"][1] >= 0:
        return False
    end = -entry["change_per_step"] * float(steps[-1] - steps[0])
    return drop > PERCENT_PER_EPOCH * abs(found.level) / 100 and end > STRAIGHT * drop


def _validation_is_flat(context: RunContext, first_step: int, unit: float) -> bool:
    """Whether the validation loss has converged over the judged stretch, by the same test as the training loss.

    If a metric was logged, the metric decides what more training is worth.
    """
    if context.loss_is_held_out or context.table.maximised or context.table.metric is not None:
        return False
    steps, values = validation_points(context.table)
    inside = steps >= first_step
    found = trend(values[inside]) if inside.sum() >= FEWEST_IN_STRETCH else None
    if found is None or found.level <= 0:
        return False
    scale = 100 * unit / float(steps[-1] - steps[inside][0]) / found.level
    return max(abs(edge) for edge in found.interval(0.9)) * scale < PERCENT_PER_EPOCH


def _flat_over_more(
    context: RunContext, entry: Mapping[str, Any], bound: int, unit: float
) -> tuple[dict[str, Any], str] | None:
    """The last half, if it is flat and the last quarter, too noisy to decide alone, does not contradict it."""
    first = max(bound, len(context.loss) // 2)
    more = _change(context, first, len(context.loss), unit)
    if more is None or more["first_step"] >= entry["first_step"]:
        return None
    low, high = entry["interval"]
    if low > PERCENT_PER_EPOCH or high < -PERCENT_PER_EPOCH or abs(entry["percent"]) > 2 * PERCENT_PER_EPOCH:
        return None
    outcome = _outcome(context, more)
    return (more, outcome) if outcome in ("converged", "flat at a low rate") else None


def _too_few_since(context: RunContext, bound: int) -> Finding:
    """The rate changed too short a time ago."""
    count, step = len(context.loss) - bound, int(context.steps[bound])
    return Finding(
        "convergence",
        "cannot_tell",
        both(
            f"Only {count:,} losses were logged since the learning rate changed at step {step:,}; at least "
            f"{FEWEST_IN_STRETCH} are needed to see where the loss was heading.",
            f"학습률이 바뀐 스텝 {step:,} 이후 손실이 {count:,}개만 기록되었습니다. 손실의 방향을 보려면 최소 "
            f"{FEWEST_IN_STRETCH}개가 필요합니다.",
        ),
        {"losses": count, "needed": FEWEST_IN_STRETCH, "first_step": step},
    )


def _no_level(context: RunContext, first: int) -> Finding:
    level = float(np.median(context.loss[first:]))
    return Finding(
        "convergence",
        "cannot_tell",
        both(
            f"The level at the end is {number(level)}, and the run gained nothing against which a change could be "
            "measured in per cent.",
            f"끝부분의 수준이 {number(level)}이며, 변화를 퍼센트로 나타낼 기준이 되는 감소 폭도 없습니다.",
        ),
        {"level": level},
    )


def _too_coarse(context: RunContext, entry: Mapping[str, Any], unit: float) -> bool:
    """Whether the stretch has two or three different losses, as printed, and a change that matters may hide between."""
    stretch = context.loss[(context.steps >= entry["first_step"]) & (context.steps <= entry["last_step"])]
    matters = PERCENT_PER_EPOCH / 100 * abs(float(stretch.mean())) * (entry["last_step"] - entry["first_step"]) / unit
    return len(np.unique(stretch)) <= FEW_NUMBERS and _printed_step(context) > matters


def _printed_step(context: RunContext) -> float:
    """The smallest step between two different losses."""
    steps = np.diff(np.unique(context.loss))
    return float(steps.min()) if len(steps) else 0.0


def _outcome(context: RunContext, entry: Mapping[str, Any]) -> str:
    """What the change says by itself, a key of the words."""
    sign = -1.0 if context.table.maximised else 1.0
    low, high = sorted(sign * edge for edge in entry["interval"])
    surely_low, surely_high = sorted(sign * edge for edge in entry["interval_99"])
    percent = sign * entry["percent"]
    if max(abs(low), abs(high)) < PERCENT_PER_EPOCH:
        return "flat at a low rate" if _ends_low(context) else "converged"
    if entry["effective_samples"] < FEWEST_EFFECTIVE and not entry["beyond_walk"]:
        return "slow noise" if low > PERCENT_PER_EPOCH or high < -PERCENT_PER_EPOCH else "unclear"
    if surely_high < 0 and percent < -PERCENT_PER_EPOCH:
        return "annealed" if _annealed(context) else "falling"
    if surely_low > 0 and percent > PERCENT_PER_EPOCH:
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
        "부근입니다. 갱신 폭이 "
        "작아서 평평했던 것이며 수렴한 것이 아닙니다.",
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


def _unit(context: RunContext) -> tuple[float, str, str]:
    size = context.statistics["batches_per_epoch"]
    span = float(context.steps[-1] - context.steps[0])
    if size and SHORT_EPOCH * span <= size < LONG_EPOCH * span:
        return float(size), "epoch", "에폭"
    return max(span / 10, 1.0), "tenth of the run", "실행의 10분의 1"


def _bound(context: RunContext) -> int:
    """The position before which the rate was another one: its last sudden change, or the last turn of its course."""
    steps, segments = context.steps, context.schedule["segments"]
    rate_steps, rates = context.table.points(LEARNING_RATE)
    finite = np.isfinite(rates)
    changes = sudden_changes(rate_steps[finite], rates[finite])
    changed = int(changes[-1]) if 0 < len(changes) <= MOST_CHANGES else int(steps[0])
    if 1 < len(segments) <= MOST_CHANGES:
        changed = max(changed, int(segments[-1]["first_step"]))
    return int(np.searchsorted(steps, changed))


def _last_stretch(context: RunContext, bound: int) -> int:
    """Position at which the judged stretch begins: the last quarter, or half of few losses, not before `bound`."""
    steps, n = context.steps, len(context.loss)
    quarter = int(np.searchsorted(steps, steps[-1] - (steps[-1] - steps[0]) / 4))
    return max(min(quarter, max(n - FEWEST_IN_STRETCH, n // 2)), bound)


def _ends_low(context: RunContext) -> bool:
    peak, final = context.schedule["peak_rate"], context.schedule["final_rate"]
    if not peak:
        return False
    family = context.schedule["family"]
    if family == "constant":
        return False
    steps, rates = context.table.points(LEARNING_RATE)
    first = min(_last_stretch(context, _bound(context)), len(context.steps) - 1)
    stretch = rates[steps >= context.steps[first]]
    typical = float(np.median(stretch)) if len(stretch) else final
    return bool(typical < LOW_RATE * peak)


def _annealed(context: RunContext) -> bool:
    """The run ended in a fall of the learning rate to under LOW_RATE of its peak."""
    found = context.schedule
    last = found["segments"][-1]["kind"] if found["segments"] else ""
    return bool(last == "falling" and found["peak_rate"] and found["final_rate"] < LOW_RATE * found["peak_rate"])


def _change(context: RunContext, first: int, last: int, unit: float) -> dict[str, Any] | None:
    found = trend(context.loss[first:last])
    scale = _hundredth(context, found.level) if found is not None else 0.0
    if found is None or scale <= 0:
        return None
    span = float(context.steps[last - 1] - context.steps[first])
    if span <= 0:
        return None
    scale = unit / span / scale
    return {
        "percent": found.change * scale,
        "change_per_step": found.change / span,
        "interval": [edge * scale for edge in found.interval(0.9)],
        "interval_99": [edge * scale for edge in found.interval(0.99)],
        "effective_samples": found.effective,
        "beyond_walk": abs(found.drop) > WALK * found.step_noise * found.blocks**0.5
        or (last - first <= FEW_VALUES and goes_on(context.loss[first:last], ONE_WALK_IN)),
        "first_step": int(context.steps[first]),
        "last_step": int(context.steps[last - 1]),
    }


def _hundredth(context: RunContext, level: float) -> float:
    """One per cent of the level; if the series can be 0 or higher is better, one per cent of the run's whole gain."""
    if context.loss[0] * level > 0 and np.all(context.loss * level > 0) and not context.table.maximised:
        return abs(level) / 100
    few = max(len(context.loss) // 20, 1)
    return abs(float(np.median(context.loss[:few])) - level) / 100


def _segment(context: RunContext, segment: dict[str, Any], unit: float) -> dict[str, Any] | None:
    """The change over the last fifth of one learning-rate segment."""
    a = int(
        np.searchsorted(context.steps, segment["first_step"] + (segment["last_step"] - segment["first_step"]) * 0.8)
    )
    b = int(np.searchsorted(context.steps, segment["last_step"], side="right"))
    if b - a < FEWEST_IN_SEGMENT or len(context.schedule["segments"]) > 12:
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
    return _change(context, first, last, unit) if last - first >= FEWEST_IN_SEGMENT else None
