"""Where the labels of values stand clear of the curves that they name."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from isang.runs.plots.curves import Series
from isang.runs.read.table import Floats

LABEL_WIDTH = 0.32
"""Width of the label of the best value, in that of its plot."""
STEEP = 0.08
"""A step of the curve, in its whole height, that would run through a label above the point."""

NEAR = 0.2
"""Another line that runs less than this above a point, in the curve's height, takes the place of its label."""


def best_row(smoothed: Series, *, maximised: bool) -> int:
    """The drawn point of the lowest loss, or of the highest metric."""
    return int(smoothed.values.argmax() if maximised else smoothed.values.argmin())


def above_best(smoothed: Series, others: Sequence[Series | None], row: int) -> dict[str, Any]:
    """How `annotate` places the label of the best smoothed value: over all curves that would run through it."""
    at = int(smoothed.step[row])
    width = LABEL_WIDTH * float(smoothed.step[-1] - smoothed.step[0])
    late = at > smoothed.step[0] + width
    first, last = (at - width, at) if late else (at, at + width)
    beneath: list[Floats] = [
        curve.values[(curve.step >= first) & (curve.step <= last)] for curve in (smoothed, *others) if curve is not None
    ]
    height = float(np.nanmax(np.concatenate(beneath)))
    return {"xy": (at, height), "xytext": (0, 8), "ha": "right" if late else "left"}


def beside(values: Sequence[float], index: int, other: float | None = None) -> dict[str, Any]:
    """Arguments for `annotate` to place the label of a point on a line; `other` is another line's value."""
    height = max(values) - min(values)
    if other is not None and 0 < other - values[index] < NEAR * height:
        return {"xytext": (-3, -7), "ha": "right", "va": "top"}
    steep = STEEP * height
    falls = index > 0 and values[index - 1] - values[index] > steep
    rises = index + 1 < len(values) and values[index + 1] - values[index] > steep
    if falls and rises:
        return {"xytext": (0, -9), "ha": "center", "va": "top"}
    if falls:
        return {"xytext": (3, 9), "ha": "left"}
    return {"xytext": (-3, 9), "ha": "right"} if rises else {"xytext": (0, 9), "ha": "center"}
