"""Faults of a generator and a discriminator: one that has won teaches the other nothing."""

import re

import numpy as np

from isang.runs.finding import RunContext, both
from isang.runs.findings.journal.training_internals import Fault
from isang.runs.read.series_names import is_opponent, normal, says_loss
from isang.runs.read.table import ADVERSARIAL, Floats, usable
from isang.runs.text.writing import number

WON, WON_PART = 0.01, 0.05
"""A discriminator whose loss ends below WON, and below this part of what it began with, is not deceived any more."""
GROWN = 1.5
"""The generator's loss has grown by this factor meanwhile."""
FEWEST = 40

_DISCRIMINATOR = re.compile(r"(^|_)(d|disc|discriminator|net_?d|critic)(_|$)")


def opponent_faults(context: RunContext) -> list[Fault]:
    """That the discriminator has won, where the run has one: its loss is next to 0 and the generator's has grown."""
    if context.table.objective != ADVERSARIAL:
        return []
    ends = {name: _ends(values) for name, values in _losses(context).items() if len(values) >= FEWEST}
    judges = [name for name in ends if _DISCRIMINATOR.search(normal(name))]
    makers = [name for name in ends if name not in judges]
    if len(judges) != 1 or len(makers) != 1:
        return []
    (before, after), (made_before, made_after) = ends[judges[0]], ends[makers[0]]
    if abs(after) > min(WON, WON_PART * abs(before)) or made_after < GROWN * made_before or made_before <= 0:
        return []
    d, g = judges[0], makers[0]
    return [
        Fault(
            both(
                f"The discriminator has won: {d} went from {number(before)} to {number(after)}, {g} from "
                f"{number(made_before)} to {number(made_after)}. The generator gets hardly any gradient from it.",
                f"판별자가 완전히 이겼습니다. {d}은(는) {number(before)} → {number(after)}, {g}은(는) "
                f"{number(made_before)} → {number(made_after)}(으)로 변했습니다. 생성자에 전달되는 기울기가 거의 "
                "없습니다.",
            ),
            both(
                "Test a lower learning rate or fewer updates of the discriminator, label smoothing, noise on its "
                "inputs or a gradient penalty.",
                "판별자의 학습률이나 갱신 횟수를 줄이고, 레이블 스무딩, 입력 잡음, 기울기 벌점을 시험해 보십시오.",
            ),
            {
                "discriminator_first": before, "discriminator_last": after, "discriminator_threshold": WON,
                "generator_first": made_before, "generator_last": made_after,
            },
        )
    ]  # fmt: skip


def _losses(context: RunContext) -> dict[str, Floats]:
    """The losses of the opponents, by the log's own names, each without its gaps."""
    table = context.table
    columns = {table.loss_name or table.loss: table.column(table.loss)}
    columns |= {name: table.column(name) for name in table.columns if name != table.loss}
    return {name: values[usable(values)] for name, values in columns.items() if is_opponent(name) and says_loss(name)}


def _ends(values: Floats) -> tuple[float, float]:
    """The medians of the first tenth and of the last quarter."""
    return float(np.median(values[: len(values) // 10])), float(np.median(values[-(len(values) // 4) :]))
