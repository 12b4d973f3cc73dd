"""Convergence by the validation loss, for runs whose training loss at the end cannot show it.

While a schedule lowers the rate, the loss falls by that alone, and at its end it is flat because the steps are small.
Whether there was more to gain shows before: at the last validations while the rate was still high. The same sessions
with the same events hidden are compared, so that the change is known far better than from the losses of batches.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from isang.runs.finding import Language, RunContext, Verdict, both, plain
from isang.runs.read import table as t

CHANGE_ERROR = "change_error"
"""The series with the standard error of the change since the validation before."""
HIGH_RATE = 0.5
"""The rate is high from its peak on until it falls below this part of it."""
PERCENT = 1.0
"""Less than this change per epoch counts as converged."""
Z_90, Z_98 = 1.645, 2.326
"""Half the width of an interval in standard errors, normal distribution."""


class EarlierVerdict(NamedTuple):
    """A verdict from the validations at a high rate."""

    verdict: Verdict
    statement: Mapping[Language, str]
    evidence: Mapping[str, Any]
    remedy: Mapping[Language, str] | None


def by_validation(context: RunContext, unit: float, unit_en: str, unit_ko: str) -> EarlierVerdict | None:
    """Had the run converged when its rate began to fall? None if the log does not show it. `unit` is in steps."""
    change = _change_while_high(context, unit)
    if change is None:
        return None
    percent, error = change["percent"], change["error_percent"]
    en = f"{percent:+.1f} % ({percent - Z_98 * error:+.1f} … {percent + Z_98 * error:+.1f}) per {unit_en} over steps "
    ko = f"{unit_ko}당 {percent:+.1f} % ({percent - Z_98 * error:+.1f} … {percent + Z_98 * error:+.1f})"
    steps_ko = f"스텝 {change['first_step']:,}–{change['last_step']:,}"
    en += f"{change['first_step']:,} to {change['last_step']:,}"
    evidence = plain({"while_rate_was_high": {**change, "interval_percent": 98, "threshold_percent": PERCENT}})
    if percent + Z_98 * error < -PERCENT:
        statement = both(
            f"While the rate was still high, the validation loss was falling, {en}: the run had not converged when "
            "its rate was lowered, and a longer one can go lower.",
            f"학습률이 아직 높던 {steps_ko}에서 검증 손실이 {ko} 변하고 있었습니다. 학습률을 낮출 때 아직 수렴하지 "
            "않았으며, 더 길게 학습하면 더 낮아질 수 있습니다.",
        )
        return EarlierVerdict("problem", statement, evidence, _LONGER)
    if abs(percent) + Z_90 * error < PERCENT:
        statement = both(
            f"While the rate was still high, the validation loss changed by {en}: the run had converged at that rate, "
            "and what came after is the schedule's.",
            f"학습률이 아직 높던 {steps_ko}에서 검증 손실의 변화는 {ko}였습니다. 그 학습률에서 이미 수렴했으며, "
            "그 뒤의 변화는 스케줄에 따른 것입니다.",
        )
        return EarlierVerdict("ok", statement, evidence, None)
    return None


_LONGER = both(
    "Test whether more epochs (--epochs) bring the validation loss further down; whether detection gains by it, only "
    "an evaluation shows.",
    "에폭을 늘리면(--epochs) 검증 손실이 더 내려가는지 시험해 보십시오. 탐지가 나아지는지는 평가로만 알 수 있습니다.",
)


def _change_while_high(context: RunContext, unit: float) -> dict[str, Any] | None:
    """The change over the last `unit` steps, or the last two validations, while the rate was high, with its error.

    The error of a change over several validations is at most the sum of theirs.
    """
    table = context.table
    if not all(table.has(name) for name in (CHANGE_ERROR, t.VALIDATION_LOSS, t.LEARNING_RATE)):
        return None
    rate_steps, rates = table.points(t.LEARNING_RATE)
    high = rate_steps[np.flatnonzero(rates >= HIGH_RATE * rates.max())]
    told = ~np.isnan(table.column(t.VALIDATION_LOSS))
    inside = told & (table.step >= rate_steps[int(np.argmax(rates))]) & (table.step <= high[-1])
    steps, losses = table.step[inside], table.column(t.VALIDATION_LOSS)[inside]
    errors = table.column(CHANGE_ERROR)[inside]
    if len(steps) < 2 or losses[-1] <= 0:
        return None
    first = min(int(np.searchsorted(steps, steps[-1] - unit, side="right")) - 1, len(steps) - 2)
    first = max(first, 0)
    error = float(errors[first + 1 :].sum())  # NaN where the run was resumed in between
    if not np.isfinite(error):
        return None
    scale = 100 * unit / float(steps[-1] - steps[first]) / float(losses[-1])
    return {
        "percent": float(losses[-1] - losses[first]) * scale, "error_percent": error * scale,
        "first_step": int(steps[first]), "last_step": int(steps[-1]),
    }  # fmt: skip
