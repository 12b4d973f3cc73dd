"""How fast the run went, and where it lost time."""

import math
from typing import Any

import numpy as np

from isang.runs.finding import LANGUAGES, Finding, RunContext, both, plain
from isang.runs.read import table as t
from isang.runs.read.table import Floats, Integers, RunTable
from isang.runs.statistics.run_statistics import duration_seconds
from isang.runs.text.writing import counted, duration, number

STALL = 10.0
"""A gap of this many typical step times (and at least ten seconds) is a stall."""
SLOW_EPOCH = 1.25
LOST_SECONDS, LOST_PART = 60.0, 0.05
"""Stalls and slow epochs that cost less than a minute, or less than this part of the run, are facts and no problem."""


WAITING = 0.3
"""Waiting for data, or evaluation, that takes this part of the time (and LOST_SECONDS) is a problem."""


def throughput(table: RunTable, context: RunContext) -> Finding:
    """Speed, stalls, slow epochs, waiting for data, evaluation. A problem only where time is lost worth having back."""
    steps, seconds, each = _step_seconds(table)
    shares = _shares(table, context, seconds)
    if len(seconds) < 5 and not shares:
        return Finding(
            "throughput",
            "not_applicable",
            both(
                "The log holds no times to compute the speed from.",
                "속도를 알 수 있는 시각이 로그에 없습니다.",
            ),
            {"times": len(seconds)},
        )
    evidence = {**(_speed(table, context, steps, seconds, each) if len(seconds) >= 5 else {}), **shares}
    facts = [_speed_in_words(evidence, table)] if len(seconds) >= 5 else []
    lost = evidence.get("stalled_seconds", 0.0) + evidence.get("slow_seconds", 0.0)
    remedies = []
    whole = float((seconds * each).sum())
    if lost >= max(LOST_SECONDS, LOST_PART * whole):
        share = 100 * lost / whole
        facts.append((
            f"Stalls and slow epochs took {duration(lost, 'en')}, {share:.0f} % of the time",
            f"멈춤과 느린 에폭에 {duration(lost, 'ko')}, 전체 시간의 {share:.0f} %가 들었습니다",
        ))  # fmt: skip
        remedies.append(_ELSE)
    for key, (en, ko, remedy) in _SHARES.items():
        part = shares.get(f"{key}_share", 0.0)
        if part >= WAITING and shares[f"{key}_seconds"] >= LOST_SECONDS:
            facts.append((en.format(part=f"{100 * part:.0f} %"), ko.format(part=f"{100 * part:.0f} %")))
            remedies.append(remedy)
    if not remedies:
        facts.append((
            "Nothing that would be worth a search for lost time", "잃어버린 시간을 찾아볼 만한 점이 없습니다",
        ))  # fmt: skip
    statement = both(*(". ".join(sentences) + "." for sentences in zip(*facts, strict=True)))
    if not remedies:
        return Finding("throughput", "ok", statement, evidence)
    remedy = {language: " ".join(remedy[language] for remedy in remedies) for language in LANGUAGES}
    return Finding("throughput", "problem", statement, evidence, remedy)


_ELSE = both(
    "Look at what else ran then: data loading, checkpoints, other jobs on the machine.",
    "그때 무엇이 함께 실행되었는지(데이터 로딩, 체크포인트, 다른 작업) 확인해 보십시오.",
)
_SHARES = {
    "data_wait": (
        "{part} of each step is waiting for data",
        "각 스텝의 {part}가 데이터를 기다리는 시간입니다",
        both(
            "Test more loader workers, prefetching, faster storage, or data that is prepared once beforehand.",
            "데이터 로더의 작업자를 늘리거나, 미리 읽기, 더 빠른 저장 장치, 사전 전처리를 시험해 보십시오.",
        ),
    ),
    "evaluation": (
        "Evaluation takes {part} of the time",
        "평가에 전체 시간의 {part}가 쓰입니다",
        both(
            "Test a rarer evaluation, a smaller held-out set or a larger batch for it.",
            "평가 횟수를 줄이거나, 평가 데이터를 줄이거나, 평가 배치를 키워 보십시오.",
        ),
    ),
}
"""What may take a part of the time: the sentence in both languages, and what to try."""


def _shares(table: RunTable, context: RunContext, seconds: Floats) -> dict[str, float]:
    """Seconds of waiting for data and of evaluation, and their shares of the time, if logged."""
    found: dict[str, float] = {}
    data = table.column(t.DATA_SECONDS)
    known = np.isfinite(data) & (data >= 0)
    if known.sum() >= 5:
        step = table.column(t.STEP_SECONDS)
        both_known = known & np.isfinite(step) & (step > 0)
        if both_known.sum() >= 5:
            waited, took = float(data[both_known].sum()), float(step[both_known].sum())
            took = took + waited if waited > took else took  # a step's own time, without the waiting
        else:
            waited, took = float(data[known].mean()), float(seconds.mean()) if len(seconds) else 0.0
        if took > 0:
            found["data_wait_share"] = min(waited / took, 1.0)
            found["data_wait_seconds"] = float(data[known].mean()) * (context.statistics["steps"] or int(known.sum()))
    evaluation = table.column(t.EVALUATION_SECONDS)
    evaluated = evaluation[np.isfinite(evaluation) & (evaluation >= 0)]
    whole = table.facts.get("train_seconds") or duration_seconds(table) or 0.0
    if len(evaluated) and whole >= evaluated.sum() > 0:
        found["evaluation_seconds"] = float(evaluated.sum())
        found["evaluation_share"] = float(evaluated.sum() / whole)
    return found


def _speed(table: RunTable, context: RunContext, steps: Integers, seconds: Floats, each: Integers) -> dict[str, Any]:
    """The known facts about the speed, as evidence; `seconds` is the time per step up to each of `steps`.

    `each` is the number of steps that a value covers.
    """
    typical, mean = _typical(seconds, each), float((seconds * each).sum() / each.sum())
    slow_steps = (seconds > STALL * max(typical, 1e-9)) & (seconds * each > max(10.0, _resolution(seconds * each)))
    slow_rows = np.flatnonzero(slow_steps)
    between = _between_epochs(table, steps[slow_rows])
    stalled, pauses = slow_rows[~between], slow_rows[between]
    epochs = _epoch_seconds(table, context, mean)
    usual = float(np.median([e["seconds"] for e in epochs])) if epochs else None
    slow = [e for e in epochs if usual and len(epochs) >= 3 and e["seconds"] > SLOW_EPOCH * usual]
    stalled_seconds = float(((seconds[stalled] - typical) * each[stalled]).sum())
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
            "stalls": [{"step": int(steps[i]), "seconds": float(seconds[i] * each[i])} for i in stalled[:50]],
            "stall_count": len(stalled),
            "stalled_seconds": stalled_seconds,
            "pauses_between_epochs": len(pauses),
            "pause_seconds": float((seconds[pauses] * each[pauses]).sum()),
            "threshold": STALL,
        }
    )
    return evidence


def _resolution(gaps: Floats) -> float:
    """A little over one tick of a clock that stands still between most rows, in seconds; 0 of one that never does."""
    moved = gaps[gaps > 0]
    return 1.5 * float(np.median(moved)) if len(moved) and 2 * len(moved) < len(gaps) else 0.0


def _typical(seconds: Floats, each: Integers) -> float:
    """The median time of all steps; lines in immediate succession cover few steps."""
    if each.min() == each.max():
        return float(np.median(seconds))
    order = np.argsort(seconds)
    done = np.cumsum(each[order])
    return float(seconds[order[np.searchsorted(done, done[-1] / 2)]])


def _speed_in_words(evidence: dict[str, Any], table: RunTable) -> tuple[str, str]:
    if table.counts_epochs:
        typical = evidence["median_seconds_per_step"]
        en, ko = [f"{duration(typical, 'en')} per epoch"], [f"에폭당 {duration(typical, 'ko')}"]
    else:
        en = [f"{number(evidence['steps_per_second'])} steps per second"]
        ko = [f"초당 {number(evidence['steps_per_second'])} 스텝"]
    if not table.counts_epochs and (usual := evidence["seconds_per_epoch"]):
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


def _step_seconds(table: RunTable) -> tuple[Integers, Floats, Integers]:
    """Steps, the seconds that one step took up to there, and the number of steps that this is a mean of."""
    steps, values = table.points(t.STEP_SECONDS)
    good = np.isfinite(values) & (values >= 0)
    if good.sum() >= 5:
        return steps[good], values[good], np.ones(int(good.sum()), dtype=np.int64)
    steps, times = table.points(t.TIME)
    if len(times) < 6:
        return steps[:0], times[:0], steps[:0]
    times = np.diff(times)  # under its old name, which sets the times free
    gaps = np.diff(steps)
    times /= np.maximum(gaps, 1, out=gaps)
    if table.restarts:  # how long a run waits to be resumed says nothing about its speed
        went_on = ~np.isin(steps[1:], [restart.step_after for restart in table.restarts])
        return steps[1:][went_on], times[went_on], gaps[went_on]
    return steps[1:], times, gaps


def _between_epochs(table: RunTable, steps: Any) -> Any:
    """Whether each of the steps is the first one of an epoch, shape of `steps`."""
    rows = np.searchsorted(table.step, steps)
    epoch = table.epoch[rows]
    before = table.epoch[np.maximum(rows - 1, 0)]
    return (epoch != before) & ~np.isnan(epoch) & ~np.isnan(before)


def _epoch_seconds(table: RunTable, context: RunContext, mean: float) -> list[dict[str, Any]]:
    """Seconds per epoch: the log's own, else from the times of its rows, scaled to the epoch's steps."""
    stated = [line for line in table.epoch_lines if math.isfinite(line.seconds)]
    size = context.statistics["batches_per_epoch"] or 1
    if len(stated) >= 2 and float(np.median([line.seconds for line in stated])) > size * mean / 2:
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
