"""The report as one HTML page that loads nothing: styles, script and pictures are in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from isang.formatting import printable
from isang.html import asset, environment, hashed, safe
from isang.runs.findings import NOT_IN_A_LOG, Language
from isang.runs.findings.ranking import first_things
from isang.runs.plots.curves import Curves
from isang.runs.plots.drawing import COLOURS
from isang.runs.plots.figures import usual_metric
from isang.runs.plots.svg import for_page
from isang.runs.report.judge import JudgedRun
from isang.runs.text import comparing, tables
from isang.runs.text.captions import caption
from isang.runs.text.evidence import evidence_rows
from isang.runs.text.words import finding_name, plot_title, series_name, word

if TYPE_CHECKING:
    from jinja2 import Template

DARK = {
    "ink": "#e4e8eb", "muted": "#9ba6b1", "grid": "#2d353d", "paper": "#15191d", "raw": "#57728a", "running": "#7fc0b1",
    "smooth": "#82b9e2", "ideal": "#e2a56c", "validation": "#cb9bdb", "problem": "#f28b82",
}  # fmt: skip
"""What the colours of the pictures become on a dark screen."""
SECTIONS = (
    "verdicts", "reading", "statistics", "epochs", "phases", "curves", "findings", "quality", "forecast", "limits",
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """One plot as the page needs it: the SVG text as matplotlib wrote it, and its points for reading values."""

    name: str
    svg: str
    points: Mapping[str, Any]


def html(
    runs: Sequence[tuple[JudgedRun, Curves, Sequence[Picture]]],
    language: Language,
    overlay: Picture | None = None,
    reload_seconds: float | None = None,
) -> str:
    """The page for one or more runs, `overlay` comparing them. All text that comes from data is escaped.

    With `reload_seconds` the browser loads it again that often.
    """
    style, script = _style(), asset("isang.runs.report", "page.js")
    title = word("report", language) if len(runs) == 1 else word("runs_report", language, count=len(runs))
    return _template().render(
        language=language, title=title, style=safe(style), script=safe(script),
        reload_seconds=None if reload_seconds is None else f"{max(2.0, reload_seconds):.0f}",
        policy=f"default-src 'none'; style-src '{hashed(style)}'; script-src '{hashed(script)}'; base-uri 'none'; "
        "form-action 'none'",
        runs=[_run(number, *run, language) for number, run in enumerate(runs, start=1)],
        sections=SECTIONS, verdicts=tables.VERDICTS, limits=NOT_IN_A_LOG,
        overlay=_overlay(overlay, usual_metric([curves for _, curves, _ in runs]), language) if overlay else None,
        comparison=comparing.comparison([report for report, _, _ in runs], language) if len(runs) > 1 else None,
        w=lambda key, **values: word(key, language, **values), finding_name=lambda name: finding_name(name, language),
    )  # fmt: skip


def drawn(curves: Curves, language: Language) -> str:
    """How many points of how many are drawn, series by series."""
    shown = (curves.loss, curves.running_mean, curves.smoothed, curves.validation, curves.learning_rate)
    parts = [
        word("drawn_part", language, name=series_name(s.name, language), drawn=f"{len(s.step):,}", of=f"{s.of:,}")
        for s in shown
        if s is not None
    ]
    return word("drawn", language, parts=", ".join(parts)) if parts else ""


def _run(
    position: int, report: JudgedRun, curves: Curves, pictures: Sequence[Picture], language: Language
) -> dict[str, Any]:
    """All that the template says about one run."""
    about, lines = tables.reading(report, language)
    measured = report.evaluation if report.evaluation and report.evaluation.get("measured") else None
    return {
        "id": f"run{position}", "name": report.table.name, "headline": tables.headline(report.findings, language),
        "findings": tables.by_verdict(report.findings), "first": first_things(report.findings),
        "evidence": lambda finding: evidence_rows(finding.evidence, language),
        "about": about, "lines": lines, "accounted": tables.accounted(report, language), "source": report.table.source,
        "totals": tables.totals(report, language), "curves": tables.curves(report, language),
        "minimum_note": tables.minimum_note(report, language), "epochs": tables.epoch_rows(report, language),
        "epochs_note": tables.epochs_note(report, language), "phases": tables.phase_rows(report, language),
        "drawn": drawn(curves, language),
        "plots": [
            {
                "title": plot_title(picture.name, curves.metric, language), "points": picture.points,
                "id": f"run{position}-{picture.name}", "caption": caption(picture.name, curves),
                "svg": safe(for_page(picture.svg, f"run{position}-{picture.name}")),
            }
            for picture in pictures
        ],
        "evaluation": report.evaluation,
        "why_not_measured": tables.why_not_measured(report.evaluation or {}, language),
        "quality": tables.quality(measured, language) if measured else None,
        "scale": tables.loss_scale(report, language), "forecast": report.forecast,
        "forecast_tables": tables.forecast_tables(report.forecast, language),
    }  # fmt: skip


def _overlay(picture: Picture, metric: str, language: Language) -> dict[str, Any]:
    svg = safe(for_page(picture.svg, picture.name))
    title = plot_title("overlay", metric, language)
    return {"title": title, "points": picture.points, "id": picture.name, "svg": svg, "caption": None}


def _style() -> str:
    """The style sheet, with rules that change the pictures' colours to those of the dark theme.

    No rule refers to the picture around an element: markers are clones (`<use>`) in a separate tree.
    """
    rules = "".join(
        f'[{paint}="{light}"]{{{paint}:{DARK[name]}}}'
        for name, light in COLOURS.items()
        for paint in ("stroke", "fill")
    )
    return f"{asset('isang.runs.report', 'page.css')}@media screen and (prefers-color-scheme:dark){{{rules}}}"


@cache
def _template() -> "Template":
    from markupsafe import Markup, escape

    def prose(text: str) -> Markup:
        """Text between backticks is a command."""
        parts = printable(text).split("`")
        return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts))

    templates = environment("isang.runs.report")
    templates.filters["prose"] = prose
    return templates.get_template("page.html.jinja")
