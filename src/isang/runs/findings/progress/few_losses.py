"""A run with too few losses for a test of its end, both of whose losses fall to the last."""

import numpy as np

from isang.runs.finding import Finding, RunContext, both, plain
from isang.runs.findings.generalisation import validation_points
from isang.runs.read.table import Floats

FEWEST, FEWEST_AT_THE_END = 9, 4
PERCENT = 2.0
"""Both losses must fall by this part a step on average, over the last third."""


def still_falls(context: RunContext) -> Finding | None:
    """The finding `convergence` where training and validation loss are lower at every step of the last third.

    Noise around a level does so for both less than once in 10,000 runs. None where the rate was being lowered.
    """
    loss, held_out = context.loss, validation_points(context.table)[1]
    families = (None, "constant", "warm-up")
    if context.judged_name is not None or context.loss_is_held_out or context.schedule["family"] not in families:
        return None
    if len(loss) < FEWEST or len(held_out) != len(loss):
        return None
    count = max(FEWEST_AT_THE_END, len(loss) // 3)
    falls = [_percent(values[-count - 1 :]) for values in (loss, held_out)]
    if min(falls) < PERCENT:
        return None
    train, held = (f"{fall:.1f} %" for fall in falls)
    unit_en, unit_ko = ("epochs", "에폭") if context.table.counts_epochs else ("validations", "검증")
    statement = both(
        f"The training loss and the validation loss fell at each of the last {count} {unit_en}, by {train} and {held} "
        "each time: the run had not converged.",
        f"마지막 {count}개 {unit_ko}마다 학습 손실과 검증 손실이 각각 {train}, {held}씩 계속 감소했습니다. 아직 "
        "수렴하지 않았습니다.",
    )
    evidence = {
        "outcome": "falling",
        "losses": len(loss),
        "last": count,
        "percent": falls,
        "threshold_percent": PERCENT,
    }
    return Finding("convergence", "problem", statement, plain(evidence), _MORE)


def _percent(values: Floats) -> float:
    """The mean fall from one of the values to the next, in per cent; 0 if one of them is no fall."""
    if (values <= 0).any() or (np.diff(values) >= 0).any():
        return 0.0
    return float(100 * (1 - (values[-1] / values[0]) ** (1 / (len(values) - 1))))


_MORE = both(
    "Train for more epochs and watch the validation loss; a higher learning rate may get there sooner.",
    "에폭을 늘려 학습하면서 검증 손실을 살펴보십시오. 학습률을 높이면 더 빨리 도달할 수도 있습니다.",
)
