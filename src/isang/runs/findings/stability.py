"""How rough the curve is: spikes, and whether the noise grows."""

from dataclasses import replace
from typing import Any

import numpy as np

from isang.runs.finding import Finding, Language, RunContext, both, plain, too_few
from isang.runs.findings.journal.training_internals import huge_updates, ordered_data, still_parts, with_faults
from isang.runs.findings.progress.inapplicable import inapplicable
from isang.runs.findings.progress.opponents import opponent_faults
from isang.runs.findings.progress.policy import policy_faults
from isang.runs.findings.progress.stages import change_at
from isang.runs.read import table as t
from isang.runs.read.table import Floats, RunTable
from isang.runs.statistics.noise import robust_spread, trend
from isang.runs.statistics.spikes import FEWEST, Spikes, find_spikes, positions
from isang.runs.text.writing import counted

SHOWN = 50
"""Spikes listed one by one, the highest first."""
OFTEN = 1e-3
"""More tall recovered spikes than this per loss (and more than two) are a problem."""
TALL, TALL_OF_GAIN = 0.1, 0.02
"""A spike is tall if it rises by more than these parts of the smoothed loss there and of the run's whole gain. Lower
ones that recover cost nothing, and a tenth of a loss that has fallen to a thousandth is negligible."""
LASTING = 0.2
"""A spike that does not recover at once counts from this part of the height of a tall one."""
MOST_SIGMA = 20.0
"""A threshold of more standard deviations than this is no measure that tells a reader anything."""
FEWEST_FOR_STABILITY = 140
LEAST_NOISE = 1.0
"""Noise that peaks below this percentage of the loss's level is not instability, however it grew."""
GROWTH = 1.5
"""Noise that grows by this factor relative to the loss's level is a problem."""


def spikes(table: RunTable, context: RunContext) -> Finding:
    """Single losses far above the running median, with a threshold for the tail that the noise has."""
    if (aside := _no_curve("spikes", table, context)) is not None:
        return aside
    found = find_spikes(context.loss)
    if found is None:
        return too_few("spikes", context, FEWEST)
    found = replace(found, found=tuple(spike for spike in found.found if change_at(context, spike.start) is None))
    listed = _listed(table, context, found)
    kinds = {kind: sum(s.kind == kind for s in found.found) for kind in ("recovered", "lingering", "divergent")}
    height = _in_tall_ones(context, found)
    tall = int((height > 1).sum())
    lasting = {kind: sum(s.kind == kind and h > LASTING for s, h in zip(found.found, height, strict=True))
               for kind in ("lingering", "divergent")}  # fmt: skip
    evidence = plain(
        {
            "count": len(found.found),
            **kinds,
            "tall": tall,
            "lasting_and_high": sum(lasting.values()),
            "threshold": found.threshold,
            "tail_degrees": found.tail_degrees,
            "logarithmic": found.logarithmic,
            "above_5_sigma": found.beyond_five[0],
            "below_5_sigma": found.beyond_five[1],
            "unit": "robust standard deviations above the running median",
            "spikes": listed,
            "listed": len(listed),
        }
    )
    count, n = len(found.found), len(context.loss)
    if not count:
        return Finding("spikes", "ok", _none_in_words(found.threshold), evidence)
    statement = _spikes_in_words(
        evidence, int(context.steps[min(s.position if s.kind == "recovered" else s.start for s in found.found)])
    )
    if lasting["divergent"] or lasting["lingering"] > 0.0002 * n + 1 or tall > max(2, OFTEN * n):
        return Finding(
            "spikes",
            "problem",
            statement,
            evidence,
            both(
                "Test gradient clipping, a lower peak rate or a longer warm-up, and look at the batches of "
                "these steps.",
                "기울기 클리핑, 더 낮은 최고 학습률, 더 긴 워밍업을 시험하고 해당 스텝의 배치를 확인해 보십시오.",
            ),
        )
    return Finding("spikes", "ok", statement, evidence)


def _no_curve(finding: str, table: RunTable, context: RunContext) -> Finding | None:
    """`not_applicable` if there is no loss curve."""
    name = context.judged_name
    if name is None:
        return inapplicable(finding, context)
    return Finding(
        finding,
        "not_applicable",
        both(
            f"{name} is judged, which is no loss; this looks at the noise of a loss.",
            f"손실이 아닌 {name} 값으로 판단하는 실행입니다. 이 판정은 손실의 잡음을 봅니다.",
        ),
        {"series": name},
    )


def _in_tall_ones(context: RunContext, found: Spikes) -> Floats:
    """The rise of each spike as a multiple of the smallest rise that counts as tall there."""
    smooth = context.smooth
    gain = max(float(smooth[0] - smooth.min()), 0.0)
    least = np.maximum(TALL * np.abs(smooth[positions(found)]), TALL_OF_GAIN * gain)
    return np.array([spike.rise for spike in found.found]) / np.maximum(least, 1e-300)


def _none_in_words(threshold: float) -> dict[Language, str]:
    if threshold > MOST_SIGMA:
        return both(
            "No spikes: no loss stands out from the others, whose noise now and then reaches far above the curve.",
            "스파이크가 없습니다. 잡음이 이따금 곡선 위로 크게 벗어나며, 그보다 더 두드러진 손실은 없습니다.",
        )
    limit = f"{threshold:.1f} σ"
    return both(
        f"No spikes: no loss lies more than {limit} above the running median, the threshold for noise with this tail.",
        f"스파이크가 없습니다. 이 잡음의 꼬리에 맞춘 임계값 {limit}을(를) 넘어 이동 중앙값 위로 벗어난 손실이 "
        "없습니다.",
    )


def _spikes_in_words(evidence: dict[str, Any], first: int) -> dict[Language, str]:
    limit, count = f"{evidence['threshold']:.1f} σ", evidence["count"]
    limit_en, limit_ko = f"above {limit}", f"{limit}을(를) 넘는"
    if evidence["threshold"] > MOST_SIGMA:  # the noise is next to nothing, or its tail is long: σ says little
        limit_en, limit_ko = "far above the noise", "잡음보다 훨씬 높은"
    part, gain = f"{100 * TALL:.0f} %", f"{100 * TALL_OF_GAIN:.0f} %"
    recovered, lingering, divergent, tall = (evidence[key] for key in ("recovered", "lingering", "divergent", "tall"))
    return both(
        f"{counted(count, 'spike')} {limit_en}: {recovered:,} recovered, {lingering:,} lingering, {divergent:,} "
        f"divergent; {tall:,} of them rise by more than {part} of the loss and {gain} of all that the run gained. The "
        f"first is at step {first:,}.",
        f"{limit_ko} 스파이크가 {count:,}개입니다. 회복 {recovered:,}개, 지속 {lingering:,}개, 발산 "
        f"{divergent:,}개이며, 그중 {tall:,}개는 손실의 {part} 및 전체 감소 폭의 {gain}를 넘게 올랐습니다. 첫 번째는 "
        f"스텝 {first:,}입니다.",
    )


def _listed(table: RunTable, context: RunContext, found: Spikes) -> list[dict[str, Any]]:
    """The highest spikes, each with its gradient norm's company where that is logged."""
    logged = table.has(t.GRADIENT_NORM)
    norm = table.column(t.GRADIENT_NORM)[context.rows] if logged else np.zeros(0)
    known = norm[np.isfinite(norm)]
    limit = float(np.median(known) + 5 * robust_spread(known)) if len(known) else float("nan")
    return [
        {
            "step": int(context.steps[spike.position]),
            "loss": float(context.loss[spike.position]),
            "height": spike.height,
            "length": spike.length,
            "kind": spike.kind,
            "gradient_norm_high": bool(norm[spike.position] > limit)
            if logged and not np.isnan(norm[spike.position])
            else None,
        }
        for spike in sorted(found.found, key=lambda spike: -spike.height)[:SHOWN]
    ]


def stability(table: RunTable, context: RunContext) -> Finding:
    """Does the noise grow, does a part of the model stand still, does the loss follow the order of the data?"""
    if (aside := _no_curve("stability", table, context)) is not None:
        return with_faults(aside, policy_faults(context) + opponent_faults(context))
    faults = [
        fault for fault in (still_parts(table), huge_updates(table), ordered_data(table, context)) if fault is not None
    ]
    return with_faults(_noise_growth(context), faults)


def _noise_growth(context: RunContext) -> Finding:
    """The trend of the logarithm of block spreads relative to the level, after the first tenth."""
    n = len(context.loss)
    if context.table.loss == t.RUNNING_MEAN:
        return Finding("stability", "not_applicable", _RUNNING_MEANS, {"losses": n})
    if n < FEWEST_FOR_STABILITY:
        return too_few("stability", context, FEWEST_FOR_STABILITY)
    spread, level = _spreads(context)
    relative = spread / level
    found = trend(np.log(relative)) if len(relative) >= 12 else None
    if found is None:
        statement = both(
            "The losses hardly vary from step to step, or are printed with too few digits, to judge their noise.",
            "손실의 스텝 간 변동이 거의 없거나 출력 자릿수가 부족하여 잡음을 판단할 수 없습니다.",
        )
        return Finding("stability", "cannot_tell", statement, {"losses": n})
    factor, low, high = (float(np.exp(np.clip(x, -50, 50))) for x in (found.change, found.low, found.high))
    percent = 100 * float(np.median(relative))
    last = 100 * float(np.median(relative[-max(len(relative) // 5, 3) :]))
    grown = trend(np.log(spread))
    itself, least = (float(np.exp(np.clip(x, -50, 50))) for x in ((grown.change, grown.low) if grown else (0.0, 0.0)))
    evidence = plain(
        {
            "noise_percent_of_level": percent, "noise_percent_at_the_end": last, "growth_factor": factor,
            "growth_factor_in_itself": itself, "growth_in_itself_at_least": least,
            "interval": [low, high], "interval_percent": 96,
            "threshold": GROWTH, "first_step": int(context.steps[n // 10]), "last_step": int(context.steps[-1]),
        }
    )  # fmt: skip
    en, ko = (part.format(percent=percent, factor=factor, low=low, high=high) for part in _GROWTH)
    if (
        low <= GROWTH or least <= 1.0 or last < LEAST_NOISE
    ):  # noise that stays while the level falls is what small losses are like
        statement = both(f"{en}: no sign of growing instability.", f"{ko}. 불안정해지는 징후가 없습니다.")
        return Finding("stability", "ok", statement, evidence)
    return Finding(
        "stability",
        "problem",
        both(f"{en}: training became less stable.", f"{ko}. 학습이 점점 불안정해졌습니다."),
        evidence,
        both(
            "Test a larger batch or a lower rate for the later part of the run.",
            "실행 후반에 더 큰 배치나 더 낮은 학습률을 시험해 보십시오.",
        ),
    )


_RUNNING_MEANS = both(
    "The log holds running means since the start of each epoch: how much they vary shows how many losses they are "
    "means of, not how noisy the training is.",
    "로그에 에폭 시작부터의 누적 평균만 있습니다. 누적 평균의 변동은 학습의 잡음이 아니라 평균에 들어간 손실의 개수를 "
    "나타냅니다.",
)
_GROWTH = (
    "The noise of the loss is {percent:.1f} % of its level; over the run it changed by a factor of {factor:.2f} "
    "({low:.2f} … {high:.2f})",
    "손실의 잡음은 수준의 {percent:.1f} %이며, 실행 동안 {factor:.2f}배({low:.2f} … {high:.2f})로 변했습니다",
)


def _spreads(context: RunContext) -> tuple[Floats, Floats]:
    """Robust spread around the smoothed loss and level, of about 120 blocks; those without any spread left out."""
    n = len(context.loss)
    later = n - n // 10
    size = max(10, later // 120)
    count = later // size
    smooth = context.smooth[n - count * size :].reshape(count, size)
    loss = context.loss[n - count * size :].reshape(count, size)
    level = np.maximum(np.abs(smooth.mean(axis=1)), 1e-12)
    spread = np.array([robust_spread(block - curve) for block, curve in zip(loss, smooth, strict=True)])
    return spread[spread > 0], level[spread > 0]
