"""Training logs of any tool to statistics, findings and pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isang.errors import UsageError
from isang.files import refuse_existing
from isang.languages import default_language
from isang.progress import say

if TYPE_CHECKING:
    from isang.runs.read.choice import Asked


def report(
    logs: Sequence[Path],
    out: Path | None = None,
    *,
    language: Literal["en", "ko"] | None = None,
    loss: str | None = None,
    validation: str | None = None,
    rate: str | None = None,
    metric: str | None = None,
    step: str | None = None,
    evaluation: Path | None = None,
    overwrite: bool = False,
    follow: bool = False,
    on_problem: str | None = None,
    until_problem: bool = False,
    write_back: bool = False,
) -> list[Any]:
    """Training logs of any tool, or run folders → statistics and findings; with `out`, also the pages and pictures.

    `loss`, `validation`, `rate`, `metric` (NAME, NAME:max or NAME:min) and `step` are names of series in the log. The
    log `-` is standard input. `follow` rewrites the results whenever a log grows, until the runs are done; `on_problem`
    is a command or a webhook called for each problem, and `until_problem` stops at the first one. `write_back` writes
    the verdicts into the runs themselves, which must be TensorBoard folders or W&B runs.
    """
    from isang.runs.read.choice import Asked
    from isang.runs.report import report as pages
    from isang.runs.report.write_back import write_back as put_back
    from isang.runs.report.write_back import writer_for

    asked = Asked(loss=loss, validation=validation, rate=rate, metric=metric, step=step)
    chosen = language or default_language()
    if out is not None:
        refuse_existing(out, overwrite=overwrite)
    if follow:
        if write_back:
            raise UsageError("--write-back belongs to a run that has ended; leave out --follow")
        return _followed(logs, out, chosen, asked, evaluation, on_problem=on_problem, until_problem=until_problem)
    if on_problem is not None:
        raise UsageError("--on-problem belongs to --follow")
    writers = [writer_for(log) for log in logs] if write_back else []
    made = [pages.make_report(log, asked=asked, evaluation=evaluation) for log in logs]
    reports = [report for found in made for report in found]
    for place in put_back(writers, made, logs, chosen):
        say(f"verdicts written to {place}")
    if out is not None:
        pages.write_report(reports, out, language=chosen, overwrite=overwrite)
    return reports


def _followed(
    logs: Sequence[Path],
    out: Path | None,
    language: Literal["en", "ko"],
    asked: "Asked",
    evaluation: Path | None,
    *,
    on_problem: str | None,
    until_problem: bool,
) -> list[Any]:
    """The reports, kept fresh until the runs are done."""
    from isang.runs.report.alarms import Alarms
    from isang.runs.report.live import follow

    if Path("-") in logs:
        raise UsageError("--follow looks at a log again and again, which standard input cannot be; name a file")
    if out is None and on_problem is None and not until_problem:
        raise UsageError(
            "--follow keeps a page fresh and needs a place for it; set --out DIR, or --on-problem or --fail-on"
        )
    alarms = Alarms(on_problem, language=language)
    return list(
        follow(
            logs, out, alarms=alarms, until_problem=until_problem, language=language, asked=asked, evaluation=evaluation
        )
    )


def series(logs: Sequence[Path]) -> list[tuple[str, dict[str, int]]]:
    """The series in training logs of any tool: each run's name, and its series with their numbers of values."""
    from isang.runs.read.folders import series_of
    from isang.runs.report.judge import log_of

    return [found for log in logs for found in series_of(log_of(log))]
