"""Keep the report of a running training fresh."""

import time
from collections.abc import Sequence
from pathlib import Path

from isang.errors import InputError
from isang.progress import say
from isang.runs.findings import Language
from isang.runs.findings.ranking import ranked
from isang.runs.read.choice import Asked
from isang.runs.report.alarms import Alarms
from isang.runs.report.judge import JudgedRun, log_of, make_report
from isang.runs.report.report import write_report
from isang.runs.text import tables
from isang.runs.text.words import finding_name
from isang.runs.text.writing import number

POLL_SECONDS = 5.0
"""Time between two looks at the logs."""


def follow(
    logs: Sequence[Path],
    out: Path | None,
    *,
    alarms: Alarms | None = None,
    until_problem: bool = False,
    language: Language,
    asked: Asked | None = None,
    evaluation: Path | None = None,
    poll_seconds: float = POLL_SECONDS,
) -> list[JudgedRun]:
    """Rewrite the report whenever a log has grown, until every run has stated its end, or Ctrl-C.

    Without `out` nothing is written. `alarms` reports each problem when it arises; with `until_problem` the first one
    ends the loop. The page reloads itself while the run continues; the last version does not. A log without a loss so
    far is waited for. Returns the last reports. Raises InputError if a log does not exist.
    """
    alarms = alarms or Alarms(language=language)
    reports: list[JudgedRun] = []
    seen: list[tuple[int, int]] = []
    waiting = ""
    try:
        while not _done(reports) and not (until_problem and alarms.any):
            now = [_state(log) for log in logs]
            if now != seen:
                seen = now
                try:
                    reports = [
                        made
                        for log in logs
                        for made in make_report(log, asked=asked, evaluation=evaluation, going_on=True)
                    ]
                except InputError as error:
                    if str(error) != waiting:
                        waiting = str(error)
                        say(f"waiting: {error}")
                else:
                    _write(reports, out, language, None if _done(reports) else poll_seconds)
                    alarms.tell(reports)
            if not _done(reports) and not (until_problem and alarms.any):
                time.sleep(poll_seconds)
    except KeyboardInterrupt:
        if reports:
            _write(reports, out, language, None)
    return reports


def _write(reports: Sequence[JudgedRun], out: Path | None, language: Language, reload_seconds: float | None) -> None:
    if out is not None:
        write_report(reports, out, language=language, overwrite=True, reload_seconds=reload_seconds)
    for report in reports:
        smooth = report.statistics["smoothed_loss"] or {}
        verdicts = tables.headline(report.findings, language)
        steps, planned = f"{report.statistics['steps'] or 0:,}", report.statistics["planned_steps"]
        if planned and planned >= (report.statistics["steps"] or 0):
            steps = f"{steps} of {planned:,}"
        names = ", ".join(finding_name(finding.id, language) for finding in ranked(report.findings))
        said = f"{verdicts} ({names})" if names else verdicts
        say(f"{report.table.name}: step {steps}, smoothed loss {number(smooth.get('final'))}; {said}")


def _done(reports: Sequence[JudgedRun]) -> bool:
    """Whether every run in the reports has stated its end."""
    facts = [report.table.facts for report in reports]
    return bool(facts) and all(fact.get("completed") or fact.get("stop_reason") for fact in facts)


def _state(log: Path) -> tuple[int, int]:
    """What changes when a log grows: its size and its time."""
    newest = log_of(log)
    try:
        if newest.is_dir():
            states = [path.stat() for path in newest.rglob("*") if path.is_file()]
            return sum(state.st_size for state in states), max((state.st_mtime_ns for state in states), default=0)
        state = newest.stat()
    except FileNotFoundError as error:
        raise InputError(f"there is no file {newest}; give the log of a training run") from error
    except OSError as error:
        raise InputError(f"cannot read {newest}: {error.strerror}") from error
    return state.st_size, state.st_mtime_ns
