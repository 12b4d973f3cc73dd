"""The six plots of a training run: each takes the drawn data of a run and returns a figure; the caller saves it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isang.runs.curves import Curves, Series
from isang.runs.findings import Language
from isang.runs.fonts import PLAIN_FONT, can_write, find_korean_font
from isang.runs.labels import above_lowest, beside
from isang.runs.marks import Mark
from isang.runs.thinning import nearest
from isang.runs.words import finding_name, number, series_name, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1d2329", "#626b75", "#e3e6e9", "#ffffff"
RAW, RUNNING, SMOOTH, IDEAL, VALIDATION, PROBLEM = "#9ab3c6", "#5f8f86", "#1c5a86", "#b25c1a", "#7b3f8c", "#b3271e"
"""Colours of the light page; the page maps them to others in the dark. Lines differ in dash and width as well."""
COLOURS = {
    "ink": INK, "muted": MUTED, "grid": GRID, "paper": PAPER, "raw": RAW, "running": RUNNING, "smooth": SMOOTH,
    "ideal": IDEAL, "validation": VALIDATION, "problem": PROBLEM,
}  # fmt: skip
LOG_RANGE = 8.0
"""A loss that spans a greater factor is drawn on a logarithmic axis."""
LANE = 0.07
"""Height of one named bar at the top of a plot, as a share of the plot."""
MOST_EPOCH_LINES = 30
MOST_VALUE_LABELS = 12
MOST_DOTS = 60
"""More epochs than this are drawn as a line without dots."""
MOST_RUNS = 8
"""Runs that one comparing plot shows."""
DENSE = 800
"""A line of more points than this is drawn thin."""


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


def overlay(runs: Sequence[Curves], language: Language) -> Figure:
    """The smoothed losses of up to eight runs in one plot."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 4.3))
    axes = figure.add_axes((0.085, 0.125, 0.875, 0.765))
    able = [(place, curves) for place, curves in enumerate(runs, start=1) if curves.smoothed is not None]
    drawn = able[:MOST_RUNS]
    title = axes.set_title(word("plot_overlay", language), color=INK)
    title.set_gid("title")
    for row, (place, curves) in enumerate(drawn):
        name = curves.name if can_write(curves.name, picture_fonts(language)) else f"{word('run', language)} {place}"
        smoothed = curves.smoothed
        if smoothed is not None:
            axes.plot(smoothed.step, smoothed.values, label=f"{place}. {name}".replace("$", ""), gid="series",
                      color=(SMOOTH, IDEAL, RUNNING, VALIDATION)[row % 4], linewidth=1.8,
                      linestyle="-" if row < 4 else (0, (5, 3)))  # fmt: skip
    if not drawn:
        _nothing(axes, word("no_loss", language))
        return figure
    axes.set(xlabel=word("step", language), ylabel=word("loss", language))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    every = np.concatenate([curves.smoothed.values for _, curves in drawn if curves.smoothed is not None])
    if every.min() > 0 and every.max() > LOG_RANGE * every.min():
        _logarithmic(axes)
    more = len(able) - len(drawn)
    axes.legend(loc="upper right", title=word("overlay_more", language, count=f"{more:,}") if more else None)
    return figure


def picture_language(wanted: Language) -> Language:
    """The language of the labels: English where Korean is wanted and the machine has no font for it."""
    return "ko" if wanted == "ko" and find_korean_font() is not None else "en"


def picture_fonts(language: Language) -> list[str]:
    """Font families for labels in this language, the first one first."""
    korean = find_korean_font() if language == "ko" else None
    return [korean, PLAIN_FONT] if korean else [PLAIN_FONT]


@contextmanager
def style(language: Language) -> Iterator[None]:
    """Draw and save within this: fonts, thin frames, and output that is the same for the same input."""
    import matplotlib

    settings: Any = {
        "font.family": picture_fonts(language), "font.size": 10, "axes.unicode_minus": False,
        "text.color": INK, "axes.labelcolor": MUTED, "axes.edgecolor": MUTED, "xtick.color": MUTED,
        "ytick.color": MUTED, "axes.linewidth": 0.8, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "axes.grid.axis": "y", "grid.color": GRID, "grid.linewidth": 0.8, "axes.axisbelow": True,
        "axes.titlesize": 12, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 12,
        "legend.frameon": False, "legend.fontsize": 9, "figure.facecolor": PAPER, "axes.facecolor": "none",
        "svg.fonttype": "none", "svg.hashsalt": "isang", "path.simplify": False, "figure.dpi": 72,
    }  # fmt: skip
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)  # a Korean font whose bold is called semi-bold is no news for a user
    try:
        with matplotlib.rc_context(settings):
            yield
    finally:
        logger.setLevel(level)


def draw_loss(axes: Axes, curves: Curves, language: Language) -> None:
    """Plot 1: the loss of every step, the running mean where there is one."""
    _frame(axes, curves, language, "loss_per_step", word("loss", language))
    if curves.loss is None:
        return _nothing(axes, word("no_loss", language))
    _line(axes, curves.loss, language, color=RAW, linewidth=0.7 if len(curves.loss.step) > DENSE else 1.5)
    if curves.running_mean is not None:
        _line(axes, curves.running_mean, language, color=RUNNING, linewidth=1.3)
    _loss_scale(axes, curves.loss)
    _finish(axes, curves, curves.loss, language)
    return None


def draw_smoothed(axes: Axes, curves: Curves, language: Language) -> None:
    """Plot 2: the smoothed loss beside the ideal curve, and the validation loss where there is one."""
    _frame(axes, curves, language, "smoothed_loss", word("loss", language))
    smoothed = curves.smoothed
    if smoothed is None:
        return _nothing(axes, word("no_loss", language))
    if curves.ideal is not None:
        _line(axes, curves.ideal, language, color=IDEAL, linewidth=1.4, linestyle=(0, (5, 3)))
    _line(axes, smoothed, language, color=SMOOTH, linewidth=1.8)
    if curves.validation is not None:
        few = len(curves.validation.step) <= 60
        _line(axes, curves.validation, language, color=VALIDATION, linewidth=1.3, marker="s" if few else "", ms=4)
    _loss_scale(axes, smoothed)
    at, lowest = smoothed.step[smoothed.values.argmin()], smoothed.values.min()
    axes.plot(at, lowest, "o", ms=6, mfc=PAPER, mec=SMOOTH, mew=1.6, gid="point")
    axes.annotate(
        word("lowest", language, value=number(lowest), step=f"{at:,}"), textcoords="offset points", fontsize=9,
        color=SMOOTH, **above_lowest(smoothed, (curves.ideal, curves.validation)),
    )  # fmt: skip
    _finish(axes, curves, smoothed, language)
    return None


def draw_epochs(axes: Axes, curves: Curves, language: Language) -> None:
    """Plot 3: the mean loss of each epoch, and its validation loss where there is one."""
    _frame(axes, curves, language, "epoch_means", word("mean_loss", language), by_step=False)
    if not curves.epochs:
        return _nothing(axes, word("no_loss", language))
    numbers = [epoch for epoch, _, _ in curves.epochs]
    means = [mean for _, mean, _ in curves.epochs]
    dots = ("o-", "s--") if len(numbers) <= MOST_DOTS else ("-", "--")
    axes.plot(
        numbers, means, dots[0], color=SMOOTH, linewidth=1.8, ms=6, label=word("mean_loss", language), gid="series"
    )
    held_out = {epoch: value for epoch, _, value in curves.epochs if value is not None}
    if held_out:
        axes.plot(list(held_out), list(held_out.values()), dots[1], color=VALIDATION, linewidth=1.3, ms=5,
                  label=series_name("validation_loss", language), gid="series")  # fmt: skip
        axes.legend(loc="upper right")
    if len(numbers) <= MOST_VALUE_LABELS:
        for index, (epoch, mean) in enumerate(zip(numbers, means, strict=True)):
            axes.annotate(number(mean), (epoch, mean), textcoords="offset points", fontsize=9, color=INK,
                          **beside(means, index, held_out.get(epoch)))  # fmt: skip
        axes.margins(y=0.14)
    _epoch_axis(axes, numbers, word("epoch" if curves.named_epochs else "tenth", language))
    return None


def draw_learning_rate(axes: Axes, curves: Curves, language: Language) -> None:
    """Plot 4: the learning rate, with the step at which a cosine's descent ends where it was recognised."""
    _frame(axes, curves, language, "learning_rate", "")  # the title says it, and long numbers leave no room beside them
    if curves.learning_rate is None:
        return _nothing(axes, word("no_learning_rate", language))
    _line(axes, curves.learning_rate, language, color=SMOOTH, linewidth=1.8)
    axes.set_ylim(bottom=min(0.0, float(curves.learning_rate.values.min())))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
    found = curves.schedule.get("parameters") or {}
    end = int(curves.learning_rate.step[-1])
    if "T_max" in found and (low_point := found.get("low_point", end)) < 0.99 * end:
        axes.axvline(low_point, color=IDEAL, linewidth=1.2, linestyle=(0, (5, 3)), gid="point")
        late = low_point > 0.75 * end
        note = axes.annotate(f"T_max = {found['T_max']:,.0f}", (low_point, 0.96), xycoords=axes.get_xaxis_transform(),
                             xytext=(-6 if late else 6, 0), textcoords="offset points", va="top", fontsize=9,
                             ha="right" if late else "left", color=IDEAL)  # fmt: skip
        note.set_gid("point")
    return None


def draw_decrease(axes: Axes, curves: Curves, language: Language) -> None:
    """Plot 5: how much of the initial loss is gone, with lines at 50, 75 and 90 %."""
    _frame(axes, curves, language, "decrease", word("decrease_axis", language))
    if curves.decrease is None:
        return _nothing(axes, word("no_decrease", language))
    _line(axes, curves.decrease, language, color=SMOOTH, linewidth=1.8)
    gone = curves.decrease.values
    axes.set_ylim(float(gone.min()) - 3 if gone[-1] < 0 else 0.0, 102.0)
    right = axes.get_xlim()[1]
    for goal in (50, 75, 90):
        axes.axhline(goal, color=IDEAL, linewidth=1.0, linestyle=(0, (5, 3)))
        at = curves.reached.get(goal)
        text = (
            word("goal_reached", language, goal=goal, step=f"{at:,}")
            if at
            else word("goal_missed", language, goal=goal)
        )
        axes.annotate(text, (right, goal), xytext=(-2, -11), textcoords="offset points", ha="right", fontsize=9,
                      color=IDEAL, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1})  # fmt: skip
        if at:
            axes.plot(at, goal, "o", ms=5, mfc=PAPER, mec=IDEAL, mew=1.4, gid="point")
    return None


def draw_boxes(axes: Axes, curves: Curves, language: Language) -> None:
    """Plot 6: the spread of the losses within each epoch."""
    _frame(axes, curves, language, "epoch_boxes", word("loss", language), by_step=False)
    if not curves.boxes:
        return _nothing(axes, word("no_loss", language))
    stats = [
        {"q1": box.quartiles[0], "med": box.quartiles[1], "q3": box.quartiles[2], "mean": box.mean, "fliers": [],
         "whislo": box.whiskers[0], "whishi": box.whiskers[1]}
        for box in curves.boxes
    ]  # fmt: skip
    numbers = [box.epoch for box in curves.boxes]
    thin_line = {"color": SMOOTH, "linewidth": 1.1}
    axes.bxp(
        stats, positions=numbers, widths=0.55, showfliers=False, manage_ticks=False, patch_artist=True,
        boxprops={"facecolor": RAW, "edgecolor": SMOOTH, "linewidth": 1.1}, whiskerprops=thin_line, capprops=thin_line,
        medianprops={"color": SMOOTH, "linewidth": 2.2},
    )  # fmt: skip
    for end in (0, 1):
        outer = [(box.epoch, box.extremes[end]) for box in curves.boxes if box.extremes[end] != box.whiskers[end]]
        if outer:
            axes.plot(*zip(*outer, strict=True), "o", ms=3.5, mfc="none", mec=MUTED, mew=1.0)
    lows, highs = [box.extremes[0] for box in curves.boxes], [box.extremes[1] for box in curves.boxes]
    if min(lows) > 0 and max(highs) > LOG_RANGE * min(lows):
        _logarithmic(axes)
    _epoch_axis(axes, numbers, word("epoch" if curves.boxes_are_epochs else "tenth", language))
    return None


PLOTS = (
    Plot("loss_per_step", draw_loss),
    Plot("smoothed_loss", draw_smoothed),
    Plot("epoch_means", draw_epochs, unit="epoch"),
    Plot("learning_rate", draw_learning_rate),
    Plot("decrease", draw_decrease),
    Plot("epoch_boxes", draw_boxes, unit="epoch"),
)
"""The six, in the order of the report."""


def _frame(axes: Axes, curves: Curves, language: Language, name: str, y: str, *, by_step: bool = True) -> None:
    title = axes.set_title(f"{word('plot_' + name, language)}", color=INK)
    title.set_gid("title")
    axes.set_ylabel(y)
    axes.tick_params(length=3)
    if not by_step:
        return
    axes.set_xlabel(word("step", language))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value == int(value) else "")
    drawn = curves.loss or curves.learning_rate
    if drawn is not None:
        first, last = int(drawn.step[0]), int(drawn.step[-1])
        room = 0.01 * max(1, last - first)
        axes.set_xlim(first - room, last + room)
    if 1 < len(curves.epoch_starts) <= MOST_EPOCH_LINES:
        for _, start in curves.epoch_starts[1:]:
            axes.axvline(start, color=GRID, linewidth=0.8, gid="point")


def _line(axes: Axes, series: Series, language: Language, **look: Any) -> None:
    label = series_name(series.name, language)
    axes.plot(series.step, series.values, label=label, gid="series", **look)


def _loss_scale(axes: Axes, series: Series) -> None:
    low, high = float(series.values.min()), float(series.values.max())
    if low > 0 and high > LOG_RANGE * low:
        _logarithmic(axes)


def _logarithmic(axes: Axes) -> None:
    """A logarithmic axis with plain numbers at 1, 2 and 5."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0), numticks=12))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_locator(NullLocator())


def _epoch_axis(axes: Axes, numbers: list[int], name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(name)
    axes.set_xlim(min(numbers) - 0.6, max(numbers) + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))


def _finish(axes: Axes, curves: Curves, series: Series, language: Language) -> None:
    """The marks of the findings on the curve `series`, and the legend below the bars that name stretches."""
    single = [mark for mark in curves.marks if not mark.stretch]
    for mark in single:
        rows = nearest(series.step, mark.steps)
        colour = PROBLEM if mark.verdict == "problem" else MUTED
        axes.plot(series.step[rows], series.values[rows], "v", ms=6, mfc="none", mec=colour, mew=1.2, gid="point",
                  label=_counted(mark, language))  # fmt: skip
    stretches = [mark for mark in curves.marks if mark.stretch]
    for lane, mark in enumerate(stretches):
        _bar(axes, mark, 0.965 - LANE * lane, finding_name(mark.finding, language))
    axes.legend(
        loc="upper right", bbox_to_anchor=(1, 1.01 - LANE * len(stretches)), borderaxespad=0.2, handlelength=2.2
    )


def _bar(axes: Axes, mark: Mark, height: float, name: str) -> None:
    """A bar over the steps of a stretch near the top of the plot, with the finding's name where there is room."""
    first, last = mark.steps[0], mark.steps[-1]
    left, right = axes.get_xlim()
    where = axes.get_xaxis_transform()
    axes.plot((first, last), (height, height), color=PROBLEM, linewidth=3, solid_capstyle="butt", transform=where,
              gid="point")  # fmt: skip
    early = first < left + 0.4 * (right - left)
    at, side, shift = first, "right", (-6, 0)
    if early and last < left + 0.6 * (right - left):
        at, side, shift = last, "left", (6, 0)
    elif early:
        at, side, shift = first, "left", (2, -9)
    note = axes.annotate(name, (at, height), xycoords=where, xytext=shift, textcoords="offset points", ha=side,
                         va="center", fontsize=9, color=PROBLEM)  # fmt: skip
    note.set_gid("point")


def _counted(mark: Mark, language: Language) -> str:
    name = finding_name(mark.finding, language)
    return name if len(mark.steps) == 1 else f"{name} × {len(mark.steps):,}"


def _nothing(axes: Axes, text: str) -> None:
    """Say in the plot's own space why it is empty."""
    axes.grid(False)
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED, fontsize=11)
