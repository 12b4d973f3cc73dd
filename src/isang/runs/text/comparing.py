"""Several runs beside each other: their best validation and metric, where their settings differ, their problems."""

from collections.abc import Sequence

import numpy as np

from isang.formatting import printable_line
from isang.runs.findings import Language
from isang.runs.findings.generalisation import validation_points
from isang.runs.read.table import METRIC, VALIDATION_LOSS, RunTable, usable
from isang.runs.report.judge import JudgedRun
from isang.runs.text.tables import Table
from isang.runs.text.words import finding_name, number, series_name, word
from isang.runs.text.writing import NO_VALUE, duration

MOST_SETTINGS = 6
"""Settings that differ and are shown, in the order of their file."""


def comparison(reports: Sequence[JudgedRun], language: Language) -> Table:
    """One row per run, the best first if all have the same measures: length, best values, settings, problems."""
    metric = _shared_metric(reports)
    settings = differing_settings([report.table for report in reports])[:MOST_SETTINGS]
    validated = any(_best_validation(report.table) is not None for report in reports)
    header = [word(key, language) for key in ("run", "steps", "duration", "final_smoothed")]
    header += [word("best_validation", language)] * validated
    header += [word("best_of", language, name=printable_line(metric))] if metric else []
    rows = []
    for report in ordered(reports):
        smooth = report.statistics.get("smoothed_loss") or {}
        problems = [finding_name(finding.id, language) for finding in report.findings if finding.verdict == "problem"]
        row = [
            report.table.name, number(report.statistics["steps"]),
            duration(report.statistics["duration_seconds"], language),
            NO_VALUE if report.table.loss == METRIC else number(smooth.get("final")),
        ]  # fmt: skip
        row += [_at(_best_validation(report.table), language)] * validated
        row += [_at(_best_metric(report.table), language)] if metric else []
        row += [printable_line(report.table.settings.get(name, NO_VALUE)) for name in settings]
        rows.append((*row, ", ".join(problems) or NO_VALUE))
    names = [printable_line(name) for name in settings]
    return Table((*header, *names, word("heading_problem", language)), rows)


def comparison_lines(reports: Sequence[JudgedRun], language: Language) -> list[str]:
    """The same for the terminal, a line per run: its best value, the settings that differ, how many problems."""
    names = differing_settings([report.table for report in reports])[:MOST_SETTINGS]
    first = word("compared" if ranked_alike(reports) else "compared_as_given", language, count=len(reports))
    metric, lines = _shared_metric(reports), [first]
    for report in ordered(reports):
        table = report.table
        label = printable_line(metric) if metric else series_name(VALIDATION_LOSS, language)
        best = _at(_best_metric(table) if metric else _best_validation(table), language)
        problems = sum(finding.verdict == "problem" for finding in report.findings)
        key = "count_problem_none" if problems == 0 else "count_problem_one" if problems == 1 else "count_problem"
        said = [f"{label} {best}"] * (best != NO_VALUE)
        said += [f"{printable_line(name)}={printable_line(table.settings.get(name, NO_VALUE))}" for name in names]
        lines.append(f"  {printable_line(table.name)}: " + ", ".join([*said, word(key, language, count=problems)]))
    return lines


def ordered(reports: Sequence[JudgedRun]) -> list[JudgedRun]:
    """The best run first: by the metric where all have the same one, else by the lowest validation loss if all have."""
    if not ranked_alike(reports):
        return list(reports)
    maximised = bool(_shared_metric(reports)) and reports[0].table.metric_maximised
    return sorted(reports, key=lambda report: (-1.0 if maximised else 1.0) * _measured(report, reports)[1])


def ranked_alike(reports: Sequence[JudgedRun]) -> bool:
    """Whether all runs were measured in the same way."""
    best = _best_metric if _shared_metric(reports) else _best_validation
    return all(best(report.table) is not None for report in reports)


def _measured(report: JudgedRun, reports: Sequence[JudgedRun]) -> tuple[int, float]:
    best = (_best_metric if _shared_metric(reports) else _best_validation)(report.table)
    return best if best is not None else (0, float("nan"))


def differing_settings(tables: Sequence[RunTable]) -> list[str]:
    """Names of the settings that are not the same in all runs, in the order of their files."""
    names = dict.fromkeys(name for table in tables for name in table.settings)
    return [name for name in names if len({table.settings.get(name) for table in tables}) > 1]


def _shared_metric(reports: Sequence[JudgedRun]) -> str:
    """The metric that all runs logged, an empty name where they did not."""
    found = {(report.table.metric, report.table.metric_maximised) for report in reports}
    return next(iter(found))[0] or "" if len(found) == 1 else ""


def _best_validation(table: RunTable) -> tuple[int, float] | None:
    steps, values = validation_points(table)
    at = int(np.argmin(values)) if len(values) else 0
    return (int(steps[at]), float(values[at])) if len(values) else None


def _best_metric(table: RunTable) -> tuple[int, float] | None:
    steps, values = table.points(table.metric or "")
    steps, values = steps[usable(values)], values[usable(values)]
    if not len(values):
        return None
    at = int(np.argmax(values) if table.metric_maximised else np.argmin(values))
    return int(steps[at]), float(values[at])


def _at(found: tuple[int, float] | None, language: Language) -> str:
    return NO_VALUE if found is None else word("value_at", language, value=number(found[1]), step=f"{found[0]:,}")
