"""Where the run could have stopped."""

from typing import Any

import numpy as np

from isang.runs.finding import Finding, RunContext, both, plain
from isang.runs.findings.generalisation import validation_points
from isang.runs.read.table import Floats, RunTable
from isang.runs.statistics.noise import around_curve, robust_spread
from isang.runs.statistics.overfitting_rise import after_descent
from isang.runs.statistics.run_statistics import duration_seconds
from isang.runs.text.writing import duration, number

LATE = 0.7
"""A validation loss that is as good as its best before this part of the run makes the rest a waste."""
WORTH_SECONDS = 600.0
"""A waste of less than this is a fact and no problem; where the log has no times, any waste counts."""


def stopping_point(table: RunTable, context: RunContext) -> Finding:
    """The earliest epoch within one noise unit of the best, and Prechelt's criteria (1998)."""
    points = _stopping_points(table, context)
    if points is None or len(points["values"]) < 3:
        return Finding(
            "stopping_point",
            "cannot_tell",
            both(
                "Fewer than three epochs (or validations) were logged: there are no stopping points to compare.",
                "에폭(또는 검증)이 세 번보다 적게 기록되어 비교할 종료 지점이 없습니다.",
            ),
            {"points": 0},
        )
    values, steps, labels = points["values"], points["steps"], points["labels"]
    best = int(np.argmin(values))
    enough = int(np.flatnonzero(values <= values[best] + points["noise"])[0])
    seconds = duration_seconds(table)
    span = float(steps[-1] - points["start"]) or 1.0
    saved = None if seconds is None else seconds * float(steps[-1] - steps[enough]) / span
    late = points["held_out"] and labels[enough] < LATE * labels[-1] and (saved is None or saved >= WORTH_SECONDS)
    evidence = plain(
        {
            "judged_by": "validation loss" if points["held_out"] else "training loss",
            "best": float(values[best]),
            "best_at": labels[best],
            "best_step": int(steps[best]),
            "noise_unit": points["noise"],
            "earliest_within_noise": labels[enough],
            "earliest_step": int(steps[enough]),
            "loss_there": float(values[enough]),
            "seconds_saved": saved,
            "hours_saved": None if saved is None else saved / 3600,
            "loss_cost": float(values[enough] - values[-1]),
            "unit": points["unit"],
            "kept_epoch": table.facts.get("best_epoch"),
            "prechelt": _prechelt(context, values, labels),
        }
    )
    return _worded(evidence, at_the_end=enough >= len(values) - 1, late=bool(late))


def _worded(evidence: dict[str, Any], *, at_the_end: bool, late: bool) -> Finding:
    held_out, noise = evidence["judged_by"] == "validation loss", number(evidence["noise_unit"])
    base_en, base_ko = (
        ("validation loss", "검증 손실을 기준으로")
        if held_out
        else (
            "training loss alone (no validation loss was logged, so this says nothing about generalisation)",
            "학습 손실만을 기준으로(검증 손실이 기록되지 않아 일반화에 대해서는 말할 수 없음)",
        )
    )
    if at_the_end:
        statement = both(
            f"Judged by the {base_en}, no earlier point was within one noise unit ({noise}) of the "
            "best: the run did "
            "not go on for too long.",
            f"{base_ko} 보면, 최저값의 잡음 단위({noise}) 이내에 더 일찍 도달한 지점이 없습니다. "
            "실행이 지나치게 "
            "길지 않았습니다.",
        )
        return Finding("stopping_point", "ok", statement, evidence)
    label = f"{evidence['earliest_within_noise']:,}"
    where_en, where_ko = f"{evidence['unit']} {label}", f"{'에폭' if evidence['unit'] == 'epoch' else '스텝'} {label}"
    saved, cost = evidence["seconds_saved"], number(evidence["loss_cost"])
    saved_en = f", saving {duration(saved, 'en')}" if saved else ""
    saved_ko = f" {duration(saved, 'ko')}을(를) 절약했을 것이며," if saved else ""
    kept = evidence["kept_epoch"]
    kept_en = f" The weights that were kept are those of epoch {kept}." if kept else ""
    kept_ko = f" 보관된 가중치는 에폭 {kept}의 것입니다." if kept else ""
    statement = both(
        f"Judged by the {base_en}, stopping at {where_en} would have come within one noise unit "
        f"({noise}) of the "
        f"best{saved_en}, at a cost of {cost} in loss.{kept_en}",
        f"{base_ko} 보면, {where_ko}에서 멈추었어도 최저값과의 차이가 잡음 단위({noise}) "
        f"이내였습니다.{saved_ko} 손실 "
        f"차이는 {cost}입니다.{kept_ko}",
    )
    if not late:
        return Finding("stopping_point", "ok", statement, evidence)
    remedy = both(
        f"Test early stopping with a patience that would have stopped near {where_en}.",
        f"{where_ko} 부근에서 멈추도록 조기 종료의 인내값(patience)을 시험해 보십시오.",
    )
    return Finding("stopping_point", "problem", statement, evidence, remedy)


def _stopping_points(table: RunTable, context: RunContext) -> dict[str, Any] | None:
    """The values to stop by (validations, else epoch means), their steps and labels, and one unit of their noise."""
    start = int(table.step[0]) if len(table.step) else 0
    steps, values = validation_points(table)
    if len(values) >= 3:
        residual, removed = around_curve(after_descent(values), bent=True)
        noise = float(np.sqrt(np.sum(residual**2) / max(len(residual) - removed, 1)))
        bends = robust_spread(np.diff(values, 2)) / 6**0.5  # a few points of a steep curve leave their bend as residual
        noise = min(noise, bends) if len(values) >= 8 else noise
        return {
            "values": values,
            "steps": steps,
            "labels": [int(s) for s in steps],
            "unit": "step",
            "noise": noise,
            "held_out": True,
            "start": start,
        }
    entries = [entry for entry in context.epochs if entry["mean_loss"] is not None and entry["steps"]]
    if len(entries) < 3:
        return None
    blocks, starts = table.epoch_blocks()
    last = [int(table.step[starts[np.flatnonzero(blocks == entry["epoch"])[-1] + 1] - 1]) for entry in entries]
    per_epoch = float(np.median([entry["steps"] for entry in entries]))
    found = context.trend()
    spread = robust_spread(context.loss - context.smooth)
    memory = found.memory if found else 0.0
    noise = spread * float(np.sqrt(max(1 + memory, 0.02) / max(1 - memory, 0.02) / max(per_epoch, 1.0)))
    return {
        "values": np.array([entry["mean_loss"] for entry in entries]),
        "steps": np.array(last),
        "unit": "epoch",
        "labels": [entry["epoch"] for entry in entries],
        "noise": noise,
        "held_out": False,
        "start": start,
    }


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
