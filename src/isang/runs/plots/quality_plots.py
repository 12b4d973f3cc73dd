"""The two pictures of an evaluation: precision against recall, and the scores of normal and anomalous sessions."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from isang.runs.plots.drawing import GRID, IDEAL, INK, MUTED, PROBLEM, SMOOTH
from isang.runs.plots.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
SHOWN_RULES = {
    "unseen_template": ("unseen template", "s"),
    "count_vector": ("count vector", "D"),
    "two_gram": ("2-gram", "^"),
    "edit_distance": ("edit distance", "v"),
    "error_line": ("any ERROR line", "X"),
}
"""Trivial rules that the precision-recall plot shows, each at its own label-free threshold."""


def pictures(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """The SVG files of an evaluation, by file name; without labels there is no precision-recall curve."""
    with style("en"):
        drawn = {"scores.svg": _svg(_scores(evaluation))}
        if evaluation["measured"]:
            drawn["precision_recall.svg"] = _svg(_precision_recall(evaluation))
        return drawn


def _precision_recall(evaluation: Mapping[str, Any]) -> Figure:
    """The curve over all thresholds, where the alert budget put the threshold, and the trivial rules."""
    figure, axes = _figure("Precision and recall on later sessions")
    curve, own = evaluation["curves"]["precision_recall"], evaluation["metrics"]
    value = own["average_precision"]["value"]
    axes.step(
        [0.0, *curve["recall"]], [curve["precision"][0], *curve["precision"]], where="pre", color=SMOOTH, linewidth=1.8,
        label=f"isang, all thresholds\n(average precision {value:.3f})",
    )  # fmt: skip
    _point(axes, own, "o", SMOOTH, f"isang at {_asked(evaluation)}", size=9)
    for rule in evaluation["baselines"]:
        if rule["name"] in SHOWN_RULES:
            name, mark = SHOWN_RULES[rule["name"]]
            _point(axes, rule["metrics"], mark, MUTED, name, size=7)
    base = evaluation["sessions"]["anomalous"] / evaluation["sessions"]["labelled"]
    axes.axhline(base, color=IDEAL, linewidth=1.2, linestyle=(0, (5, 3)), label=f"flag everything ({base:.3f})")
    axes.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def _point(axes: Axes, metrics: Mapping[str, Any], mark: str, colour: str, name: str, size: int) -> None:
    """A rule at its own threshold; one that flags nothing has no precision and is only named."""
    recall, precision = metrics["recall"]["value"], metrics["precision"]["value"]
    if precision is None:
        axes.plot([], [], mark, ms=size, mfc="none", mec=colour, label=f"{name}: flags nothing")
    else:
        axes.plot(recall, precision, mark, ms=size, mfc="none", mec=colour, mew=1.6, label=name, clip_on=False)


def _scores(evaluation: Mapping[str, Any]) -> Figure:
    """How many sessions have which score, on a logarithmic scale, and the threshold."""
    figure, axes = _figure("Scores of later sessions")
    histogram = evaluation["curves"]["scores"]
    edges = np.array(histogram["edges"])
    looks: dict[str, dict[str, Any]] = {
        "unlabelled": {"color": MUTED, "alpha": 0.35, "fill": True},
        "normal": {"color": SMOOTH, "alpha": 0.35, "fill": True},
        "anomalous": {"color": PROBLEM, "linewidth": 1.8},
    }
    for name, look in looks.items():
        counts = np.array(histogram[name])
        if counts.any():
            axes.stairs(counts, edges, label=f"{name} ({counts.sum():,})", **look)
    threshold = -np.log10(evaluation["budget"]["asked_per_thousand"] / 1000)
    axes.axvline(threshold, color=INK, linewidth=1.2, linestyle=(0, (5, 3)), label=f"alert: {_asked(evaluation)}")
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set(xlabel="score: −log10 of the p-value; the last bar holds all higher ones", ylabel="sessions")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def _asked(evaluation: Mapping[str, Any]) -> str:
    return f"{evaluation['budget']['asked_per_thousand']:g} per 1,000"


def _figure(title: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 4.3))
    axes = figure.add_axes((0.105, 0.125, 0.56, 0.765))
    axes.set_title(title, color=INK)
    axes.tick_params(length=3, color=GRID)
    return figure, axes


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata=NO_METADATA)
    return text.getvalue()
