"""The judgement of a training run."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isang.errors import UsageError
from isang.formatting import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from isang.runs.finding import Finding, Language
    from isang.runs.report.judge import JudgedRun


class Report:
    """The judgement of one training run: `Report("trainer_state.json")`."""

    def __init__(self, log: str | Path, *, loss: str | None = None) -> None:
        runs = self.all(log, loss=loss)
        if len(runs) > 1:
            raise UsageError(f"{log} holds {len(runs)} runs; use isang.Report.all to have a report on each")
        self._run: JudgedRun = runs[0]._run

    @classmethod
    def all(cls, log: str | Path, *, loss: str | None = None) -> "list[Report]":
        """A report on each run in a log or folder. Raises InputError if there is none."""
        from isang import stages

        made = []
        for run in stages.report([Path(log)], loss=loss):
            report = cls.__new__(cls)
            report._run = run
            made.append(report)
        return made

    @property
    def name(self) -> str:
        """The run's name."""
        return self._run.table.name

    @property
    def findings(self) -> "dict[str, Finding]":
        """Each finding by its id: `verdict`, `statement` in `en` and `ko`, `evidence`, `remedy`."""
        return {finding.id: finding for finding in self._run.findings}

    def plot(self, name: str = "loss", language: "Language" = "en") -> "Figure":
        """A plot as a matplotlib figure, by its name, such as `learning_rate`, or the beginning of the name."""
        from isang.runs.plots import figures
        from isang.runs.plots.curves import curves_of

        plot = next((plot for plot in figures.PLOTS if plot.name.startswith(name)), None)
        if plot is None:
            raise UsageError(f"there is no plot {name!r}; there are {', '.join(plot.name for plot in figures.PLOTS)}")
        with figures.style(language):
            return plot.figure(curves_of(self._run), language)

    def to_html(self, language: "Language" = "en") -> str:
        """The report as a self-contained page."""
        from isang.runs.report.report import report_html

        return report_html(self._run, language)

    def to_markdown(self, language: "Language" = "en") -> str:
        """The report as Markdown."""
        from isang.runs.report.report import report_markdown

        return report_markdown(self._run, language)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as in report.json."""
        from isang.runs.report.report import report_json

        return report_json(self._run)

    def __repr__(self) -> str:
        problems = [finding.id for finding in self._run.findings if finding.verdict == "problem"]
        return printable(f"<Report on {self.name}: {', '.join(problems) if problems else 'no problem found'}>")

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{_bold_problem(finding.verdict)}</td><td>{escape(finding.id.replace('_', ' '))}</td>"
            f'<td style="text-align:left">{escape(printable(finding.statement["en"]))}</td></tr>'
            for finding in self._run.findings
            if finding.verdict != "not_applicable"
        )
        return f"<p><strong>{escape(printable(self.name))}</strong></p><table>{rows}</table>"


def _bold_problem(verdict: str) -> str:
    words = escape(verdict.replace("_", " "))
    return f"<strong>{words}</strong>" if verdict == "problem" else words
