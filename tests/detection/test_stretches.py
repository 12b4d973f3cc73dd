"""Stretches of a log as a whole: what normal ones have is not told, what they seldom have is."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.detection.detectors import DETECTORS
from isang.detection.threshold.contamination import without_suspects
from isang.detection.threshold.everyday import everyday
from isang.detection.threshold.stretches import (
    LEAST_STRETCHES,
    HeldOut,
    Stretch,
    judge_stretch,
    stretch_score,
    unusual,
)

SESSIONS = 20_000


def scores() -> pl.DataFrame:
    generator = np.random.default_rng(0)
    return pl.DataFrame({each.name: generator.exponential(size=SESSIONS) * each.least_scale for each in DETECTORS})


def strange(places: np.ndarray) -> tuple[pl.DataFrame, np.ndarray]:
    """Scores in which event_counts finds the sessions at `places`, and which these are."""
    suspected = np.zeros(SESSIONS, dtype=bool)
    suspected[places] = True
    raised = pl.when(pl.Series(suspected)).then(50.0).otherwise("event_counts").alias("event_counts")
    return scores().with_columns(raised), suspected


def test_what_most_stretches_have_is_normal() -> None:
    table, suspected = strange(np.arange(300, SESSIONS, 500))
    assert everyday(DETECTORS, table, suspected, 1.0) == ["event_counts"]
    kept = without_suspects(DETECTORS, table, suspected, ["event_counts"])
    assert kept["event_counts"].max() == 50.0
    assert kept["transition"].drop_nulls().len() == SESSIONS - suspected.sum()


def test_what_one_stretch_has_stays_suspected() -> None:
    table, suspected = strange(np.arange(300, 340))
    assert everyday(DETECTORS, table, suspected, 1.0) == []


def test_few_stretches_say_nothing_of_most() -> None:
    table, suspected = strange(np.arange(300, SESSIONS, 500))
    assert everyday(DETECTORS, table.head(5_000), suspected[:5_000], 1.0) == []


def test_a_score_of_a_stretch_by_hand() -> None:
    """One p-value of .001 among 10 sessions: ln(1 / .01) - 1 + .01, in powers of ten."""
    assert stretch_score(np.array([0.001]), 10) == pytest.approx((np.log(100) - 0.99) / np.log(10))
    assert stretch_score(np.array([0.5]), 10) == 0.0
    assert stretch_score(np.empty(0), 10) == 0.0


def with_held_out(model: Model, p_values: np.ndarray) -> Model:
    return replace(model, held_out=pl.DataFrame({"score": -np.log10(p_values)}))


def test_uniform_p_values_are_seldom_unusual_and_a_fault_is(trained: Model) -> None:
    generator = np.random.default_rng(1)
    model = with_held_out(trained, generator.uniform(size=SESSIONS))
    alarms = 0
    for _ in range(200):
        p_values = generator.uniform(size=1_000)
        alarms += any(unusual(model, np.array([p]), 1_000) for p in p_values[p_values <= 0.001])
    assert alarms <= 0.2 * 200
    fault = generator.uniform(size=1_000)
    fault[500:505] = 1e-5
    assert unusual(model, fault[500:505], 1_000)
    assert judge_stretch(model, fault, 5).verdict == "unlike"
    assert judge_stretch(model, generator.uniform(size=1_000), 0).verdict == "like"


def test_too_few_stretches_cannot_tell() -> None:
    assert Stretch(10, 0, 3.0, (0.0,) * (LEAST_STRETCHES - 1)).verdict == "cannot_tell"
    assert Stretch(10, 0, 3.0, ()).p_value is None


def test_few_calibration_sessions_cannot_call_logs_like_normal_ones() -> None:
    quiet, strange = (Stretch(10, 0, score, (0.1,) * 40, few_sessions=True) for score in (0.0, 9.0))
    assert (quiet.verdict, strange.verdict) == ("cannot_tell", "unlike")
    assert "too few sessions" in quiet.says
    assert Stretch(10, 0, 0.0, (0.1,) * 40).verdict == "like"


def test_a_long_log_is_looked_at_in_parts(trained: Model) -> None:
    model = with_held_out(trained, np.random.default_rng(2).uniform(size=4_000))
    found = judge_stretch(model, np.ones(3_000), 0)
    assert found.parts == 3
    assert found.p_value == 1.0


def test_stretches_hold_every_session_once() -> None:
    assert len(HeldOut(np.ones(1_050), 0.001).scores(100)) == 10
