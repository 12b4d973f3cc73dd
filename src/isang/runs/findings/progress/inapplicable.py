"""Why a finding says nothing about this loss: it is dead, or it does not measure progress."""

from isang.runs.finding import Finding, RunContext, both


def inapplicable(finding: str, context: RunContext) -> Finding | None:
    """`not_applicable` with the reason, for findings that read the course of a loss; None where it can be read."""
    if context.policy_objective:
        return Finding(
            finding,
            "not_applicable",
            both(
                f"The loss is the objective of a policy, which starts near 0 and says nothing about progress; "
                f"{context.table.metric} does.",
                f"이 손실은 정책의 목적 함수로, 0 근처에서 시작하며 학습의 진전을 나타내지 않습니다. 진전은 "
                f"{context.table.metric} 값으로 보십시오.",
            ),
            {"policy_objective": True},
        )
    dead = context.dead
    if dead is None:
        return None
    step = f"{int(context.steps[dead.first]):,}"
    return Finding(
        finding,
        "not_applicable",
        both(
            f"The loss does not change any more from step {step} on (see Decrease): there is no curve to judge.",
            f"손실이 스텝 {step}부터 더 이상 변하지 않으므로(‘감소’ 판정 참조) 판단할 곡선이 없습니다.",
        ),
        {"dead_from_step": int(context.steps[dead.first])},
    )
