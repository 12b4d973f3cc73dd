"""What the pictures of a run draw: thinned series, marks of the findings, one box per epoch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isang.formatting import printable_line
from isang.runs.plots.annotations import Mark, cited_steps, marks_of
from isang.runs.plots.thinning import thin
from isang.runs.read.table import LEARNING_RATE, METRIC, RUNNING_MEAN, VALIDATION_LOSS, Floats, Integers, blocks_of
from isang.runs.report.judge import JudgedRun
from isang.runs.statistics.decay_fit import IdealCurve, fit_ideal_curve

MOST_BOXES = 100
FEWEST_IN_BOX = 5
PARTS = 10
"""Number of equal parts used in place of epochs if a log has none."""


@dataclass(frozen=True)
class Series:
    """One line of a picture: n drawn points of the `of` that the run has."""

    name: str
    step: Integers
    values: Floats
    of: int


@dataclass(frozen=True)
class Box:
    """The spread of the losses of one epoch, as a box plot shows it."""

    epoch: int
    mean: float
    quartiles: tuple[float, float, float]
    whiskers: tuple[float, float]
    """The outermost values within 1.5 interquartile ranges of the box (Tukey)."""
    extremes: tuple[float, float]
    """The lowest and the highest value."""
    outside: int
    """Values beyond the whiskers."""
    count: int


@dataclass(frozen=True)
class Curves:
    """All that the six pictures draw. Absent series are None or empty."""

    name: str
    loss: Series | None
    running_mean: Series | None
    smoothed: Series | None
    ideal: Series | None
    validation: Series | None
    learning_rate: Series | None
    decrease: Series | None
    """Per cent of the initial smoothed loss that is gone; none of a metric that is better the higher it is."""
    reached: dict[int, int]
    """The step at which the decrease first reached 50, 75 and 90 %."""
    epochs: tuple[tuple[int, float, float | None], ...]
    """Number, mean loss and validation loss of each epoch (or of each of ten equal parts)."""
    boxes: tuple[Box, ...]
    epoch_starts: tuple[tuple[int, int], ...]
    """Number and first step of each epoch."""
    named_epochs: bool
    """False if the log has no epochs and ten equal parts are used instead."""
    boxes_are_epochs: bool
    """False if ten equal parts are used, because there are no epochs, too many, or too few losses in each."""
    schedule: Mapping[str, Any]
    marks: tuple[Mark, ...]
    metric: str = ""
    """The log's own name of the judged series if it is not a loss."""
    maximised: bool = False
    """Whether that metric is better the higher it is."""


def curves_of(report: JudgedRun, most: int = 3000) -> Curves:
    """The drawn data of a run; no series keeps more than about `most` points and those that findings cite."""
    table = report.table
    marks = marks_of(report.findings, int(table.step[-1]) if len(table.step) else 0)
    cited = _cited(report)
    smooth_step, smooth = _finite(*report.smoothed)
    ideal = fit_ideal_curve(smooth_step, smooth)
    boxes, boxes_are_epochs = _boxes(report)
    means = _epoch_means(report)
    smoothed = _series(
        "smoothed_metric" if table.loss == METRIC else "smoothed_loss", smooth_step, smooth, most // 2, cited
    )
    return Curves(
        name=printable_line(table.name),
        maximised=table.maximised,
        metric=printable_line(table.loss_name or table.loss) if table.loss == METRIC else "",
        loss=_series(table.loss, *_finite(*table.points(table.loss)), most, cited),
        running_mean=None
        if table.loss == RUNNING_MEAN
        else _series(RUNNING_MEAN, *_finite(*table.points(RUNNING_MEAN)), most // 4, cited),
        smoothed=smoothed,
        ideal=None if ideal is None else _ideal_series(ideal, smooth_step),
        validation=_series(VALIDATION_LOSS, *_finite(*table.points(VALIDATION_LOSS)), most // 4, cited),
        learning_rate=_series(LEARNING_RATE, *_finite(*table.points(LEARNING_RATE)), most // 4, cited),
        decrease=None if table.maximised else _decrease(smoothed),
        reached={} if table.maximised else _reached(smooth_step, smooth),
        epochs=means or tuple((box.epoch, box.mean, None) for box in boxes),
        boxes=boxes,
        epoch_starts=_epoch_starts(report),
        named_epochs=bool(means),
        boxes_are_epochs=boxes_are_epochs,
        schedule=report.schedule,
        marks=marks,
    )


def _cited(report: JudgedRun) -> list[int]:
    """The steps that findings or the table of statistics name, where the run has them."""
    if len(report.table.step) == 0:
        return []
    named = {step for finding in report.findings for step in cited_steps(finding.evidence)}
    named.update(cited_steps(report.statistics))
    first, last = int(report.table.step[0]), int(report.table.step[-1])
    return sorted(step for step in named if first <= step <= last)


def _finite(step: Integers, values: Floats) -> tuple[Integers, Floats]:
    finite = np.isfinite(values)
    return (step, values) if finite.all() else (step[finite], values[finite])


def _series(name: str, step: Integers, values: Floats, most: int, cited: list[int]) -> Series | None:
    if len(step) == 0:
        return None
    rows = thin(step, values, most, cited)
    return Series(name, step[rows], values[rows], of=len(step))


def _ideal_series(ideal: IdealCurve, step: Integers) -> Series:
    """A smooth line needs few points; more of them where it bends."""
    share = np.concatenate([np.geomspace(1e-4, 1, 120), np.linspace(0, 1, 60)])
    rows = np.unique((share * (len(step) - 1)).astype(np.int64))
    return Series("ideal", step[rows], ideal(step[rows]), of=len(rows))


def _decrease(smoothed: Series | None) -> Series | None:
    if smoothed is None or smoothed.values[0] <= 0:
        return None  # per cent of nothing, or of a negative loss, has no meaning
    share = 100 * (1 - smoothed.values / smoothed.values[0])
    return Series("decrease", smoothed.step, share, smoothed.of)


def _reached(step: Integers, smooth: Floats) -> dict[int, int]:
    if len(step) == 0 or smooth[0] <= 0:
        return {}
    gone = 100 * (1 - smooth / smooth[0])
    return {goal: int(step[np.argmax(gone >= goal)]) for goal in (50, 75, 90) if (gone >= goal).any()}


def _boxes(report: JudgedRun) -> tuple[tuple[Box, ...], bool]:
    """The boxes, and whether each represents an epoch."""
    table = report.table
    step, loss = _finite(*table.points(table.loss))
    if len(step) == 0:
        return (), False
    epoch = table.epoch if len(step) == len(table.step) else table.epoch[np.searchsorted(table.step, step)]
    known = int(np.isfinite(epoch).sum())
    numbers = np.unique(blocks_of(epoch)[0])
    numbers = numbers[np.isfinite(numbers)]
    by_epoch = 1 < len(numbers) <= MOST_BOXES and known >= FEWEST_IN_BOX * len(numbers)
    if not by_epoch:
        epoch = np.minimum(np.arange(len(step)) * PARTS // len(step), PARTS - 1) + 1.0
        numbers = blocks_of(epoch)[0]
    groups = ((int(number), loss[epoch == number]) for number in numbers)
    return tuple(_box(number, values) for number, values in groups), by_epoch


def _box(number: int, values: Floats) -> Box:
    low, middle, high = (float(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))
    reach = 1.5 * (high - low)
    inside = values[(values >= low - reach) & (values <= high + reach)]
    return Box(
        epoch=number,
        mean=float(values.mean()),
        quartiles=(low, middle, high),
        whiskers=(float(inside.min()), float(inside.max())),
        extremes=(float(values.min()), float(values.max())),
        outside=len(values) - len(inside),
        count=len(values),
    )


def _epoch_means(report: JudgedRun) -> tuple[tuple[int, float, float | None], ...]:
    """Number, mean loss and validation loss of each epoch; empty if the log has fewer than two."""
    means = tuple(
        (row["epoch"], row["mean_loss"], row["validation_loss"])
        for row in report.epochs
        if row["mean_loss"] is not None
    )
    return means if len(means) > 1 else ()


def _epoch_starts(report: JudgedRun) -> tuple[tuple[int, int], ...]:
    table = report.table
    blocks, starts = table.epoch_blocks()
    known = np.isfinite(blocks)
    numbers, first = np.unique(blocks[known], return_index=True)
    steps = table.step[starts[:-1][known][first]]
    return tuple((int(number), int(step)) for number, step in zip(numbers, steps, strict=True))
