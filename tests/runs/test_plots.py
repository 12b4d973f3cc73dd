"""The pictures: what is drawn, what is kept, and that the same run gives the same picture."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.runs.findings import Finding
from isang.runs.plots import figures
from isang.runs.plots.annotations import marks_of
from isang.runs.plots.curves import Curves, curves_of
from isang.runs.plots.fonts import PLAIN_FONT, can_write, find_korean_font, korean_font
from isang.runs.plots.label_placement import beside
from isang.runs.plots.svg import for_page
from isang.runs.plots.thinning import nearest, thin
from isang.runs.read.folders import read_runs
from isang.runs.report.judge import judged
from isang.runs.statistics.decay_fit import fit_ideal_curve
from isang.runs.text.words import plot_title
from tests.runs.curves import cut_cosine, flat, misshapen

HANGUL = re.compile("[가-힣]")
FONTS_WITH_HANGUL = find_korean_font()


def svg_of(curves: Curves, plot: figures.Plot, language: str) -> str:
    text = io.StringIO()
    with figures.style(language):
        plot.figure(curves, language).savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400),
    st.integers(2, 60),
    st.lists(st.integers(-10, 2000), max_size=10),
    st.integers(1, 5),
)
def test_thinning_keeps_ends_extremes_and_what_was_asked_for(values, most, keep, stride):
    values = np.array(values)
    step = np.arange(len(values)) * stride + 3
    rows = thin(step, values, most, keep)
    assert (np.diff(rows) > 0).all()
    assert {0, len(values) - 1} <= set(rows)
    assert values[rows].min() == values.min()
    assert values[rows].max() == values.max()
    assert set(nearest(step, keep)) <= set(rows)
    assert len(rows) == len(values) if len(values) <= most else len(rows) <= most + 2 + len(keep)


def test_a_thinned_line_has_the_extremes_of_every_stretch():
    step, values = np.arange(10_000), np.random.default_rng(0).normal(size=10_000)
    rows = thin(step, values, 200)
    for first in range(0, 10_000, 1_000):
        drawn = values[rows][(step[rows] >= first) & (step[rows] < first + 1_000)]
        assert drawn.min() == values[first : first + 1_000].min()
        assert drawn.max() == values[first : first + 1_000].max()


@pytest.mark.parametrize(("floor", "scale", "power"), [(0.2, 3.0, 0.5), (0.0, 9.0, 0.3), (1.5, 2.0, 1.0)])
def test_the_ideal_curve_finds_a_planted_decay_through_noise_and_spikes(floor, scale, power):
    random = np.random.default_rng(1)
    step = np.arange(1, 20_001)
    truth = floor + scale * (1 + (step - 1) / 50) ** -power
    loss = truth * (1 + random.normal(0, 0.05, len(step)))
    loss[random.integers(0, len(step), 50)] *= 20
    fitted = fit_ideal_curve(step, loss)
    late = step > 20
    assert np.abs(fitted(step) / truth - 1)[late].max() < 0.05


@pytest.mark.parametrize("loss", [np.linspace(1, 2, 500), np.random.default_rng(2).normal(1, 0.1, 500), np.ones(3)])
def test_there_is_no_ideal_curve_where_nothing_decays(loss):
    assert fit_ideal_curve(np.arange(len(loss)), loss) is None


def test_every_plot_draws_the_run_and_names_its_series():
    curves = curves_of(judged(cut_cosine().table))
    names = {
        "loss_per_step": {"Batch loss"},
        "smoothed_loss": {"Smoothed loss", "Ideal curve (fitted decay)"},
        "epoch_means": {"Mean loss"},
        "learning_rate": {"Learning rate"},
        "decrease": {"Decrease of the smoothed loss"},
        "epoch_boxes": set(),
    }
    with figures.style("en"):
        for plot in figures.PLOTS:
            drawn = figures.readable(plot.figure(curves, "en"), "Step")["series"]
            assert {name for name, _, _ in drawn} == names[plot.name]
            assert all(len(gaps) == len(values) > 1 for _, gaps, values in drawn)


def test_the_planted_fault_is_marked_on_the_curve():
    run = cut_cosine()
    marks = {mark.finding: mark for mark in marks_of(judged(run.table).findings, int(run.table.step[-1]))}
    assert marks["schedule"].stretch
    assert marks["schedule"].steps[0] == pytest.approx(run.low_point, rel=0.02)
    assert "Learning rate schedule" in svg_of(curves_of(judged(run.table)), figures.PLOTS[1], "en")


def test_every_spike_that_a_finding_lists_is_drawn_and_marked():
    run = flat()
    cited = [17, 1203, 4567]
    finding = Finding("spikes", "problem", {"en": "", "ko": ""}, {"spikes": [{"step": step} for step in cited]})
    curves = curves_of(replace(judged(run.table), findings=[finding]), most=100)
    assert set(cited) <= set(curves.loss.step)
    assert curves.marks[0].steps == tuple(cited)
    assert "Spikes × 3" in svg_of(curves, figures.PLOTS[0], "en")


@pytest.mark.parametrize("run", misshapen(), ids=lambda run: run.table.name)
def test_a_misshapen_run_gives_six_pictures_all_the_same(run):
    curves = curves_of(judged(run.table))
    with figures.style("en"):
        for plot in figures.PLOTS:
            plot.figure(curves, "en").savefig(io.StringIO(), format="svg")
        figures.all_in_one(curves, "en").savefig(io.BytesIO(), format="png", dpi=20)


def test_the_same_run_gives_the_same_bytes():
    run = cut_cosine()
    first, second = curves_of(judged(run.table)), curves_of(judged(run.table))
    assert [svg_of(first, plot, "en") for plot in figures.PLOTS] == [
        svg_of(second, plot, "en") for plot in figures.PLOTS
    ]


def test_no_font_of_a_bare_machine_passes_for_a_korean_one():
    assert korean_font([]) is None
    assert korean_font([PLAIN_FONT, "STIXGeneral"]) is None
    assert korean_font(["Noto Sans CJK KR"]) in (None, "Noto Sans CJK KR")  # a name alone is no proof of its glyphs


def test_without_a_korean_font_the_labels_are_english_and_a_korean_name_is_left_out():
    curves = replace(curves_of(judged(cut_cosine().table)), name="학습.log")
    assert not can_write("학습", [PLAIN_FONT])
    for plot in figures.PLOTS:
        assert not HANGUL.search(svg_of(curves, plot, "en"))
    text = io.StringIO()
    with figures.style("en"):
        figures.all_in_one(curves, "en").savefig(text, format="svg")  # a missing glyph would warn, and so fail
    assert not HANGUL.search(text.getvalue())


@pytest.mark.skipif(FONTS_WITH_HANGUL is not None, reason="this machine has a Korean font")
def test_this_machine_without_a_korean_font_chooses_english():
    assert figures.picture_language("ko") == "en"


@pytest.mark.skipif(FONTS_WITH_HANGUL is None, reason="this machine has no Korean font")
def test_with_a_korean_font_the_labels_are_korean_and_have_all_their_glyphs():
    assert figures.picture_language("ko") == "ko"
    curves = curves_of(judged(cut_cosine().table))
    for plot in figures.PLOTS:
        written = "".join(re.findall(r"<text[^>]*>([^<]*)<", svg_of(curves, plot, "ko")))
        assert HANGUL.search(written)
        assert can_write(written, figures.picture_fonts("ko"))


def test_an_svg_for_the_page_has_no_inline_style_and_its_labels_stay_as_they_were():
    plot = figures.PLOTS[2]
    original = svg_of(curves_of(judged(cut_cosine().table)), plot, "en")
    page = for_page(original, "run1-epoch_means")
    assert "style=" not in page
    assert "metadata" not in page
    labels = [re.findall(r"<text[^>]*>([^<]*)</text>", text) for text in (original, page)]
    assert labels[0] == labels[1]
    assert len(page) < len(original)
    references = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert references <= set(re.findall(r' id="([^"]+)"', page))


def test_a_label_makes_way_for_another_line_close_above_its_point() -> None:
    values = [3.0, 2.0, 1.0]
    assert beside(values, 1)["xytext"][1] > 0
    assert beside(values, 1, other=2.1)["xytext"][1] < 0
    assert beside(values, 1, other=2.9) == beside(values, 1, other=1.9) == beside(values, 1)


def rising_metric(folder: Path) -> Curves:
    """A run that logs nothing but a precision that climbs to 0.7."""
    rows = [f'{{"step": {10 * i}, "eval/mAP": {0.7 * (1 - 0.9**i):.4f}}}' for i in range(1, 61)]
    (folder / "metrics.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (table,) = read_runs(folder / "metrics.jsonl")
    return curves_of(judged(table))


def test_a_run_with_only_a_metric_has_no_loss_in_its_titles_and_its_highest_value_is_marked(tmp_path: Path) -> None:
    curves = rising_metric(tmp_path)
    assert curves.maximised
    assert curves.decrease is None
    pictures = {plot.name: svg_of(curves, plot, "en") for plot in figures.PLOTS}
    for name in ("loss_per_step", "smoothed_loss", "epoch_means", "epoch_boxes"):
        assert not re.search("[Ll]oss", plot_title(name, curves.metric, "en"))
        assert plot_title(name, curves.metric, "en") in pictures[name]
    assert "at step 600" in pictures["smoothed_loss"]
    assert "lowest" not in pictures["smoothed_loss"]


def test_the_legend_of_a_rising_curve_covers_none_of_it(tmp_path: Path) -> None:
    with figures.style("en"):
        figure = figures.PLOTS[0].figure(rising_metric(tmp_path), "en")
        figure.canvas.draw()
        (axes,) = figure.axes
        legend = axes.get_legend()
        assert legend is not None
        points = axes.transData.transform(axes.lines[0].get_xydata())
        assert not any(legend.get_window_extent().contains(*point) for point in points)
