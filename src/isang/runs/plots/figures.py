"""The six plots of a training run as figures, alone and together; the caller saves them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isang.runs.findings import Language
from isang.runs.plots.curves import Curves
from isang.runs.plots.drawing import (
    GRID,
    IDEAL,
    INK,
    LOG_RANGE,
    MUTED,
    PAPER,
    RUNNING,
    SMOOTH,
    VALIDATION,
    draw_boxes,
    draw_decrease,
    draw_epochs,
    draw_learning_rate,
    draw_loss,
    draw_smoothed,
    logarithmic,
    nothing,
)  # fmt: skip
from isang.runs.plots.fonts import can_write, find_korean_font, measured_name, picture_fonts
from isang.runs.text.words import plot_title, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_RUNS = 8
"""Runs that one comparing plot shows."""


@dataclass(frozen=True)
class Plot:
    """One of the six: its name (also the file's name) and how it is drawn into axes."""

    name: str
    draw: Callable[[Axes, Curves, Language], None]
    unit: str = "step"
    """What its x axis counts."""

    def figure(self, curves: Curves, language: Language) -> Figure:
        """The plot alone, 8.4 x 4.3 inches."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.4, 4.3))
        axes = figure.add_axes((0.085, 0.125, 0.895, 0.765))
        self.draw(axes, curves, language)
        return figure


def readable(figure: Figure, unit: str) -> dict[str, Any]:
    """What a page needs to read values off a plot: its frame in points, its range, and the drawn points.

    A series is (name, gaps between its steps, values with five digits); the first gap counts from zero.
    """
    axes = figure.axes[0]
    width, height = (float(inches) * 72 for inches in figure.get_size_inches())
    frame = axes.get_position()
    series = []
    for line in axes.lines:
        if line.get_gid() == "series":
            gaps = np.diff(np.asarray(line.get_xdata(), dtype=np.int64), prepend=0).tolist()
            values = np.asarray(line.get_ydata(), dtype=np.float64).tolist()
            series.append((line.get_label(), gaps, [float(f"{value:.5g}") for value in values]))
    box = (frame.x0 * width, (1 - frame.y1) * height, frame.x1 * width, (1 - frame.y0) * height)
    return {
        "box": [round(float(edge), 2) for edge in box], "range": [float(end) for end in axes.get_xlim()],
        "unit": unit, "series": series,
    }  # fmt: skip


def all_in_one(curves: Curves, language: Language) -> Figure:
    """The six plots in one picture, three rows of two."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 14.4))
    grid = figure.add_gridspec(3, 2, left=0.055, right=0.985, top=0.925, bottom=0.04, hspace=0.27, wspace=0.17)
    for position, plot in enumerate(PLOTS):
        plot.draw(figure.add_subplot(grid[position // 2, position % 2]), curves, language)
    figure.text(0.055, 0.973, word("title", language), fontsize=17, fontweight="bold", color=INK, va="center")
    if can_write(curves.name, picture_fonts(language)):  # a name that the font lacks would be a row of empty boxes
        figure.text(0.985, 0.973, curves.name, fontsize=11, color=MUTED, ha="right", va="center", parse_math=False)
    return figure


def usual_metric(runs: Sequence[Curves]) -> str:
    """The metric by which most of the runs are judged, "" if by their losses."""
    kinds = [curves.metric for curves in runs if curves.smoothed is not None]
    return max(kinds, key=lambda kind: (kinds.count(kind), not kind), default="")


def overlay(runs: Sequence[Curves], language: Language) -> Figure:
    """The smoothed losses of up to eight runs in one plot, or the metric if most runs are judged by the same one.

    A return of -1,500 and a loss of 2 share no axis.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 4.3))
    axes = figure.add_axes((0.085, 0.125, 0.875, 0.765))
    able = [(place, curves) for place, curves in enumerate(runs, start=1) if curves.smoothed is not None]
    usual = usual_metric(runs)
    all_able, able = len(able), [(place, curves) for place, curves in able if curves.metric == usual]
    measured = measured_name(usual, language)
    drawn = able[:MOST_RUNS]
    title = axes.set_title(plot_title("overlay", usual, language), color=INK)
    title.set_gid("title")
    for row, (place, curves) in enumerate(drawn):
        name = curves.name if can_write(curves.name, picture_fonts(language)) else f"{word('run', language)} {place}"
        smoothed = curves.smoothed
        if smoothed is not None:
            axes.plot(smoothed.step, smoothed.values, label=f"{place}. {name}".replace("$", ""), gid="series",
                      color=(SMOOTH, IDEAL, RUNNING, VALIDATION)[row % 4], linewidth=1.8,
                      linestyle="-" if row < 4 else (0, (5, 3)))  # fmt: skip
    if not drawn:
        nothing(axes, word("no_loss", language))
        return figure
    axes.set(xlabel=word("step", language), ylabel=measured)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    every = np.concatenate([curves.smoothed.values for _, curves in drawn if curves.smoothed is not None])
    if every.min() > 0 and every.max() > LOG_RANGE * every.min():
        logarithmic(axes)
    more = all_able - len(drawn)
    axes.legend(loc="best", title=word("overlay_more", language, count=f"{more:,}") if more else None)
    return figure


def picture_language(wanted: Language) -> Language:
    """The language of the labels: English where Korean is wanted and the machine has no font for it."""
    return "ko" if wanted == "ko" and find_korean_font() is not None else "en"


@contextmanager
def style(language: Language) -> Iterator[None]:
    """Draw and save within this: fonts, thin frames, and output that is the same for the same input."""
    import matplotlib

    settings: Any = {
        "font.family": picture_fonts(language), "font.size": 10, "axes.unicode_minus": False,
        "text.color": INK, "axes.labelcolor": MUTED, "axes.edgecolor": MUTED, "xtick.color": MUTED,
        "ytick.color": MUTED, "axes.linewidth": 0.8, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "axes.grid.axis": "y", "grid.color": GRID, "grid.linewidth": 0.8, "axes.axisbelow": True,
        "axes.titlesize": 12, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 15,
        "axes.titley": 1.0,  # titlepad leaves room for a power of ten; unset, all ticks are laid out to see
        "legend.frameon": False, "legend.fontsize": 9, "figure.facecolor": PAPER, "axes.facecolor": "none",
        "svg.fonttype": "none", "svg.hashsalt": "isang", "path.simplify": False, "figure.dpi": 72,
    }  # fmt: skip
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)  # users need not know that a Korean font's bold is called semi-bold
    try:
        with matplotlib.rc_context(settings):
            yield
    finally:
        logger.setLevel(level)


PLOTS = (
    Plot("loss_per_step", draw_loss),
    Plot("smoothed_loss", draw_smoothed),
    Plot("epoch_means", draw_epochs, unit="epoch"),
    Plot("learning_rate", draw_learning_rate),
    Plot("decrease", draw_decrease),
    Plot("epoch_boxes", draw_boxes, unit="epoch"),
)
"""The six, in the order of the report."""
