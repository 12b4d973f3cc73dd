"""Are the losses numbers at all, and did the run end where it had got to?"""

from typing import Any

import numpy as np

from isang.runs.finding import Finding, RunContext, both, plain, too_few
from isang.runs.read import table as t
from isang.runs.read.table import Floats, RunTable, usable
from isang.runs.statistics.noise import around_curve, autoregression, block_means, simulated
from isang.runs.text.writing import number

_NAMES = {
    t.BATCH_LOSS: ("loss", "손실"),
    t.INTERVAL_LOSS: ("loss", "손실"),
    t.RUNNING_MEAN: ("running mean", "누적 평균"),
    t.VALIDATION_LOSS: ("validation loss", "검증 손실"),
    t.GRADIENT_NORM: ("gradient norm", "기울기 노름"),
}
DIVERGED_PART = 0.1
"""A rise above the best level counts from this part of what the run had gained."""


def finite(table: RunTable, context: RunContext) -> Finding:
    """NaN and infinity in the loss, the validation loss and the gradient norm."""
    found: list[dict[str, Any]] = []
    for name in (table.loss, t.VALIDATION_LOSS, t.GRADIENT_NORM):
        if name in [entry["series"] for entry in found] or name not in table.columns:
            continue
        odd = np.union1d(
            np.flatnonzero(~usable(table.column(name)) & ~np.isnan(table.column(name))),
            table.logged_nan.get(name, np.zeros(0, np.int64)),
        )
        if len(odd):
            last_finite = np.flatnonzero(usable(table.column(name)))
            to_the_end = not len(last_finite) or last_finite[-1] < odd[-1]
            found.append(
                {
                    "series": name,
                    "count": len(odd),
                    "first_step": int(table.step[odd[0]]),
                    "last_step": int(table.step[odd[-1]]),
                    "until_the_end": bool(to_the_end),
                }
            )
    losses = len(context.loss)
    if not found:
        return Finding(
            "finite",
            "ok",
            both(
                f"All {losses:,} logged losses are finite numbers.", f"기록된 손실 {losses:,}개가 모두 유한한 수입니다."
            ),
            {"losses": losses, "series": []},
        )
    first = found[0]
    en, ko = _NAMES.get(str(first["series"]), ("loss", "손실"))
    lasting = first["until_the_end"]
    tail_en = "and never becomes a number again" if lasting else "and recovers later"
    tail_ko = "그 뒤로 다시 유한한 수가 되지 않습니다" if lasting else "이후 회복됩니다"
    return Finding(
        "finite",
        "problem",
        both(
            f"The {en} is NaN or infinite at {first['count']:,} steps: first at step "
            f"{first['first_step']:,}, {tail_en}.",
            f"{ko}이(가) {first['count']:,}개 스텝에서 NaN 또는 무한대입니다. 스텝 "
            f"{first['first_step']:,}에서 처음 나타나며 {tail_ko}.",
        ),
        plain({"losses": losses, "series": found}),
        both(
            "Test whether a lower learning rate, a longer warm-up, gradient clipping or full precision "
            "from the step "
            "before keeps the loss finite; look at the batch of that step.",
            "그 직전 스텝부터 학습률을 낮추거나, 워밍업을 늘리거나, 기울기 클리핑 또는 단정밀도(fp32)를 "
            "쓰면 손실이 유한하게 "
            "유지되는지 시험하고, 그 스텝의 배치를 확인해 보십시오.",
        ),
    )


def divergence(table: RunTable, context: RunContext) -> Finding:
    """Did the run end clearly above the best level it had reached?

    Twenty block means; the last one against the lowest one. How far the last lies above the lowest by noise alone is
    simulated from the autoregressive model of the noise around the curve; the threshold is its 99 % quantile.
    """
    if len(context.loss) < 40:
        return too_few("divergence", context, 40) if len(context.loss) else _no_number(table)
    fine = block_means(context.loss, 120)
    fine = fine[len(fine) % 20 :] if len(fine) >= 40 else fine
    size = max(1, len(fine) // 20)
    blocks = fine[len(fine) % size :].reshape(-1, size).mean(axis=1)
    threshold = _rise_by_noise(fine, len(blocks), size)
    lowest = int(np.argmin(blocks))
    rise, gained = float(blocks[-1] - blocks[lowest]), float(max(blocks[0] - blocks[lowest], 0.0))
    step = int(context.steps[min(len(context.steps) - 1, (lowest + 1) * len(context.steps) // len(blocks) - 1)])
    needed = max(threshold, DIVERGED_PART * gained)
    odd = len(table.logged_nan.get(table.loss, ())) > 0 and not np.isfinite(table.column(table.loss)[-1])
    evidence = plain(
        {
            "rise": rise,
            "threshold": needed,
            "noise_quantile_99": threshold,
            "gained": gained,
            "lowest_level": float(blocks[lowest]),
            "last_level": float(blocks[-1]),
            "lowest_around_step": step,
            "ends_without_a_number": bool(odd),
        }
    )
    if rise > needed:
        return Finding(
            "divergence",
            "problem",
            both(
                f"The loss ends at {number(blocks[-1])}, which is {number(rise)} above the lowest level of the "
                "run "
                f"({number(blocks[lowest])}, up to step {step:,}); noise explains at most {number(threshold)}.",
                f"손실이 {number(blocks[-1])}(으)로 끝났습니다. 실행 중 가장 낮았던 "
                f"수준({number(blocks[lowest])}, 스텝 {step:,}까지)보다 "
                f"{number(rise)} 높으며, 잡음으로 설명되는 폭은 최대 {number(threshold)}입니다.",
            ),
            evidence,
            both(
                "Test whether a lower peak rate or stronger clipping from the lowest point on keeps the loss down.",
                "가장 낮았던 지점부터 최고 학습률을 낮추거나 클리핑을 강화하면 손실이 유지되는지 시험해 보십시오.",
            ),
        )
    return Finding(
        "divergence",
        "ok",
        both(
            f"The run did not diverge: its last level {number(blocks[-1])} lies {number(rise)} above its "
            "lowest, "
            f"and {number(needed)} would be needed to call it a rise.",
            f"발산하지 않았습니다. 마지막 수준 {number(blocks[-1])}은(는) 최저 수준보다 {number(rise)} "
            "높으며, "
            f"상승으로 보려면 {number(needed)}이(가) 필요합니다.",
        ),
        evidence,
    )


def _rise_by_noise(fine: Floats, blocks: int, size: int) -> float:
    """How far the last of `blocks` means of `size` values lies above the lowest one in 99 % of flat noise."""
    residual, removed = around_curve(fine)
    memory = autoregression(residual, removed=removed)
    paths = simulated(memory, blocks * size, 400, np.random.default_rng(0)).reshape(400, blocks, size).mean(axis=2)
    return float(np.quantile(paths[:, -1] - paths.min(axis=1), 0.99))


def _no_number(table: RunTable) -> Finding:
    return Finding(
        "divergence",
        "problem",
        both("No loss in this log is a finite number.", "이 로그에는 유한한 손실 값이 하나도 없습니다."),
        {"losses": 0},
    )
