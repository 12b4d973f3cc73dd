"""How fast the run went, and where it lost time."""

import math
from typing import Any

import numpy as np

from isang.runs.finding import Finding, RunContext, both, plain
from isang.runs.read import table as t
from isang.runs.read.table import Floats, Integers, RunTable
from isang.runs.text.writing import counted, duration, number

STALL = 10.0
"""A gap of this many typical step times (and at least ten seconds) is a stall."""
SLOW_EPOCH = 1.25
LOST_SECONDS, LOST_PART = 60.0, 0.05
"""Stalls and slow epochs that cost less than a minute, or less than this part of the run, are facts and no problem."""


def throughput(table: RunTable, context: RunContext) -> Finding:
    """Steps per second, stalls, slow epochs. A problem only where they cost a part of the run worth having back."""
    steps, seconds = _step_seconds(table)
    if len(seconds) < 5:
        return Finding(
            "throughput",
            "not_applicable",
            both(
                "The log holds no times from which the speed could be told.",
                "속도를 알 수 있는 시각이 로그에 없습니다.",
            ),
            {"times": len(seconds)},
        )
    evidence = _speed(table, context, steps, seconds)
    facts_en, facts_ko = _speed_in_words(evidence)
    least = max(LOST_SECONDS, LOST_PART * float(seconds.sum()))
    if evidence["stalled_seconds"] + evidence["slow_seconds"] < least:
        statement = both(
            f"{facts_en}. Nothing that would be worth a search for lost time.",
            f"{facts_ko}. 잃어버린 시간을 찾아볼 만한 점이 없습니다.",
        )
        return Finding("throughput", "ok", statement, evidence)
    lost = evidence["stalled_seconds"] + evidence["slow_seconds"]
    share = 100 * lost / float(seconds.sum())
    return Finding(
        "throughput",
        "problem",
        both(
            f"{facts_en}. Together that took {duration(lost, 'en')}, {share:.0f} % of the time.",
            f"{facts_ko}. 모두 합쳐 {duration(lost, 'ko')}, 전체 시간의 {share:.0f} %입니다.",
        ),
        evidence,
        both(
            "Look at what else ran then: data loading, checkpoints, other jobs on the machine.",
            "그때 무엇이 함께 실행되었는지(데이터 로딩, 체크포인트, 다른 작업) 확인해 보십시오.",
        ),
    )


def _speed(table: RunTable, context: RunContext, steps: Integers, seconds: Floats) -> dict[str, Any]:
    """What is known about the speed, as evidence; `seconds` is what each of `steps` took."""
    typical, mean = float(np.median(seconds)), float(seconds.mean())
    slow_steps = (seconds > STALL * max(typical, 1e-9)) & (seconds > 10.0)
    slow_rows = np.flatnonzero(slow_steps)
    between = _between_epochs(table, steps[slow_rows])
    stalled, pauses = slow_rows[~between], slow_rows[between]
    epochs = _epoch_seconds(table, context, mean)
    usual = float(np.median([e["seconds"] for e in epochs])) if epochs else None
    slow = [e for e in epochs if usual and len(epochs) >= 3 and e["seconds"] > SLOW_EPOCH * usual]
    stalled_seconds = float((seconds[stalled] - typical).sum())
    excess = sum(e["seconds"] - (usual or 0.0) for e in slow)
    evidence: dict[str, Any] = plain(
        {
            "seconds_per_step": mean,
            "median_seconds_per_step": typical,
            "steps_per_second": 1 / mean if mean > 0 else None,
            "seconds_per_epoch": usual,
            "hours_per_epoch": usual / 3600 if usual else None,
            "slow_epochs": slow,
            "slow_seconds": max(0.0, excess - stalled_seconds),  # a stall makes its epoch slow: counted once
            "epochs": epochs[:200],
            "stalls": [{"step": int(steps[i]), "seconds": float(seconds[i])} for i in stalled[:50]],
            "stall_count": len(stalled),
            "stalled_seconds": stalled_seconds,
            "pauses_between_epochs": len(pauses),
            "pause_seconds": float(seconds[pauses].sum()),
            "threshold": STALL,
        }
    )
    return evidence


def _speed_in_words(evidence: dict[str, Any]) -> tuple[str, str]:
    en, ko = [f"{number(evidence['steps_per_second'])} steps per second"], []
    ko.append(f"초당 {number(evidence['steps_per_second'])} 스텝")
    if usual := evidence["seconds_per_epoch"]:
        en.append(f"{duration(usual, 'en')} per epoch")
        ko.append(f"에폭당 {duration(usual, 'ko')}")
    if count := evidence["stall_count"]:
        en.append(f"{counted(count, 'stall')} of {duration(evidence['stalled_seconds'], 'en')} in all")
        ko.append(f"멈춤 {count:,}회(모두 {duration(evidence['stalled_seconds'], 'ko')})")
    if count := len(evidence["slow_epochs"]):
        en.append(f"{counted(count, 'epoch')} more than {SLOW_EPOCH:g} times slower than usual")
        ko.append(f"평소보다 {SLOW_EPOCH:g}배 넘게 느린 에폭 {count:,}개")
    if count := evidence["pauses_between_epochs"]:
        each = evidence["pause_seconds"] / count
        en.append(f"{counted(count, 'pause')} of about {duration(each, 'en')} between epochs")
        ko.append(f"에폭 사이 약 {duration(each, 'ko')}의 휴지 {count:,}회")
    return ", ".join(en), ", ".join(ko)


def _step_seconds(table: RunTable) -> tuple[Any, Floats]:
    """Steps and the seconds that one step took up to there."""
    steps, values = table.points(t.STEP_SECONDS)
    good = np.isfinite(values) & (values >= 0)
    if good.sum() >= 5:
        return steps[good], values[good]
    steps, times = table.points(t.TIME)
    if len(times) < 6:
        return steps[:0], times[:0]
    times = np.diff(times)  # under its old name, which sets the times free
    gaps = np.diff(steps)
    times /= np.maximum(gaps, 1, out=gaps)
    return steps[1:], times


def _between_epochs(table: RunTable, steps: Any) -> Any:
    """Whether each of the steps is the first one of an epoch, shape of `steps`."""
    rows = np.searchsorted(table.step, steps)
    epoch = table.epoch[rows]
    before = table.epoch[np.maximum(rows - 1, 0)]
    return (epoch != before) & ~np.isnan(epoch) & ~np.isnan(before)


def _epoch_seconds(table: RunTable, context: RunContext, mean: float) -> list[dict[str, Any]]:
    """Seconds per epoch: the log's own, else from the times of its rows, scaled to the epoch's steps."""
    stated = [line for line in table.epoch_lines if math.isfinite(line.seconds)]
    if len(stated) >= 2:
        return [{"epoch": line.epoch, "seconds": line.seconds} for line in stated]
    times = table.column(t.TIME)
    if np.isnan(times).all() or np.isnan(table.epoch).all():
        size = context.statistics["batches_per_epoch"]
        return [{"epoch": e["epoch"], "seconds": size * mean} for e in context.epochs[:1]] if size else []
    result = []
    for entry in context.epochs:
        rows = np.flatnonzero((table.epoch == entry["epoch"]) & ~np.isnan(times))
        if len(rows) >= 2 and table.step[rows[-1]] > table.step[rows[0]]:
            took = times[rows[-1]] - times[rows[0]]
            size = context.statistics["batches_per_epoch"] or (table.step[rows[-1]] - table.step[rows[0]] + 1)
            if table.step[rows[-1]] - table.step[rows[0]] >= 0.5 * size:
                result.append(
                    {
                        "epoch": entry["epoch"],
                        "seconds": float(took / (table.step[rows[-1]] - table.step[rows[0]]) * size),
                    }
                )
    return result
