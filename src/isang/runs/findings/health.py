"""Are the losses numbers at all, and did the run end where it had got to?"""

from typing import Any

import numpy as np

from isang.runs.finding import Finding, Language, RunContext, both, named, plain, too_few
from isang.runs.findings.progress.inapplicable import inapplicable
from isang.runs.findings.progress.stages import Change, change_at
from isang.runs.read import table as t
from isang.runs.read.table import Floats, RunTable, usable
from isang.runs.statistics.level_shift import PART_AFTER, LevelShift, level_shift
from isang.runs.statistics.noise import around_curve, autoregression, block_means, longer, robust_spread, simulated
from isang.runs.statistics.overfitting_rise import rise_after_best
from isang.runs.text.writing import number

_NAMES = {
    t.BATCH_LOSS: ("loss", "손실"),
    t.INTERVAL_LOSS: ("loss", "손실"),
    t.RUNNING_MEAN: ("running mean", "누적 평균"),
    t.VALIDATION_LOSS: ("validation loss", "검증 손실"),
    t.GRADIENT_NORM: ("gradient norm", "기울기 노름"),
}
FEWEST = 40
SKIPPED_PART, STEPS_PER_SKIP = 0.005, 1000
"""Overflows that are few: loss scaling tries a higher scale about every 2,000 steps, more often at the beginning; a row
that covers many steps shows the overflow of any of them."""
OF_NOISE, OF_MEANS = 0.99, 0.999
"""Share of noise that stays below the threshold; a run holds too few means over many steps to see how they wander."""
DIVERGED_PART = 0.1
"""A rise above the best level counts from this part of what the run had gained."""
COLLAPSED_PART, FEWEST_BEFORE = 0.5, 24
"""A run that loses this part of its gain is judged by the noise before its best, if there are FEWEST_BEFORE means."""
CLEAR_GAIN = 7.0
"""A run that loses half of a gain of this many changes between neighbouring means may have diverged, though its noise
seems to have a long memory."""
FEWEST_TO_TURN = 12
TURNED_PART, TURNED_LEVEL = 0.2, 0.05
"""Of 12 to 39 losses a rise counts from these parts of the gain and of the lowest level."""
RAN_AWAY = 3.0
"""Few losses that end above this many times the first ones have diverged, whatever their noise."""
DIVERGED_LEVEL = 0.01
"""And from this part of the best level: a run that learned nothing ends a little above it by chance."""
JUMP_OF_LEVEL = 0.02
"""A jump that stays counts from this part of the level before it."""


def finite(table: RunTable, context: RunContext) -> Finding:
    """NaN and infinity in the loss, the validation loss and the gradient norm."""
    names = dict.fromkeys((table.loss, t.VALIDATION_LOSS, t.GRADIENT_NORM))
    found = [entry for name in names if name in table.columns and (entry := _not_finite(table, name)) is not None]
    losses = len(context.loss)
    evidence = plain({"losses": losses, "series": found})
    if not found:
        return Finding(
            "finite",
            "ok",
            both(
                f"All {losses:,} logged losses are finite numbers.", f"기록된 손실 {losses:,}개가 모두 유한한 수입니다."
            ),
            evidence,
        )
    said = [_not_finite_in_words(entry) for entry in found]
    en, ko = (" ".join(sentences) for sentences in zip(*said, strict=True))
    if all(_is_skipped_step(entry, context) for entry in found):
        en += " That is how mixed precision finds its scale: such steps are left out."
        ko += " 혼합 정밀도 학습이 손실 배율을 찾는 과정이며, 그런 스텝은 건너뜁니다."
        return Finding("finite", "ok", both(en, ko), evidence)
    return Finding(
        "finite",
        "problem",
        both(en, ko),
        evidence,
        both(
            "Test whether a lower learning rate, a longer warm-up, gradient clipping or full precision "
            "from the step "
            "before keeps the loss finite; look at the batch of that step.",
            "그 직전 스텝부터 학습률을 낮추거나, 워밍업을 늘리거나, 기울기 클리핑 또는 단정밀도(fp32)를 "
            "쓰면 손실이 유한하게 "
            "유지되는지 시험하고, 그 스텝의 배치를 확인해 보십시오.",
        ),
    )


def _not_finite(table: RunTable, name: str) -> dict[str, Any] | None:
    """How often a series is NaN or infinite, from which step, and whether until the end."""
    values = table.column(name)
    odd = np.union1d(
        np.flatnonzero(~usable(values) & ~np.isnan(values)), table.logged_nan.get(name, np.zeros(0, np.int64))
    )
    if not len(odd):
        return None
    finite_rows = np.flatnonzero(usable(values))
    return {
        "series": name,
        "count": len(odd),
        "first_step": int(table.step[odd[0]]),
        "last_step": int(table.step[odd[-1]]),
        "until_the_end": bool(not len(finite_rows) or finite_rows[-1] < odd[-1]),
    }


def _not_finite_in_words(entry: dict[str, Any]) -> tuple[str, str]:
    en, ko = _NAMES.get(str(entry["series"]), ("loss", "손실"))
    tail_en = "and never becomes a number again" if entry["until_the_end"] else "and recovers later"
    tail_ko = "그 뒤로 다시 유한한 수가 되지 않습니다" if entry["until_the_end"] else "이후 회복됩니다"
    return (
        f"The {en} is NaN or infinite at {entry['count']:,} steps: first at step {entry['first_step']:,}, {tail_en}.",
        f"{ko}이(가) {entry['count']:,}개 스텝에서 NaN 또는 무한대입니다. 스텝 {entry['first_step']:,}에서 처음 "
        f"나타나며 {tail_ko}.",
    )


def _is_skipped_step(entry: dict[str, Any], context: RunContext) -> bool:
    """A gradient norm that is seldom infinite and recovers, as the loss scaling of fp16 makes it."""
    steps = 0 if context.table.counts_epochs or not len(context.steps) else int(context.steps[-1] - context.steps[0])
    few = entry["count"] <= max(2, SKIPPED_PART * len(context.loss), steps / STEPS_PER_SKIP)
    return bool(entry["series"] == t.GRADIENT_NORM and few and not entry["until_the_end"])


def divergence(table: RunTable, context: RunContext) -> Finding:
    """Did the run end clearly above the best level it had reached?

    The last of twenty block means is compared with the lowest one. Their difference under noise alone is simulated from
    the autoregressive model of the noise around the curve; the threshold is its 99 % quantile.
    """
    if not len(context.loss):
        return _no_number(table)
    if (aside := inapplicable("divergence", context)) is not None:
        return aside
    if len(context.loss) < FEWEST:
        return context.cached(_ran_away) or context.cached(_turned) or too_few("divergence", context, FEWEST)
    entry = context.cached(_course)
    shift = entry["shift"]
    sign = -1.0 if table.maximised else 1.0
    evidence = plain(
        {
            "rise": entry["rise"],
            "threshold": entry["needed"],
            "noise_quantile_99": entry["threshold"],
            "gained": entry["gained"],
            "lowest_level": sign * entry["lowest"],
            "last_level": sign * entry["last"],
            "lowest_around_step": entry["step"],
            "ends_without_a_number": ends_without_a_number(context),
            "jump_step": None if shift is None else int(context.steps[entry["first"] + shift.position]),
            "level_before_jump": None if shift is None else sign * shift.before,
            "level_after_jump": None if shift is None else sign * shift.after,
            "stage_first_step": entry["stage_first_step"],
            "setting": None if entry["change"] is None else entry["change"].name,
        }
    )
    if not diverged(context) and entry["may_have"]:
        may_have = _ends_higher(context, evidence, entry["needed"])
        return Finding("divergence", "cannot_tell", named(context, may_have), evidence)
    if not diverged(context):
        did_not = _did_not(context, evidence)
        return Finding("divergence", "ok", named(context, _of_the_stage(did_not, entry)), evidence)
    statement = _ends_higher(context, evidence, entry["threshold"]) if shift is None else _jumps(context, evidence)
    statement = named(context, statement)
    remedy = _KEEP if table.maximised else _REMEDY
    return Finding("divergence", "problem", statement, evidence, remedy if shift is None else _LOOK)


def _ran_away(context: RunContext) -> Finding | None:
    """The finding for a loss with few values that ends at a multiple of all its first values."""
    loss = context.loss
    third = len(loss) // 3
    if not third or context.table.maximised or loss.min() <= 0:
        return None
    first, last = float(loss[:third].max()), float(loss[-third:].min())
    if last < RAN_AWAY * first:
        return None
    statement = both(
        f"The loss ends at {number(last)} or more, {last / first:,.0f} times the {number(first)} that it began with.",
        f"손실이 {number(last)} 이상으로 끝났습니다. 처음 값 {number(first)}의 {last / first:,.0f}배입니다.",
    )
    evidence = plain({"losses": len(loss), "first_level": first, "last_level": last, "threshold": RAN_AWAY * first})
    return Finding("divergence", "problem", statement, evidence, _LOWER)


def _turned(context: RunContext) -> Finding | None:
    """A loss of few values that rises again after its best, by the test that judges a validation loss."""
    loss = -context.loss if context.table.maximised else context.loss
    if len(loss) < FEWEST_TO_TURN or context.table.loss == t.RUNNING_MEAN:
        return None
    found = rise_after_best(loss)
    gained = float(loss[0] - found.lowest)
    needed = max(found.threshold, TURNED_PART * gained, TURNED_LEVEL * abs(found.lowest))
    if found.size <= needed or not (found.likelihood_ratio > found.least_ratio or found.rises_on):
        return None
    sign = -1.0 if context.table.maximised else 1.0
    evidence = plain(
        {
            "losses": len(loss), "rise": found.size, "threshold": needed, "noise_quantile_95": found.threshold,
            "gained": gained, "lowest_level": sign * found.lowest, "last_level": sign * (found.lowest + found.size),
            "lowest_around_step": int(context.steps[found.best]), "likelihood_ratio": found.likelihood_ratio,
            "least_likelihood_ratio": found.least_ratio,
        }
    )  # fmt: skip
    remedy = _KEEP if context.table.maximised else _REMEDY
    statement = named(context, _ends_higher(context, evidence, found.threshold))
    return Finding("divergence", "problem", statement, evidence, remedy)


def diverged(context: RunContext) -> bool:
    """The run ended clearly above its lowest level, or jumped to a higher one and stayed there."""
    if len(context.loss) < FEWEST:
        return context.cached(_ran_away) is not None or context.cached(_turned) is not None
    entry = context.cached(_course)
    return bool(entry["shift"] is not None or entry["rise"] > entry["needed"])


def ends_without_a_number(context: RunContext) -> bool:
    """The last loss that was logged is NaN or infinite."""
    table = context.table
    entry = _not_finite(table, table.loss)
    return entry is not None and bool(entry["until_the_end"])


def _of_the_stage(statement: dict[Language, str], entry: dict[str, Any]) -> dict[Language, str]:
    """The statement with where the stage begins that it is about, if the setting changed that the loss depends on."""
    if entry["change"] is None:
        return statement
    step = f"{entry['stage_first_step']:,}"
    return both(
        f"{statement['en']} Judged from step {step} on, where {entry['change'].said('en')} and the loss changes with "
        "it.",
        f"{statement['ko']} 스텝 {step}에서 {entry['change'].said('ko')}. 손실도 함께 달라지므로 그 뒤만 판단합니다.",
    )


def _last_stage(loss: Floats, context: RunContext) -> tuple[int, Change | None]:
    """The position from which the loss is judged: the last jump to a higher level at which a logged setting changes.

    It is 0 without such a jump, and where too few losses follow.
    """
    first, change = 0, None
    while len(loss) - first >= FEWEST and (shift := level_shift(loss[first:])) is not None:
        found = change_at(context, first + shift.position)
        if found is None or len(loss) - first - shift.position < FEWEST:
            break
        first, change = first + max(shift.position, 1), found
    return first, change


def _course(context: RunContext) -> dict[str, Any]:
    """Levels of the judged series, turned upside down where higher is better, and how far it ends above the lowest."""
    loss = -context.loss if context.table.maximised else context.loss
    first, change = _last_stage(loss, context)
    loss, steps = loss[first:], context.steps[first:]
    fine = block_means(loss, 120)
    fine = fine[len(fine) % 20 :] if len(fine) >= 40 else fine
    size = max(1, len(fine) // 20)
    blocks = fine[len(fine) % size :].reshape(-1, size).mean(axis=1)
    means = context.table.loss == t.RUNNING_MEAN
    share = OF_MEANS if means else OF_NOISE
    threshold = _rise_by_noise(fine, len(blocks), size, share)
    lowest = int(np.argmin(blocks))
    gained = float(max(blocks[0] - blocks[lowest], 0.0))
    step = int(steps[min(len(steps) - 1, (lowest + 1) * len(steps) // len(blocks) - 1)])
    rise, before = float(blocks[-1] - blocks[lowest]), (lowest + 1) * size
    if (
        rise > COLLAPSED_PART * gained
        and before >= FEWEST_BEFORE
        and rise > (earlier := _rise_by_noise(fine[:before], len(blocks), size, share))
    ):  # most of the gain is lost again: that loss itself must not count as noise
        threshold = min(threshold, max(earlier, COLLAPSED_PART * gained)) if gained > 2 * earlier else threshold
    needed = max(threshold, DIVERGED_PART * gained, DIVERGED_LEVEL * abs(float(blocks[lowest])))
    return {
        "rise": rise, "threshold": threshold, "gained": gained, "step": step,
        "needed": needed, "lowest": float(blocks[lowest]), "last": float(blocks[-1]),
        "shift": _lasting_jump(loss, gained, int(PART_AFTER * len(loss)) if means else 0),
        "may_have": rise > COLLAPSED_PART * gained and gained > CLEAR_GAIN * robust_spread(np.diff(fine)),
        "first": first, "change": change, "stage_first_step": int(steps[0]) if first else None,
    }  # fmt: skip


def _lasting_jump(loss: Floats, gained: float, earliest: int) -> LevelShift | None:
    """A jump from the position `earliest` on; a running mean of the first few values is not a level."""
    found = level_shift(loss)
    if found is None or found.position < earliest:
        return None
    rise = found.after - found.before
    return found if rise > max(DIVERGED_PART * gained, JUMP_OF_LEVEL * abs(found.before)) else None


def _did_not(context: RunContext, evidence: dict[str, Any]) -> dict[Language, str]:
    last, rise, needed = (number(evidence[key]) for key in ("last_level", "rise", "threshold"))
    if context.table.maximised:
        name = context.judged_name or context.table.loss
        return both(
            f"The run did not diverge: {name} ends at {last}, {rise} below its highest level, and {needed} would be "
            "needed to call it a fall.",
            f"발산하지 않았습니다. {name} 값의 마지막 수준 {last}은(는) 최고 수준보다 {rise} 낮으며, 하락으로 보려면 "
            f"{needed}이(가) 필요합니다.",
        )
    return both(
        f"The run did not diverge: its last level {last} lies {rise} above its lowest, and {needed} would be needed to "
        "call it a rise.",
        f"발산하지 않았습니다. 마지막 수준 {last}은(는) 최저 수준보다 {rise} 높으며, 상승으로 보려면 "
        f"{needed}이(가) 필요합니다.",
    )


def _ends_higher(context: RunContext, evidence: dict[str, Any], by_noise: float) -> dict[Language, str]:
    last, rise, best = (number(evidence[key]) for key in ("last_level", "rise", "lowest_level"))
    noise = number(by_noise)
    step = f"{evidence['lowest_around_step']:,}"
    if context.table.maximised:
        name = context.judged_name or context.table.loss
        return both(
            f"{name} ends at {last}, which is {rise} below the highest level of the run ({best}, up to step {step}); "
            f"noise explains at most {noise}.",
            f"{name} 값이 {last}(으)로 끝났습니다. 실행 중 가장 높았던 수준({best}, 스텝 {step}까지)보다 {rise} "
            f"낮으며, "
            f"잡음으로 설명되는 폭은 최대 {noise}입니다.",
        )
    return both(
        f"The loss ends at {last}, which is {rise} above the lowest level of the run ({best}, up to step {step}); "
        f"noise "
        f"explains at most {noise}.",
        f"손실이 {last}(으)로 끝났습니다. 실행 중 가장 낮았던 수준({best}, 스텝 {step}까지)보다 {rise} 높으며, "
        f"잡음으로 "
        f"설명되는 폭은 최대 {noise}입니다.",
    )


def _jumps(context: RunContext, evidence: dict[str, Any]) -> dict[Language, str]:
    before, after = number(evidence["level_before_jump"]), number(evidence["level_after_jump"])
    step, maximised = f"{evidence['jump_step']:,}", context.table.maximised
    name_en = (context.judged_name or context.table.loss) if maximised else "The loss"
    name_ko = f"{name_en} 값" if maximised else "손실"
    way_en, way_ko = ("falls", "떨어져") if maximised else ("jumps", "뛰어올라")
    return both(
        f"{name_en} {way_en} from {before} to {after} at step {step} and stays there to the end.",
        f"스텝 {step}에서 {name_ko}이(가) {before} → {after}(으)로 {way_ko} 끝까지 그 수준에 머뭅니다.",
    )


_REMEDY = both(
    "Test whether a lower peak rate or stronger clipping from the lowest point on keeps the loss down.",
    "가장 낮았던 지점부터 최고 학습률을 낮추거나 클리핑을 강화하면 손실이 유지되는지 시험해 보십시오.",
)
_LOWER = both(
    "Test a learning rate that is ten times lower, and a warm-up.",
    "학습률을 10분의 1로 낮추고 워밍업을 넣어 시험해 보십시오.",
)
_KEEP = both(
    "Use the weights of its best point, and test a lower learning rate or stronger clipping from there on.",
    "가장 좋았던 지점의 가중치를 쓰고, 그 지점부터 학습률을 낮추거나 클리핑을 강화하여 시험해 보십시오.",
)
_LOOK = both(
    "Look at what changed at that step (data, rate, a resume); go back to a checkpoint before it and test a lower rate "
    "or stronger clipping.",
    "그 스텝에서 무엇이 바뀌었는지(데이터, 학습률, 재개) 확인하고, 그 이전 체크포인트로 돌아가 더 낮은 학습률이나 더 "
    "강한 클리핑을 시험해 보십시오.",
)


def _rise_by_noise(fine: Floats, blocks: int, size: int, share: float) -> float:
    """The quantile `share` of the difference between the last and the lowest of `blocks` means of `size` noise
    values."""
    residual, removed = around_curve(fine)
    memory = longer(autoregression(residual, removed=removed), len(fine))
    paths = simulated(memory, blocks * size, 400, np.random.default_rng(0)).reshape(400, blocks, size).mean(axis=2)
    return float(np.quantile(paths[:, -1] - paths.min(axis=1), share))


def _no_number(table: RunTable) -> Finding:
    return Finding(
        "divergence",
        "problem",
        both("No loss in this log is a finite number.", "이 로그에는 유한한 손실 값이 하나도 없습니다."),
        {"losses": 0},
    )
