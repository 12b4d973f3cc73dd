"""What surrounds the curve: the first loss, speed, restarts, and what was measured."""

import math
from typing import Any

import numpy as np

from isang.runs import table as t
from isang.runs.findings.base import Context, Finding, both, plain
from isang.runs.findings.inside import hardly_learned, heavy_tail, with_faults
from isang.runs.table import Floats, Integers, RunTable
from isang.runs.writing import counted, duration, number

STALL = 10.0
"""A gap of this many typical step times (and at least ten seconds) is a stall."""
SLOW_EPOCH = 1.25
LOST_SECONDS, LOST_PART = 60.0, 0.05
"""Stalls and slow epochs that cost less than a minute, or less than this part of the run, are facts and no problem."""
SCALE = {"basic": 2.0, "practical": 1.5, "good": 1.0, "best": 0.5}
"""A scale of losses that some reports use. It is shown as that scale; it measures nothing."""


def start_loss(table: RunTable, context: Context) -> Finding:
    """The first losses against ln(vocabulary), the loss of guessing every event alike."""
    size = table.facts.get("vocabulary_size")
    if not size or size < 2:
        return Finding(
            "start_loss",
            "not_applicable",
            both(
                "The log does not say how many classes or events the model chooses from: its first loss cannot "
                "be compared with guessing.",
                "모델이 고르는 클래스나 이벤트의 수가 로그에 없어, 첫 손실을 무작위 추측과 비교할 수 없습니다.",
            ),
            {"vocabulary_size": None},
        )
    if not len(context.loss):
        return Finding("start_loss", "cannot_tell", both("There is no finite loss.", "유한한 손실이 없습니다."), {})
    guess = math.log(size)
    first = float(np.median(context.loss[context.steps <= context.steps[0] + 2]))
    ratio = first / guess
    evidence = plain(
        {
            "vocabulary_size": size,
            "guessing": guess,
            "first_loss": first,
            "ratio": ratio,
            "threshold": [0.5, 1.5],
            "first_step": int(context.steps[0]),
        }
    )
    words_en = f"The first loss is {number(first)}; guessing all {size:,} alike gives ln({size:,}) = {number(guess)}"
    words_ko = f"첫 손실은 {number(first)}이며, {size:,}개를 고르게 추측하면 ln({size:,}) = {number(guess)}입니다"
    if ratio > 1.5:
        return Finding(
            "start_loss",
            "problem",
            both(
                f"{words_en}: the model starts worse than guessing.",
                f"{words_ko}. 추측보다 나쁜 상태에서 시작했습니다.",
            ),
            evidence,
            both("Test a smaller initial scale of the output layer.", "출력층의 초기 크기를 줄여 시험해 보십시오."),
        )
    if ratio < 0.5 and int(context.steps[0]) <= 10:
        return Finding(
            "start_loss",
            "problem",
            both(
                f"{words_en}: it starts far better than guessing; were weights loaded, or does the input give "
                "the answer away?",
                f"{words_ko}. 추측보다 훨씬 좋은 상태에서 시작했습니다. 가중치를 불러왔거나 입력에 정답이 새고 "
                "있는지 확인하십시오.",
            ),
            evidence,
            both(
                "Look at whether masked events are visible to the model.",
                "가려진 이벤트가 모델에 보이는지 확인해 보십시오.",
            ),
        )
    return Finding(
        "start_loss", "ok", both(f"{words_en}: a plausible start.", f"{words_ko}. 타당한 시작입니다."), evidence
    )


def throughput(table: RunTable, context: Context) -> Finding:
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


def _speed(table: RunTable, context: Context, steps: Integers, seconds: Floats) -> dict[str, Any]:
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


def _epoch_seconds(table: RunTable, context: Context, mean: float) -> list[dict[str, Any]]:
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


def restarts(table: RunTable, context: Context) -> Finding:
    """Where the step goes back in the file."""
    found: list[dict[str, Any]] = [
        {
            "step_before": r.step_before,
            "step_after": r.step_after,
            "kind": r.kind,
            "steps_lost": max(0, r.step_before - r.step_after + 1) if r.kind == "resume" else None,
        }
        for r in table.restarts
    ]
    if not found:
        return Finding(
            "restarts", "ok", both("The run was not interrupted.", "실행이 중단된 적이 없습니다."), {"restarts": []}
        )
    resumes = [r for r in found if r["kind"] == "resume"]
    lost = sum(r["steps_lost"] or 0 for r in resumes)
    evidence = {"restarts": found, "steps_lost": lost, "count": len(found)}
    if resumes:
        length = max(int(context.steps[-1] - context.steps[0]), 1) if len(context.steps) else 1
        jump = _jump_after(context, [r["step_after"] for r in resumes if r["step_after"] is not None])
        evidence["loss_jumps"] = jump
        verdict_problem = lost > 0.05 * length or bool(jump)
        where = ", ".join(f"{r['step_before']:,} → {r['step_after']:,}" for r in resumes[:5])
        return Finding(
            "restarts",
            "problem" if verdict_problem else "ok",
            both(
                f"The run was resumed {len(resumes)} times (step {where}); {lost:,} steps were done twice."
                + (f" The loss jumps after {len(jump)} of them." if jump else ""),
                f"실행이 {len(resumes)}회 재개되었습니다(스텝 {where}). {lost:,} 스텝을 두 번 수행했습니다."
                + (f" 그중 {len(jump)}회는 재개 직후 손실이 뛰었습니다." if jump else ""),
            ),
            plain(evidence),
            both(
                "Check that a resume restores the optimizer, the schedule and the position in the data; save "
                "checkpoints more often.",
                "재개할 때 옵티마이저, 스케줄, 데이터 위치가 복원되는지 확인하고 체크포인트를 더 자주 저장해 보십시오.",
            )
            if verdict_problem
            else None,
        )
    kind = found[0]["kind"]
    en = (
        "A new trial begins here: the run before it in the file had reached its end."
        if kind == "trial"
        else "This run starts from scratch after an earlier one in the file had broken off."
    )
    ko = (
        "파일의 앞선 실행이 끝난 뒤 새로 시작한 실행입니다."
        if kind == "trial"
        else "파일의 앞선 실행이 중단된 뒤 처음부터 다시 시작한 실행입니다."
    )
    return Finding("restarts", "ok", both(en, ko), plain(evidence))


def _jump_after(context: Context, steps: list[int]) -> list[int]:
    """Resumes after which the loss stands clearly higher than before: medians of 20 losses on both sides."""
    jumps = []
    for step in steps:
        at = int(np.searchsorted(context.steps, step))
        before, after = context.loss[max(0, at - 20) : at], context.loss[at : at + 20]
        if len(before) >= 10 and len(after) >= 10:
            spread = 1.4826 * float(np.median(np.abs(before - np.median(before)))) or 1e-12
            if float(np.median(after) - np.median(before)) > 4 * spread / math.sqrt(10):
                jumps.append(step)
    return jumps


def measured_quality(table: RunTable, context: Context) -> Finding:
    """What an evaluation measured; a loss alone measures no quality. Were there strange sessions among the normal?"""
    found = [fault for fault in (hardly_learned(table), heavy_tail(table)) if fault]
    return with_faults(_evaluated(context), found)


def _evaluated(context: Context) -> Finding:
    known = context.statistics["running_mean"] or context.statistics["smoothed_loss"]
    value = known["final"] if known else None
    scale = {
        "limits": SCALE,
        "loss": value,
        "reached": [name for name, limit in SCALE.items() if value is not None and value < limit],
        "note": "a scale of training losses used in some reports; it measures no quality",
    }
    evidence: dict[str, Any] = {"loss_scale": scale, "evaluation": None}
    measured = _measured(context.evaluation or {})
    if not measured:
        return Finding(
            "measured_quality",
            "not_applicable",
            both(
                "No evaluation was given: accuracy, precision, recall and F1 were not measured, and no loss "
                "can stand in for them.",
                "평가 결과가 주어지지 않았습니다. 정확도·정밀도·재현율·F1은 측정되지 않았으며 손실로 대신할 수 "
                "없습니다.",
            ),
            plain(evidence),
            both("Run `isang evaluate` on labelled data.", "라벨이 있는 데이터로 `isang evaluate`를 실행하십시오."),
        )
    evidence["evaluation"] = measured
    text = ", ".join(f"{name} {number(v)}" for name, v in measured.items())
    return Finding(
        "measured_quality",
        "ok",
        both(f"Measured on held-out data: {text}.", f"별도 데이터에서 측정한 값: {text}."),
        plain(evidence),
    )


def _measured(evaluation: Any, depth: int = 0) -> dict[str, float]:
    """The first accuracy, precision, recall and F1 found in an evaluation."""
    found: dict[str, float] = {}
    if not isinstance(evaluation, dict) or depth > 4:
        return found
    for name in ("accuracy", "precision", "recall", "f1"):
        value = evaluation.get(name)
        if isinstance(value, dict):
            value = value.get("value", value.get("estimate"))
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            found[name] = float(value)
    if found:
        return found
    for value in evaluation.values():
        found = _measured(value, depth + 1)
        if found:
            return found
    return {}
