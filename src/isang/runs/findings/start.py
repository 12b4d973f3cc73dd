"""How the run started: its first loss, and its restarts."""

import math
from typing import Any

import numpy as np

from isang.runs.finding import Finding, RunContext, both, plain
from isang.runs.read.table import Floats, RunTable
from isang.runs.statistics.noise import robust_spread
from isang.runs.text.writing import number

MOST_MEMORY = 0.9
"""Correlation of neighbouring losses that is allowed for at most."""


def start_loss(table: RunTable, context: RunContext) -> Finding:
    """The first losses compared with ln(vocabulary), the loss of uniform guessing."""
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
            "vocabulary_size": size, "guessing": guess, "first_loss": first, "ratio": ratio, "threshold": [0.5, 1.5],
            "first_step": int(context.steps[0]),
        }
    )  # fmt: skip
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


def restarts(table: RunTable, context: RunContext) -> Finding:
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
    if not found and (unfinished := _not_at_its_end(context)) is not None:
        return unfinished
    if not found and (reset := context.schedule["parameters"].get("reset_step")) is not None:
        return _rate_reset(context, int(reset))
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


def plan_done(context: RunContext) -> tuple[str, str] | None:
    """`132 of 300 epochs (44 %)` if the log states a plan, in both languages."""
    facts, part = context.table.facts, context.part_done
    if part is None:
        return None
    epochs, planned = facts.get("epochs"), facts.get("planned_steps")
    percent = f"{min(100 * part, 99.0):.0f} %" if part < 1 else "100 %"
    if epochs and epochs > 1 and (done := context.statistics["epochs"]) and done < epochs + (part == 1):
        return f"{done:,} of {epochs:,} epochs ({percent})", f"{epochs:,} 에폭 중 {done:,} 에폭({percent})"
    if planned:
        steps = context.statistics["steps"]
        return f"{steps:,} of {planned:,} steps ({percent})", f"{planned:,} 스텝 중 {steps:,} 스텝({percent})"
    return None


def _not_at_its_end(context: RunContext) -> Finding | None:
    """The finding if the log ends before its stated plan, without giving a reason."""
    part, done = context.part_done, plan_done(context)
    if part is None or done is None or part >= 1 or context.stopped_early or context.table.facts.get("completed"):
        return None
    return Finding(
        "restarts",
        "cannot_tell",
        both(
            f"The log ends at {done[0]} of its plan: the run goes on, or it was cut off.",
            f"로그가 계획된 {done[1]}까지만 있습니다. 실행이 진행 중이거나 도중에 중단된 것입니다.",
        ),
        {"restarts": [], "part_of_plan_done": part},
    )


def _rate_reset(context: RunContext, step: int) -> Finding:
    """The finding that the rate was restarted, which a log with continuing steps does not show otherwise."""
    jump = _jump_after(context, [step])
    jumped_en = ", and the loss jumps there" if jump else ""
    jumped_ko = " 그 지점에서 손실도 뛰어오릅니다." if jump else ""
    return Finding(
        "restarts",
        "problem" if jump else "ok",
        both(
            f"The run seems to have been resumed at step {step:,}: its learning rate begins anew{jumped_en}.",
            f"실행이 스텝 {step:,}에서 재개된 것으로 보입니다. 학습률이 처음부터 다시 시작됩니다.{jumped_ko}",
        ),
        {"restarts": [], "reset_step": step, "loss_jumps": jump},
        both(
            "Check that a resume restores the optimizer and the schedule.",
            "재개할 때 옵티마이저와 스케줄이 복원되는지 확인해 보십시오.",
        )
        if jump
        else None,
    )


def _jump_after(context: RunContext, steps: list[int]) -> list[int]:
    """Resumes after which the loss stands clearly higher than before: medians of 20 losses on both sides.

    How much such medians differ by noise follows from its spread and its memory.
    """
    jumps = []
    limit = 4 * _memory_factor(context.loss) / math.sqrt(10)
    for step in steps:
        at = int(np.searchsorted(context.steps, step))
        before, after = context.loss[max(0, at - 20) : at], context.loss[at : at + 20]
        if len(before) >= 10 and len(after) >= 10:
            spread = 1.4826 * float(np.median(np.abs(before - np.median(before)))) or 1e-12
            if float(np.median(after) - np.median(before)) > limit * spread:
                jumps.append(step)
    return jumps


def _memory_factor(loss: Floats) -> float:
    """How much more the mean of neighbouring losses varies than if they were independent, 1 or more.

    From the typical change between neighbours and the spread within stretches of 20: of AR(1) noise with coefficient r
    the former is sqrt(2 - 2 r) times the latter.
    """
    count = len(loss) // 20
    within = [robust_spread(stretch) for stretch in loss[: count * 20].reshape(count, 20)]
    spread = float(np.median(within)) if count else 0.0
    if spread <= 0:
        return 1.0
    memory = min(max(1 - (robust_spread(np.diff(loss)) / spread) ** 2 / 2, 0.0), MOST_MEMORY)
    return math.sqrt((1 + memory) / (1 - memory))
