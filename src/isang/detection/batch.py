"""Whole logs to anomalies and incidents, in one go."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isang.artifact import Model, rules_of
from isang.detection.anomalies import grouped, records
from isang.detection.causes.grouping import surroundings
from isang.detection.evaluation.drift import other_logs, taken_for
from isang.detection.feedback.coverage import NO_ANSWERS, Answers
from isang.detection.feedback.silencing import told_incidents
from isang.detection.incidents import Incident
from isang.detection.releases.never_seen import Coverage, coverage, never_seen
from isang.detection.releases.new_templates import new_lines
from isang.detection.releases.rewordings import judge_reworded
from isang.detection.session_lines import with_sessions
from isang.detection.threshold.decisions import Judged
from isang.logs.places import StoredLogs, open_logs
from isang.logs.prepare import prepare_folder
from isang.logs.store import Dataset, is_dataset
from isang.memory import give_back, hold_little


@dataclass(frozen=True)
class JudgedLogs:
    """Logs that a model has judged."""

    dataset: Dataset
    judged: Judged
    anomalies: list[dict[str, Any]]
    """One record per anomalous session, the strangest first."""
    incidents: list[Incident]
    """The anomalies by their causes, the most severe first."""
    silenced: list[Incident]
    """Those that people told to be normal."""
    never_seen: list[dict[str, Any]]
    """Templates that no training session has, the loudest first."""
    coverage: Coverage
    """How much of the logs is like the training period."""
    warnings: list[str]
    """What a person should know about all of it."""


def judge_logs(model: Model, logs: Sequence[str | Path], answers: Answers = NO_ANSWERS) -> JudgedLogs:
    """Read `logs` by the model's rules, or a dataset folder, and judge their sessions; `answers` silence what
    they cover.

    Logs become a dataset in a temporary folder, so that memory holds no more than their events.
    """
    hold_little()
    if len(logs) == 1 and is_dataset(Path(logs[0])):
        return judge_stored(model, open_logs(Path(logs[0])), answers)
    with tempfile.TemporaryDirectory(prefix="isang-") as scratch:
        data = Path(scratch, "data")
        prepare_folder([str(path) for path in logs], data, model.config.logs, rules=rules_of(model))
        return judge_stored(model, open_logs(data), answers)


def judge_stored(model: Model, logs: StoredLogs, answers: Answers = NO_ANSWERS) -> JudgedLogs:
    """Judge the sessions of a dataset folder; of its logs only the lines that somebody will see are read."""
    give_back()  # what reading took
    model, judged, reworded = judge_reworded(model, logs.dataset)
    new = new_lines(model, logs.dataset, judged)
    warnings = [other_logs(judged), new and new.says, taken_for(reworded)]
    found = grouped(records(model, logs, judged), new.templates if new else ())
    normal = judged.rows[[not decision.anomalous for decision in judged.decisions]]
    told = told_incidents(found, surroundings(model, logs), answers)
    incidents, silenced = with_sessions(told.incidents, logs, normal), told.silenced
    new_kinds = never_seen(model, logs)
    said = [warning for warning in (*warnings, *logs.warnings) if warning]
    return JudgedLogs(logs.dataset, judged, found, incidents, silenced, new_kinds, coverage(model, logs), said)
