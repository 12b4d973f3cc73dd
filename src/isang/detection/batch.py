"""Whole logs to anomalies and incidents, in one go."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isang.artifact import Model, rules_of
from isang.detection.anomalies import grouped, records
from isang.detection.causes.grouping import surroundings
from isang.detection.evaluation.drift import other_logs, taken_for
from isang.detection.feedback.coverage import NO_ANSWERS, Answers
from isang.detection.feedback.silencing import told_incidents
from isang.detection.incidents import Incident, ranked
from isang.detection.releases.never_seen import Coverage, coverage, never_seen
from isang.detection.releases.new_templates import new_lines
from isang.detection.releases.rewordings import judge_reworded
from isang.detection.session_lines import with_sessions
from isang.detection.threshold.decisions import Judged
from isang.detection.threshold.stretches import Stretch, judge_stretch, unusual
from isang.detection.whole.told import noticed
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
    """The anomalies by their causes, the most severe first: those of which normal stretches seldom have the like."""
    smaller: list[Incident]
    """The others, such as normal stretches of a log have too."""
    whole: Stretch
    """The logs as a whole."""
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
    answered = told_incidents(found, surroundings(model, prepared), answers)
    told, smaller = _parted(model, found, answered.incidents, len(judged.rows))
    of_all = noticed(model, prepared, prepared.slots)
    incidents, smaller = ranked([*told, *of_all.told]), ranked([*smaller, *of_all.smaller])
    incidents = with_sessions(incidents, prepared, normal)
    p_values = np.array([decision.p_value for decision in judged.decisions])
    whole = judge_stretch(model, p_values, len(found))
    said = [warning for warning in warnings if warning]
    return JudgedLogs(
        prepared, judged, found, incidents, smaller, whole, answered.silenced, never_seen(model, prepared),
        coverage(model, prepared), said,
    )  # fmt: skip


def _parted(
    model: Model, records: Sequence[dict[str, Any]], incidents: Sequence[Incident], judged: int
) -> tuple[list[Incident], list[Incident]]:
    """The incidents of which normal stretches seldom have the like, and the others, whose records are `smaller`."""
    p_values: dict[str, list[float]] = defaultdict(list)
    for record in records:
        p_values[record["incident"]].append(record["p_value"])
    pairs = [(one, unusual(model, np.array(p_values[one.fingerprint]), judged)) for one in incidents]
    told, smaller = [one for one, is_told in pairs if is_told], [one for one, is_told in pairs if not is_told]
    less = {one.fingerprint for one in smaller}
    for record in records:
        record["smaller"] = record["incident"] in less
    return told, smaller
