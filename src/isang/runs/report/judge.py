"""A run with all that was computed about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isang.json_files import flag, items, mapping, maybe, number, one_of, read_json, record, text
from isang.memory import give_back
from isang.runs.findings import Finding, RunContext, judge
from isang.runs.read.choice import Asked
from isang.runs.read.content import standard_input
from isang.runs.read.folders import read_runs
from isang.runs.read.table import Floats, Integers, RunTable
from isang.runs.statistics.forecast import forecast
from isang.runs.statistics.run_statistics import phases, smoothed

EVALUATION_LIMIT = 16 << 20
"""Bytes of an evaluation.json that are read at most; a real one has a few thousand."""


def _metric(value: Any, name: str) -> None:
    """A number, or one with its interval."""
    (record({}, dict.fromkeys(("value", "low", "high"), maybe(number()))) if isinstance(value, dict) else number())(
        value, name
    )


_METRICS = maybe(mapping(maybe(_metric)))
_EVALUATION = record(
    {"schema": one_of(1)},
    {
        "measured": flag,
        **dict.fromkeys(("why_not_measured", "why_not_measured_ko"), maybe(text)),
        "metrics": _METRICS,
        **dict.fromkeys(("detectors", "baselines"), items(record({}, {"name": text, "metrics": _METRICS}))),
    },
)
"""What is looked at in an evaluation.json."""


@dataclass(frozen=True)
class JudgedRun:
    """One run, judged. Dictionaries hold plain JSON values, as DESIGN's report.json names them."""

    table: RunTable
    statistics: Mapping[str, Any]
    epochs: list[dict[str, Any]]
    phases: list[dict[str, Any]]
    schedule: Mapping[str, Any]
    findings: list[Finding]
    forecast: Mapping[str, Any] | None
    evaluation: Mapping[str, Any] | None
    """The content of the evaluation.json that belongs to the run; None if there is none."""

    @property
    def smoothed(self) -> tuple[Integers, Floats]:
        """Steps and values of the smoothed loss, one per row of the table, NaN where a row has no loss."""
        return self.table.step, smoothed(self.table)


def make_report(
    path: Path, *, asked: Asked | None = None, evaluation: Path | None = None, going_on: bool = False
) -> list[JudgedRun]:
    """Read the training log at `path` and judge each run in it.

    `path` is a log file, a folder of them, or a run folder of `isang train` (its newest log is read). `asked` names
    series where their own names do not say what they are. Without `evaluation`, an evaluation.json in the model folder
    beside the log is used. `-` is standard input. `going_on` says that the runs are being followed: one without a last
    line has not ended.
    Raises InputError where nothing can be read.
    """
    if path == Path("-"):
        with standard_input() as log:
            return [judged(table, _read_evaluation(evaluation)) for table in read_runs(log, asked)]
    log = log_of(path)
    measured = _read_evaluation(evaluation or _evaluation_beside(log))
    tables = read_runs(log, asked)
    for table in tables[-1:] if going_on else ():
        if not table.facts.get("completed") and not table.facts.get("stop_reason"):
            table.facts.setdefault("unfinished", True)
    return [judged(table, measured) for table in tables]


def judged(table: RunTable, evaluation: Mapping[str, Any] | None = None) -> JudgedRun:
    """Everything that can be computed about one run."""
    give_back()
    context = RunContext(table, evaluation)
    return JudgedRun(
        table=table,
        statistics=context.statistics,
        epochs=context.epochs,
        phases=phases(table, context.epochs),
        schedule=context.schedule,
        findings=judge(table, context=context),
        forecast=forecast(table, context.schedule),
        evaluation=evaluation,
    )


def log_of(path: Path) -> Path:
    """The newest log of a run folder; any other path as it is."""
    logs = sorted((path / "logs").glob("training_*.log")) if path.is_dir() else []
    return logs[-1] if logs else path  # the names hold the time, so the last one is the newest


def _evaluation_beside(log: Path) -> Path | None:
    beside = log.resolve().parent.parent / "model" / "evaluation.json"
    return beside if log.resolve().parent.name == "logs" and beside.is_file() else None


def _read_evaluation(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    content: dict[str, Any] = read_json(
        path, _EVALUATION, "write it again with `isang evaluate`", most_bytes=EVALUATION_LIMIT
    )
    return content
