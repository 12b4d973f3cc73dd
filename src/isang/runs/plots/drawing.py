"""How each of the six plots is drawn into axes, from the drawn data of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isang.runs.findings import Language
from isang.runs.plots.annotations import Mark
from isang.runs.plots.curves import Curves, Series
from isang.runs.plots.fonts import measured_name
from isang.runs.plots.label_placement import above_best, beside, best_row
from isang.runs.plots.thinning import nearest
from isang.runs.text.words import finding_name, number, plot_title, series_name, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
DENSE = 800
"""A line of more points than this is drawn thin."""


def draw_loss(axes: Axes, curves: Curves, language: Language) -> None:
    """Plot 1: the loss of every step, the running mean where there is one."""
    _frame(axes, curves, language, "loss_per_step", measured_name(curves.metric, language))
    if curves.loss is None:
        return nothing(axes, word("no_loss", language))
    _line(axes, curves.loss, language, color=RAW, linewidth=0.7 if len(curves.loss.step) > DENSE else 1.5)
    if curves.running_mean is not None:
        _line(axes, curves.running_mean, language, color=RUNNING, linewidth=1.3)
    _loss_scale(axes, curves.loss)
    _finish(axes, curves, curves.loss, language)
    return None


def draw_smoothed(axes: Axes, curves: Curves, language: Language) -> None:
    """Plot 2: the smoothed loss beside the ideal curve, and the validation loss where there is one."""
    _frame(axes, curves, language, "smoothed_loss", measured_name(curves.metric, language))
    smoothed = curves.smoothed
    if smoothed is None:
        return nothing(axes, word("no_loss", language))
    if curves.ideal is not None:
        _line(axes, curves.ideal, language, color=IDEAL, linewidth=1.4, linestyle=(0, (5, 3)))
    _line(axes, smoothed, language, color=SMOOTH, linewidth=1.8)
    if curves.validation is not None:
        few = len(curves.validation.step) <= 60
        _line(axes, curves.validation, language, color=VALIDATION, linewidth=1.3, marker="s" if few else "", ms=4)
    _loss_scale(axes, smoothed)
    row = best_row(smoothed, maximised=curves.maximised)
    at, best = int(smoothed.step[row]), float(smoothed.values[row])
    axes.plot(at, best, "o", ms=6, mfc=PAPER, mec=SMOOTH, mew=1.6, gid="point")
    axes.annotate(
        word("highest" if curves.maximised else "lowest", language, value=number(best), step=f"{at:,}"),
        textcoords="offset points", fontsize=9, color=SMOOTH,
        **above_best(smoothed, (curves.ideal, curves.validation), row),
    )  # fmt: skip
    _finish(axes, curves, smoothed, language)
    return None


def draw_epochs(axes: Axes, curves: Curves, language: Language) -> None:
    """Plot 3: the mean loss of each epoch, and its validation loss if there is one."""
    mean_name = word("mean_metric" if curves.metric else "mean_loss", language)
    _frame(axes, curves, language, "epoch_means", mean_name, by_step=False)
    if not curves.epochs:
        return nothing(axes, word("no_loss", language))
    numbers = [epoch for epoch, _, _ in curves.epochs]
    means = [mean for _, mean, _ in curves.epochs]
    dots = ("o-", "s--") if len(numbers) <= MOST_DOTS else ("-", "--")
    axes.plot(numbers, means, dots[0], color=SMOOTH, linewidth=1.8, ms=6, label=mean_name, gid="series")
    held_out = {epoch: value for epoch, _, value in curves.epochs if value is not None}
    if held_out:
        axes.plot(list(held_out), list(held_out.values()), dots[1], color=VALIDATION, linewidth=1.3, ms=5,
                  label=series_name("validation_loss", language), gid="series")  # fmt: skip
        axes.legend(loc="best")
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
        return nothing(axes, word("no_learning_rate", language))
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
        return nothing(axes, word("no_decrease_metric" if curves.maximised else "no_decrease", language))
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
        below = gone[-1] > goal  # on the side of the line where the curve is not
        axes.annotate(text, (right, goal), xytext=(-2, -11 if below else 3), textcoords="offset points", ha="right",
                      fontsize=9,
                      color=IDEAL, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1})  # fmt: skip
        if at:
            axes.plot(at, goal, "o", ms=5, mfc=PAPER, mec=IDEAL, mew=1.4, gid="point")
    return None


def draw_boxes(axes: Axes, curves: Curves, language: Language) -> None:
    """Plot 6: the spread of the losses within each epoch."""
    _frame(axes, curves, language, "epoch_boxes", measured_name(curves.metric, language), by_step=False)
    if not curves.boxes:
        return nothing(axes, word("no_loss", language))
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
        logarithmic(axes)
    _epoch_axis(axes, numbers, word("epoch" if curves.boxes_are_epochs else "tenth", language))
    return None


def _frame(axes: Axes, curves: Curves, language: Language, name: str, y: str, *, by_step: bool = True) -> None:
    title = axes.set_title(plot_title(name, curves.metric, language), color=INK)
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
        logarithmic(axes)


def logarithmic(axes: Axes) -> None:
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
    """The marks of the findings on the curve `series`, and the legend below the bars, where it covers no line."""
    single = [mark for mark in curves.marks if not mark.stretch]
    for mark in single:
        rows = nearest(series.step, mark.steps)
        colour = PROBLEM if mark.verdict == "problem" else MUTED
        axes.plot(series.step[rows], series.values[rows], "v", ms=6, mfc="none", mec=colour, mew=1.2, gid="point",
                  label=_counted(mark, language))  # fmt: skip
    stretches = [mark for mark in curves.marks if mark.stretch]
    for lane, mark in enumerate(stretches):
        _bar(axes, mark, 0.965 - LANE * lane, finding_name(mark.finding, language))
    axes.legend(loc="best", bbox_to_anchor=(0, 0, 1, 1.01 - LANE * len(stretches)), borderaxespad=0.2, handlelength=2.2)


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


def nothing(axes: Axes, text: str) -> None:
    """Say in the plot's own space why it is empty."""
    axes.grid(False)
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED, fontsize=11)
