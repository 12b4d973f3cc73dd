"""The report of a training run: HTML, Markdown, JSON, pictures, and a summary for the terminal."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isang.errors import InputError
from isang.files import folder_being_written, to_json
from isang.formatting import joined
from isang.runs.findings import Language
from isang.runs.findings.ranking import first_things
from isang.runs.plots.curves import Curves, curves_of
from isang.runs.report import markdown
from isang.runs.report.judge import JudgedRun, judged, make_report
from isang.runs.report.page import Picture, html
from isang.runs.text import tables
from isang.runs.text.words import finding_name, word
from isang.runs.text.writing import plain_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "JudgedRun", "judged", "make_report", "report_html", "report_json", "report_markdown",
    "summary", "write_report",
]  # fmt: skip

POINTS = 3_000
"""Points of the most detailed curve of a page; several runs share twice as many."""
FEWEST_POINTS = 400
PNG_DPI = 100
QUICKLY = {"compress_level": 3}
"""A third of the time of the usual level 6 for a sixth more bytes."""
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def report_json(report: JudgedRun) -> dict[str, Any]:
    """The content of report.json: plain values, None where something is unknown."""
    source = report.table.source
    return {
        "schema": 1,
        "name": report.table.name,
        "source": {
            "path": source.path, "format": source.format, "size_bytes": source.size_bytes, "lines": source.lines,
            "used": source.used, "ignored": source.ignored, "failed": source.failed,
            "failed_examples": list(source.failed_examples), "notes": [note.en for note in source.notes],
            "judged_by": report.table.loss, "judged_series": report.table.loss_name,
            "maximised": report.table.maximised, "objective": report.table.objective, "metric": report.table.metric,
            "loss_window": report.table.loss_window, "series": report.table.series,
        },
        "settings": dict(report.table.settings),
        "statistics": dict(report.statistics),
        "epochs": report.epochs,
        "phases": report.phases,
        "schedule": dict(report.schedule),
        "findings": [
            {
                "id": finding.id, "verdict": finding.verdict, "statement": dict(finding.statement),
                "evidence": dict(finding.evidence), "remedy": dict(finding.remedy) if finding.remedy else None,
            }
            for finding in report.findings
        ],
        "first": [finding.id for finding in first_things(report.findings)],
        "forecast": dict(report.forecast) if report.forecast else None,
    }  # fmt: skip


def report_markdown(report: JudgedRun, language: Language) -> str:
    """The report as Markdown; its pictures are the SVG files beside it."""
    return markdown.document(report, curves_of(report), language, _file_names([report])[0])


def report_html(report: JudgedRun, language: Language) -> str:
    """The report as one HTML page that loads nothing."""
    curves = curves_of(report, POINTS)
    return html([(report, curves, _pictures(curves, language))], language)


def write_report(
    reports: Sequence[JudgedRun],
    folder: Path,
    *,
    language: Language,
    overwrite: bool,
    reload_seconds: float | None = None,
) -> list[Path]:
    """Write report.html, report.md, report.json and the pictures of all runs into `folder`, all or none of them.

    One run: training_curves.png and one SVG per plot. Several: the same for each, its name before the files' names.
    With `reload_seconds` the page reloads itself that often.
    Returns the written files, report.html first. Raises UsageError if `folder` already has content.
    """
    if not reports:
        raise InputError("there is no run to report on")
    most = max(FEWEST_POINTS, min(POINTS, 2 * POINTS // len(reports)))
    runs = []
    with folder_being_written(folder, overwrite=overwrite) as building:
        names = _file_names(reports)
        for report, prefix in zip(reports, names, strict=True):
            curves = curves_of(report, most)
            pictures = _pictures(curves, language)
            for picture in pictures:
                (building / f"{prefix}{picture.name}.svg").write_text(picture.svg, encoding="utf-8")
            (building / f"{prefix}training_curves.png").write_bytes(_one_picture(curves, language))
            runs.append((report, curves, pictures))
        documents = [report_json(report) for report in reports]
        (building / "report.json").write_text(
            to_json(documents[0] if len(documents) == 1 else {"schema": 1, "runs": documents}), encoding="utf-8"
        )
        texts = [
            markdown.document(report, curves, language, prefix)
            for (report, curves, _), prefix in zip(runs, names, strict=True)
        ]
        (building / "report.md").write_text("\n".join(texts), encoding="utf-8")
        overlay = _overlay([curves for _, curves, _ in runs], language) if len(runs) > 1 else None
        if overlay is not None:
            (building / "comparison.svg").write_text(overlay.svg, encoding="utf-8")
        (building / "report.html").write_text(html(runs, language, overlay, reload_seconds), encoding="utf-8")
        written = sorted(path.name for path in building.iterdir())
    return [folder / name for name in sorted(written, key=lambda name: name != "report.html")]


def summary(report: JudgedRun, language: Language) -> str:
    """A screenful for the terminal: the main numbers and the verdicts, problems first."""
    facts, lines = report.statistics, [plain_text(report.table.name)]
    for label, value in tables.totals(report, language).rows:
        lines.append(f"  {label}: {value}")
    lines += [f"  {line}" for line in tables.curve_lines(report, language)]
    if (note := tables.minimum_note(report, language)) and facts.get("running_mean"):
        lines.append(f"  {note}")
    lines += [f"  {plain_text(note.said(language))}" for note in report.table.source.notes]
    lines += ["", tables.headline(report.findings, language)]
    first = first_things(report.findings)
    for verdict, group in tables.by_verdict(report.findings).items():
        if verdict in ("ok", "not_applicable") and group:
            names = ", ".join(finding_name(finding.id, language) for finding in group)
            lines.append(f"{word(f'verdict_{verdict}', language)}: {names}")
            continue
        for finding in group:
            lines.append(f"{word(f'verdict_{verdict}', language)}: {finding_name(finding.id, language)}")
            lines.append(f"  {finding.statement[language]}")
            if finding.remedy and (verdict != "problem" or finding in first):
                label = "try_first" if len(first) > 1 and finding is first[0] else "try"
                lines.append(f"  {word(label, language)}: {finding.remedy[language]}")
    return joined(lines)


def _pictures(curves: Curves, language: Language) -> list[Picture]:
    """The six plots, each drawn and saved once."""
    from isang.runs.plots import figures

    labels = figures.picture_language(language)
    with figures.style(labels):
        return [
            _picture(
                plot.name, plot.figure(curves, labels), "epoch" if plot.name.startswith("epoch") else "step", language
            )
            for plot in figures.PLOTS
        ]


def _overlay(runs: Sequence[Curves], language: Language) -> Picture:
    """All runs in one plot."""
    from isang.runs.plots import figures

    labels = figures.picture_language(language)
    with figures.style(labels):
        return _picture("comparison-plot", figures.overlay(runs, labels), "step", language)


def _picture(name: str, figure: "Figure", unit: str, language: Language) -> Picture:
    from isang.runs.plots import figures

    text = io.StringIO()
    figure.savefig(text, format="svg", metadata=NO_METADATA)
    return Picture(name, text.getvalue(), figures.readable(figure, word(unit, language)))


def _one_picture(curves: Curves, language: Language) -> bytes:
    from isang.runs.plots import figures

    labels = figures.picture_language(language)
    content = io.BytesIO()
    with figures.style(labels):
        figure = figures.all_in_one(curves, labels)
        figure.savefig(content, format="png", dpi=PNG_DPI, metadata={"Software": None}, pil_kwargs=QUICKLY)
    return content.getvalue()


def _file_names(reports: Sequence[JudgedRun]) -> list[str]:
    """The prefix of the names of each run's pictures: empty for one run, else its number and name."""
    if len(reports) == 1:
        return [""]
    names = (re.sub(r"[^\w.-]+", "_", report.table.name)[-60:] for report in reports)
    return [f"{position:0{len(str(len(reports)))}d}_{name}_" for position, name in enumerate(names, start=1)]
