"""Whole logs to anomalies and incidents, in one go."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isang.artifact import Model, rules_of
from isang.detection.anomalies import grouped, records
from isang.detection.causes.grouping import surroundings
from isang.detection.causes.quiet import quiet_once
from isang.detection.evaluation.drift import other_logs, taken_for
from isang.detection.feedback.coverage import NO_ANSWERS, Answers
from isang.detection.feedback.silencing import told_incidents, told_of_logs
from isang.detection.incidents import Incident, ranked
from isang.detection.releases.never_seen import Coverage, coverage, never_seen, with_outside
from isang.detection.releases.new_templates import new_lines
from isang.detection.releases.rewordings import judge_reworded
from isang.detection.reproduction.kept import kept_sessions
from isang.detection.session_lines import with_sessions
from isang.detection.threshold.stretches import Stretch, judge_stretch, unusual
from isang.detection.whole import many_sessions
from isang.detection.whole.over_time.loud_lines import judge_loud
from isang.detection.whole.over_time.told_lines import lines_in
from isang.detection.whole.over_time.usual import as_usual
from isang.detection.whole.told import noticed
from isang.logs.places import StoredLogs
from isang.logs.prepare import Preparation
from isang.logs.store import Dataset
from isang.logs.stored import stored_logs
from isang.memory import give_back, hold_little
from isang.model.batches import Floats
from isang.model.folder.log_tables import LOUD_LINES


@dataclass(frozen=True)
class JudgedLogs:
    """Logs that a model has judged."""

    dataset: Dataset
    p_values: Floats
    """p-values of all detectors together, one per session in the order of the dataset."""
    anomalies: list[dict[str, Any]]
    """One record per anomalous session, the most unusual first."""
    incidents: list[Incident]
    """The anomalies by their causes, the most severe first: those of which normal stretches seldom have the like."""
    smaller: list[Incident]
    """The others, such as normal stretches of a log have too."""
    whole: Stretch
    """The logs as a whole."""
    silenced: list[Incident]
    """Incidents that users marked as normal."""
    never_seen: list[dict[str, Any]]
    """Templates that no training session has, the loudest first."""
    coverage: Coverage
    """How much of the logs is like the training period."""
    kept: list[dict[str, Any]]
    """What the anomalies can be judged again with, see `isang reproduce`."""
    warnings: list[str]
    """What a person should know about all of it."""


def judge_logs(
    model: Model,
    logs: Sequence[str | Path],
    answers: Answers = NO_ANSWERS,
    *,
    preparation: "Callable[..., Preparation] | None" = None,
) -> JudgedLogs:
    """Read `logs` by the model's rules, or a dataset folder, and judge their sessions; `answers` silence what
    they cover.

    `preparation` as in `stored_logs`.
    """
    hold_little()
    with stored_logs(logs, lambda: (rules_of(model), model.config.logs), preparation=preparation) as stored:
        return judge_stored(model, stored, answers)


def judge_stored(model: Model, logs: StoredLogs, answers: Answers = NO_ANSWERS) -> JudgedLogs:
    """Judge the sessions of a dataset folder; of its logs only the lines that somebody will see are read."""
    give_back()  # what reading took
    model, judged, reworded = judge_reworded(model, logs.dataset)
    new = new_lines(model, logs.dataset, judged)
    warnings = [other_logs(judged), new and new.says, taken_for(reworded)]
    found = grouped(records(model, logs, judged), new.templates if new else ())
    kept = kept_sessions(model, logs, judged, found)
    normal = judged.rows[[not decision.anomalous for decision in judged.decisions]]
    p_values = np.array([decision.p_value for decision in judged.decisions])
    many = many_sessions.many_strange(model, judged)
    together = None if many is None else many_sessions.told(model, logs, judged, many)
    del judged  # of millions of sessions it is larger than all that is still to be made
    give_back()
    lines = lines_in(model, logs)
    usual = as_usual(model, lines)
    everyday = [record for record in found if usual(record)]
    telling = [record for record in found if not usual(record)]
    around = surroundings(model, logs)
    answered = told_incidents(telling, around, answers)
    told, smaller = _parted(model, telling, answered.incidents, len(p_values))
    smaller += _listed_only(told_incidents(everyday, around, answers).incidents, everyday)
    of_all = noticed(model, logs, lines, told, found)
    incidents, smaller = ranked([*of_all.told, *([together] if together else [])]), ranked([*smaller, *of_all.smaller])
    of_logs = told_of_logs(incidents, answers)
    incidents = with_sessions(of_logs.incidents, logs, normal)
    known = model.of_logs.get(LOUD_LINES)
    whole = judge_stretch(model, _without(p_values, logs.dataset, everyday), len(found), judge_loud(known, lines))
    covered = coverage(model, logs)
    warnings.append(covered.not_compared)
    said = [warning for warning in (*warnings, *logs.warnings) if warning]
    return JudgedLogs(
        logs.dataset, p_values, found, incidents, smaller, whole, [*answered.silenced, *of_logs.silenced],
        with_outside(never_seen(model, logs), of_all.never_seen), covered, kept, said,
    )  # fmt: skip


def _without(p_values: Floats, dataset: Dataset, everyday: Sequence[Mapping[str, Any]]) -> Floats:
    """The p-values with those of the sessions that show what is of every day at 1."""
    shown = dataset.sessions["session_id"].is_in([record["session_id"] for record in everyday]).to_numpy()
    return np.where(shown, 1.0, p_values)


def _listed_only(incidents: Sequence[Incident], records: Sequence[dict[str, Any]]) -> list[Incident]:
    for record in records:
        record["smaller"] = True
    return list(incidents)


def _parted(
    model: Model, records: Sequence[dict[str, Any]], incidents: Sequence[Incident], judged: int
) -> tuple[list[Incident], list[Incident]]:
    """The incidents of which normal stretches seldom have the like, and the others, whose records are `smaller`.

    A window that is strange only for a quiet new line that came once is one of the others: what belongs to a key is one
    thing that happened, what stands in a window is whatever came then.
    """
    p_values: dict[str, list[float]] = defaultdict(list)
    for record in records:
        p_values[record["incident"]].append(record["p_value"])
    by_key = model.rules is None or model.rules["session"]["kind"] == "key"
    pairs = [
        (one, unusual(model, np.array(p_values[one.fingerprint]), judged) and (by_key or not quiet_once(one)))
        for one in incidents
    ]
    told, smaller = [one for one, is_told in pairs if is_told], [one for one, is_told in pairs if not is_told]
    less = {one.fingerprint for one in smaller}
    for record in records:
        record["smaller"] = record["incident"] in less
    return told, smaller
