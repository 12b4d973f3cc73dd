"""Did the learning rate do what a schedule is for?"""

from typing import Any

from isang.runs.finding import Finding, RunContext, both, plain
from isang.runs.findings.progress.descent import decreasing
from isang.runs.findings.start import plan_done
from isang.runs.read.table import LEARNING_RATE, RunTable
from isang.runs.statistics.noise import trend
from isang.runs.text.messages_ko import VALUES
from isang.runs.text.writing import number

CUT_OFF = 0.12
"""A decay that ends above this part of the peak, with more than a tenth of it undone, was cut off; many schedules are
meant to end at a tenth of the peak, and the last row is logged just before."""
LEAST_AGAIN = 0.001
"""A rate that comes up again by less than this part of its peak does not rise."""
HARDLY_BEGUN = 0.9
"""A rate above this part of its peak may be that of any slow decay: where it leads is not to be seen."""
LONG_TAIL = 0.1
"""A rate of zero for more than this part of the run is a fault."""
_END_TOGETHER = both(
    "Test a schedule that ends with the run, or train on to the schedule's end: the last part of a decay usually "
    "brings a clear drop of the loss.",
    "실행과 함께 끝나는 스케줄을 쓰거나 스케줄이 끝날 때까지 이어서 학습해 보십시오. 감쇠의 마지막 부분에서 "
    "손실이 뚜렷이 내려가는 경우가 많습니다.",
)
"""The remedy for a decay that was cut off."""


def schedule(table: RunTable, context: RunContext) -> Finding:
    """The schedule's family, and whether it fits the run's length."""
    found = context.schedule
    if found["family"] is None:
        return Finding(
            "schedule",
            "not_applicable",
            both(
                "No learning rate was logged: the schedule cannot be judged.",
                "학습률이 기록되지 않아 스케줄을 판단할 수 없습니다.",
            ),
            {"points": found["points"]},
        )
    last = int(context.steps[-1]) if len(context.steps) else found["last_step"]
    evidence = {
        **found,
        "run_steps": last,
        "planned_steps": table.facts.get("planned_steps"),
        "step_total_in_log": table.facts.get("step_total"),
        "stopped_early": context.stopped_early,
    }
    for check in (_always_zero, _begun_anew, _rises_again, _never_left_warmup, _cut_off, _zero_tail):
        fault = check(context, found, last, evidence)
        if fault is not None:
            return fault
    name = found["family"]
    parts_en, parts_ko = _details(found)
    if name == "other":
        return Finding(
            "schedule",
            "cannot_tell",
            both(
                f"The learning rate follows no schedule that is known here{parts_en}.",
                f"학습률이 isang이 아는 어느 스케줄과도 맞지 않습니다{parts_ko}.",
            ),
            plain(evidence),
        )
    return Finding(
        "schedule",
        "ok",
        both(
            f"The learning rate follows a {name} schedule{parts_en}; nothing in it contradicts the run's "
            f"length of {last:,} steps.",
            f"학습률은 {VALUES.get(name, name)} 스케줄을 따릅니다{parts_ko}. 전체 {last:,} 스텝의 길이와 "
            "어긋나는 점이 없습니다.",
        ),
        plain(evidence),
    )


def _details(found: dict[str, Any]) -> tuple[str, str]:
    en = f" from {number(found['peak_rate'])} to {number(found['final_rate'])}"
    ko = f"(최고 {number(found['peak_rate'])}, 마지막 {number(found['final_rate'])})"
    if found["family"] == "constant":
        en, ko = f" of {number(found['peak_rate'])}", f"({number(found['peak_rate'])})"
    if found["warmup_steps"]:
        en += f" after a warm-up of {found['warmup_steps']:,} steps"
        ko = f"{ko[:-1]}, 워밍업 {found['warmup_steps']:,} 스텝)"
    return en, ko


def _always_zero(context: RunContext, found: dict[str, Any], last: int, evidence: dict[str, Any]) -> Finding | None:
    """A rate of 0 in all rows: one printed with too few digits, or one that moves nothing."""
    if found["peak_rate"] != 0:
        return None
    rows = f"{found['points']:,}"
    if decreasing(context.table, context).verdict != "problem":
        return Finding(
            "schedule",
            "cannot_tell",
            both(
                f"The learning rate is 0 in all {rows} rows that log it, perhaps printed with too few digits.",
                f"학습률이 기록된 {rows}개 행 모두에서 0입니다. 소수 자릿수가 부족하게 출력되었을 수 있습니다.",
            ),
            plain(evidence),
            both("Print the rate as 1e-5 is printed.", "학습률을 1e-5와 같은 지수 표기로 출력해 보십시오."),
        )
    return Finding(
        "schedule",
        "problem",
        both(
            f"The learning rate is 0 in all {rows} rows that log it, and nothing is learned: no weight was moved.",
            f"학습률이 기록된 {rows}개 행 모두에서 0이며, 학습이 이루어지지 않았습니다. 가중치가 움직이지 않은 "
            "것입니다.",
        ),
        plain(evidence),
        both(
            "Check the scheduler and its warm-up, and whether every step is skipped because its gradients overflow.",
            "스케줄러와 워밍업 설정을 확인하고, 기울기 오버플로로 모든 스텝을 건너뛰고 있지 않은지 확인해 보십시오.",
        ),
    )


def _begun_anew(context: RunContext, found: dict[str, Any], last: int, evidence: dict[str, Any]) -> Finding | None:
    """A decay that jumps back to its beginning while it is far from its end: a resume without the scheduler's state."""
    parameters = found["parameters"]
    if "reset_step" not in parameters:
        return None
    step = f"{parameters['reset_step']:,.0f}"
    before, after = number(parameters["rate_before_reset"]), number(parameters["rate_after_reset"])
    family, family_ko = found["family"], VALUES.get(found["family"], found["family"])
    return Finding(
        "schedule",
        "problem",
        both(
            f"The {family} decay starts over at step {step}, where the rate jumps from {before} back to {after}: as "
            "after a resume that did not restore the scheduler.",
            f"{family_ko} 감쇠가 스텝 {step}에서 다시 시작되어 학습률이 {before}에서 {after}(으)로 뛰어오릅니다. "
            "스케줄러 상태를 복원하지 않고 재개했을 때의 모습입니다.",
        ),
        plain(evidence),
        both(
            "Save and restore the scheduler's state with the weights and the optimizer, and resume again from there.",
            "가중치, 옵티마이저와 함께 스케줄러 상태도 저장하고 복원하여 그 지점부터 다시 재개해 보십시오.",
        ),
    )


def _rises_again(context: RunContext, found: dict[str, Any], last: int, evidence: dict[str, Any]) -> Finding | None:
    """A cosine whose T_max is shorter than the run comes up again; restarts and cycles are meant to."""
    if found["family"] != "cosine" or found["rises_again_at"] is None:
        return None
    if found["final_rate"] - found["lowest_rate"] < LEAST_AGAIN * found["peak_rate"]:
        return None  # the fitted curve does, and the rate does not
    period, low = int(found["parameters"]["T_max"]), int(found["rises_again_at"])
    total = evidence["step_total_in_log"]
    hint_en = (
        f" The log itself counts its steps against {total:,}." if total and abs(total - period) < 0.02 * period else ""
    )
    hint_ko = f" 로그 자체도 전체 스텝을 {total:,}(으)로 세고 있습니다." if hint_en else ""
    return Finding(
        "schedule",
        "problem",
        both(
            f"Cosine schedule with T_max = {period:,} in a run of {last:,} steps: the learning rate reaches "
            "its low "
            f"point {number(found['lowest_rate'])} at step {low:,} and rises again to "
            f"{number(found['final_rate'])} "
            f"by the end, so {last - low:,} steps ({100 * (last - low) / max(last, 1):.0f} % of the run) "
            "were trained "
            f"at a rising rate.{hint_en}",
            f"코사인 스케줄의 T_max가 {period:,}인데 실행은 {last:,} 스텝입니다. 학습률은 스텝 {low:,}에서 "
            "최저점 "
            f"{number(found['lowest_rate'])}에 이른 뒤 끝까지 {number(found['final_rate'])}(으)로 다시 "
            f"상승하여, {last - low:,} 스텝"
            f"(전체의 {100 * (last - low) / max(last, 1):.0f} %)을 상승하는 학습률로 학습했습니다.{hint_ko}",
        ),
        plain(evidence),
        both(
            f"Set T_max to the real number of steps ({last:,}) and compare the final validation loss; "
            "expected is a "
            "lower loss at the end, which only that run can show.",
            f"T_max를 실제 스텝 수({last:,})로 맞추어 다시 학습하고 최종 검증 손실을 비교해 보십시오. "
            "마지막 손실이 더 낮아질 것으로 "
            "예상되지만, 실제로 학습해 보아야 확인됩니다.",
        ),
    )


def _never_left_warmup(
    context: RunContext, found: dict[str, Any], last: int, evidence: dict[str, Any]
) -> Finding | None:
    rising = [segment for segment in found["segments"] if segment["kind"] == "rising"]
    if len(found["segments"]) != 1 or not rising or found["family"] == "constant":
        return None
    part = context.part_done
    if context.table.facts.get("unfinished") or (part is not None and part < 1 and not context.stopped_early):
        still = both(
            f"The learning rate is still rising in its warm-up, at step {last:,}.",
            f"학습률이 스텝 {last:,}에서 아직 워밍업 중입니다.",
        )
        return Finding("schedule", "ok", still, plain(evidence))
    return Finding(
        "schedule",
        "problem",
        both(
            f"The learning rate rises from {number(found['first_rate'])} to {number(found['final_rate'])} "
            "until the last "
            f"step ({last:,}): the run ended inside its warm-up.",
            f"학습률이 {number(found['first_rate'])}에서 {number(found['final_rate'])}까지 마지막 "
            f"스텝({last:,})까지 계속 상승합니다. "
            "실행이 워밍업 도중에 끝났습니다.",
        ),
        plain(evidence),
        both(
            "Test a warm-up of a few per cent of the real number of steps.",
            "워밍업을 실제 스텝 수의 몇 퍼센트로 줄여 시험해 보십시오.",
        ),
    )


def _cut_off(context: RunContext, found: dict[str, Any], last: int, evidence: dict[str, Any]) -> Finding | None:
    """The finding for a cosine or line whose end is beyond the run."""
    parameters = found["parameters"]
    if found["family"] == "cosine":
        end, floor = parameters["low_point"], max(parameters["minimum"], 0.0)
    elif found["family"] in ("linear", "polynomial"):
        end, floor = parameters["zero_at"], 0.0
    else:
        return None
    begin = found["warmup_end"] or found["first_step"]
    undone = (end - last) / max(end - begin, 1)
    if undone <= 0.1 or found["final_rate"] - floor <= CUT_OFF * found["peak_rate"]:
        return None
    evidence = {**evidence, "schedule_end": int(end), "undone_part": undone}
    family, family_ko, rate = found["family"], VALUES.get(found["family"]), number(found["final_rate"])
    if context.stopped_early:
        stopped = both(
            f"The run stopped early on purpose at step {last:,}; its {family} schedule would have ended at about step "
            f"{end:,.0f}, so the rate was still {rate}.",
            f"실행이 의도적으로 스텝 {last:,}에서 조기 종료되었습니다. {family_ko} 스케줄은 약 스텝 {end:,.0f}에서 "
            f"끝날 예정이었으므로 학습률은 아직 {rate}이었습니다.",
        )
        return Finding("schedule", "ok", stopped, plain(evidence))
    part = context.part_done
    if context.table.facts.get("unfinished") or (part is not None and part < 1):
        done_en, done_ko = plan_done(context) or (f"step {last:,}", f"스텝 {last:,}")
        planned = context.table.facts.get("planned_steps")
        near_plan = not planned or abs(end - planned) < 0.1 * planned  # the start of a decay hardly shows its end
        to_en = f" to about step {end:,.0f}" if near_plan else ""
        to_ko = f" 스텝 {end:,.0f} 부근까지" if near_plan else ""
        unfinished = both(
            f"The log has no end yet: the run is at {done_en}, its {family} schedule goes on{to_en}. It is still "
            "running, or it broke off.",
            f"로그가 아직 끝나지 않았습니다. 현재 {done_ko}까지 진행되었고 {family_ko} 스케줄은{to_ko} 이어집니다. "
            "아직 실행 중이거나 중단된 것입니다.",
        )
        return Finding("schedule", "cannot_tell", unfinished, plain(evidence))
    left = f"{100 * found['final_rate'] / found['peak_rate']:.0f} %"
    if part is None and found["final_rate"] > HARDLY_BEGUN * found["peak_rate"]:
        begun = both(
            f"The learning rate has come down to {rate}, {left} of its peak: whether it was meant to fall so slowly or "
            "the run ended early in its schedule is not to be seen from so little of it.",
            f"학습률이 {rate}, 최고값의 {left}까지만 내려왔습니다. 원래 이렇게 천천히 내리는 스케줄인지, 스케줄 "
            "초반에 실행이 끝난 것인지는 이만큼만 보고 알 수 없습니다.",
        )
        return Finding("schedule", "cannot_tell", begun, plain(evidence))
    cut_off = both(
        f"The {family} decay was cut off: the run ends at step {last:,} with the rate at {rate} ({left} of its peak), "
        f"while the schedule would end at about step {end:,.0f}.",
        f"{family_ko} 감쇠가 중간에 끊겼습니다. 실행은 스텝 {last:,}에서 학습률 {rate}(최고값의 {left})(으)로 "
        f"끝났지만, "
        f"스케줄은 약 스텝 {end:,.0f}에서 끝납니다.",
    )
    return Finding("schedule", "problem", cut_off, plain(evidence), _END_TOGETHER)


def _zero_tail(context: RunContext, found: dict[str, Any], last: int, evidence: dict[str, Any]) -> Finding | None:
    tail = found["zero_tail_steps"]
    length = max(found["last_step"] - found["first_step"], 1)
    if tail <= LONG_TAIL * length or _learned_since(context, last - tail):
        return None
    return Finding(
        "schedule",
        "problem",
        both(
            f"The learning rate is (nearly) zero for the last {tail:,} steps, {100 * tail / length:.0f} % "
            "of the run: "
            "nothing was learned there.",
            f"마지막 {tail:,} 스텝(전체의 {100 * tail / length:.0f} %) 동안 학습률이 사실상 0입니다. 그 "
            "구간에서는 학습이 "
            "이루어지지 않았습니다.",
        ),
        plain(evidence),
        both(
            "Test a schedule that ends with the run, or stop when the rate reaches zero.",
            "실행과 함께 끝나는 스케줄을 쓰거나 학습률이 0이 될 때 종료하도록 시험해 보십시오.",
        ),
    )


def _learned_since(context: RunContext, step: float) -> bool:
    """Whether losses after a step fall while the rate is low, but not zero, by the 96 % interval of their trend."""
    later = context.steps > step
    rates = context.table.column(LEARNING_RATE)[context.rows][later]
    found = trend(context.loss[later])
    if found is None or not (rates > 0).all():
        return False
    return found.low > 0 if context.table.maximised else found.high < 0
