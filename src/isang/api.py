"""The library's objects: a detector of log anomalies, what it finds, and the judgement of a training run."""

import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from isang.errors import InputError, UsageError
from isang.formatting import printable
from isang.html import raw_html

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from isang.artifact import Model
    from isang.config import Config
    from isang.detection.feedback.coverage import Answers
    from isang.detection.incidents import Incident
    from isang.detection.threshold.stretches import Stretch
    from isang.runs.finding import Finding, Language
    from isang.runs.report.judge import Report as JudgedRun

Logs = Any
"""Paths (a file, a folder, a pattern, or several of them), lines of text, or a frame of polars or pandas."""
SHOWN = 20
"""Anomalies that a notebook shows of many."""
LINES_AT_ONCE = 2_000
LOOK_SECONDS = 0.25
"""`Detector.stream` judges after so many lines, or after so long."""


class Anomaly(Mapping[str, Any]):
    """One anomalous session: the record of docs/formats.md as a mapping, its main values as attributes."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = dict(record)

    def __getitem__(self, name: str) -> Any:
        return self._record[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)

    @property
    def session_id(self) -> str:
        """The session's name."""
        return str(self._record["session_id"])

    @property
    def score(self) -> float:
        """-log10 of the p-value of all detectors together."""
        return float(self._record["score"])

    @property
    def p_value(self) -> float:
        """How often a normal session is as strange as this one."""
        return float(self._record["p_value"])

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """Why it is anomalous, what says most first."""
        return list(self._record["reasons"])

    @property
    def lines(self) -> list[str]:
        """The raw lines that the reasons name, each once, in the order of the reasons."""
        named = (reason[name] for reason in self.reasons for name in ("line", "since") if reason.get(name))
        return list(dict.fromkeys(line["text"] for line in named))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as `isang detect --json` prints them."""
        return dict(self._record)

    def __repr__(self) -> str:
        says = self.reasons[0]["says"] if self._record["reasons"] else "no reason"
        return printable(f"<Anomaly {self.session_id}, score {self.score:.1f}: {says}>")

    def _repr_html_(self) -> str:
        rows = []
        for reason in self.reasons:
            line = reason.get("line")
            raw = "" if not line else f"{line['source']}:{line['number']}: {line['text']}"
            rows.append(f"<li>{escape(printable(reason['says']))}{raw_html([raw])}</li>")
        head = f"{self.session_id}, score {self.score:.1f}"
        return f"<div><strong>{escape(printable(head))}</strong><ul>{''.join(rows)}</ul></div>"


class Found(Sequence[Anomaly]):
    """The anomalies in logs, the strangest first, and the incidents that they belong to."""

    def __init__(
        self,
        records: Sequence[Mapping[str, Any]],
        incidents: "Sequence[Incident]",
        sessions: int,
        warnings: Sequence[str],
        smaller: "Sequence[Incident]" = (),
        whole: "Stretch | None" = None,
    ) -> None:
        self._anomalies = [Anomaly(record) for record in records]
        self.incidents = list(incidents)
        """By cause, the most severe first: those of which normal stretches seldom have the like."""
        self.smaller = list(smaller)
        """The others, such as normal stretches of a log have too."""
        self.whole = whole
        """The logs as a whole: `verdict`, `p_value`, `score`."""
        self.sessions = sessions
        """Sessions judged."""
        self.warnings = list(warnings)
        """What a person should know about all of it."""

    @overload
    def __getitem__(self, place: int) -> Anomaly: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Anomaly]: ...
    def __getitem__(self, place: int | slice) -> Anomaly | Sequence[Anomaly]:
        return self._anomalies[place]

    def __len__(self) -> int:
        return len(self._anomalies)

    def to_frame(self) -> "pl.DataFrame":
        """One row per anomaly: session_id, source, start, end, events, score, p_value and the first reason."""
        import polars as pl

        names = ("session_id", "source", "start", "end", "events", "score", "p_value")
        rows = [
            {name: anomaly[name] for name in names}
            | {"reason": anomaly.reasons[0]["says"] if anomaly.reasons else None}
            for anomaly in self
        ]
        types = {"session_id": pl.String, "source": pl.String, "start": pl.String, "end": pl.String, "events": pl.Int64}
        floats = {"score": pl.Float64, "p_value": pl.Float64, "reason": pl.String}
        frame = pl.DataFrame(rows, schema=types | floats)
        return frame.with_columns(pl.col("start", "end").str.to_datetime("%+", time_zone="UTC", time_unit="us"))

    def __repr__(self) -> str:
        return f"<{len(self):,} anomalies of {self.sessions:,} sessions in {len(self.incidents):,} incidents>"

    def _repr_html_(self) -> str:
        parts = [incident._repr_html_() for incident in self.incidents[:SHOWN]]
        more = f"<p>and {len(self.incidents) - SHOWN:,} more incidents</p>" if len(self.incidents) > SHOWN else ""
        return f"<p>{escape(repr(self)[1:-1])}</p>{''.join(parts)}{more}"


class Detector:
    """A detector of anomalous sessions: `fit` learns from logs, `load` reads a model folder.

    Everything is loaded once. A detector can be used from several threads, and several can live in one process.
    """

    def __init__(self, model: "Model", answers: "Answers | None" = None) -> None:
        self._model, self._answers = model, answers

    @classmethod
    def fit(cls, logs: Logs, *, labels: str | Path | None = None, config: "Config | None" = None) -> "Detector":
        """Learn what is normal in `logs` (or in a dataset folder), most of which should be free of faults.

        `labels` is a CSV of known anomalies, as docs/formats.md describes it. Raises InputError and UsageError.
        """
        from isang import stages
        from isang.artifact import load_model
        from isang.logs.store import is_dataset

        with tempfile.TemporaryDirectory(prefix="isang-") as scratch:
            data, run = Path(scratch, "data"), Path(scratch, "run")
            if isinstance(logs, (str, Path)) and is_dataset(Path(logs)):
                if labels is not None:
                    raise UsageError("a dataset folder holds its labels; give labels with raw logs only")
                data = Path(logs)
            else:
                with as_files(logs) as paths:
                    stages.prepare(paths, data, config=config, labels=None if labels is None else Path(labels))
            stages.train(data, run, config=config, with_report=False)
            return cls(load_model(run))

    @classmethod
    def load(cls, folder: str | Path) -> "Detector":
        """The detector in a model folder, or in the folder of a run. Raises InputError."""
        from isang.artifact import load_model
        from isang.detection.feedback.ledger import answers_beside

        return cls(load_model(Path(folder)), answers_beside(Path(folder)))

    def save(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the model folder."""
        from isang.artifact import save_model

        save_model(self._model, Path(folder), overwrite=overwrite)

    @property
    def templates(self) -> list[str]:
        """The templates of lines that it knows."""
        return list(self._model.vocabulary.templates)

    def detect(self, logs: Logs) -> Found:
        """The anomalies in `logs`, with reasons and raw lines; incidents that people called normal are left out."""
        from isang.detection.batch import judge_logs
        from isang.detection.feedback.coverage import NO_ANSWERS

        with as_files(logs) as paths:
            found = judge_logs(self._model, paths, self._answers or NO_ANSWERS)
        return Found(
            found.anomalies, found.incidents, len(found.judged.rows), found.warnings, found.smaller, found.whole
        )

    def stream(
        self, lines: Iterable[str], *, source: str = "stream", idle_seconds: float | None = None
    ) -> Iterator[Anomaly]:
        """Each anomaly among `lines` when its session has ended; nothing is read from or written to files.

        A session ends after `idle_seconds` of silence, measured in the lines' own time; None: as the training data
        say. When `lines` end, so do all sessions. A line that was never seen before is told at once.
        """
        from isang.detection.live import Following
        from isang.logs.stream.pushed import PushedRecords
        from isang.logs.stream.record import Record

        pushed = PushedRecords()
        following = Following(self._model, [], idle_seconds=idle_seconds, source=pushed)
        looked_at = time.monotonic()
        try:
            for number, line in enumerate(lines, 1):
                pushed.push(Record(source, line.rstrip("\r\n"), line=number))
                if len(pushed) >= LINES_AT_ONCE or time.monotonic() - looked_at > LOOK_SECONDS:
                    yield from map(Anomaly, following.poll()[1])
                    looked_at = time.monotonic()
            yield from map(Anomaly, following.poll()[1])
            yield from map(Anomaly, following.finish())
        finally:
            following.close()

    def score(self, logs: Logs) -> "pl.DataFrame":
        """All sessions of `logs`: session_id, source, start, end, events, score, p_value, anomalous; no reasons."""
        import polars as pl

        from isang.artifact import rules_of
        from isang.detection.releases.rewordings import judge_reworded
        from isang.logs.prepare import prepare
        from isang.logs.store import is_dataset, read_dataset

        with as_files(logs) as paths:
            if len(paths) == 1 and is_dataset(Path(paths[0])):
                dataset = read_dataset(Path(paths[0]))
            else:
                dataset = prepare(
                    [str(path) for path in paths], self._model.config.logs, rules=rules_of(self._model)
                ).dataset
        _, judged, _ = judge_reworded(self._model, dataset)
        sessions = dataset.sessions[judged.rows]
        return sessions.select("session_id", "source", "start", "end", pl.col("events").list.len()).with_columns(
            score=pl.Series([decision.score for decision in judged.decisions], dtype=pl.Float64),
            p_value=pl.Series([decision.p_value for decision in judged.decisions], dtype=pl.Float64),
            anomalous=pl.Series([decision.anomalous for decision in judged.decisions], dtype=pl.Boolean),
        )

    def score_samples(self, logs: Logs) -> "NDArray[np.float64]":
        """How normal each session of `logs` is, as scikit-learn counts: higher is more normal, log10 of the p-value."""
        return -self.score(logs)["score"].to_numpy()

    def predict(self, logs: Logs) -> "NDArray[np.int64]":
        """-1 for each anomalous session of `logs`, else 1, as scikit-learn's outlier detectors do."""
        import numpy as np

        return np.where(self.score(logs)["anomalous"].to_numpy(), -1, 1)

    def __repr__(self) -> str:
        facts = self._model.facts
        return (
            f"<Detector of {len(self.templates):,} templates, {facts.get('training_sessions', 0):,} training sessions>"
        )


class Report:
    """The judgement of one training run: `Report("trainer_state.json")`."""

    def __init__(self, log: str | Path, *, loss: str | None = None) -> None:
        runs = self.all(log, loss=loss)
        if len(runs) > 1:
            raise UsageError(f"{log} holds {len(runs)} runs; use isang.Report.all to have a report on each")
        self._run: JudgedRun = runs[0]._run

    @classmethod
    def all(cls, log: str | Path, *, loss: str | None = None) -> "list[Report]":
        """A report on each run in a log or folder. Raises InputError where there is none."""
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
        """One of the plots as a matplotlib figure, such as `learning_rate`; the beginning of its name will do."""
        from isang.runs.plots import figures
        from isang.runs.plots.curves import curves_of

        plot = next((plot for plot in figures.PLOTS if plot.name.startswith(name)), None)
        if plot is None:
            raise UsageError(f"there is no plot {name!r}; there are {', '.join(plot.name for plot in figures.PLOTS)}")
        with figures.style(language):
            return plot.figure(curves_of(self._run), language)

    def to_html(self, language: "Language" = "en") -> str:
        """The report as a page that loads nothing."""
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


@contextmanager
def as_files(logs: Logs) -> Iterator[list[str | Path]]:
    """Logs of any kind as paths: what is not in files yet lies in a temporary folder meanwhile."""
    if isinstance(logs, (str, Path)):
        yield [logs]
        return
    columns = getattr(logs, "columns", None)
    if columns is None:
        items = list(logs)
        if not items:
            raise InputError("there is nothing to read; give paths, lines of text or a data frame")
        if all(isinstance(item, Path) for item in items) or all(_names_something(item) for item in items):
            yield items
            return
        if not all(isinstance(item, str) for item in items):
            kinds = sorted({type(item).__name__ for item in items})
            raise UsageError(f"lines must be text, got {', '.join(kinds)}; decode bytes, or give paths")
        texts: Iterable[str] = (item.rstrip("\r\n") for item in items)
    else:
        texts = _rows(logs)
    with tempfile.TemporaryDirectory(prefix="isang-") as scratch:
        path = Path(scratch, "lines.log")
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(f"{text}\n" for text in texts)
        yield [path]


def _names_something(item: Any) -> bool:
    """Whether a text is the name of a file or folder rather than a line of a log."""
    try:
        return isinstance(item, str) and "\n" not in item and Path(item).exists()
    except OSError:  # longer than a name may be
        return False


def _rows(frame: Any) -> Iterator[str]:
    """The rows of a data frame as JSON lines. Raises UsageError where it has no column `message`."""
    columns = [str(name) for name in frame.columns]
    if "message" not in columns:
        raise UsageError(f"the frame needs a column message, got {', '.join(columns)}; rename the one with the text")
    rows = frame.iter_rows() if hasattr(frame, "iter_rows") else frame.itertuples(index=False, name=None)
    for row in rows:
        known = {name: value for name, value in zip(columns, row, strict=True) if value is not None and value == value}
        yield json.dumps(known, ensure_ascii=False, default=_as_text)


def _as_text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
