"""Anomalies that nobody labelled are found among the training sessions, and labelled normal ones are left in peace."""

import numpy as np
import polars as pl

from isang.config import DetectionConfig
from isang.detection.detectors import DETECTORS
from isang.detection.threshold.contamination import suspects

SESSIONS, HIDDEN = 2_000, [3, 700, 701, 1_999]


def calibration(detector: str, strange: float) -> pl.DataFrame:
    """Scores of normal sessions by all detectors; one of them sees the hidden anomalies."""
    generator = np.random.default_rng(0)
    scores = {each.name: generator.exponential(size=SESSIONS) * each.least_scale for each in DETECTORS}
    scores[detector][HIDDEN] = strange
    return pl.DataFrame(scores)


def test_hidden_anomalies_are_suspects_whatever_detector_sees_them() -> None:
    everybody = np.ones(SESSIONS, dtype=bool)
    for detector in DETECTORS:
        strange = detector.allowance + 30 * detector.least_scale
        found = suspects(DETECTORS, calibration(detector.name, strange), everybody, DetectionConfig())
        assert set(HIDDEN) <= set(np.nonzero(found)[0].tolist()), detector.name
        assert found.sum() <= len(HIDDEN) + 2


def test_a_detector_without_power_suspects_nobody() -> None:
    everybody = np.ones(SESSIONS, dtype=bool)
    table = calibration("event_order", 50.0)
    assert suspects(DETECTORS, table, everybody, DetectionConfig())[HIDDEN].all()
    assert not suspects(DETECTORS, table, everybody, DetectionConfig(), ["event_order"])[HIDDEN].any()


def test_no_more_than_the_asked_share_are_suspects_and_no_session_that_a_label_calls_normal() -> None:
    table = calibration("event_counts", 1.0)
    everybody = np.ones(SESSIONS, dtype=bool)
    assert suspects(DETECTORS, table, everybody, DetectionConfig(contamination=0.001)).sum() == 2
    assert not suspects(DETECTORS, table, everybody, DetectionConfig(contamination=0.0)).any()
    labelled = everybody.copy()
    labelled[HIDDEN[:2]] = False
    assert np.nonzero(suspects(DETECTORS, table, labelled, DetectionConfig()))[0].tolist() == HIDDEN[2:]


def test_training_sessions_that_a_detector_did_not_score_are_no_suspects_of_it() -> None:
    table = calibration("early_end", 50.0)
    partly = table.with_columns(early_end=pl.when(pl.int_range(pl.len()) >= 1_000).then("early_end"))
    found = suspects(DETECTORS, partly, np.ones(SESSIONS, dtype=bool), DetectionConfig())
    assert np.nonzero(found)[0].tolist() == [1_999]


def test_beside_many_labelled_sessions_all_strange_unlabelled_ones_are_suspects_in_small_logs_too() -> None:
    """However many they are: 30 of 300 are far more than `contamination` allows for."""
    strange = np.arange(300) % 10 == 3
    for detector in DETECTORS:
        table = calibration("event_counts", 0.0).head(300)
        high = detector.allowance + 30 * detector.least_scale
        table = table.with_columns(pl.when(pl.Series(strange)).then(high).otherwise(detector.name).alias(detector.name))
        unlabelled = strange.copy()
        unlabelled[[0, 1, 2]] = True  # and some that look normal
        assert suspects(DETECTORS, table, unlabelled, DetectionConfig()).tolist() == strange.tolist(), detector.name
        assert not suspects(DETECTORS, table, unlabelled, DetectionConfig(contamination=0.0)).any()
        assert not suspects(DETECTORS, table, np.zeros(300, dtype=bool), DetectionConfig()).any()


def test_few_labelled_sessions_do_not_say_what_is_normal() -> None:
    """Not even where they are most of those of the training part, but not of those that every detector scored."""
    row = pl.int_range(pl.len())
    table = calibration("early_end", 0.0).head(300)
    table = table.with_columns(early_end=pl.when(row == 290).then(50.0).otherwise("early_end"))
    latest = table.with_columns(early_end=pl.when(row >= 240).then("early_end"))
    assert suspects(DETECTORS, table, np.arange(300) >= 260, DetectionConfig())[290]
    assert not suspects(DETECTORS, table, np.arange(300) >= 140, DetectionConfig()).any()
    assert not suspects(DETECTORS, latest, np.arange(300) >= 260, DetectionConfig()).any()
