"""Whole logs to anomalies and incidents, in one go."""

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
from isang.logs.prepare import Prepared
from isang.logs.prepare import prepare as read_logs


@dataclass(frozen=True)
class JudgedLogs:
    """Logs that a model has judged."""

    prepared: Prepared
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
    """Read `logs` by the model's rules and judge their sessions; `answers` silence what they cover."""
    prepared = read_logs([str(path) for path in logs], model.config.logs, rules=rules_of(model))
    model, judged, reworded = judge_reworded(model, prepared.dataset)
    new = new_lines(model, prepared.dataset, judged)
    warnings = [other_logs(judged), new and new.says, taken_for(reworded)]
    found = grouped(records(model, prepared, judged), new.templates if new else ())
    normal = judged.rows[[not decision.anomalous for decision in judged.decisions]]
    told = told_incidents(found, surroundings(model, prepared), answers)
    incidents, silenced = with_sessions(told.incidents, prepared, normal), told.silenced
    said = [warning for warning in warnings if warning]
    new_kinds = never_seen(model, prepared)
    return JudgedLogs(prepared, judged, found, incidents, silenced, new_kinds, coverage(model, prepared), said)
