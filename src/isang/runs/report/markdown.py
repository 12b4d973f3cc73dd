"""The report as Markdown text."""

import re
from collections.abc import Sequence

from isang.formatting import printable
from isang.runs.findings import NOT_IN_A_LOG, Finding, Language
from isang.runs.findings.ranking import first_things
from isang.runs.plots.curves import Curves
from isang.runs.plots.figures import PLOTS
from isang.runs.report.judge import JudgedRun
from isang.runs.report.page import drawn
from isang.runs.text import tables
from isang.runs.text.captions import caption
from isang.runs.text.evidence import evidence_rows
from isang.runs.text.tables import Table
from isang.runs.text.words import finding_name, plot_title, word


def document(report: JudgedRun, curves: Curves, language: Language, prefix: str = "") -> str:
    """The whole report of one run; `prefix` stands before the names of its pictures."""
    parts = [f"# {word('report', language)}: {_plain(report.table.name)}", *_verdicts(report, language)]
    parts += _reading(report, language)
    parts += [_heading("statistics", language), _table(tables.totals(report, language))]
    parts += [_table(tables.curves(report, language)), word("curves_note", language)]
    parts += [_plain(note)] if (note := tables.minimum_note(report, language)) else []
    epochs, phases = tables.epoch_rows(report, language), tables.phase_rows(report, language)
    parts += [_heading("epochs", language), _table(epochs) if epochs.rows else word("no_epochs", language)]
    parts += [_plain(note)] if (note := tables.epochs_note(report, language)) else []
    parts += [_heading("phases", language), _table(phases) if phases.rows else word("no_phases", language)]
    parts += _curves(curves, language, prefix)
    parts += [_heading("findings", language)]
    for group in tables.by_verdict(report.findings).values():
        parts += [part for finding in group for part in _finding(finding, language)]
    parts += _quality(report, language)
    parts += _forecast(report, language)
    parts += [_heading("limits", language), "\n".join(f"- {limit[language]}" for limit in NOT_IN_A_LOG)]
    return "\n\n".join(parts) + "\n"


def verdicts(report: JudgedRun, language: Language) -> str:
    """The verdicts alone, and what to do first."""
    return "\n\n".join(_verdicts(report, language)) + "\n"


def _verdicts(report: JudgedRun, language: Language) -> list[str]:
    parts = [_heading("verdicts", language), f"**{tables.headline(report.findings, language)}**"]
    if len(first := first_things(report.findings)) > 1:
        rows = [f"{place}. **{finding_name(f.id, language)}**: {_plain((f.remedy or {})[language])}"
                for place, f in enumerate(first, start=1)]  # fmt: skip
        parts += [f"### {word('section_first', language)}", "\n".join(rows)]
    for verdict, group in tables.by_verdict(report.findings).items():
        if not group:
            continue
        if verdict in ("ok", "not_applicable"):
            names = ", ".join(finding_name(finding.id, language) for finding in group)
            parts.append(f"**{word(f'heading_{verdict}', language)}:** {names}")
            continue
        rows = [f"- **{finding_name(f.id, language)}**: {_plain(f.statement[language])}" for f in group]
        parts += [f"### {word(f'heading_{verdict}', language)}", "\n".join(rows)]
    return parts


def _reading(report: JudgedRun, language: Language) -> list[str]:
    source = report.table.source
    about, lines = tables.reading(report, language)
    header = (word("item", language), word("value", language))
    parts = [_heading("reading", language), _table(Table(header, about.rows)), _table(Table(header, lines.rows))]
    parts.append(_plain(tables.accounted(report, language)))
    if source.failed_examples:
        examples = "\n".join(f"- {_plain(line)}" for line in source.failed_examples)
        parts += [f"### {word('failed_examples', language)}", examples]
    if source.notes:
        parts += [
            f"### {word('assumed', language)}",
            "\n".join(f"- {_plain(note.said(language))}" for note in source.notes),
        ]
    return parts


def _curves(curves: Curves, language: Language, prefix: str) -> list[str]:
    parts = [_heading("curves", language)]
    for plot in PLOTS:
        title = plot_title(plot.name, curves.metric, language)
        sentences = zip(("shows", "healthy", "this"), caption(plot.name, curves), strict=True)
        parts += [f"### {title}", f"![{title}]({prefix}{plot.name}.svg)"]
        parts.append("\n".join(f"- **{word(key, language)}:** {_plain(text[language])}" for key, text in sentences))
    return [*parts, _plain(f"{drawn(curves, language)} {word('drawn_note', language)}")]


def _finding(finding: Finding, language: Language) -> list[str]:
    verdict = word(f"verdict_{finding.verdict}", language)
    parts = [f"### {finding_name(finding.id, language)}: {verdict}", _plain(finding.statement[language])]
    if finding.remedy:
        parts.append(f"**{word('try', language)}:** {_plain(finding.remedy[language])}")
    rows = evidence_rows(finding.evidence, language)
    return [*parts, "\n".join(f"- {_plain(name)}: {_plain(value)}" for name, value, _ in rows)] if rows else parts


def _quality(report: JudgedRun, language: Language) -> list[str]:
    evaluation, parts = report.evaluation, [_heading("quality", language)]
    if evaluation is None:
        parts.append(word("quality_none", language))
    elif evaluation.get("measured"):
        parts.append(_table(tables.quality(evaluation, language)))
    else:
        why = tables.why_not_measured(evaluation, language)
        parts.append(_plain(word("quality_unmeasured", language, why=why)))
    scale = tables.loss_scale(report, language)
    return [*parts, word("scale_note", language), _table(scale)] if scale else parts


def _forecast(report: JudgedRun, language: Language) -> list[str]:
    statement = (report.forecast or {}).get("statement")
    said = _plain(statement[language]) if statement else word("no_forecast", language)
    parts = [_heading("forecast", language), said]
    for name, table in tables.forecast_tables(report.forecast, language):
        parts += [f"### {_plain(name)}", _table(table)]
    return parts


def _heading(section: str, language: Language) -> str:
    return f"## {word(f'section_{section}', language)}"


def _table(table: Table) -> str:
    rows: list[Sequence[str]] = [table.header, ["---"] + ["---:"] * (len(table.header) - 1), *table.rows]
    cells = (" | ".join(_plain(cell) for cell in row) for row in rows)
    return "\n".join(f"| {row} |" for row in cells)


def _plain(text: str) -> str:
    """Text from data, so that it cannot become a heading, a link, a table cell or HTML; backticks stay."""
    text = printable(re.sub(r"\s+", " ", text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\|\[\]])", r"\\\1", text)
