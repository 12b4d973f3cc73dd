"""Lines that tell of a failure beside those of the training period, and rare lines that come as they always did."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from isang.artifact import Model
from isang.detection.causes.symptoms import Symptom
from isang.detection.feedback.answers import answer_to
from isang.detection.feedback.coverage import Answers
from isang.detection.feedback.silencing import told_of_logs
from isang.detection.incidents import Incident
from isang.detection.threshold.stretches import Loud, Stretch
from isang.detection.whole.entries import incident_of_logs
from isang.detection.whole.over_time.known_lines import known_lines
from isang.detection.whole.over_time.lines import Lines
from isang.detection.whole.over_time.loud_lines import judge_loud, loud_lines
from isang.detection.whole.over_time.usual import as_usual

NAMES = ("served", "cache miss, a slow read", "disk is broken", "out of space")
LOUDNESS = np.array([0, 2, 3, 3])
HOUR = 3_600.0


def log(seed: int, hours: float, of: dict[int, int]) -> Lines:
    """A request each second, and so many lines of other events, at random times."""
    generator = np.random.default_rng(seed)
    seconds = hours * HOUR
    at = [(second, 0) for second in np.arange(0, seconds)]
    at += [(second, event) for event, number in of.items() for second in generator.uniform(0, seconds, number)]
    at.sort()
    starts = np.array([second // 10 * 10 for second, _ in at])
    events = np.array([event for _, event in at])
    ones = np.ones(len(at), dtype=np.int64)
    return Lines(1e9 + starts, 10.0, ones, events, 0 * ones, NAMES, LOUDNESS, ["app.log"])


def test_an_error_that_was_never_there_is_unlike_and_usual_warnings_are_not() -> None:
    known = loud_lines(log(0, 10, {1: 200}))
    usual = judge_loud(known, log(1, 0.5, {1: 10}))
    failing = judge_loud(known, log(2, 0.5, {1: 10, 2: 1}))
    assert usual is not None
    assert failing is not None
    assert usual.p_value > 0.05
    assert failing.p_value < 0.02
    assert (usual.new, failing.new) == ((), ("disk is broken",))


def test_an_error_of_every_day_is_usual_and_far_more_of_them_are_not() -> None:
    known = loud_lines(log(0, 10, {2: 400}))
    usual, many = (judge_loud(known, log(3, 0.5, {2: number})) for number in (20, 200))
    assert usual is not None
    assert many is not None
    assert usual.p_value > 0.05 > many.p_value
    assert many.new == ()


def test_normal_stretches_are_seldom_unlike() -> None:
    known = loud_lines(log(0, 10, {1: 200, 2: 30, 3: 2}))
    found = [judge_loud(known, log(seed, 0.5, {1: 10, 2: seed % 4})) for seed in range(1, 21)]
    assert sum(one is not None and one.p_value <= 0.05 for one in found) <= 2


def test_a_log_that_is_longer_than_training_is_looked_at_in_parts() -> None:
    found = judge_loud(loud_lines(log(0, 1, {1: 20})), log(1, 2, {1: 40}))
    assert found is not None
    assert found.p_value > 0.1


def test_the_verdict_is_that_of_the_less_likely_of_two() -> None:
    sessions = (0.0,) * 30
    quiet = Stretch(100, 0, 0.0, sessions, loud=Loud(0.0, 1.0, 20, ()))
    failing = Stretch(100, 0, 0.0, sessions, loud=Loud(2.0, 0.002, 20, ("disk is broken",)))
    assert quiet.verdict == "like"
    assert failing.verdict == "unlike"
    assert failing.p_value == pytest.approx(0.004)
    assert failing.score > quiet.score
    assert "1 kind of line at ERROR was never seen before" in failing.says


def of_logs(template: str, of: str, trained: Model) -> Incident:
    return incident_of_logs(
        trained, Symptom("value", template), ("new value", "새 값"), 3.0, "medium",
        ("2026-05-06T10:00:00+00:00", None), 4, (), (), of=of,
    )  # fmt: skip


def test_an_answer_to_an_incident_of_logs_silences_that_value_and_no_other(trained: Model) -> None:
    told, other = of_logs("answered <*>", "status=503", trained), of_logs("answered <*>", "status=418", trained)
    assert told.fingerprint != other.fingerprint
    answers = Answers([answer_to(told.to_dict(), [], "normal")])
    found = told_of_logs([told, other], answers)
    assert (found.incidents, [one.id for one in found.silenced]) == ([other], [told.id])
    anomaly = answer_to(told.to_dict(), [], "anomaly", now=datetime.now(UTC) + timedelta(seconds=1))
    assert told_of_logs([told], Answers([*answers.answers, anomaly])).incidents == [told]
    over = answer_to(told.to_dict(), [], "normal", until=datetime(2026, 5, 6, tzinfo=UTC))
    assert told_of_logs([told], Answers([over])).silenced == []


def record(template: str, detector: str = "rare_event") -> dict[str, Any]:
    return {"reasons": [{"detector": detector, "line": {"template": template, "level": "WARN"}}]}


def test_a_rare_line_that_comes_as_it_always_did_is_usual(trained: Model) -> None:
    training = log(0, 10, {1: 30, 2: 30})
    crowded = training.start_C.copy()
    crowded[training.event_C == 2] = 1e9 + 10 * np.arange(30)  # all of them within five minutes
    order = np.argsort(crowded, kind="stable")
    training = Lines(
        crowded[order], 10.0, training.lines_C, training.event_C[order], training.source_C, NAMES, LOUDNESS,
        training.sources,
    )  # fmt: skip
    model = replace(trained, lines=known_lines(training, []))
    usual = as_usual(model, log(4, 1, {1: 3, 2: 3}))
    assert usual(record(NAMES[1]))
    assert not usual(record(NAMES[1], "time_gap"))
    assert not usual(record(NAMES[2]))  # it came at one time only
    assert not usual(record(NAMES[3]))  # it never came
    assert not as_usual(model, log(5, 1, {1: 30}))(record(NAMES[1]))  # ten times as often
