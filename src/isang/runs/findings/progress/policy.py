"""Faults of reinforcement learning besides the reward: entropy, groups without variance, divergence."""

import re

import numpy as np

from isang.runs.finding import RunContext, both
from isang.runs.findings.journal.training_internals import Fault
from isang.runs.read.table import POLICY, Floats, usable
from isang.runs.text.writing import number

COLLAPSED = 0.05
"""A policy whose entropy has come down to this part of its first level hardly tries anything new."""
EVEN = 0.8
"""Groups in which all answers have the same reward teach nothing; this part of them, in the last quarter, is much."""
STRAYED, LEAST_KL = 20.0, 1.0
"""A divergence that ends at this many times its median and above LEAST_KL (nats) has run away."""
FEWEST = 20

_ENTROPY = re.compile(r"(^|[/_.])(policy_)?entropy(_loss)?$", re.IGNORECASE)
_EVEN = re.compile(r"frac_reward_zero_std$|zero_std_(frac|ratio)$", re.IGNORECASE)
_KL = re.compile(r"(^|[/_.])(approx_|mean_)?kl(_mean|_div(ergence)?)?$", re.IGNORECASE)


def policy_faults(context: RunContext) -> list[Fault]:
    """What is wrong with the policy of a run that has one, whatever its reward."""
    if context.table.objective != POLICY:
        return []
    checks = (
        (_collapsed, _values(context, _ENTROPY)), (_even_groups, _values(context, _EVEN)),
        (_strayed, _values(context, _KL)),
    )  # fmt: skip
    return [fault for check, (name, values) in checks if len(values) >= FEWEST if (fault := check(name, values))]


def _values(context: RunContext, pattern: re.Pattern[str]) -> tuple[str, Floats]:
    """The first series whose name fits, by the log's own name, and its finite values."""
    table = context.table
    for name in table.columns:
        if pattern.search(name):
            values = table.column(name)
            return name, values[usable(values)]
    return "", np.zeros(0)


def _ends(values: Floats, part: int) -> tuple[float, float]:
    """The medians of the first and the last of `part` parts."""
    size = max(len(values) // part, 3)
    return float(np.median(values[:size])), float(np.median(values[-size:]))


def _collapsed(name: str, values: Floats) -> Fault | None:
    first, last = _ends(np.abs(values), 10)
    if not first or last > COLLAPSED * first:
        return None
    return Fault(
        both(
            f"The entropy of the policy has collapsed: {name} went from {number(first)} to {number(last)} in size, so "
            "hardly anything new is tried.",
            f"정책의 엔트로피가 무너졌습니다. {name}의 크기가 {number(first)}에서 {number(last)}(으)로 줄어 새로운 "
            f"시도가 "
            "거의 없습니다.",
        ),
        both(
            "Test a higher entropy coefficient or temperature, or a lower learning rate.",
            "엔트로피 계수나 온도를 높이거나 학습률을 낮추어 시험해 보십시오.",
        ),
        {"entropy_first": first, "entropy_last": last, "entropy_threshold": COLLAPSED * first},
    )


def _even_groups(name: str, values: Floats) -> Fault | None:
    last = _ends(values, 4)[1]
    if last < EVEN:
        return None
    part = f"{100 * last:.0f} %"
    return Fault(
        both(
            f"In {part} of the groups all answers get the same reward ({name}): they have no gradient, and the steps "
            "teach little.",
            f"그룹의 {part}에서 모든 응답의 보상이 같습니다({name}). 기울기가 없어 배우는 것이 거의 없습니다.",
        ),
        both(
            "Test tasks that are neither always nor never solved, more answers per group, or a finer reward.",
            "항상 풀리거나 전혀 풀리지 않는 문제를 빼고, 그룹당 응답 수를 늘리거나, 보상을 더 세분화해 보십시오.",
        ),
        {"even_groups_share": last, "even_groups_threshold": EVEN},
    )


def _strayed(name: str, values: Floats) -> Fault | None:
    last, usual = _ends(values, 10)[1], float(np.median(values))
    if last < LEAST_KL or last < STRAYED * usual:
        return None
    return Fault(
        both(
            f"The policy runs away from its reference: {name} ends at {number(last)}, its median is {number(usual)}.",
            f"정책이 기준 정책에서 급격히 멀어집니다. {name} 값이 {number(last)}(으)로 끝났으며 중앙값은 "
            f"{number(usual)}입니다.",
        ),
        both(
            "Test a lower learning rate or a higher weight of the divergence.",
            "학습률을 낮추거나 발산 항의 가중치를 높여 시험해 보십시오.",
        ),
        {"divergence_last": last, "divergence_median": usual, "divergence_threshold": max(STRAYED * usual, LEAST_KL)},
    )
