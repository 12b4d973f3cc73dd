"""Why a finding does not apply to this loss: it is dead, or it does not measure progress."""

from isang.runs.finding import Finding, RunContext, both
from isang.runs.read.table import ADVERSARIAL, POLICY


def inapplicable(finding: str, context: RunContext) -> Finding | None:
    """`not_applicable` with the reason, for findings that read the course of a loss; None where it can be read."""
    if context.loss_says_nothing:
        return Finding(
            finding, "not_applicable", _SAYS_NOTHING[context.table.objective], {"loss_shows_progress": False}
        )
    if context.period is not None:
        return Finding(finding, "not_applicable", _REPEATS, {"period": context.period})
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


_REPEATS = both(
    "The losses repeat themselves exactly (see Decrease): there is no curve to judge.",
    "손실이 똑같이 반복되므로(‘감소’ 판정 참조) 판단할 곡선이 없습니다.",
)
_SAYS_NOTHING = {
    POLICY: both(
        "The loss is the objective of a policy, which need not fall and says nothing about progress; a reward does.",
        "이 손실은 정책의 목적 함수로, 감소할 필요가 없으며 학습의 진전을 나타내지 않습니다. 진전은 보상으로 보십시오.",
    ),
    ADVERSARIAL: both(
        "The losses are those of two opponents, and neither need fall: a metric of what is made shows progress.",
        "서로 겨루는 두 모델의 손실이므로 어느 쪽도 감소할 필요가 없습니다. 진전은 결과물의 지표로 보십시오.",
    ),
}
