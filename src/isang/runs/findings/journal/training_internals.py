"""Faults that only a detailed journal shows: parts that do not move, data in one order, a few sessions unlike the rest.

Each check returns a fault or None; the findings that they belong to say it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isang.runs.finding import LANGUAGES, Finding, Language, RunContext, both, plain
from isang.runs.read import table as t
from isang.runs.read.table import Floats, Integers, RunTable
from isang.runs.text.writing import number

UPDATE_RATIO = "update_ratio."
"""Series with this beginning hold, by part of the model, the size of an update in parts of the size of the weights."""
STILL = 1e-2
"""A part whose ratio is below this part of the median part's does not move."""
HUGE = 0.05
"""Steps that change the weights by more than this part of them; about a thousandth is usual."""
LARGE = 0.01
"""Ten times the usual thousandth (a rule of thumb of Karpathy's lecture notes for Stanford's CS231n) is large where the
steps stay so while the rate is high. A model may bear it, and only where it learns little is it a fault."""
HIGH_RATE = 0.5
"""The rate is high where it is at least this part of its peak."""
LITTLE = 0.5
"""A model has learned little when its best validation loss is above this part of what frequency alone gives."""
NOTHING = 0.8
"""And hardly anything when it is above this part."""

FEWEST_EPOCHS = 4
FEWEST_BINS, MOST_BINS = 5, 20
"""Parts of an epoch whose losses are compared from epoch to epoch."""
SHIFTS = 999
FALSE_ALARMS = 0.001
ORDERED_PERCENT = 2.0
"""Differences within the epoch (standard deviation) below this percentage of the loss are not a fault."""
OWN_CYCLES = ("cosine with restarts", "cyclic")
"""Schedules that may make a pattern of one epoch by themselves."""

TAIL = "validation_session_loss_"
STRANGE = 0.5
"""A session whose loss is beyond this part of ln(vocabulary), the loss of guessing, is hardly known to the model."""
APART = 3.0
"""The 99th percentile must also be this many times the 90th: else the model knows the usual sessions no better."""


@dataclass(frozen=True)
class Fault:
    """What is wrong, as a finding says it."""

    statement: Mapping[Language, str]
    remedy: Mapping[Language, str]
    evidence: Mapping[str, Any]


def with_faults(finding: Finding, faults: Sequence[Fault]) -> Finding:
    """The finding with the faults stated first; a problem if there are any."""
    if not faults:
        return finding
    remedies = [*(fault.remedy for fault in faults), *([finding.remedy] if finding.remedy else [])]
    statements = [*(fault.statement for fault in faults), finding.statement]
    evidence = dict(finding.evidence)
    for fault in faults:
        evidence.update(plain(fault.evidence))
    return Finding(
        finding.id,
        "problem",
        {language: " ".join(said[language] for said in statements) for language in LANGUAGES},
        evidence,
        {language: " ".join(said[language] for said in remedies) for language in LANGUAGES},
    )


def still_parts(table: RunTable) -> Fault | None:
    """Parts of the model whose weights do not change while the others do."""
    ratios = {}
    for name in table.columns:
        if name.startswith(UPDATE_RATIO):
            values = table.column(name)
            ratios[name.removeprefix(UPDATE_RATIO)] = float(np.median(values[np.isfinite(values)]))
    typical = float(np.median(list(ratios.values()))) if len(ratios) > 1 else 0.0
    still = [part for part, ratio in ratios.items() if ratio <= STILL * typical]
    if not still or typical <= 0:
        return None
    listed, limit = ", ".join(still), number(STILL * typical)
    return Fault(
        both(
            f"These parts of the model do not move: {listed}. Their updates are below {limit} of their weights, a "
            f"hundredth of what is usual in this model ({number(typical)}).",
            f"모델의 다음 부분이 움직이지 않습니다: {listed}. 갱신 크기가 가중치의 {limit} 미만으로, 이 모델에서 "
            f"보통인 값({number(typical)})의 백분의 일보다 작습니다.",
        ),
        both(
            "Check whether these weights were frozen on purpose and whether they are handed to the optimizer.",
            "이 가중치를 일부러 고정했는지, 옵티마이저에 전달되었는지 확인해 보십시오.",
        ),
        {"update_ratio": ratios, "still_parts": still, "still_below": STILL * typical},
    )


def huge_updates(table: RunTable) -> Fault | None:
    """Steps far too large for the weights: a single one, or most of them in a run that learns little."""
    series = np.array([table.column(name) for name in table.columns if name.startswith(UPDATE_RATIO)])
    if len(series) < 2:
        return None
    logged = np.asarray(np.isfinite(series).all(axis=0))
    if not logged.any():
        return None
    typical = np.median(series[:, logged], axis=0)
    largest = float(typical.max())
    if largest <= HUGE:
        return _large_updates(table, logged, typical)
    step = int(table.step[logged][int(np.argmax(typical))])
    percent, limit = f"{100 * largest:.0f} %", f"{100 * HUGE:.0f} %"
    return Fault(
        both(
            f"A single step changes the weights of the middle part of the model by {percent} (step {step:,}); from "
            f"{limit} on a step is far too large, a thousandth is usual.",
            f"한 스텝이 모델 중간 부분의 가중치를 {percent} 바꿉니다(스텝 {step:,}). {limit}부터는 지나치게 큰 "
            "스텝이며, 보통은 천분의 일 정도입니다.",
        ),
        _LOWER_RATE,
        {"largest_update_ratio": largest, "largest_update_step": step, "largest_update_threshold": HUGE},
    )


def _large_updates(table: RunTable, logged: NDArray[np.bool_], typical: Floats) -> Fault | None:
    """Large steps all through the time of a high rate, in a run whose validation loss stays near that of guessing by
    frequency. `typical` is the median part's ratio in the rows `logged`."""
    guess, losses = table.facts.get("nats_by_frequency"), table.points(t.VALIDATION_LOSS)[1]
    if not guess or not len(losses) or not table.has(t.LEARNING_RATE):
        return None
    rates = table.column(t.LEARNING_RATE)
    high = rates[logged] >= HIGH_RATE * np.nanmax(rates)
    if not high.any():
        return None
    usual, best = float(np.median(typical[high])), float(losses.min())
    if usual <= LARGE or best <= LITTLE * guess:
        return None
    percent, limit = f"{100 * usual:.1f} %", f"{100 * LARGE:.0f} %"
    left, most = f"{100 * best / guess:.0f} %", f"{100 * LITTLE:.0f} %"
    return Fault(
        both(
            f"While the learning rate is high, a step changes the weights of the middle part of the model by {percent} "
            f"(median; a thousandth is usual, {limit} is large), and the model learns little: its best validation loss "
            f"is {left} of what knowing each event's frequency alone would give ({number(guess)}), more than {most}.",
            f"학습률이 높은 동안 한 스텝이 모델 중간 부분의 가중치를 {percent} 바꾸며(중앙값. 보통은 천분의 일, "
            f"{limit}부터 큰 스텝), 모델이 배운 것이 적습니다. 가장 낮은 검증 손실이 이벤트의 빈도만 알 때의 "
            f"값({number(guess)})의 {left}로, {most}보다 큽니다.",
        ),
        _LOWER_RATE,
        {
            "usual_update_ratio": usual, "usual_update_threshold": LARGE, "best_validation_loss": best,
            "nats_by_frequency": guess, "learned_little_from": LITTLE * guess,
        },
    )  # fmt: skip


_LOWER_RATE = both("Test a learning rate ten times lower.", "학습률을 열 배 낮추어 시험해 보십시오.")


def hardly_learned(table: RunTable) -> Fault | None:
    """A best validation loss near that of guessing by event frequency."""
    guess, losses = table.facts.get("nats_by_frequency"), table.points(t.VALIDATION_LOSS)[1]
    if not guess or not len(losses) or losses.min() <= NOTHING * guess:
        return None
    best = float(losses.min())
    left, most = f"{100 * best / guess:.0f} %", f"{100 * NOTHING:.0f} %"
    return Fault(
        both(
            f"The model knows hardly more than how often each event occurs: its best validation loss, {number(best)}, "
            f"is {left} of what that alone would give ({number(guess)}); above {most} little is learned from what "
            "stands around an event.",
            f"모델이 아는 것이 각 이벤트의 빈도와 거의 다르지 않습니다. 가장 낮은 검증 손실 {number(best)}은 "
            f"빈도만 알 때의 값({number(guess)})의 {left}입니다. {most}보다 크면 이벤트 주변에서 배운 것이 거의 "
            "없는 것입니다.",
        ),
        both(
            "Test a learning rate ten times lower, and more steps; if both change nothing, the order of these events "
            "may be random.",
            "학습률을 열 배 낮추고 스텝을 늘려 시험해 보십시오. 둘 다 효과가 없다면 이벤트의 순서가 무작위일 수 "
            "있습니다.",
        ),
        {"best_validation_loss": best, "nats_by_frequency": guess, "hardly_learned_from": NOTHING * guess},
    )


def ordered_data(table: RunTable, context: RunContext) -> Fault | None:
    """Losses that follow the same course in every epoch, as they do where the data is not shuffled."""
    folded = _folded(table, context)
    if folded is None or context.schedule["family"] in OWN_CYCLES:
        return None
    profile = folded.mean(axis=0)
    rng = np.random.default_rng(0)
    bins = np.arange(folded.shape[1])
    by_chance = [
        _rolled(folded, rng.integers(0, folded.shape[1], len(folded)), bins).mean(axis=0).std() for _ in range(SHIFTS)
    ]
    chance = (1 + sum(spread >= profile.std() for spread in by_chance)) / (1 + SHIFTS)
    percent = 100 * float(profile.std())
    if chance > FALSE_ALARMS or percent < ORDERED_PERCENT:
        return None
    low, high = (100 * math.expm1(float(edge)) for edge in (profile.min(), profile.max()))
    return Fault(
        both(
            f"The loss takes the same course in every epoch, from {low:+.0f} % to {high:+.0f} % of its level: it "
            "follows the order of the data, which was not shuffled.",
            f"손실이 에폭마다 같은 모양({low:+.0f} %에서 {high:+.0f} %까지)으로 되풀이됩니다. 데이터를 섞지 않아 "
            "손실이 데이터의 순서를 따르는 것입니다.",
        ),
        both(
            "Shuffle the training data anew in each epoch and compare the validation loss.",
            "에폭마다 학습 데이터를 새로 섞고 검증 손실을 비교해 보십시오.",
        ),
        {
            "course_of_an_epoch_percent": [100 * math.expm1(float(value)) for value in profile],
            "course_spread_percent": percent, "course_chance": chance, "course_threshold_percent": ORDERED_PERCENT,
            "course_epochs": len(folded),
        },
    )  # fmt: skip


def _rolled(folded: Floats, by: NDArray[np.int64], bins: NDArray[np.int64]) -> Floats:
    """Each of E epochs rotated by its own number of bins: the course of each is kept, what they share is destroyed."""
    return np.take_along_axis(folded, (bins[None, :] + by[:, None]) % len(bins), axis=1)


def _folded(table: RunTable, context: RunContext) -> Floats | None:
    """The logarithm of the loss over its mean of one epoch around, by epoch and part of the epoch, shape (E, bins).

    The first epoch is left out. None where the log does not show whole epochs step by step.
    """
    size = context.statistics["batches_per_epoch"]
    if table.loss not in (t.BATCH_LOSS, t.INTERVAL_LOSS) or not size or not len(context.loss):
        return None
    per_epoch = int(size // max(table.loss_window, 1.0))
    bins = min(MOST_BINS, per_epoch)
    epochs = len(context.loss) // max(per_epoch, 1)
    if bins < FEWEST_BINS or epochs < FEWEST_EPOCHS or context.loss.min() <= 0:
        return None
    spacing = _spacing(context.steps)
    if not spacing or int(size) % spacing or int(size) // spacing != per_epoch:
        return None
    first = int(np.searchsorted(context.steps, size + 1 if context.steps[0] else size))
    log = np.log(context.loss)
    total = np.cumsum(log)
    for end in range(len(total), per_epoch, -per_epoch):  # in place, from the end: what is subtracted is still a sum
        begin = max(end - per_epoch, per_epoch)
        total[begin:end] -= total[begin - per_epoch : end - per_epoch]
    around = total[per_epoch - 1 :]
    around /= per_epoch
    half = per_epoch // 2
    residual = log[half : half + len(around)]  # of the rows from `half` on
    residual -= around
    start = max(first, half) + (-max(first, half) + first) % per_epoch
    count = (len(residual) + half - start) // per_epoch
    if count < FEWEST_EPOCHS - 2:
        return None
    whole = residual[start - half : start - half + count * per_epoch].reshape(count, per_epoch)
    edges = np.linspace(0, per_epoch, bins + 1).astype(np.int64)
    return np.add.reduceat(whole, edges[:-1], axis=1) / np.diff(edges)


def _spacing(steps: Integers) -> int:
    """The distance between all neighbours of the steps; 0 where it differs."""
    gaps = np.diff(steps)
    return int(gaps[0]) if (gaps == gaps[0]).all() else 0


def heavy_tail(table: RunTable) -> Fault | None:
    """A few validation sessions that the model finds far stranger than all others, at the best validation."""
    if not all(table.has(TAIL + name) for name in ("p50", "p90", "p99")) or not table.has(t.VALIDATION_LOSS):
        return None
    middle, most, far, highest = (table.column(TAIL + name) for name in ("p50", "p90", "p99", "max"))
    loss = np.where(np.isfinite(middle), table.column(t.VALIDATION_LOSS), np.nan)
    size = table.facts.get("vocabulary_size")
    if np.isnan(loss).all() or not size:
        return None
    best = int(np.nanargmin(loss))
    p50, p90, p99, top = (float(values[best]) for values in (middle, most, far, highest))
    guessing = math.log(size)
    if p99 < STRANGE * guessing or p99 < APART * p90:
        return None
    return Fault(
        both(
            f"One in a hundred validation sessions has a loss of {number(p99)} or more, nine in ten have at most "
            f"{number(p90)} (at step {int(table.step[best]):,}): a few sessions are unlike all others. If they are "
            "anomalies, the training data, which comes from the same log, probably holds such sessions as well.",
            f"검증 세션 백 개 중 하나는 손실이 {number(p99)} 이상이지만, 열 개 중 아홉은 {number(p90)} 이하입니다(스텝 "
            f"{int(table.step[best]):,}). 몇몇 세션이 나머지와 전혀 다릅니다. 이들이 이상이라면 같은 로그에서 나온 "
            "학습 데이터에도 그런 세션이 섞여 있을 수 있습니다.",
        ),
        both(
            "Look at the validation sessions with the highest losses; label those that are anomalies, so that they are "
            "left out, and train again.",
            "손실이 가장 큰 검증 세션을 살펴보십시오. 이상인 세션에 라벨을 붙여 학습에서 빼고 다시 학습해 보십시오.",
        ),
        {
            "session_loss": {"p50": p50, "p90": p90, "p99": p99, "max": top}, "guessing": guessing,
            "tail_threshold": STRANGE * guessing, "tail_step": int(table.step[best]),
        },
    )  # fmt: skip
