"""Where the run could have stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from isang.runs.finding import Finding, Language, RunContext, both, plain
from isang.runs.findings.generalisation import validation_points
from isang.runs.findings.progress.descent import learned_nothing
from isang.runs.findings.progress.inapplicable import inapplicable
from isang.runs.read.series_names import is_reward
from isang.runs.read.table import Floats, Integers, RunTable, usable
from isang.runs.statistics.noise import around_curve, robust_spread
from isang.runs.statistics.overfitting_rise import after_descent
from isang.runs.statistics.run_statistics import duration_seconds
from isang.runs.text.writing import duration, number

FEWEST = 3
TRAINING = "training loss"
LATE = 0.7
"""A validation loss that is as good as its best before this part of the run makes the rest a waste."""
WORTH_SECONDS = 600.0
"""A waste of less than this is mentioned but not a problem; if the log has no times, any waste counts."""


LOST, CLEAR_GAIN, FEWEST_TO_LOSE = 0.5, 10.0, 20
"""A metric that ends with more than this part of its gain lost is a problem, from a gain of this many noise units and
this many values on."""


@dataclass(frozen=True)
class Points:
    """K values to stop by, better the lower they are, and one unit of their noise."""

    name: str
    """`validation loss`, `training loss`, or the log's own name of a metric."""
    values: Floats
    """Shape K; turned upside down where `sign` is -1."""
    sign: float
    steps: Integers
    labels: list[int]
    """Epochs or steps, as `unit` says."""
    unit: str
    noise: float
    held_out: bool

    @property
    def best(self) -> int:
        """Position of the best value."""
        return int(np.argmin(self.values))

    @property
    def enough(self) -> int:
        """Position of the first value within one noise unit of the best."""
        return int(np.flatnonzero(self.values <= self.values[self.best] + self.noise)[0])

    @property
    def done_early(self) -> bool:
        """The best was as good as reached long before the end; a value that never changes has no best."""
        return bool(np.ptp(self.values) > 0 and self.labels[self.enough] < LATE * self.labels[-1])

    @property
    def lost(self) -> float:
        """Part of the gain of a metric, from its first values to its best, that is lost at the end; 0 if not clear."""
        if self.name in ("validation loss", TRAINING) or len(self.values) < FEWEST_TO_LOSE:
            return 0.0
        tenth = max(3, len(self.values) // 10)
        level = np.median(sliding_window_view(self.values, 3), axis=1)
        lowest, gain = float(level.min()), float(np.median(self.values[:tenth]) - level.min())
        if gain <= CLEAR_GAIN * self.noise:
            return 0.0
        return max(0.0, min(1.0, float(np.median(self.values[-tenth:]) - lowest) / gain))


def _too_few_points() -> Finding:
    return Finding(
        "stopping_point",
        "cannot_tell",
        both(
            "Fewer than three epochs (or validations) were logged: there are no stopping points to compare.",
            "에폭(또는 검증)이 세 번보다 적게 기록되어 비교할 종료 지점이 없습니다.",
        ),
        {"points": 0},
    )


def stopping_point(table: RunTable, context: RunContext) -> Finding:
    """The earliest point within one noise unit of the best, and Prechelt's criteria (1998).

    Judged by the metric where one was logged along the way, else by the validation loss, else by the epochs' means.
    """
    still = context.dead is not None or context.period is not None
    if still and (aside := inapplicable("stopping_point", context)) is not None:
        return aside
    points = context.cached(_points)
    if context.loss_says_nothing and (points is None or points.name == TRAINING):
        return inapplicable("stopping_point", context) or _too_few_points()
    if points is None:
        return _too_few_points()
    values, steps, best, enough = points.values, points.steps, points.best, points.enough
    seconds = duration_seconds(table)
    span = float(steps[-1] - (table.step[0] if len(table.step) else 0)) or 1.0
    saved = None if seconds is None else max(seconds, 0.0) * float(steps[-1] - steps[enough]) / span
    late = points.held_out and points.done_early and (saved is None or saved >= WORTH_SECONDS)
    if (late or points.name == TRAINING) and learned_nothing(context):
        return Finding("stopping_point", "not_applicable", _NOTHING_LEARNED, {"learned": False})
    evidence = plain(
        {
            "judged_by": points.name,
            "held_out": points.held_out,
            "higher_is_better": points.sign < 0,
            "best": points.sign * float(values[best]),
            "best_at": points.labels[best],
            "best_step": int(steps[best]),
            "noise_unit": points.noise,
            "earliest_within_noise": points.labels[enough],
            "earliest_step": int(steps[enough]),
            "loss_there": points.sign * float(values[enough]),
            "seconds_saved": saved,
            "hours_saved": None if saved is None else saved / 3600,
            "loss_cost": max(0.0, float(values[enough] - values[best])),
            "unit": points.unit,
            "lost_part": points.lost,
            "last": points.sign * float(np.median(values[-3:])),
            "kept_epoch": table.facts.get("best_epoch"),
            "lowest_validation_loss": _lowest_validation(table) if points.name == table.metric else None,
            "prechelt": _prechelt(context, values, points.labels),
        }
    )
    return _worded(evidence, at_the_end=enough >= len(values) - 1, late=bool(late))


_NOTHING_LEARNED = both(
    "The run did not get better (see Decrease): where it could have stopped says nothing.",
    "실행이 나아지지 않았으므로(‘감소’ 판정 참조) 종료 지점은 의미가 없습니다.",
)


def held_out_is_done(context: RunContext) -> bool:
    """What was measured on held-out data had come as good as to its best long before the end of the run."""
    points = context.cached(_points)
    return points is not None and points.held_out and points.done_early


def _worded(evidence: dict[str, Any], *, at_the_end: bool, late: bool) -> Finding:
    noise = number(evidence["noise_unit"])
    base_en, base_ko = _base(evidence)
    unit_ko = "에폭" if evidence["unit"] == "epoch" else "스텝"
    best, best_at = number(evidence["best"]), f"{evidence['best_at']:,}"
    beside_en, beside_ko = _beside(evidence)
    if at_the_end:
        statement = both(
            f"Judged by the {base_en}, no earlier point was within one noise unit ({noise}) of the best, {best} at "
            f"{evidence['unit']} {best_at}: the run did not go on for too long.{beside_en}",
            f"{base_ko} 보면, 가장 좋은 값 {best}({unit_ko} {best_at})에서 잡음 단위({noise}) 이내에 더 일찍 도달한 "
            f"지점이 없습니다. 실행이 지나치게 길지 않았습니다.{beside_ko}",
        )
        return Finding("stopping_point", "ok", statement, evidence)
    label = f"{evidence['earliest_within_noise']:,}"
    where_en, where_ko = f"{evidence['unit']} {label}", f"{unit_ko} {label}"
    saved, cost = evidence["seconds_saved"], number(evidence["loss_cost"])
    saved_en = f", saving {duration(saved, 'en')}" if saved else ""
    saved_ko = f" {duration(saved, 'ko')}을(를) 절약했을 것이며," if saved else ""
    kept = evidence["kept_epoch"]
    kept_en = f" The weights that were kept are those of epoch {kept}." if kept else ""
    kept_ko = f" 보관된 가중치는 에폭 {kept}의 것입니다." if kept else ""
    measure_en, measure_ko = ("in it", "값") if evidence["higher_is_better"] else ("in loss", "손실")
    statement = both(
        f"Judged by the {base_en}, stopping at {where_en} would have come within one noise unit ({noise}) of the best, "
        f"{best} at {evidence['unit']} {best_at}{saved_en}, at a cost of {cost} {measure_en}.{kept_en}{beside_en}",
        f"{base_ko} 보면, {where_ko}에서 멈추었어도 가장 좋은 값 {best}({unit_ko} {best_at})과의 차이가 잡음 "
        f"단위({noise}) 이내였습니다.{saved_ko} {measure_ko} 차이는 {cost}입니다.{kept_ko}{beside_ko}",
    )
    if evidence["earliest_step"] == evidence["best_step"]:
        there_en = f" Stopping there would have saved {duration(saved, 'en')}." if saved else ""
        there_ko = f" 그때 멈추었으면 {duration(saved, 'ko')}을(를) 절약했을 것입니다." if saved else ""
        statement = both(
            f"Judged by the {base_en}, the best is {best} at {where_en}, and nothing after it was better.{there_en}"
            f"{kept_en}{beside_en}",
            f"{base_ko} 보면, 가장 좋은 값은 {where_ko}의 {best}이며 그 뒤로 더 나아지지 않았습니다.{there_ko}{kept_ko}"
            f"{beside_ko}",
        )
    if evidence["lost_part"] > LOST:
        return _lost(evidence, statement, where_en, where_ko)
    if not late:
        return Finding("stopping_point", "ok", statement, evidence)
    remedy = both(
        f"Test early stopping with a patience that would have stopped near {where_en}.",
        f"{where_ko} 부근에서 멈추도록 조기 종료의 patience 값을 조정해 보십시오.",
    )
    return Finding("stopping_point", "problem", statement, evidence, remedy)


def _lost(evidence: dict[str, Any], statement: Mapping[Language, str], where_en: str, where_ko: str) -> Finding:
    """The metric was much better along the way than at the end."""
    last, part = number(evidence["last"]), f"{100 * evidence['lost_part']:.0f} %"
    said = both(
        f"{statement['en']} It ends at {last}: {part} of what it had gained is lost again.",
        f"{statement['ko']} 마지막 값은 {last}(으)로, 얻었던 개선의 {part}를 다시 잃었습니다.",
    )
    policy = is_reward(evidence["judged_by"])
    how_en = "stronger clipping or a bound on the change of the policy" if policy else "or more regularisation"
    how_ko = "클리핑을 강화하거나 정책의 변화 폭을 제한하면" if policy else "정규화를 강화하면"
    remedy = both(
        f"Use the checkpoint from near {where_en}, and look at what changed after it: a lower learning rate"
        f"{',' if policy else ''} {how_en} may keep what was learned.",
        f"{where_ko} 부근의 체크포인트를 사용하고 그 뒤에 무엇이 달라졌는지 확인해 보십시오. 학습률을 낮추거나 "
        f"{how_ko} 학습한 것을 유지할 수 있습니다.",
    )
    return Finding("stopping_point", "problem", said, evidence, remedy)


def _base(evidence: dict[str, Any]) -> tuple[str, str]:
    """What the points are judged by, in words."""
    name, higher = evidence["judged_by"], evidence["higher_is_better"]
    if name == "validation loss":
        return "validation loss", "검증 손실을 기준으로"
    if name == TRAINING:
        return (
            "training loss alone (no validation loss was logged, so this says nothing about generalisation)",
            "학습 손실만을 기준으로(검증 손실이 기록되지 않아 일반화에 대해서는 말할 수 없음)",
        )
    better_en, better_ko = ("higher", "높을수록") if higher else ("lower", "낮을수록")
    return f"metric {name} ({better_en} is better)", f"지표 {name}({better_ko} 좋음) 기준으로"


def _beside(evidence: dict[str, Any]) -> tuple[str, str]:
    """Where the validation loss is lowest, in both languages, if the metric decides; else empty."""
    lowest = evidence["lowest_validation_loss"]
    if lowest is None:
        return "", ""
    value, step = number(lowest["loss"]), f"{lowest['step']:,}"
    return (
        f" The validation loss is lowest at step {step}, with {value}.",
        f" 검증 손실은 스텝 {step}에서 {value}(으)로 가장 낮습니다.",
    )


def _lowest_validation(table: RunTable) -> dict[str, Any] | None:
    steps, values = validation_points(table)
    at = int(np.argmin(values)) if len(values) else 0
    return {"step": int(steps[at]), "loss": float(values[at])} if len(values) else None


def _points(context: RunContext) -> Points | None:
    """The values to stop by: the metric, else the validations, else the epochs' means; None below FEWEST."""
    table = context.table
    for name, (steps, values), sign in (
        (table.metric or "", _metric_points(table), -1.0 if table.metric_maximised else 1.0),
        ("validation loss", validation_points(table), 1.0),
    ):
        if len(values) >= FEWEST:
            held_out = name == "validation loss" or _is_held_out(table, name)
            unit = "epoch" if table.counts_epochs else "step"
            turned = sign * values
            return Points(name, turned, sign, steps, steps.tolist(), unit, _noise_of(turned), held_out)
    return _epoch_points(context)


def _is_held_out(table: RunTable, name: str) -> bool:
    return any(metric.held_out for metric in table.metrics if metric.name == name)


def _metric_points(table: RunTable) -> tuple[Integers, Floats]:
    """Steps and values of the finite values of the metric."""
    steps, values = table.points(table.metric) if table.metric else (table.step[:0], np.zeros(0))
    finite = usable(values)
    return steps[finite], values[finite]


def _noise_of(values: Floats) -> float:
    residual, removed = around_curve(after_descent(values), bent=True)
    noise = float(np.sqrt(np.sum(residual**2) / max(len(residual) - removed, 1)))
    bends = robust_spread(np.diff(values, 2)) / 6**0.5  # a few points of a steep curve leave their bend as residual
    return min(noise, bends) if len(values) >= 8 and bends > 0 else noise


def _epoch_points(context: RunContext) -> Points | None:
    """The epochs' means of the judged series."""
    table = context.table
    entries = [entry for entry in context.epochs if entry["mean_loss"] is not None and entry["steps"]]
    if len(entries) < FEWEST:
        return None
    blocks, starts = table.epoch_blocks()
    last = [int(table.step[starts[np.flatnonzero(blocks == entry["epoch"])[-1] + 1] - 1]) for entry in entries]
    per_epoch = float(np.median([entry["steps"] for entry in entries]))
    found = context.trend()
    spread = robust_spread(context.loss - context.smooth)
    memory = found.memory if found else 0.0
    noise = spread * float(np.sqrt(max(1 + memory, 0.02) / max(1 - memory, 0.02) / max(per_epoch, 1.0)))
    sign = -1.0 if table.maximised else 1.0
    name = context.judged_name or TRAINING
    values = sign * np.array([entry["mean_loss"] for entry in entries])
    labels = [int(entry["epoch"]) for entry in entries]
    return Points(name, values, sign, np.array(last), labels, "epoch", noise, held_out=False)


def _prechelt(context: RunContext, values: Floats, labels: list[int]) -> dict[str, Any]:
    """Where GL (generalisation loss over 5 %), PQ (over 0.5 per unit of progress) and UP (three rises) would stop.

    Prechelt, "Early stopping - but when?", 1998. PQ needs the training loss of the epochs.
    """
    lowest = np.minimum.accumulate(values)
    positive = (lowest > 0).all()
    loss_over_best = 100 * (values / lowest - 1) if positive else np.zeros(len(values))
    over = np.flatnonzero(loss_over_best > 5)
    rises = np.diff(values) > 0
    up = next((index + 1 for index in range(2, len(rises)) if rises[index - 2 : index + 1].all()), None)
    progress = [entry["mean_loss"] for entry in context.epochs]
    quotient = None
    if positive and len(progress) == len(values) and None not in progress:
        for index in range(4, len(values)):
            strip = np.array(progress[index - 4 : index + 1])
            gain = 1000 * (strip.mean() / strip.min() - 1)
            if gain > 0 and loss_over_best[index] / gain > 0.5:
                quotient = labels[index]
                break
    return {
        "GL5": labels[over[0]] if len(over) else None,
        "PQ0.5": quotient,
        "UP3": labels[up] if up is not None else None,
    }
