"""A training loss that drops at the start of each epoch: the model has begun to memorise its examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isang.runs.finding import LANGUAGES, Finding, Language, RunContext, both, plain
from isang.runs.read import table as t
from isang.runs.read.table import Floats, usable
from isang.runs.statistics.staircase import staircase

RATE_CHANGE = 1.2
"""A rate that changes by this factor at the start of an epoch drops the loss by itself."""
MEMORISED = 0.5
"""The loss has come below this part of what it was on examples that were new."""
LEAST_RISE = 0.03
"""The validation loss must rise by this part from its lowest epoch to its last."""
SURE_RISE = 6.0
"""And by this many standard errors of the epochs' means, where an epoch has several validations."""


@dataclass(frozen=True)
class Stairs:
    """The sentences about a staircase, and whether the validation loss also rises from epoch to epoch."""

    statement: Mapping[Language, str]
    rises: bool
    memorised: Mapping[Language, str] | None
    """How far the examples that were seen before have come below those that were not; None where that is little."""
    evidence: Mapping[str, Any]


def stairs(context: RunContext) -> Stairs | None:
    """The staircase of a run; None if there is none."""
    epochs = _epochs(context)
    found = staircase(epochs) if epochs else None
    if found is None:
        return None
    drop = float(np.median(found.drops))
    means = _validation_by_epoch(context)
    rises = _rises(means)
    en = (
        f"The training loss is flat within each epoch and drops by about {drop:.2g} at the first step of the next: the "
        "model has begun to know its examples by heart."
    )
    ko = (
        f"학습 손실이 에폭 안에서는 평평하다가 다음 에폭의 첫 스텝에서 약 {drop:.2g}씩 떨어집니다. 모델이 학습 예제를 "
        "외우기 시작한 것입니다."
    )
    levels = [float(values.mean()) for values in means]
    if rises:
        listed = ", ".join(f"{level:.3g}" for level in levels[-6:])
        en += f" The validation loss rises meanwhile, by epoch: {listed}."
        ko += f" 그동안 검증 손실은 상승합니다(에폭별 {listed})."
    evidence = plain({"drops_at_epoch_starts": found.drops, "fall_within_epochs": found.within,
                      "validation_by_epoch": levels})  # fmt: skip
    return Stairs(both(en, ko), rises, _memorised(epochs), evidence)


def _memorised(epochs: list[Floats]) -> Mapping[Language, str] | None:
    """In the first epoch every example is new: the level at its end is the loss on unseen ones, the best known."""
    unseen, seen = (float(np.median(losses[-max(len(losses) // 5, 5) :])) for losses in (epochs[0], epochs[-1]))
    if not 0 < seen < MEMORISED * unseen:
        return None
    return both(
        f"New examples had a loss of {unseen:.3g} at the end of the first epoch, those seen {len(epochs) - 1:,} times "
        f"have {seen:.3g} now: most of that gain is memory. No validation loss was logged that could say otherwise.",
        f"처음 보는 예제의 손실은 첫 에폭 끝에서 {unseen:.3g}이었는데, {len(epochs) - 1:,}번 본 예제의 손실은 지금 "
        f"{seen:.3g}입니다. 이 감소의 대부분은 암기입니다. 이를 반박할 검증 손실은 기록되지 않았습니다.",
    )


def with_stairs(finding: Finding, found: Stairs | None) -> Finding:
    """The finding `overfitting` with what the staircase adds: a problem where the validation loss rises beside it."""
    if found is None:
        return finding
    if finding.verdict == "problem":
        statement = {language: f"{finding.statement[language]} {found.statement[language]}" for language in LANGUAGES}
        return Finding(finding.id, "problem", statement, {**finding.evidence, **found.evidence}, finding.remedy)
    if found.rises:
        evidence = {**finding.evidence, **found.evidence, "cause": "overfitting"}
        return Finding(finding.id, "problem", found.statement, evidence, _FEWER)
    if finding.verdict == "not_applicable" and found.memorised is not None:
        statement = {language: f"{found.statement[language]} {found.memorised[language]}" for language in LANGUAGES}
        evidence = {**finding.evidence, **found.evidence, "cause": "memorised"}
        return Finding(finding.id, "problem", statement, evidence, _FEWER_EPOCHS)
    statement = {language: f"{found.statement[language]} {finding.statement[language]}" for language in LANGUAGES}
    verdict = "cannot_tell" if finding.verdict == "not_applicable" else finding.verdict
    return Finding(finding.id, verdict, statement, {**finding.evidence, **found.evidence}, finding.remedy or _LOOK)


_FEWER = both(
    "Test the weights of the epoch with the lowest validation loss, and fewer epochs, a lower rate, more data or more "
    "regularisation.",
    "검증 손실이 가장 낮은 에폭의 가중치를 사용해 보고, 에폭 줄이기, 더 낮은 학습률, 데이터 추가, 정규화 강화를 "
    "시험해 보십시오.",
)
_FEWER_EPOCHS = both(
    "Log a validation loss after each epoch; test fewer epochs, a lower rate or more data.",
    "에폭마다 검증 손실을 기록하고, 에폭 줄이기, 더 낮은 학습률, 데이터 추가를 시험해 보십시오.",
)
_LOOK = both("Look at the validation loss after each epoch.", "에폭마다 검증 손실을 확인하십시오.")


def _epochs(context: RunContext) -> list[Floats]:
    """The losses of each epoch, in order; empty if epochs are unknown, or the rate changes with them."""
    table = context.table
    if table.loss not in (t.BATCH_LOSS, t.INTERVAL_LOSS) or table.counts_epochs:
        return []
    epoch = table.epoch[context.rows]
    numbers = np.unique(epoch[np.isfinite(epoch)])
    if not 1 < len(numbers) <= 1000:
        return []
    starts = np.searchsorted(epoch, numbers)
    if np.isnan(epoch).any() or (np.diff(epoch) < 0).any():
        return []
    losses = np.split(context.loss, starts[1:])
    if len(losses) > 2 and len(losses[-1]) < len(losses[-2]) / 4:
        losses = losses[:-1]  # the first few steps of an epoch
    return [] if _rate_steps_with(context, starts[1:]) else losses


def _rate_steps_with(context: RunContext, starts: t.Integers) -> bool:
    rates = context.table.column(t.LEARNING_RATE)[context.rows]
    before, after = rates[np.maximum(starts - 1, 0)], rates[starts]
    known = np.isfinite(before) & np.isfinite(after) & (after > 0)
    return bool(np.any(before[known] > RATE_CHANGE * after[known]))


def _validation_by_epoch(context: RunContext) -> list[Floats]:
    """The validation losses of each epoch that has some."""
    table = context.table
    values = table.column(t.VALIDATION_LOSS)
    told = usable(values) & np.isfinite(table.epoch)
    return [values[told & (table.epoch == number)] for number in np.unique(table.epoch[told])]


def _rises(groups: list[Floats]) -> bool:
    """The validation loss is higher in the last epoch than in the lowest one, beyond its noise within epochs."""
    if len(groups) < 2:
        return False
    means = np.array([group.mean() for group in groups])
    lowest, rise = int(np.argmin(means)), float(means[-1] - means.min())
    if rise < LEAST_RISE * abs(float(means.min())) or means[-1] < means.max() or lowest == len(groups) - 1:
        return False
    inside = np.concatenate([group - group.mean() for group in groups])
    degrees = len(inside) - len(groups)
    if degrees < len(groups):  # one validation an epoch: it must rise each time, and more than once
        return bool(len(means) - lowest > 2 and (np.diff(means[lowest:]) > 0).all())
    error = float(np.sqrt(np.sum(inside**2) / degrees * (1 / len(groups[-1]) + 1 / len(groups[lowest]))))
    return rise > SURE_RISE * error
